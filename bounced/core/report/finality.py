"""Whether a notice warns of a delay or gives up, whatever its Action field calls it."""

import re

# What only a warning says of itself.
_WARNING = re.compile(
    r"warning message only|this is a warning|this is only a|only a temporary|advisory-only|has not yet been|"
    r"not yet (?:been )?deliver|attempts will continue|(?:still|will) be(?:ing)? retried|still being retried|"
    r"no action is required|(?:do not|don't) need to re-?send|will continue to (?:try|attempt|be)|"
    r"will keep trying|could not send m(?:essage|ail) for past|not been able to deliver|"
    r"keine (?:weitere )?aktion|weitere zustellversuche|nouvelles tentatives",
    re.IGNORECASE,
)
# What a warning says, and a server that is quoted may say too.
_DELAY = re.compile(
    r"(?:has been|is|was) (?:delayed|postponed)|delivery is delayed|temporarily delayed|"
    r"could not be delivered for (?:more than|the (?:past|last))|(?<!no further )delivery attempts will|"
    r"do not re-?send|we will (?:retry|try again)",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"\bdelay(?:ed)?\b|\(delay\)|still being (?:retried|tried)|warning: could not send|delivery warning|"
    r"^warning[ -]+could not send|verz\xf6ger|retard|retras|ritard|atras|op\xf3\u017ani|"
    r"\u9045\u5ef6|\u5ef6\u8fdf",
    re.IGNORECASE,
)
_GIVES_UP = re.compile(
    r"giving up|given up|gave up|i'm not going to try again|in the queue too long|"
    r"retry time-?(?:out|limit) exceeded|no further (?:delivery )?attempts|will not be retried|"
    r"(?:permanent|fatal) (?:error|failure)|failed permanently|returned mail: could not send|"
    r"maximum (?:number of )?(?:retries|delivery attempts)|has been (?:bounced|returned)|"
    r"message expired|delivery time expired",
    re.IGNORECASE,
)
# OpenSMTPD writes this, and that the message is kept in the queue, in the last notice of all.
_EXPIRED = "envelope expired"


def is_delay(subject: str, words: str) -> bool:
    """Tell whether a notice without an Action field announces further attempts."""
    if _EXPIRED in words.lower():
        return False
    if _WARNING.search(words):
        return True
    return bool(_DELAY.search(words) or _SUBJECT.search(subject)) and not _GIVES_UP.search(words)


def gave_up(subject: str, words: str) -> bool:
    """Tell whether a notice whose Action is ``delayed`` is the last: OpenSMTPD and nullmailer call expiry a delay."""
    if _EXPIRED in words.lower():
        return True
    warns = _WARNING.search(words) or _SUBJECT.search(subject)
    return bool(_GIVES_UP.search(f"{subject}\n{words}")) and not warns
