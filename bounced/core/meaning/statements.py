"""Who says what of one recipient: a notice cut into statements, weightiest first, and the codes beside them.

A notice mixes voices: the remote server's reply, what a relay wrote in front of it, what the reporting MTA thinks, the
output of a local program, headings and advice.  Each becomes a statement with its speaker; the innermost reply comes
first.  What a relay writes before a reply is its guess at the meaning, and is heard last.  Where a relay's words are
about the sender ("Sender address rejected: ... said: 550 User unknown"), the reply that it quotes is so as well.
"""

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import lru_cache, partial
from typing import NamedTuple

from bounced.core.meaning.rules import Circumstances, Where
from bounced.core.meaning.stage import stage_of
from bounced.core.meaning.subject import About
from bounced.core.reading import reply as smtp
from bounced.core.reading.patterns import PatternSet
from bounced.core.terms import PerRecipientFields, Report

MAX_TEXT_CHARS = 3000
REMEMBERED = 4096
REMEMBERED_CHARS = 1000
MAX_USER_CHARS = 64
"""Of a user name.  (RFC 5321 section 4.5.3.1.1)"""
SHORT_REPLY_CHARS = 12
"""What is shorter is no repeated reply where it stands in a notice's words: the exit code ``1`` stands everywhere."""

_HOST = re.compile(r"(?<![@\w.-])(?:[a-z0-9-]{1,63}\.){1,9}[a-z]{2,24}(?![\w-])")
_ENDS_AS_DOMAIN = re.compile(r"\.(?:[a-z]{2}|com|net|org|edu|gov|mil|int|info|biz|arpa|local|example|test)$")
_A_USER = r"(\b(?:user|user ?name|user ?id|local[- ]part|mail ?box|account|recipient|alias)[:=]? [\"'(<]?)"
_SIGNATURES = {"gsmtp": "gmail-smtp-in.l.google.com", "aka.ms/EXOSmtpErrors": "mail.protection.outlook.com"}
"""How a provider's servers sign what they say."""
_STATUS = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})(?![\d.])\s*\(?([^)]*)")
# A server that tried whether the sender can be answered, and says what came of it.
_SENDER_TRIED = re.compile(
    r"\b(?:sender|return[- ]?path|reverse[- ]?path|envelope[- ]from|mail from|from[- ]address|call-?back)\b[^.;]{0,80}"
    r"\b(?:verif\w*|reject\w*|refus\w*|call-?out|call-?back|fail\w*|invalid|undeliverable|unverif\w*)"
    r"|\b(?:verif\w*|call-?out|call-?back)\b[^.;]{0,60}\b(?:sender|return[- ]?path|reverse[- ]?path|mail from)\b",
    re.IGNORECASE,
)


# How an MTA says that it ran a program, whose output follows: Postfix, Exim, Sendmail, Courier.
_CODES = r"^\W*([245]\d\d\W{1,3})?([245]\.\d+\.\d+\W{1,3})?"
_NAMES = (
    r"procmail|maildrop|mail\.local|vacation|formail|spamc|spamassassin|dovecot-lda|deliver(quota)?|sieve"
    r"|(\w+ )?filter|mailbox agent|(local )?delivery agent"
)
_PROGRAM = PatternSet(
    (
        r"\bcommand (died|output|failed|time limit)\b|\bpipe( to|:)|\bchild process\b",
        r"\bgenerated (the following )?output|\btext was generated\b|\bunknown mailer error \d",
        r"\breturned (exit|error) (code|status)\b|\bexit(ed)?( with)? (code|status)\b",
        rf"{_CODES}(\S*/)?({_NAMES})\b[^:]{{0,30}}:",
    )
)


class Speaker(StrEnum):
    """Whose words a statement is."""

    SERVER = "server"
    REPORTER = "reporter"
    RELAY = "relay"
    PROGRAM = "program"


class Statement(NamedTuple):
    """What one voice says.

    ``place`` is where it stood, ``text`` is neutral, ``about`` is set where other words tell it; ``raw`` are the words
    as they stood.
    """

    place: str
    where: Where
    speaker: Speaker
    text: str
    about: About | None = None
    raw: str = ""


class Heard(NamedTuple):
    """All that is known of one recipient: codes, and who said what.

    ``reply_status`` is the enhanced status code of the innermost reply itself, ``field_status`` the Status field's, and
    ``comment`` stands behind that.  ``quoted`` is the reply as the report quotes it, ``text`` are the words of the
    innermost one, ``reply`` those without names, ``relayed`` the words of those who handed it on, the last first.
    ``own`` are the notice's words about the recipient, ``common`` those about all.  ``user`` is the recipient's user
    name where it looks like a host.
    """

    circumstances: Circumstances
    reply_status: str | None
    field_status: str | None
    comment: str
    speaker: Speaker
    about: About | None
    quoted: str
    text: str
    reply: smtp.Neutral
    relayed: Sequence[str]
    own: str
    common: str
    user: str

    @property
    def diagnostic(self) -> str:
        """The words to show: the reply as it was quoted, else those of the notice."""
        return self.quoted or " ".join((self.own or self.common).split())

    def statements(self) -> Iterator[Statement]:
        """Yield the statements in the order of their weight; the names in them follow each.

        The first decides most often, so what the others say is cut out only where somebody asks for it.
        """
        if self.text:
            first = Statement("diagnostic", Where.REPLY, self.speaker, self.reply.text, self.about, self.text)
            yield from _with_names(first, self.reply.names)
        if self.comment:
            yield from _statement("status", Where.TEXT, Speaker.REPORTER, self.comment)
        for words in (self.own, self.common if self.common != self.own else ""):
            if beside := _beside(words, self.quoted):
                ran = Speaker.PROGRAM in (self.speaker, _speaker(beside))
                yield from _statement(
                    "text", Where.TEXT, Speaker.PROGRAM if ran else Speaker.REPORTER, beside, self.user
                )
        for layer in self.relayed:
            yield from _statement("diagnostic", Where.REPLY, Speaker.RELAY, layer)


def hear(fields: PerRecipientFields, report: Report) -> Heard:
    """Return what is said of a recipient, in the order of its weight."""
    own, common = _explanation(fields, report)
    quoted = quoted_reply(fields, report)
    user = _dotted_user(fields.address or "")
    cut = (_cut if len(quoted) <= REMEMBERED_CHARS else _cut.__wrapped__)(
        quoted, user if user in quoted.lower() else ""
    )
    reply, relayed = cut.reply, cut.relayed
    field_status, comment = _status_field(fields.status)
    text_status = None
    if not field_status or (_is_general(field_status) and own):
        text_status = smtp.status_in(own or common)
    return Heard(
        Circumstances(
            reply.code,
            _most_specific(reply.status, field_status, text_status),
            _servers(fields, report, cut, own or common),
            stage_of(own or common or quoted),
        ),
        reply_status=cut.status,
        field_status=field_status or text_status,
        comment=comment,
        speaker=Speaker.PROGRAM if fields.diagnostic_type == "x-unix" else cut.speaker,
        about=cut.about,
        quoted=quoted,
        text=reply.text,
        reply=cut.neutral,
        relayed=relayed,
        own=own,
        common=common,
        user=user,
    )


def _dotted_user(address: str) -> str:
    """Return the recipient's user name where it has a dot, and looks like a host: ``User john.smith not found``."""
    user = address.rpartition("@")[0].lower()
    return user if "." in user and len(user) <= MAX_USER_CHARS else ""


def _with_user(words: str, user: str) -> str:
    """Return words with an address in the place of a user name that stands alone.

    One that ends as domains do is a host's, but behind a word for a user: ``No such user kim.lee.cs``.  Most often it
    stands in addresses only: then no pattern is made, which costs more than all else that is done here.
    """
    lowered = words.lower()
    if lowered.count(user) == lowered.count(f"{user}@"):
        return words
    before = _A_USER if _ENDS_AS_DOMAIN.search(user) else r"(?<![\w.@-])()"
    name = rf"{before}{re.escape(user)}(?![\w@-]|\.\w)"
    return re.sub(name, lambda found: found[1] + smtp.ADDRESS, words, flags=re.IGNORECASE)


class _Cut(NamedTuple):
    """What one quoted reply consists of, whoever it is about: see Heard.

    ``status`` is the innermost reply's own enhanced status code.
    """

    innermost: str
    reply: smtp.Reply
    neutral: smtp.Neutral
    status: str | None
    speaker: Speaker
    about: About | None
    relayed: Sequence[str]


@lru_cache(REMEMBERED)
def _cut(quoted: str, user: str) -> _Cut:
    """Cut a quoted reply into its voices.  The same ones come again and again, so short ones are remembered.

    ``user`` is the recipient's user name where the reply may take it for a host's.
    """
    *relayed, innermost = layers = smtp.layers(quoted)
    reply = smtp.innermost(layers)
    words = _with_user(reply.text, user) if user else reply.text
    return _Cut(
        innermost,
        reply,
        smtp.neutral(words),
        status=smtp.status_in(innermost) if relayed else reply.status,
        speaker=_speaker(quoted),
        about=About.SENDER if any(_SENDER_TRIED.search(layer) for layer in relayed) else None,
        relayed=relayed[::-1],
    )


def _statement(place: str, where: Where, speaker: Speaker, text: str, user: str = "") -> Iterator[Statement]:
    neutral = smtp.neutral(_with_user(text, user) if user else text)
    return _with_names(Statement(place, where, speaker, neutral.text, raw=text), neutral.names)


def _with_names(statement: Statement, names: str) -> Iterator[Statement]:
    """Yield what a voice says, and the names in it, which rows about names ask for."""
    yield statement
    if names:
        yield statement._replace(where=Where.NAME, text=names)


def quoted_reply(fields: PerRecipientFields, report: Report) -> str:
    """Return the reply that a report quotes for one recipient: its Diagnostic-Code, or what stands in the words."""
    if fields.diagnostic_code:
        return fields.diagnostic_code
    own, common = _explanation(fields, report)
    return smtp.find(own or common) or ""


def _beside(words: str, quoted: str) -> str:
    """Return what stands in a notice's words beside the reply that was heard already."""
    if not words or not quoted:
        return words
    reply = " ".join(quoted.split())
    if len(reply) < SHORT_REPLY_CHARS or reply[:SHORT_REPLY_CHARS] not in words:
        return words
    paragraphs = (" ".join(paragraph.split()) for paragraph in words.split("\n\n"))
    return "\n\n".join(paragraph.replace(reply, " ") for paragraph in paragraphs)


def _speaker(quoted: str) -> Speaker:
    """Return who gave a Diagnostic-Code by its words: a server, or a program that the reporting MTA ran."""
    return Speaker.PROGRAM if _PROGRAM.matching(quoted) else Speaker.SERVER


def _explanation(fields: PerRecipientFields, report: Report) -> tuple[str, str]:
    """Return the words about one recipient, and those about all where there is but one."""
    own, common = fields.text or "", report.text if len(report.recipients) <= 1 else ""
    of = partial(smtp.without_others, fields.address or "")
    return of(own[:MAX_TEXT_CHARS]), of(common[:MAX_TEXT_CHARS])


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


def _servers(fields: PerRecipientFields, report: Report, cut: _Cut, words: str) -> str:
    """Return the names of those who may have said a reply, in lower case: rows of a provider ask for them.

    That is the remote MTA, the recipient's domain, and the hosts and links that the reply names, or the notice's words
    where it quotes none, but not the server that sent a message out; the reporting MTA where nobody else spoke.
    """
    address = fields.final_recipient or fields.original_recipient or ""
    found = [fields.remote_mta.lower().rstrip(".")] if fields.remote_mta else []
    if not found and not cut.relayed and report.reporting_mta:
        found.append(report.reporting_mta.lower().rstrip("."))
    outer = cut.relayed[0] if cut.relayed else ""
    if named := f"{outer} {cut.neutral.names if cut.innermost else words}".strip():
        dotted = (word.lower() for word in named.split() if "." in word)
        found += [name for word in dotted for name in _HOST.findall(word) if "outbound" not in name]
    found += [server for sign, server in _SIGNATURES.items() if sign in (cut.innermost or words)]
    return " ".join((*found, address.rpartition("@")[2].lower()))
