"""Whether a notice warns of a delay or gives up, whatever its Action field calls it."""

from bounced.core.notices.phrases import DELAY_SUBJECTS, DELAYS, LAST_ATTEMPTS, WARNINGS
from bounced.core.terms import Action

# OpenSMTPD writes this, and that the message is kept in the queue, in the last notice of all.
_EXPIRED = "envelope expired"


def action(subject: str, words: str) -> Action:
    """Return what a notice without an Action field says was done: a delay announces further attempts."""
    if _EXPIRED in words.lower():
        return Action.FAILED
    if WARNINGS.matching(words):
        return Action.DELAYED
    delayed = DELAY_SUBJECTS.matching(subject) or DELAYS.matching(words)
    return Action.DELAYED if delayed and not LAST_ATTEMPTS.matching(words) else Action.FAILED


def gave_up(subject: str, words: str) -> bool:
    """Tell whether a notice whose Action is ``delayed`` is the last: OpenSMTPD and nullmailer call expiry a delay."""
    if _EXPIRED in words.lower():
        return True
    last = LAST_ATTEMPTS.matching(f"{subject}\n{words}")
    return bool(last) and not (WARNINGS.matching(words) or DELAY_SUBJECTS.matching(subject))
