"""Which service wrote a file, told by its column names, and what its columns mean."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from bounced.core.terms import Category

Fields = Mapping[str, str]
"""One row of a file: column names in lower case, values without surrounding space."""

Reading = Category | str
"""What a row says: a category, or an SMTP reply that has to be classified."""


class Unrecognised(ValueError):  # noqa: N818 - says what is so; the message names what would be understood
    """Columns that no format has."""


@dataclass(frozen=True, slots=True)
class Format:
    """One export format: the columns that tell it from others, and which of them hold what.

    ``meaning`` reads the reason from a row.  ``says_why`` is false where the columns give no reason: the operator gives
    it.  ``said`` is the column with text about the address, ``at`` the column with the time of the suppression.
    ``told_by`` is for a format whose columns alone say that an address is bad: a file of other failures may have the
    same columns, so the text has to match this pattern too.
    """

    name: str
    columns: frozenset[str]
    address: str
    meaning: Callable[[Fields], Reading]
    at: str = ""
    said: str = ""
    says_why: bool = True
    told_by: re.Pattern[str] | None = None


def _always(category: Category) -> Callable[[Fields], Reading]:
    return lambda _fields: category


def _word(column: str, words: Mapping[str, Category]) -> Callable[[Fields], Reading]:
    """Read a column of fixed words, in any letter case.  Raises KeyError for another word."""
    return lambda fields: words[fields[column].replace("_", "").replace(" ", "").lower()]


def _reply(*columns: str) -> Callable[[Fields], Reading]:
    return lambda fields: " ".join(filter(None, (fields.get(column, "") for column in columns)))


def _postmark(fields: Fields) -> Reading:
    """Read Postmark's reason.  A manual suppression is an unsubscription where its origin is the recipient."""
    category = _word("suppressionreason", _POSTMARK)(fields)
    by_recipient = fields.get("origin", "recipient").lower() == "recipient"
    return category if category is not Category.UNSUBSCRIBED or by_recipient else Category.OPERATOR


def _mailgun_unsubscribed(fields: Fields) -> Reading:
    """Read an unsubscription from all mail.  Raises ValueError for one from mail with some tags only."""
    tags = fields.get("tags", fields.get("tag", ""))
    if tags not in ("", "*"):
        raise ValueError(f"unsubscribed from {tags} only")
    return Category.UNSUBSCRIBED


_UNSAID = _always(Category.UNDETERMINED)
# A word by which SendGrid says that the address itself is bad.
_OF_AN_ADDRESS = re.compile("address|domain|recipient|mailbox|syntax", re.IGNORECASE)
_SES = {"bounce": Category.MAILBOX_UNKNOWN, "complaint": Category.COMPLAINT}
_POSTMARK = {
    "hardbounce": Category.MAILBOX_UNKNOWN,
    "spamcomplaint": Category.COMPLAINT,
    "manualsuppression": Category.UNSUBSCRIBED,
}

OWN = "bounced"
"""Our own format: the fields of the state hash."""


def _format(
    name: str,
    columns: str,
    meaning: Callable[[Fields], Reading] | None,
    at: str = "",
    said: str = "",
    *,
    told_by: re.Pattern[str] | None = None,
) -> Format:
    """Return a format told by columns (separated by commas), of which the first holds the address."""
    names = columns.split(",")
    return Format(name, frozenset(names), names[0], meaning or _UNSAID, at, said, meaning is not None, told_by)


FORMATS = (
    _format(OWN, "address,state,category,since", lambda fields: Category(fields["category"]), "since"),
    _format("categories", "address,category", lambda fields: Category(fields["category"])),
    _format("ses", "emailaddress,reason", _word("reason", _SES), "lastupdatetime"),
    _format("postmark", "emailaddress,suppressionreason", _postmark, "createdat"),
    _format("mailgun-bounces", "address,code,error", _reply("code", "error"), "created_at"),
    _format("mailgun-unsubscribes", "address,tags,created_at", _mailgun_unsubscribed, "created_at"),
    _format("mailgun-unsubscribes", "address,tag,created_at", _mailgun_unsubscribed, "created_at"),
    _format("mailgun", "address,created_at", None, "created_at"),
    _format("sendgrid-bounces", "email,reason,status,created", _reply("reason"), "created"),
    _format(
        "sendgrid-invalid",
        "email,reason,created",
        _always(Category.BAD_ADDRESS),
        "created",
        "reason",
        told_by=_OF_AN_ADDRESS,
    ),
    _format("sendgrid-spam-reports", "email,ip,created", _always(Category.COMPLAINT), "created"),
    _format("sendgrid", "email,created", None, "created"),
    _format(
        "mailchimp-cleaned",
        "email address,clean_time",
        _always(Category.MAILBOX_UNKNOWN),
        "clean_time",
    ),
    _format(
        "mailchimp-unsubscribed",
        "email address,unsub_time",
        _always(Category.UNSUBSCRIBED),
        "unsub_time",
        "unsub_reason",
    ),
    _format("addresses", "address", None),
    _format("addresses", "email", None),
    _format("addresses", "email address", None),
)
"""The formats there are; the first whose columns a file has is taken.  SES, Postmark and Mailgun are read from what
their APIs answer, SendGrid and Mailchimp also from the CSV that their pages export."""


def detect(columns: Iterable[str]) -> Format:
    """Return the format of a file with these columns, which are in lower case.  Raises Unrecognised."""
    names = frozenset(columns)
    for format_ in FORMATS:
        if format_.columns <= names:
            return format_
    known = "".join(f"\n  {each.name}: {', '.join(sorted(each.columns))}" for each in FORMATS)
    found = ", ".join(repr(name[:40]) for name in sorted(names)[:20])
    raise Unrecognised(f"no format has the columns {found or 'of this file'}. There are{known}")
