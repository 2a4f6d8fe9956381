"""Why a forward-path is no return path of ours, and why a recipient needs a token."""

from datetime import date
from enum import StrEnum


class Reason(StrEnum):
    """What is wrong with a forward-path, for our own log and metrics, never for the peer.

    They stand in the order in which reading gets to them.
    """

    FOREIGN = "foreign"
    UNSIGNED = "unsigned"
    MALFORMED = "malformed"
    UNKNOWN_KEY = "unknown_key"
    REVOKED_KEY = "revoked_key"
    TAMPERED = "tampered"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    UNREGISTERED = "unregistered"
    UNREADABLE = "unreadable"


_PROGRESS = {reason: place for place, reason in enumerate(Reason)}

UNDECIDED = frozenset({Reason.NOT_YET_VALID, Reason.UNREADABLE})
"""The path is ours, and the fault can be mended: our clock, or what was registered under a token."""

DEPENDS_ON_SERVER = frozenset({Reason.EXPIRED, Reason.UNREGISTERED})
"""Whether such a path is bad depends on our clock, or on what Redis remembers.  Either may be wrong."""


class BadReturnPath(Exception):  # noqa: N818 - a refusal is an answer, not an error
    """A forward-path that stands for nobody here.

    ``list`` is the list that its domain belongs to, ``issued`` the day on which it was made; where they are known.
    """

    def __init__(self, reason: Reason, *, list_: str = "", issued: date | None = None) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.list = list_
        self.issued = issued

    @property
    def progress(self) -> int:
        """How far the reading came, to compare what several readings of one forward-path came to."""
        return _PROGRESS[self.reason]

    @property
    def foreign(self) -> bool:
        """Whether the domain is somebody else's (550 5.7.1) rather than the path bad (550 5.1.1)."""
        return self.reason is Reason.FOREIGN

    @property
    def for_now(self) -> bool:
        """Whether the path is ours and will be good when somebody has mended a clock or a token."""
        return self.reason in UNDECIDED


class DoesNotFit(ValueError):  # noqa: N818 - says what is so; the remedy is a token
    """A recipient that a signed return path cannot carry, so that a token has to be registered for it."""
