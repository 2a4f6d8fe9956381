"""Whether a notice warns of a delay or gives up, whatever its Action field calls it."""

from bounced.core.notices.phrases import DELAY_SUBJECTS, DELAYS, LAST_ATTEMPTS, WARNINGS

# OpenSMTPD writes this, and that the message is kept in the queue, in the last notice of all.
_EXPIRED = "envelope expired"


def is_delay(subject: str, words: str) -> bool:
    """Tell whether a notice without an Action field announces further attempts."""
    if _EXPIRED in words.lower():
        return False
    if WARNINGS.matching(words):
        return True
    delayed = DELAY_SUBJECTS.matching(subject) or DELAYS.matching(words)
    return bool(delayed) and not LAST_ATTEMPTS.matching(words)


def gave_up(subject: str, words: str) -> bool:
    """Tell whether a notice whose Action is ``delayed`` is the last: OpenSMTPD and nullmailer call expiry a delay."""
    if _EXPIRED in words.lower():
        return True
    last = LAST_ATTEMPTS.matching(f"{subject}\n{words}")
    return bool(last) and not (WARNINGS.matching(words) or DELAY_SUBJECTS.matching(subject))
