"""What most notices have in common, for all that no other recogniser knows."""

import re

from bounced.core.reading.message import Header
from bounced.core.reading.notices import last_resort, layout
from bounced.core.reading.notices.notice import Notice, addresses
from bounced.core.reading.notices.phrases import ADVICE
from bounced.core.reading.patterns import PatternSet
from bounced.core.terms import PerRecipientFields

_NOT_RECIPIENTS = re.compile(
    r"^[ \t>]*+(?:from|sender|mail from|reply-to|message-id|return-path|contact|please (?:contact|send))\b[^\n]*",
    re.IGNORECASE | re.MULTILINE,
)

_ADVISES = PatternSet((ADVICE,))
# What stands between the words of advice and the address that they name, on the same line and in the same sentence.
_ADVICE = re.compile(
    rf"(\b(?:{ADVICE})(?:(?![.!?]\s)[^\n@]){{0,80}}?[<\"'(\[]?){layout.ADDRESS}",
    re.IGNORECASE,
)


def read(notice: Notice) -> tuple[PerRecipientFields, ...]:
    """Return the recipients of a notice by the layouts that notices have, the surest first."""
    failed = addresses(notice.header.get("x-failed-recipients"))
    if failed:
        return layout.recipients([layout.Named(address) for address in failed], notice, certain=True)
    words = _without_advice(_NOT_RECIPIENTS.sub("", notice.words))
    for layout_ in (layout.led, layout.introduced):
        recipients = layout.recipients(layout_(words), notice)
        if recipients:
            return recipients
    return last_resort.read(notice._replace(words=words)) or from_returned(notice)


def _without_advice(words: str) -> str:
    """Return a notice's words without the addresses that they name for help, or for mail from now on."""
    if "@" not in words or not _ADVISES.matching(words):
        return words
    lines = words.split("\n")
    return "\n".join(_ADVICE.sub(r"\1", line) if "@" in line and _ADVISES.matching(line) else line for line in lines)


def from_returned(notice: Notice) -> tuple[PerRecipientFields, ...]:
    """Return the one recipient of the returned message, where the notice itself names nobody."""
    header = Header(notice.returned)
    for name in ("x-original-to", "delivered-to", "to"):
        found = addresses(header.get(name))
        if len(found) == 1:
            return layout.recipients([layout.Named(found[0])], notice, certain=True)
    return ()
