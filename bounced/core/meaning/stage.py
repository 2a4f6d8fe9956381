"""At which stage of the SMTP dialogue a reply was given: what a notice says of it, or shows in a transcript."""

import re

from bounced.core.meaning.rules import Stage
from bounced.core.reading.patterns import PatternSet

# How notices say to which command of the dialogue a reply came.  (RE2; letter case counts)  Postfix wraps its words:
# ``(in reply to MAIL`` may end a line, and ``FROM command)`` begin the next.
_SAID = {
    Stage.DATA: (
        r"(?-i:end\s+of\s+(data|DATA)|in\s+reply\s+to\s+DATA|final DATA|after I sent the message"
        r"|>>> DATA\s+<<< [45]|SMTP command\s+DATA\b|\(DATA\)|\[DATA\])"
    ),
    Stage.SENDER: (
        r"(?-i:(after (pipelined )?|in\s+reply\s+to\s+|not like our |SMTP command\s+)(MAIL\s+FROM|HELO|EHLO)"
        r"|but (sender|my name) was rejected|but greeting failed|refused\s+to\s+talk\s+to\s+me"
        r"|error from remote mail server after initial connection"
        r"|>>> (MAIL F(ROM|rom)|HELO|EHLO)[^\n]*\s+<<< 5)"
    ),
}
_STAGES = tuple(_SAID)
_SIGNS_OF_STAGES = (
    *("DATA", "of data", "MAIL", "HELO", "EHLO", "but sender", "but my name", "but greeting", "refused"),
    *("initial connection", "after I sent"),
)
_STAGE_PHRASES = PatternSet(_SAID.values())
_LMTP = re.compile(r"\blmtp\b|-lmtp\]", re.IGNORECASE)
"""Over LMTP the replies after the message are about each recipient.  (RFC 2033 section 4.2)"""
_LINES = re.compile(r"^[ \t]*(>>>|<<<)[ \t]*([^\n]{0,200})", re.MULTILINE)
_NO_RECIPIENT = re.compile(r"\b503\b|no (?:valid |acceptable )?recipients?|need rcpt|rcpt first", re.IGNORECASE)


def stage_of(text: str) -> Stage | None:
    """Return the stage of the dialogue that words tell or show; None for the recipient's, and where nothing tells."""
    if "<<<" in text and ">>>" in text:
        return _shown(text)
    if not any(map(text.__contains__, _SIGNS_OF_STAGES)):
        return None
    found = _STAGE_PHRASES.matching(text)
    if not found or (_STAGES[found[0]] is Stage.DATA and _LMTP.search(text)):
        return None
    return _STAGES[found[0]]


def _shown(transcript: str) -> Stage | None:
    """Return the stage of the first refusal in a transcript.

    Who pipelines shows DATA as the last command, though the refusal answers RCPT: then the reply to DATA itself says
    that there is no recipient.  (RFC 2920 section 3.1)
    """
    command, refused, invited = "", False, False
    for mark, said in _LINES.findall(transcript):
        if mark == ">>>":
            command = command if refused else said.upper()
        elif refused:
            if command.startswith("DATA") and _NO_RECIPIENT.search(said):
                return None
        elif said.startswith("354"):
            invited = True
        elif said.startswith(("4", "5")):
            refused = True
    if not refused:
        return None
    if invited or command.startswith(("DATA", ".")):
        return Stage.DATA
    return Stage.SENDER if command.startswith(("MAIL", "HELO", "EHLO", "LHLO", "STARTTLS")) else None
