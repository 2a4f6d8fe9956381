"""Whether a mail system wrote a message: the signs of it, and what they prove by each kind of reverse path.

| reverse path | a notice of failure is proven by |
|---|---|
| null, or a mail system's own | structure; or a mail system as author; or a fixed phrase of a known MTA |
| unknown | structure; or a mail system as author, and a fixed phrase, our message returned, or a failure announced |
| somebody's | structure; or a mail system as author, and a fixed phrase, and our own message returned |
"""

from enum import Enum, auto
from functools import cached_property, lru_cache

from bounced.core.reading.message import Header, Message, Part, header_of, unwrap_words
from bounced.core.reading.notices.notice import Notice, addresses, own_words
from bounced.core.reading.notices.phrases import (
    ANNOUNCEMENTS_OF_FAILURE,
    CONVERSATIONS,
    DAEMONS,
    REFUSALS,
    REJECTIONS,
    SYSTEM_NAMES,
    SYSTEM_USERS,
    Known,
    known,
    success,
)

DISPOSITIONS = ("message/disposition-notification", "message/global-disposition-notification")
REMEMBERED_NAMES = 512
MAX_NAME_CHARS = 80
_AROUND_NAMES = " \t\"'<>()[]@"


class ReversePath(Enum):
    """Whose reverse path a message came by."""

    SYSTEM = auto()
    """The null one, or that of a mail system: old MTAs report with ``mailer-daemon@``."""
    UNKNOWN = auto()
    """Stored mail does not tell it."""
    SOMEBODY = auto()

    @staticmethod
    def of(path: str | None) -> "ReversePath":
        """Return whose a reverse path is.  ``None`` is unknown; the null one is empty or ``<>``."""
        if path is None:
            return ReversePath.UNKNOWN
        path = path.strip("<> ")
        user = path.rpartition("@")[0] or path
        return ReversePath.SYSTEM if not user or SYSTEM_USERS.matching(user) else ReversePath.SOMEBODY


PROVES = {
    ReversePath.SYSTEM: (("structure",), ("author",), ("phrase",)),
    ReversePath.UNKNOWN: (("structure",), ("author", "returned"), ("author", "announced"), ("author", "phrase")),
    ReversePath.SOMEBODY: (("structure",), ("author", "phrase", "returned")),
}
"""The signs that together prove a notice, by the reverse path; of those that prove, the cheapest stands first."""


class Signs:
    """What says that a mail system wrote a message.  Each sign is looked for when somebody asks for it."""

    NAMES = ("structure", "author", "phrase", "returned", "announced", "attached")

    def __init__(self, message: Message, notice: Notice) -> None:
        """Take a message, and the same as a notice."""
        self._message, self._notice = message, notice
        self.author, self._by_daemon = _author(notice.author) if notice.author else ("from" in message.header, False)
        self._is_structured = bool(message.header.get("x-failed-recipients")) or _is_report_itself(message)
        self._is_conversation = _is_conversation(notice.subject)

    @property
    def structure(self) -> bool:
        """A field, a part or a form that mail systems alone write."""
        return self._is_structured or (not self.author and self._known is Known.FORM)

    @property
    def phrase(self) -> bool:
        """The message's own words hold a fixed phrase of a known MTA, and no person's answer does."""
        return (self.author or not self._is_conversation) and self._known is not None

    @property
    def returned(self) -> bool:
        """A message came back, other than in an answer to it."""
        return self._notice.brings_back and not self._is_conversation

    @property
    def announced(self) -> bool:
        """The words of a mail system say that a message was delivered, or was not, as people say too."""
        if not self.author or self._is_conversation:
            return False
        return bool(
            ANNOUNCEMENTS_OF_FAILURE.matching(self.words)
            or (self._by_daemon and REFUSALS.matching(self.words))
            or success(self.words)
        )

    @property
    def attached(self) -> bool:
        """A report is a part of the message, or of an answer's words, as it is where people hand one on."""
        if self._is_conversation and self._known is not None:
            return True
        return not self.author and any(map(_is_report, self._message.parts))

    @cached_property
    def words(self) -> str:
        """What the author wrote, on one line."""
        return own_words(self._notice.words)

    def prove(self, path: ReversePath) -> bool:
        """Tell whether these prove that a mail system wrote the message."""
        return any(all(getattr(self, sign) for sign in together) for together in PROVES[path])

    def names(self) -> tuple[str, ...]:
        """Return the signs that are there."""
        return tuple(name for name in self.NAMES if getattr(self, name))

    @cached_property
    def _known(self) -> Known | None:
        return known(self.words)


def by_mail_system(header: Header) -> bool:
    """Tell whether From names a mail system, or is there and names nobody."""
    author = unwrap_words(header.get("from"))
    return _author(author)[0] if author else "from" in header


def is_handed_on(header: Header) -> bool:
    """Tell whether a person answered a report, or handed it on."""
    return _is_conversation(unwrap_words(header.get("subject"))) and not by_mail_system(header)


def is_rejection(message: Message) -> bool:
    """Tell a receipt by which a mailbox's filter refuses a message.  (Sieve's reject, RFC 5429 section 2.1)"""
    part = message.first(*DISPOSITIONS)
    return part is not None and "deleted" in part.readable(message.work) and bool(REJECTIONS.matching(message.words))


def _author(author: str) -> tuple[bool, bool]:
    """Return whether From names a mail system, or nobody; and whether one that is no person's name, as postmaster is."""
    found = addresses(author)
    address = found[0] if found else ""
    name = author.replace(address, "").strip(_AROUND_NAMES)
    user = address.rpartition("@")[0].strip("\\") or name
    return _whose(name[:MAX_NAME_CHARS], user[:MAX_NAME_CHARS]) if user else (True, False)


@lru_cache(REMEMBERED_NAMES)
def _whose(name: str, user: str) -> tuple[bool, bool]:
    """Return the same of a name and a local part: mail systems have the same few."""
    is_named = bool(name and SYSTEM_NAMES.matching(name))
    return is_named or bool(SYSTEM_USERS.matching(user)), is_named or bool(DAEMONS.matching(user))


def _is_conversation(subject: str) -> bool:
    """Tell the subject of an answer, or of what is handed on."""
    return (":" in subject or "\uff1a" in subject) and bool(CONVERSATIONS.matching(subject))


def _is_report_itself(message: Message) -> bool:
    """Tell a report whose fields cannot be used, and one that is a receipt by its form."""
    type_ = message.header.get("content-type").lower() if message.header.content_type == "multipart/report" else ""
    return "delivery-status" in type_ or is_rejection(message)


def _is_report(part: Part) -> bool:
    """Tell a report of a mail system among the parts of another message."""
    if part.content_type.endswith("delivery-status"):
        return True
    if part.content_type != "message/rfc822":
        return False
    header = Header(header_of(part.octets))
    return header.content_type == "multipart/report" or ("from" in header and by_mail_system(header))
