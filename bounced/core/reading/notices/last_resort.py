"""flufl.bounce, for notices that nothing here reads: bounded, guarded, and believed only about addresses."""

import re
from email.message import Message

from flufl.bounce import scan_message

from bounced.core.reading.message.limits import LAST_RESORT_UNITS_A_CHAR
from bounced.core.reading.notices import layout
from bounced.core.reading.notices.notice import Notice
from bounced.core.terms import PerRecipientFields

MAX_TEXT_CHARS = 4000
MAX_LINES = 150
MAX_LINE_CHARS = 400

MAX_BRACKETS = 60
"""It looks from each "<" to the end of the line; no notice that names a few recipients has so many."""
MAX_WORD_CHARS = 80
MAX_BLANKS = 8
"""Its patterns are quadratic in the length of a word and of what stands between two."""

_BLANK_LINES = re.compile(r"\n[ \t]*+\n\s*+")
_TOO_LONG = re.compile(rf"(?:(\S{{{MAX_WORD_CHARS}}})\S++|([^\S\n]{{{MAX_BLANKS}}})[^\S\n]++)")


def read(notice: Notice) -> tuple[PerRecipientFields, ...]:
    """Return the recipients that flufl.bounce finds.

    It gets a small message made anew (its time is quadratic in blank lines and in parts), and what it says of
    permanence is not asked for: it calls full mailboxes and spam blocks permanent.
    """
    if "@" not in notice.words or notice.words.count("<", 0, MAX_TEXT_CHARS) > MAX_BRACKETS:
        return ()
    notice.work.spend(min(len(notice.words), MAX_TEXT_CHARS) * LAST_RESORT_UNITS_A_CHAR)
    try:
        found = scan_message(_rebuilt(notice))
    except Exception:  # noqa: BLE001 - one of the three borders: it raises IndexError and others on odd messages
        return ()
    named = [layout.Named(address.decode("utf-8", "replace")) for address in sorted(found)]
    return layout.recipients(named, notice)


def _rebuilt(notice: Notice) -> Message:
    text = _TOO_LONG.sub(r"\1\2", _BLANK_LINES.sub("\n\n", notice.words[:MAX_TEXT_CHARS]))
    lines = [line[:MAX_LINE_CHARS] for line in text.split("\n")[:MAX_LINES]]
    message = Message()
    message["From"] = _one_line(notice.author) or "unknown"
    message["To"] = _one_line(notice.header.get("to"))
    message["Subject"] = _one_line(notice.subject)
    message["Content-Type"] = "text/plain"
    message.set_payload("\n".join(lines))
    return message


def _one_line(value: str) -> str:
    return " ".join(value.split())[:MAX_LINE_CHARS]
