"""One thing that was examined, how it is, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How a thing is.  Only ERROR keeps the daemon from working as promised; SKIPPED was not examined."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found.  ``subject`` names the thing, ``text`` says how it is, ``advice`` what to do, if anything.

    While it is so and ``defers`` is true, every bounce is answered with 451.
    """

    subject: str
    outcome: Outcome
    text: str
    advice: str = ""
    defers: bool = False


def ok(subject: str, text: str) -> Finding:
    """Return that a thing is as it should be."""
    return Finding(subject, Outcome.OK, text)


def warning(subject: str, text: str, advice: str) -> Finding:
    """Return that a thing may cause trouble."""
    return Finding(subject, Outcome.WARNING, text, advice)


def error(subject: str, text: str, advice: str, *, defers: bool = False) -> Finding:
    """Return that a thing does cause trouble."""
    return Finding(subject, Outcome.ERROR, text, advice, defers)


def skipped(subject: str, text: str, advice: str = "") -> Finding:
    """Return that a thing could not be examined, and why."""
    return Finding(subject, Outcome.SKIPPED, text, advice)
