"""The formats there are, a table for each service: its exports, their columns, and what its words mean.

docs/import.md says where each stands in the service's own documentation, and how an operator gets the file.
"""

import re
from collections.abc import Iterable

from bounced.core.exchange.formats import Format, Meaning, Words, plain
from bounced.core.exchange.names import NAMES, Name, System
from bounced.core.exchange.rows import CONDEMNING, SkipReason, skip_reason
from bounced.core.terms import Category, class_of

OWN = "bounced"
"""Our own format: the fields of the state hash."""

UNKNOWN, BAD = Category.MAILBOX_UNKNOWN, Category.BAD_ADDRESS
COMPLAINT, UNSUBSCRIBED, OPERATOR = Category.COMPLAINT, Category.UNSUBSCRIBED, Category.OPERATOR
TRANSIENT, SILENT, SOME_MAIL = SkipReason.TRANSIENT, SkipReason.UNDETERMINED, SkipReason.SOME_MAIL
NO_FAILURE, NOT_BLOCKED = SkipReason.NO_FAILURE, SkipReason.NOT_BLOCKED


def _words(column: str, *means: tuple[str, Meaning]) -> Words:
    """Return a column with its words: each meaning with those that have it, separated by spaces."""
    return Words(column, {word: meaning for words, meaning in means for word in (words.split() or [""])})


def _names_of(column: str, system: System) -> Words:
    """Return a column with the names that a system has for failures."""
    return Words(column, {plain(name.text): _meaning(name) for name in NAMES[system]})


def _meaning(name: Name) -> Meaning:
    """Return what a name says of an address in a file; what was not sent does not say why."""
    category = name.category
    if category is None:
        return NO_FAILURE
    if category is Category.ALREADY_SUPPRESSED:
        return SILENT
    return category if category in CONDEMNING else skip_reason(class_of(category))


def _format(
    name: str,
    address: str,
    columns: str = "",
    *words: Words,
    reply: str = "",
    otherwise: Meaning | None = None,
    at: str = "",
    said: str = "",
    scope: str = "",
    told_by: re.Pattern[str] | None = None,
    written: re.Pattern[str] | None = None,
) -> Format:
    """Return a format; several names for the address, and several columns, are separated by commas."""
    told = frozenset(_names(columns))
    return Format(name, _names(address), told, words, _names(reply), otherwise, at, said, scope, told_by, written)


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(",")))


_YES = "true yes"

OURS = (
    _format(OWN, "address", "state,category,since", at="since"),
    _format("categories", "address", "category", Words("category", {plain(each): each for each in Category})),
)

AMAZON_SES = (
    _format(
        "ses",
        "emailaddress",
        "reason",
        _words("reason", ("bounce", UNKNOWN), ("complaint", COMPLAINT)),
        at="lastupdatetime",
    ),
)

POSTMARK = (
    _format(
        "postmark",
        "emailaddress",
        "suppressionreason",
        _words("suppressionreason", ("spamcomplaint", COMPLAINT), ("hardbounce", UNKNOWN)),
        _words(
            "suppressionreason+origin",
            ("manualsuppression+recipient manualsuppression+", UNSUBSCRIBED),
            ("manualsuppression+customer manualsuppression+admin", OPERATOR),
        ),
        at="createdat",
    ),
    _format(
        "postmark-bounces",
        "email",
        "type,bouncedat",
        _names_of("type", System.POSTMARK),
        reply="details",
        at="bouncedat",
    ),
)

# Mailgun's own codes, where it does not even try: 605 for who is on the list already, for whichever reason.
_MAILGUN = _words("code", ("607", COMPLAINT), ("606", UNSUBSCRIBED), ("605", SILENT))
# "*" is all mail.  Without a tag a row may be one of subscribers.
_MAILGUN_TAGS = (("*", UNSUBSCRIBED), ("", SILENT))

MAILGUN = (
    _format(
        "mailgun-bounces", "address", "code,error", _MAILGUN, reply="code,error", otherwise=SILENT, at="created_at"
    ),
    *(
        _format(
            "mailgun-unsubscribes",
            "address",
            f"{tags},created_at",
            _words(tags, *_MAILGUN_TAGS),
            otherwise=SOME_MAIL,
            at="created_at",
            scope=tags,
        )
        for tags in ("tags", "tag")
    ),
    _format("mailgun", "address", "created_at", otherwise=SILENT, at="created_at"),
)

# Words by which SendGrid says that the address itself is bad, such as "Known bad domain" or "Bad Syntax".
_BAD_ADDRESS = re.compile(
    r"(?=.*\b(?:bad|invalid|malformed|illegal|unknown|non-?existent|not (?:a )?valid|not contain))"
    r".*\b(?:address|domain|recipient|mailbox|syntax)",
    re.IGNORECASE | re.DOTALL,
)

_UNIX_SECONDS = re.compile("[0-9]{9,10}")

SENDGRID = (
    _format(
        "sendgrid-bounces", "email", "reason,status,created", reply="status,reason", otherwise=SILENT, at="created"
    ),
    _format(
        "sendgrid-invalid",
        "email",
        "reason,created",
        reply="reason",
        otherwise=BAD,
        at="created",
        told_by=_BAD_ADDRESS,
    ),
    _format("sendgrid-spam-reports", "email", "ip,created", otherwise=COMPLAINT, at="created", written=_UNIX_SECONDS),
    _format(
        "sendgrid-group-unsubscribes",
        "email",
        "group_id,group_name",
        otherwise=SOME_MAIL,
        at="created_at",
        scope="group_name",
    ),
    _format("sendgrid", "email", "created", otherwise=SILENT, at="created"),
)

SPARKPOST = (
    _format(
        "sparkpost",
        "recipient",
        "source",
        _words(
            "source",
            ("spamcomplaint", COMPLAINT),
            ("listunsubscribe unsubscribelink", UNSUBSCRIBED),
            ("manuallyadded", OPERATOR),
            ("bouncerule", UNKNOWN),
            ("compliance", SILENT),
        ),
        reply="description",
        at="created",
    ),
)

MAILCHIMP = (
    _format("mailchimp-cleaned", "email address", "clean_time", otherwise=UNKNOWN, at="clean_time"),
    _format(
        "mailchimp-unsubscribed",
        "email address",
        "unsub_time",
        otherwise=UNSUBSCRIBED,
        at="unsub_time",
        said="unsub_reason",
    ),
    _format(
        "mailchimp-members",
        "email_address",
        "status,last_changed",
        _words(
            "status",
            ("unsubscribed", UNSUBSCRIBED),
            ("cleaned", UNKNOWN),
            ("subscribed pending transactional archived", NOT_BLOCKED),
        ),
        at="last_changed",
        said="unsubscribe_reason",
    ),
)

BREVO = (
    _format(
        "brevo",
        "email",
        "reason.code,blockedat",
        _words(
            "reason.code",
            ("contactflaggedasspam", COMPLAINT),
            ("unsubscribedviaemail unsubscribedviaapi unsubscribedviama", UNSUBSCRIBED),
            ("adminblocked", OPERATOR),
            ("hardbounce", UNKNOWN),
        ),
        at="blockedat",
    ),
)

MAILJET = (
    _format(
        "mailjet-events",
        "email",
        "event,mj_campaign_id",
        _words(
            "event",
            ("spam", COMPLAINT),
            ("unsub", UNSUBSCRIBED),
            ("sent open click", NO_FAILURE),
        ),
        _words("hard_bounce", ("false", TRANSIENT)),
        _names_of("error", System.MAILJET),
        otherwise=SILENT,
        at="time",
    ),
    _format(
        "mailjet-contacts",
        "email",
        "isexcludedfromcampaigns",
        _words("isspamcomplaining", (_YES, COMPLAINT)),
        _words("isexcludedfromcampaigns", (_YES, SILENT)),
        at="exclusionfromcampaignsupdatedat",
    ),
)

HUBSPOT = (
    _format(
        "hubspot",
        "email,email address",
        "portal bounce,portal unsubscribe",
        _words("portal spam report", (_YES, COMPLAINT)),
        _words("portal unsubscribe", (_YES, UNSUBSCRIBED)),
        _words("global bounce", (_YES, SILENT)),
        _words("portal bounce", (_YES, SILENT), ("false no", NOT_BLOCKED)),
        reply="portal bounce",
        otherwise=NOT_BLOCKED,
    ),
    _format(
        "hubspot-contacts",
        "email",
        "email hard bounce reason",
        _words("unsubscribed from all email", (_YES, UNSUBSCRIBED)),
        reply="email hard bounce reason",
        otherwise=NOT_BLOCKED,
    ),
)

_KLAVIYO = "attributes.subscriptions.email.marketing"

KLAVIYO = (
    _format(
        "klaviyo",
        "attributes.email",
        f"{_KLAVIYO}.consent",
        _words(
            f"{_KLAVIYO}.suppression.reason",
            ("spamcomplaint", COMPLAINT),
            ("unsubscribe", UNSUBSCRIBED),
            ("usersuppressed", OPERATOR),
            ("hardbounce", UNKNOWN),
            ("invalidemail", BAD),
        ),
        _words(f"{_KLAVIYO}.consent", ("unsubscribed", UNSUBSCRIBED), ("subscribed neversubscribed", NOT_BLOCKED)),
        at=f"{_KLAVIYO}.suppression.timestamp",
    ),
)

RESEND = (
    _format(
        "resend",
        "email",
        "origin,source_id,created_at",
        _words("origin", ("complaint", COMPLAINT), ("manual", OPERATOR), ("bounce", UNKNOWN)),
        at="created_at",
    ),
)

ADDRESSES = (_format("addresses", "address,email,email address,emailaddress", otherwise=SILENT),)
"""Columns that say of an address only that it is one."""

FORMATS = (
    *OURS,
    *AMAZON_SES,
    *POSTMARK,
    *MAILGUN,
    *SENDGRID,
    *SPARKPOST,
    *MAILCHIMP,
    *BREVO,
    *MAILJET,
    *HUBSPOT,
    *KLAVIYO,
    *RESEND,
    *ADDRESSES,
)
"""All of them; the first whose columns a file has is taken."""

_NAMELESS = (("emailaddress", "reason"), ("", "emailaddress", "lastupdatetime", "reason"))
"""Columns of files without a first line of names: what Amazon SES reads itself, and what its command line prints."""


def columns_of(first: Iterable[str]) -> tuple[str, ...] | None:
    """Return the columns of a file whose first row is data already, None where it holds their names."""
    row = [cell.strip() for cell in first]
    if len(row) == 1 and "@" in row[0]:  # no column is called so: addresses alone
        return ("address",)
    (ses,) = AMAZON_SES
    for names in _NAMELESS:
        if len(row) == len(names):
            fields = dict(zip(names, row, strict=True))
            if "@" in fields["emailaddress"] and ses.told(fields):
                return names
    return None
