"""What most notices have in common, for all that no other recogniser knows."""

import re

from bounced.core.reading.message import Header
from bounced.core.reading.notices import last_resort, layout, phrases
from bounced.core.reading.notices.notice import Notice, addresses
from bounced.core.terms import PerRecipientFields

_NOT_RECIPIENTS = re.compile(
    r"^[ \t>]*+(?:from|sender|mail from|reply-to|message-id|return-path|contact|please (?:contact|send))\b[^\n]*",
    re.IGNORECASE | re.MULTILINE,
)


def by_mail_system(notice: Notice) -> bool:
    """Tell whether a mail system wrote this, as far as From and the fields that only bounces carry can say."""
    return bool(phrases.MAIL_SYSTEMS.matching(notice.author)) or "x-failed-recipients" in notice.header


def certainty(notice: Notice) -> int:
    """Return how many of author, subject, words and what came back say that this is a bounce: 0 to 4."""
    return (
        bool(notice.returned and notice.header.get("return-path") in ("<>", ""))
        + bool(not notice.author.strip("<> ") or phrases.MAIL_SYSTEMS.matching(notice.author))
        + bool(phrases.BOUNCE_SUBJECTS.matching(notice.subject))
        + bool(phrases.BOUNCE_WORDS.matching(notice.words))
    )


def read(notice: Notice) -> tuple[PerRecipientFields, ...]:
    """Return the recipients of a notice by the layouts that notices have, the surest first."""
    failed = addresses(notice.header.get("x-failed-recipients"))
    if failed:
        return layout.recipients([layout.Named(address) for address in failed], notice, certain=True)
    words = _NOT_RECIPIENTS.sub("", notice.words)
    for layout_ in (layout.led, layout.introduced):
        recipients = layout.recipients(layout_(words), notice)
        if recipients:
            return recipients
    return last_resort.read(notice) or from_returned(notice)


def from_returned(notice: Notice) -> tuple[PerRecipientFields, ...]:
    """Return the one recipient of the returned message, where the notice itself names nobody."""
    header = Header(notice.returned)
    for name in ("x-original-to", "delivered-to", "to"):
        found = addresses(header.get(name))
        if len(found) == 1:
            return layout.recipients([layout.Named(found[0])], notice, certain=True)
    return ()
