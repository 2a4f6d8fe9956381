"""The field's words, as frozen values that every room shares.

The file is long on purpose: most of it is lists of words, and a reader looks here for all of them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import NamedTuple, Self

_WORD = re.compile(r"[a-z][a-z0-9_.-]{0,63}", re.ASCII)


class Word(StrEnum):
    """A word of the field.  Its hash is the hash of its text, so that it can be looked up by a plain string."""

    __hash__ = str.__hash__

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the word that Redis holds.  Raises ValueError for a text that no version writes as a word.

        A later version may have written a word that this one does not know.  Such a word is returned as it stands: it
        is equal to its text and to no member, it is not ``known``, and it is written back unchanged.
        """
        try:
            return cls(text)
        except ValueError:
            if not cls.is_word(text):
                raise
        word = str.__new__(cls, text)
        word._name_ = word._value_ = text
        return word

    @staticmethod
    def is_word(text: str) -> bool:
        """Whether some version may write a text as a word."""
        return _WORD.fullmatch(text) is not None

    @property
    def known(self) -> bool:
        """Whether this version knows the word."""
        return type(self).__members__.get(self.name) is self


class Kind(Word):
    """What a message is, before anybody asks what it means."""

    BOUNCE = "bounce"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"
    COMPLAINT = "complaint"
    AUTO_REPLY = "auto_reply"
    CHALLENGE = "challenge"
    SUBSCRIPTION = "subscription"
    UNPROVEN = "unproven"
    """A mail system may have written it, and nothing proves it."""
    OTHER = "other"


class Action(Word):
    """What a reporting MTA did with one recipient.  (RFC 3464 section 2.3.3)"""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"


class Class(Word):
    """Whose problem a category is, and so what a sender should do."""

    HARD = "hard"
    SOFT = "soft"
    BLOCK = "block"
    TRANSIENT = "transient"
    COMPLAINT = "complaint"
    NONE = "none"
    UNDETERMINED = "undetermined"


class Category(Word):
    """What happened to a message or an address."""

    MAILBOX_UNKNOWN = "mailbox_unknown"
    BAD_ADDRESS = "bad_address"
    MAILBOX_MOVED = "mailbox_moved"
    MAILBOX_INACTIVE = "mailbox_inactive"
    DOMAIN_INVALID = "domain_invalid"
    MAILBOX_FULL = "mailbox_full"
    RECIPIENT_REFUSED = "recipient_refused"
    EXPIRED = "expired"
    REPUTATION_BLOCK = "reputation_block"
    SPAM_CONTENT = "spam_content"
    AUTH_FAILURE = "auth_failure"
    TLS_FAILURE = "tls_failure"
    POLICY = "policy"
    SENDER_REJECTED = "sender_rejected"
    VIRUS = "virus"
    CONTENT_REJECTED = "content_rejected"
    MESSAGE_TOO_BIG = "message_too_big"
    RELAY_DENIED = "relay_denied"
    PROTOCOL_ERROR = "protocol_error"
    RATE_LIMITED = "rate_limited"
    GREYLISTED = "greylisted"
    DNS_FAILURE = "dns_failure"
    NETWORK = "network"
    REMOTE_SYSTEM = "remote_system"
    COMPLAINT = "complaint"
    AUTO_REPLY = "auto_reply"
    CHALLENGE = "challenge"
    SUBSCRIPTION = "subscription"
    UNSUBSCRIBED = "unsubscribed"
    OPERATOR = "operator"
    ALREADY_SUPPRESSED = "already_suppressed"
    SUCCESS = "success"
    UNDETERMINED = "undetermined"


def class_of(category: Category) -> Class:
    """Return whose problem a category is; nobody can tell for one that this version does not know."""
    return CLASS_OF.get(category, Class.UNDETERMINED)


CLASS_OF: Mapping[Category, Class] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                Category.MAILBOX_UNKNOWN,
                Category.BAD_ADDRESS,
                Category.MAILBOX_MOVED,
                Category.MAILBOX_INACTIVE,
                Category.DOMAIN_INVALID,
            ),
            Class.HARD,
        ),
        **dict.fromkeys((Category.MAILBOX_FULL, Category.RECIPIENT_REFUSED, Category.EXPIRED), Class.SOFT),
        **dict.fromkeys(
            (
                Category.REPUTATION_BLOCK,
                Category.SPAM_CONTENT,
                Category.AUTH_FAILURE,
                Category.TLS_FAILURE,
                Category.POLICY,
                Category.SENDER_REJECTED,
                Category.VIRUS,
                Category.CONTENT_REJECTED,
                Category.MESSAGE_TOO_BIG,
                Category.PROTOCOL_ERROR,
            ),
            Class.BLOCK,
        ),
        **dict.fromkeys(
            (
                Category.RELAY_DENIED,
                Category.RATE_LIMITED,
                Category.GREYLISTED,
                Category.DNS_FAILURE,
                Category.NETWORK,
                Category.REMOTE_SYSTEM,
            ),
            Class.TRANSIENT,
        ),
        Category.COMPLAINT: Class.COMPLAINT,
        **dict.fromkeys(
            (
                Category.AUTO_REPLY,
                Category.CHALLENGE,
                Category.SUBSCRIPTION,
                Category.UNSUBSCRIBED,
                Category.OPERATOR,
                Category.ALREADY_SUPPRESSED,
                Category.SUCCESS,
            ),
            Class.NONE,
        ),
        Category.UNDETERMINED: Class.UNDETERMINED,
    }
)


class State(Word):
    """What a suppression list holds about one address."""

    ACTIVE = "active"
    BOUNCING = "bouncing"
    HELD = "held"
    SUPPRESSED = "suppressed"

    @property
    def on_suppression_list(self) -> bool:
        """Whether an address in this state must not be mailed.  A state that this version does not know is one."""
        return self not in _MAY_BE_MAILED


_MAY_BE_MAILED = frozenset({State.ACTIVE, State.BOUNCING})

ON_SUPPRESSION_LIST = frozenset({State.HELD, State.SUPPRESSED})
"""The known states in which an address must not be mailed; of a stored state ask ``on_suppression_list``."""


class Proof(Word):
    """By what a verdict of class hard is proven: words or a code about the recipient, or a provider's documented form.

    ``after_data``: a server said so after it had accepted the recipient.
    """

    WORDS = "words"
    CODE = "code"
    FORM = "form"
    AFTER_DATA = "after_data"


class Origin(Word):
    """Where evidence came from."""

    SMTP = "smtp"
    LMTP = "lmtp"
    INGEST = "ingest"
    INTAKE = "intake"
    OPERATOR = "operator"
    DAEMON = "daemon"
    """The daemon itself: time, or what it saw in many reports."""


class OptIn(IntEnum):
    """How the recipient came onto the list, as two bits of the return path."""

    UNKNOWN = 0
    SINGLE = 1
    CONFIRMED = 2
    IMPORTED = 3


class Engagement(IntEnum):
    """When the recipient last showed interest, as two bits of the return path."""

    UNKNOWN = 0
    ACTIVE = 1
    INACTIVE = 2
    FIRST_MAIL = 3


@dataclass(frozen=True, slots=True)
class Profile:
    """What the sender knew about a recipient when it sent."""

    opt_in: OptIn = OptIn.UNKNOWN
    engagement: Engagement = Engagement.UNKNOWN

    def __str__(self) -> str:
        """Return it as tokens, events and senders write it: ``confirmed active``."""
        return f"{self.opt_in.name} {self.engagement.name}".lower()

    @classmethod
    def of(cls, text: str) -> Self:
        """Return the profile that is written so.  Raises ValueError."""
        opt_in, _, engagement = text.upper().partition(" ")
        try:
            return cls(OptIn[opt_in], Engagement[engagement])
        except KeyError as error:
            raise ValueError(f"not a profile: {text!r}") from error


UNKNOWN_PROFILE = Profile()


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message as it was taken in.  ``content`` has the line ends that came over the wire.

    ``reverse_path`` is empty for the null one, None where nobody knows it: stored mail does not tell.
    """

    peer: str
    reverse_path: str | None
    forward_path: str
    content: bytes
    received_at: datetime
    origin: Origin = Origin.SMTP


@dataclass(frozen=True, slots=True)
class ReturnPath:
    """Whom a forward-path was made for.

    ``recipient`` is normalised; ``path`` is what the contract calls PATH: the MAC, the token, or a digest;
    ``signed`` is false for pattern paths, which anybody can forge; ``unsubscribes`` is true for unsubscribe paths, to
    which people write who want no more mail.  Mail to it is taken for ``good_days`` from ``issued``.
    """

    list: str
    recipient: str
    path: str
    issued: date | None
    tag: str = ""
    profile: Profile = UNKNOWN_PROFILE
    signed: bool = True
    unsubscribes: bool = False
    good_days: int = 30


@dataclass(frozen=True, slots=True)
class RoleAddress:
    """An address of the bounce domain that is no return path: a feedback address or the postmaster.

    (RFC 5321 section 4.5.1; docs/contract.md, section 3)
    """

    list: str
    local_part: str


Destination = ReturnPath | RoleAddress


NO_FIELDS: Mapping[str, str] = MappingProxyType({})


class PerRecipientFields(NamedTuple):
    """What a report says about one recipient.  (RFC 3464 section 2.3)

    Addresses stand as the report wrote them, without their type and angle brackets; ``None`` where it says nothing.
    ``diagnostic_code`` is without its type, on one line; ``diagnostic_type`` is that type in lower case.  ``text`` is
    the notice's own words about this recipient, where it has any beside the Diagnostic-Code.  ``actual_recipient`` is
    the member of an alias, or what the alias runs, that failed; ``expanded_from`` is the alias, where the notice says
    that one was expanded.
    """

    original_recipient: str | None = None
    final_recipient: str | None = None
    action: Action | None = None
    status: str | None = None
    diagnostic_code: str | None = None
    diagnostic_type: str | None = None
    remote_mta: str | None = None
    text: str | None = None
    actual_recipient: str | None = None
    expanded_from: str | None = None

    @property
    def address(self) -> str | None:
        """The original recipient where the report names one, else the final one."""
        return self.original_recipient or self.final_recipient


class Report(NamedTuple):
    """What a notice says: the message's own fields and a group for each recipient.

    ``reader`` names what recognised it (``rfc3464``, ``arf``, a family of notices, ``flufl.bounce``).
    ``fields`` are further per-message fields in lower case (``original-envelope-id``, ``arrival-date``,
    ``feedback-type``, ...).  ``returned_header`` is the header of the returned message, as far as it came back.
    ``sent_to`` are the addresses to which the notice itself was sent: the sender's.  ``traces`` is, in a complaint, all
    text that may hold the return path of the message that is complained about.  ``signs`` name what speaks for a mail
    system as the author, where that is not proven.
    ``fault`` is what was raised where the message could not be read: then the report says nothing.
    """

    kind: Kind
    reader: str
    reporting_mta: str | None = None
    recipients: tuple[PerRecipientFields, ...] = ()
    message_id: str | None = None
    text: str = ""
    returned_header: str = ""
    fields: Mapping[str, str] = NO_FIELDS
    sent_to: tuple[str, ...] = ()
    traces: str = ""
    signs: tuple[str, ...] = ()
    fault: Exception | None = None


class Verdict(NamedTuple):
    """What one recipient's evidence means, and which rule said so.

    ``rule`` is the id of the row that matched, ``place`` where it matched (``diagnostic``, ``text``,
    ``status``, ``reply_code``, ``none``).  ``status`` is the enhanced status code (``5.1.1``), ``reply_code``
    the three digits of the SMTP reply; ``diagnostic`` is at most 200 characters, control characters escaped.
    Of a category of class hard ``proof`` is a Proof, or ``doubt`` says what is missing; then it counts as soft.
    ``words`` is the diagnostic as a whole where it is longer than that.
    """

    category: Category
    rule: str
    place: str
    action: Action | None = None
    status: str | None = None
    reply_code: str | None = None
    remote_mta: str | None = None
    diagnostic: str = ""
    proof: str = ""
    doubt: str = ""
    words: str = ""

    @property
    def class_(self) -> Class:
        """Whose problem the category is; what looks hard and is not proven counts as soft."""
        class_ = CLASS_OF.get(self.category, Class.UNDETERMINED)
        return Class.SOFT if self.doubt and class_ is Class.HARD else class_

    @property
    def refuses_sender(self) -> bool:
        """Whether the sender was refused: a block, or a limit on what this sender may send now.

        A limit that the status code lays to the mailbox (X.2.X) is the recipient's, who gets too much mail of anybody.
        421 ends the whole connection, so it is about the sender with any status.  (RFC 3463 section 3.3, RFC 5321
        section 3.8)
        """
        if self.category is not Category.RATE_LIMITED:
            return self.class_ is Class.BLOCK
        return self.reply_code == "421" or (self.status or "")[1:4] != ".2."
