"""Why a forward-path is no return path of ours, and why a recipient needs a token."""

from enum import StrEnum


class Reason(StrEnum):
    """What is wrong with a forward-path.  For our own log and metrics, never for the peer."""

    FOREIGN = "foreign"
    MALFORMED = "malformed"
    UNSIGNED = "unsigned"
    UNKNOWN_KEY = "unknown_key"
    REVOKED_KEY = "revoked_key"
    TAMPERED = "tampered"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    UNREGISTERED = "unregistered"


class Refused(Exception):  # noqa: N818 - a refusal is an answer, not an error
    """A forward-path that stands for nobody here."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason

    @property
    def foreign(self) -> bool:
        """Whether the domain is somebody else's (550 5.7.1) rather than the path bad (550 5.1.1)."""
        return self.reason is Reason.FOREIGN

    @property
    def for_now(self) -> bool:
        """Whether the path will be good: it was made with our key on a day that has not come, so a clock is wrong."""
        return self.reason is Reason.NOT_YET_VALID


class DoesNotFit(ValueError):  # noqa: N818 - says what is so; the remedy is a token
    """A recipient that a signed return path cannot carry, so that a token has to be registered for it."""
