"""What is kept of a complaint that names nobody: who sent it and about whose mail, and no person.

How it works: each value is read by a grammar that has no place for an address (host name, IP address, time, registered
word, name of a program).  A value is left out where it holds a recipient's local part or the subject, as it stands or
in a usual encoding, and where it may hold anything (a long label with many digits).
"""

import re
from base64 import b32decode, b64decode
from codecs import encode
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from urllib.parse import unquote

from bounced.core.contract.times import stamp
from bounced.core.meaning.providers import known_provider
from bounced.core.reading.message import Header, unwrap_words
from bounced.core.reading.notices.notice import addresses
from bounced.core.state import Unattributed
from bounced.core.terms import Category, Report, Verdict

UNKNOWN_PROVIDER = "unknown"
COMPLAINTS = (Category.COMPLAINT, Category.UNSUBSCRIBED)
"""What a complaint may mean.  Feedback of the type opt-out is an unsubscription."""

NOTHING_TOLD = Unattributed({"provider": UNKNOWN_PROVIDER}, known=True)
"""What is kept of a complaint that could not be read to the end."""

_MAX_VALUE_CHARS = 253
_MAX_PERSONS = 200
_RECIPIENT_FIELDS = ("to", "cc", "x-original-to", "delivered-to", "x-hmxmroriginalrecipient")
_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])")  # RFC 1123 section 2.1
_PRODUCT = re.compile(r"[A-Za-z][A-Za-z!._-]{0,39}(?:/\d{1,3}(?:\.\d{1,3}){0,3})?(?=\s|\Z)")  # RFC 9110 section 10.1.5
_RESULTS = re.compile(
    r"\b(spf|dkim|dmarc|arc|iprev|auth|sender-id|domainkeys)\s{0,3}=\s{0,3}"
    r"(pass|fail|softfail|neutral|none|policy|temperror|permerror)\b",
    re.IGNORECASE,
)
_TYPES = frozenset({"abuse", "fraud", "virus", "opt-out", "opt-out-list", "complaint", "miscategorized"})
_PART = re.compile(r"[A-Za-z0-9]{4,}")
_WORDS = re.compile(r"[^a-z0-9]+")
_LABELS = re.compile(r"[A-Za-z0-9-]+")
_DECODERS: tuple[Callable[[str], str], ...] = (
    lambda text: bytes.fromhex(text).decode(),
    lambda text: b32decode(text + "=" * (-len(text) % 8), casefold=True).decode(),
    lambda text: b64decode(text + "=" * (-len(text) % 4)).decode(),
)
_OPAQUE_CHARS, _OPAQUE_DIGITS = 16, 3
_LONG_NAME_CHARS, _LONG_SUBJECT_CHARS = 4, 8
_ROLES = frozenset(
    (
        *("mail", "email", "smtp", "mta", "www", "com", "net", "org", "info", "office", "contact", "kontakt", "hello"),
        *("news", "newsletter", "marketing", "post", "support", "sales", "service", "feedback", "admin", "team"),
        *("abuse", "postmaster", "webmaster", "noreply", "no-reply", "bounce"),
    )
)
"""Local parts that are no person's, and that stand in the names of many hosts."""


def unattributed(report: Report, verdict: Verdict | None) -> Unattributed | None:
    """Return what is kept of a complaint, or of an opt-out, that brought no return path of ours; None for all else."""
    if verdict is None or verdict.category not in COMPLAINTS:
        return None
    returned = Header(report.returned_header)
    persons = _Persons(report, returned)
    wrote, reported = report.fields.get("author-domain", ""), report.reporting_mta or ""
    domains = [(each.address or "").rpartition("@")[2] for each in report.recipients]
    known = known_provider(reported, wrote, *domains)
    author, mta = persons.host(wrote), persons.host(reported)
    sent_by = report.fields.get("original-mail-from") or returned.get("return-path")
    fields = {
        "provider": known or author or mta or UNKNOWN_PROVIDER,
        "category": str(verdict.category),
        "feedback_type": _type(report.fields.get("feedback-type", "")),
        "from_domain": persons.host(_domain(returned.get("from"))),
        "return_path_domain": persons.host(_domain(sent_by)),
        "reporting_mta": mta,
        "user_agent": persons.product(report.fields.get("user-agent", "")),
        "source_ip": persons.ip(report.fields.get("source-ip", "")),
        "arrival_date": _time(report.fields.get("arrival-date") or report.fields.get("received-date", "")),
        "authentication": _authentication(report.fields.get("authentication-results", "")),
    }
    return Unattributed({name: value for name, value in fields.items() if value}, known=known is not None)


class _Persons:
    """The recipients that a complaint names, and its subject: no value may hold either."""

    def __init__(self, report: Report, returned: Header) -> None:
        named = [each.address or "" for each in report.recipients]
        named += [address for name in _RECIPIENT_FIELDS for address in addresses(returned.get(name))]
        local_parts = (address.rpartition("@")[0].strip('"').lower() for address in named[:_MAX_PERSONS])
        self._names = tuple(dict.fromkeys(name for name in local_parts if name and name not in _ROLES))
        subject = unwrap_words(returned.get("subject"))
        self._subject, self._subject_words = _squeezed(subject), frozenset(_WORDS.split(subject.lower()))

    def host(self, text: str) -> str:
        """Return a name of a host or domain in lower case, with nothing personal in it; else nothing."""
        name = text.strip().rstrip(".").lower()[: _MAX_VALUE_CHARS + 1]
        is_name = len(name) <= _MAX_VALUE_CHARS and _HOST.fullmatch(name) is not None
        return name if is_name and not self._within(name) else ""

    def product(self, text: str) -> str:
        """Return the first product that a User-Agent names, with its version; nothing if the subject has that word."""
        found = _PRODUCT.match(text.strip()[:_MAX_VALUE_CHARS])
        if (
            found is None
            or self._within(found[0])
            or not self._subject_words.isdisjoint(_WORDS.split(found[0].lower()))
        ):
            return ""
        return found[0]

    def ip(self, text: str) -> str:
        """Return an IP address."""
        try:
            address = ip_address(text.strip()[:64].removeprefix("IPv6:"))
        except ValueError:
            return ""
        return "" if "%" in str(address) or self._within(address.packed.decode("latin-1")) else str(address)

    def _within(self, value: str) -> bool:
        """Tell whether a value holds a person's name or the subject, in a form that anybody would find."""
        return any(self._holds(form) for form in _forms(value)) or any(map(_is_opaque, _LABELS.findall(value)))

    def _holds(self, form: str) -> bool:
        text = form.lower()
        words, squeezed = _WORDS.split(text), _squeezed(text)
        if "@" in text or (len(self._subject) >= _LONG_SUBJECT_CHARS and self._subject in squeezed):
            return True
        long = (_squeezed(name) for name in self._names if len(name) >= _LONG_NAME_CHARS)
        return any(name in words for name in self._names) or any(name in squeezed for name in long)


def _forms(value: str) -> Iterator[str]:
    """Yield a value as it stands, and what comes out where an encoding is undone."""
    yield from (value, value[::-1], encode(value, "rot13"), unquote(value))
    if "xn--" in value:
        yield _undone(value, lambda text: text.encode().decode("idna"))
    for part in _PART.findall(value):
        yield from (_undone(part, decode) for decode in _DECODERS)


def _undone(text: str, decode: Callable[[str], str]) -> str:
    try:
        return decode(text)
    except ValueError:
        return ""


def _is_opaque(part: str) -> bool:
    """Tell a label that may be the digest of anything."""
    return len(part) >= _OPAQUE_CHARS and sum(map(str.isdigit, part)) >= _OPAQUE_DIGITS


def _squeezed(text: str) -> str:
    return "".join(filter(str.isalnum, text.lower()))


def _type(text: str) -> str:
    return text if text in _TYPES else "other"


def _domain(text: str) -> str:
    """Return the domain of the first address in a header field."""
    return next(iter(addresses(text)), "").rpartition("@")[2]


def _time(text: str) -> str:
    """Return a time of the feedback report in UTC, to the minute."""
    try:
        at = parsedate_to_datetime(text.strip()[:64])
        return stamp(_utc(at).replace(second=0, microsecond=0))
    except (ValueError, TypeError, OverflowError, IndexError):
        return ""


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _authentication(text: str) -> str:
    """Return the methods and their results, without what they were about.  (RFC 8601 section 2.7)"""
    found: Mapping[str, str] = {method.lower(): result.lower() for method, result in _RESULTS.findall(text[:2000])}
    return " ".join(f"{method}={result}" for method, result in found.items())
