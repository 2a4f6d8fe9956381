"""What is known of one recipient: the texts in the order of their weight, the codes, the stage of the dialogue."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from bounced.core.meaning.rules import Circumstances, Stage, Where
from bounced.core.reading import reply as smtp
from bounced.core.reading.patterns import PatternSet
from bounced.core.terms import PerRecipientFields, Report

MAX_TEXT_CHARS = 3000

# How notices say to which command of the dialogue a reply came.  (RE2; letter case counts)
_SAID = {
    Stage.DATA: (
        r"(?-i:end of (data|DATA)|in reply to DATA|final DATA|after I sent the message"
        r"|>>> DATA\s+<<< [45]|SMTP command\s+DATA\b|\(DATA\)|\[DATA\])"
    ),
    Stage.SENDER: (
        r"(?-i:(after (pipelined )?|in reply to |not like our |SMTP command\s+)(MAIL FROM|HELO|EHLO)"
        r"|but (sender|my name) was rejected|but greeting failed|refused to talk to me"
        r"|error from remote mail server after initial connection"
        r"|>>> (MAIL F(ROM|rom)|HELO|EHLO)[^\n]*\s+<<< 5)"
    ),
}
_STAGES = tuple(_SAID)
_STAGE_PHRASES = PatternSet(_SAID.values())
_STATUS = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})(?![\d.])\s*\(?([^)]*)")


class Words(NamedTuple):
    """Words that may hold the reason: ``place`` names where they stood, ``text`` is neutral."""

    place: str
    where: Where
    text: str


class Heard(NamedTuple):
    """All that is known of one recipient: codes, and the texts in the order of their weight, as they stood."""

    circumstances: Circumstances
    reply_status: str | None
    field_status: str | None
    diagnostic: str
    texts: tuple[tuple[str, Where, str], ...]

    def words(self) -> Iterator[Words]:
        """Yield the words in the order of their weight; the names in them follow each text."""
        for place, where, text in self.texts:
            neutral = smtp.neutral(text)
            yield Words(place, where, neutral.text)
            if neutral.names:
                yield Words(place, Where.NAME, neutral.names)


def hear(fields: PerRecipientFields, report: Report) -> Heard:
    """Return a recipient's evidence in the order of its weight."""
    own, common = _explanation(fields, report)
    quoted = quoted_reply(fields, report)
    reply = smtp.split(quoted)
    field_status, comment = _status_field(fields.status)
    text_status = smtp.status_in(own or ("" if field_status else common))
    texts = (("diagnostic", Where.REPLY, reply.text), ("status", Where.TEXT, comment), ("text", Where.TEXT, own))
    return Heard(
        circumstances=Circumstances(
            code=reply.code,
            status=_most_specific(reply.status, field_status, text_status),
            mta=_servers(fields),
            stage=_stage(own or common or quoted),
        ),
        reply_status=reply.status,
        field_status=field_status or text_status,
        diagnostic=quoted or " ".join((own or common).split()),
        texts=tuple([part for part in (*texts, ("text", Where.TEXT, common if common != own else "")) if part[2]]),
    )


def quoted_reply(fields: PerRecipientFields, report: Report) -> str:
    """Return the reply that a report quotes for one recipient: its Diagnostic-Code, or what stands in the words."""
    if fields.diagnostic_code:
        return fields.diagnostic_code
    own, common = _explanation(fields, report)
    return smtp.find(own or common) or ""


def _explanation(fields: PerRecipientFields, report: Report) -> tuple[str, str]:
    """Return the words about one recipient, and those about all where there is but one."""
    common = report.text[:MAX_TEXT_CHARS] if len(report.recipients) <= 1 else ""
    return (fields.text or "")[:MAX_TEXT_CHARS], common


def _stage(text: str) -> Stage | None:
    found = _STAGE_PHRASES.matching(text)
    return _STAGES[found[0]] if found else None


def _status_field(field: str | None) -> tuple[str | None, str]:
    """Split ``5.1.10 (host does not accept mail)`` into the code and the comment that some MTAs add."""
    found = _STATUS.match(field or "")
    return (found[1], found[2].strip()) if found else (None, "")


def _most_specific(*statuses: str | None) -> str | None:
    """Return the first code that says something: 5.0.0 gives way to any other, however far behind."""
    general = None
    for status in statuses:
        if status and not _is_general(status):
            return status
        general = general or status
    return general


def _is_general(status: str) -> bool:
    return status.endswith(".0.0")


def _servers(fields: PerRecipientFields) -> str:
    address = fields.final_recipient or fields.original_recipient or ""
    return f"{fields.remote_mta or ''} {address.rpartition('@')[2]}".lower()
