"""Whether a notice warns of a delay or gives up, whatever its Action field calls it."""

from bounced.core.reading.notices.phrases import DELAY_SUBJECTS, FINAL_SUBJECTS, Attempts, attempts
from bounced.core.terms import Action

# OpenSMTPD writes this, and that the message is kept in the queue, in the last notice of all.
_EXPIRED = "nvelope expired"


def action(subject: str, words: str) -> Action:
    """Return what a notice without an Action field says was done: a delay announces further attempts."""
    if _EXPIRED in words:
        return Action.FAILED
    said = attempts(words)
    if Attempts.GO_ON in said:
        return Action.DELAYED
    delayed = Attempts.WERE_THE_LAST not in said and (Attempts.MAY_GO_ON in said or DELAY_SUBJECTS.matching(subject))
    return Action.DELAYED if delayed else Action.FAILED


def gave_up(subject: str, words: str) -> bool:
    """Tell whether a notice whose Action is ``delayed`` is the last: OpenSMTPD and nullmailer call expiry a delay."""
    if _EXPIRED in words:
        return True
    said = attempts(words)
    if Attempts.GO_ON in said or DELAY_SUBJECTS.matching(subject):
        return False
    return Attempts.WERE_THE_LAST in said or bool(FINAL_SUBJECTS.matching(subject))
