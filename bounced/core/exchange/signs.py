"""What other columns of a service's row say: the address is not blocked, or its failure is no reason to suppress it."""

import re
from collections.abc import Container, Sequence
from functools import lru_cache
from typing import NamedTuple

from bounced.core.exchange.formats import Fields, plain
from bounced.core.exchange.names import NAMES
from bounced.core.terms import Class, Verdict, class_of


def _each(names: str) -> frozenset[str]:
    return frozenset(names.split())


_YES = _each("true yes y t 1 on")
_NO = _each("false no n f 0 off null none never - nein falsch non faux falso nee onwaar нет ложь") | {""}

_BLOCKED = _each(
    "emailblocklisted emailblacklisted blocklistedforemail blacklistedforemail emailblocked "
    "blocklisted blacklisted isblocklisted isblacklisted blocked isblocked "
    "suppressed issuppressed emailsuppressed inactive isinactive unsubscribed isunsubscribed "
    "emailunsubscribed optedout isoptedout hasoptedoutofemail emailoptout optout bounced isbounced hardbounced "
    "emailbounced isemailbounced donotemail donotmail donotcontact excluded isexcludedfromcampaigns "
    "isexcluded isspamming isspamcomplaining"
)
"""Columns that say "yes" for an address that must not be mailed."""

_MAILABLE = _each(
    "active isactive enabled isenabled subscribed issubscribed emailsubscribed optedin isoptedin optin emailoptin "
    "mailable ismailable deliverable isdeliverable canemail acceptsmarketing acceptsemailmarketing"
)
"""Columns that say "yes" for an address that may be mailed."""

_EITHER = _each("active isactive enabled isenabled")
"""Of these columns nobody can tell whether they speak of the address or of its row in the suppression list."""

_STATUS = _each(
    "status state emailstatus contactstatus memberstatus subscriptionstatus subscriberstatus emailmarketingconsent "
    "consent deliverability"
)
_FINE = _each(
    "active subscribed enabled valid deliverable confirmed optedin mailable allowed notblocked notsuppressed "
    "notblocklisted notblacklisted unblocked unsuppressed delivered released removed lifted reactivated"
)

_KIND = _each(
    "type bouncetype bouncecategory bounceclass bounceclassification classification category severity event "
    "eventtype reason suppressionreason bouncereason"
)
_OF_SYSTEMS = {
    plain(name.text): class_of(name.category)
    for names in NAMES.values()
    for name in names
    if name.category is not None and class_of(name.category) in (Class.SOFT, Class.TRANSIENT, Class.BLOCK)
}
"""The names of systems for failures with a reason that does not suppress; where they give none, the reply decides."""

_KINDS = _OF_SYSTEMS | {
    word: class_
    for class_, words in {
        Class.SOFT: "soft softbounced softbounces weich mailboxfull overquota quota full",
        Class.TRANSIENT: "transientbounce temporary temporaryfailure temporaryfailed temporaryerror tempfail "
        "deferred deferral delayed delay retry network timeout throttled ratelimited",
        Class.BLOCK: "block blocks blockbounce spam policy contentrejected attachmentrejected messagetoolarge "
        "frequency volume frequencyorvolume frequency/volume virus relaying",
        Class.UNDETERMINED: "undetermined unknown unclassified other general",
        Class.NONE: "autoresponder autoreply outofoffice challengeverification subscribe subscribed delivered delivery "
        "processed sent open opened click clicked dropped success addresschange admin adminbounce adminfailure",
    }.items()
    for word in words.split()
}
"""The words of services for a failure that is no reason to suppress an address, or for no failure at all.

The words for a spam report are others: ``spamcomplaint``, ``spamreport``."""

_SUBTYPE = re.compile(r"[/(:;,]| - ")
"""What stands between a service's word and its subtype: ``Transient/General``, ``Soft (mailbox full)``."""

_CODE = _each("code status smtpcode statuscode smtpstatus replycode enhancedstatuscode dsnstatus")
# Reply-code 4yz (RFC 5321 section 4.2.1), or status-code "4." subject "." detail (RFC 3463 section 2), then no digit.
_TEMPORARY = re.compile(r"4\d\d(?:\D|$)|4\.\d{1,3}\.\d{1,3}(?:\D|$)")
_TEXT = _each(
    "reason error diagnostic diagnosticcode response smtpresponse message description details bouncereason "
    "bouncereasontext bouncemessage bounceerror bouncedetail bouncedetails bouncedescription errormessage errortext "
    "errordescription lasterror smtperror smtpreply serverresponse diagnosticmessage detail emailhardbouncereason "
    "emailhardbouncereasontext hardbouncereason softbouncereason"
)


class Telling(NamedTuple):
    """Those of a file's columns that say something of their own, by what they tell of, however they are spelled."""

    blocked: tuple[str, ...]
    mailable: tuple[str, ...]
    status: tuple[str, ...]
    kind: tuple[str, ...]
    code: tuple[str, ...]
    text: tuple[str, ...]


@lru_cache(256)
def telling(columns: tuple[str, ...]) -> Telling:
    """Return which of these columns tell something."""
    names = _BLOCKED, _MAILABLE, _STATUS, _KIND, _CODE, _TEXT
    return Telling(*(tuple(column for column in columns if plain(column) in each) for each in names))


def says_not_blocked(fields: Fields, among: Telling) -> str | None:
    """Return the column that says that a row's address is not blocked, and its value; None where no column says so.

    A column that says whether the address is blocked decides alone: the others may be older.
    """
    if among.blocked:
        alike = all(fields[name].lower() in _NO for name in among.blocked)
        return _told(fields, among.blocked[0]) if alike else None
    for name in among.mailable:
        value = fields[name]
        if value.lower() in _YES:
            return _told(fields, name)
        if value and value.lower() in _NO and plain(name) in _EITHER:
            return f"{_told(fields, name)}, which may be said of its place on the list"
    for name in among.status:
        if plain(fields[name]) in _FINE:
            return _told(fields, name)
    return None


def harmless_kind(fields: Fields, among: Telling, but: Container[str]) -> tuple[str, Class] | None:
    """Return a service's own word for a failure that is no reason to suppress, with its class, if there is one.

    The columns ``but`` are not asked: the service's table says what their words mean.
    """
    for name in among.kind:
        if name not in but and (class_ := _kind(fields[name])) is not None:
            return fields[name], class_
    return None


def _kind(value: str) -> Class | None:
    """Return the class of a service's word; where it has a subtype, only soft and transient words count alone."""
    first = _KINDS.get(plain(_SUBTYPE.split(value, maxsplit=1)[0]))
    return _KINDS.get(plain(value)) or (first if first in (Class.SOFT, Class.TRANSIENT) else None)


def temporary_code(fields: Fields, among: Telling) -> str | None:
    """Return the code of a temporary failure in a column of codes, if one is there.  (RFC 5321 section 4.2.1)"""
    for name in among.code:
        if _TEMPORARY.match(fields[name]):
            return fields[name]
    return None


def is_temporary(verdict: Verdict) -> bool:
    """Whether an MTA tries again after a reply, by its codes."""
    return any(code.startswith("4") for code in (verdict.reply_code, verdict.status) if code)


def as_reply(fields: Fields, among: Telling, columns: tuple[str, ...], words: Container[str]) -> str:
    """Return the columns of codes and texts as one reply of a server.

    Without ``columns`` they are all that sound like it, but for those with the service's own ``words``.
    """
    if columns:
        return _joined([fields.get(column, "") for column in columns])
    codes = [fields[name] for name in among.code if fields[name][:1] in "45" and name not in words]
    return _joined(codes + [fields[name] for name in among.text if name not in words])


def _joined(values: Sequence[str]) -> str:
    """Return texts as one; a code that another text has already is not said twice."""
    texts = [value for value in values if value]
    return " ".join([text for text in texts if not any(text != other and text in other for other in texts)])


def _told(fields: Fields, name: str) -> str:
    return f"{name} is {fields[name] or 'empty'}"
