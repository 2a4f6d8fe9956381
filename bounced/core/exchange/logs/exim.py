"""Exim's main log, from its own file or from syslog: "<=" tells whose a message is, "=>" and "**" what became of it.

(Exim specification, chapter "Log files")  A line begins with what Exim says; what a server said stands behind it, and
its control characters are escaped.
"""

import re
from collections.abc import Sequence
from datetime import datetime

from bounced.core.exchange.logs.entries import delivered, rejected, unclear
from bounced.core.exchange.logs.messages import Deferral, Message, QueueLog
from bounced.core.exchange.logs.parser import IsOurs, Logged, Source
from bounced.core.exchange.logs.wraps import Line, Unwrap, in_zone
from bounced.core.terms import Category

UNITS = frozenset({"exim.service", "exim4.service"})

_ID = "[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4}"
# The time and the process, with log_selector +millisec, log_timezone and +pid.
_STAMP = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}) ([0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?)(?: ([+-][0-9]{4}))? ", re.ASCII
)
_PID = re.compile(r"\[[0-9]+\] ", re.ASCII)
_EVENT = re.compile(rf"({_ID}) (<=|=>|->|>>|\*\*|==) (.*)", re.DOTALL | re.ASCII)
_COMPLETED = re.compile(rf"({_ID}) Completed(?: QT=\S+)?", re.ASCII)
_ARRIVED = re.compile(r"([^\s<>\"]+@[^\s<>\"]+) (?:R|H|U|P)=", re.ASCII)
# Mailbox, unquoted; or the local part of a local delivery, and then the mailbox.
_WHOM = re.compile(r"([^\s<>\"@]+)(@[^\s<>\"@:]+)?(?: <([^\s<>]+)>)?(?=[ :])")
_FIELD = re.compile(
    r" (?:H=(\S+) \[([0-9A-Fa-f.:]+)\](?::[0-9]+)?\*?"
    r'|[A-Za-z]+=(?:"(?:[^"\\]|\\.)*+"|[^\s"]+?)(?=: | |\Z)|defer \(-?[0-9]+\)|[A-Z]{1,4}\*?(?=: | |\Z))'
)
# The text of deliver.c's remote errors: "SMTP error from remote mail server after COMMAND: REPLY"
_SAID = re.compile(
    r"(?:SMTP|LMTP) error from remote mail server after (?:pipelined )?"
    r"(initial connection|end of data|sending data block|(?:MAIL FROM|RCPT TO):<[^<>]*>[^:]*|[A-Z]{4,8}(?: \S+)?): "
    r"(?:host \S+ \[[^\s\]]*\]: )?(.*)",
    re.DOTALL,
)
_GAVE_UP = "retry timeout exceeded"
"""Exim has no more time: alone, or behind the last temporary reply."""
_STAGES = {
    "initial connection": "EHLO",
    "EHLO": "EHLO",
    "HELO": "EHLO",
    "LHLO": "EHLO",
    "MAIL": "MAIL",
    "RCPT": "RCPT",
    "DATA": "DATA",
    "BDAT": "DATA",
    "end of data": "DATA",
    "sending data block": "DATA",
}


class Exim(QueueLog):
    """Reads Exim's main log."""

    def __init__(self, source: Source, is_ours: IsOurs) -> None:
        self._unwrap = Unwrap(source, UNITS)
        self._name, self._zone = source.program or "exim", source.zone
        self._relays, self._is_ours = source.relays, is_ours
        super().__init__()

    def feed(self, line: bytes, now: datetime) -> Sequence[Logged]:
        """Return what one line says."""
        found = self._line(line, now)
        if found is None:
            return ()
        event = _EVENT.fullmatch(found.text)
        if event is None:
            if completed := _COMPLETED.fullmatch(found.text):
                self._open.end((found.host, completed[1]))
            return ()
        id_, sign, rest = event.groups()
        if sign == "<=":
            self._arrived(found, id_, rest, now)
            return ()
        message = self._open.get((found.host, id_))
        return self._outcome(found, id_, message, sign, rest) if message else ()

    def _line(self, line: bytes, now: datetime) -> Line | None:
        """Return a line of Exim's own file, or one through syslog, which may have a time of Exim's too."""
        if line[:1].isdigit() and line[10:11] == b" ":
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            return self._stamped(text)
        found = self._unwrap(line, now)
        if found is None or found.program != self._name:
            return None
        stamp = _STAMP.match(found.text)
        rest = found.text[stamp.end() :] if stamp else found.text
        return found._replace(text=_without_pid(rest))

    def _stamped(self, text: str) -> Line | None:
        stamp = _STAMP.match(text)
        if stamp is None:
            return None
        day, time, offset = stamp.groups()
        at = f"{day}T{time}{offset}" if offset else in_zone(day, time, self._zone)
        return Line(at, "", self._name, _without_pid(text[stamp.end() :]))

    def _arrived(self, line: Line, id_: str, rest: str, now: datetime) -> None:
        """Remember whose a message is.  An ID is not used again, so what is known is never another message."""
        sender = _ARRIVED.match(rest)
        if sender is not None and self._is_ours(sender[1]):
            self._open.begin((line.host, id_), sender[1], line.at, now.toordinal())

    def _outcome(self, line: Line, id_: str, message: Message, sign: str, rest: str) -> Sequence[Logged]:
        whom = _whom(rest)
        if whom is None:
            return (unclear(line.text, "whom it is about is not to be told"),) if sign != "==" else ()
        address, end = whom
        if not address:
            return ()
        mta, ip, end = _fields(rest, end)
        if sign not in ("**", "=="):
            message.deferred.pop(address, None)
            if mta in self._relays or ip in self._relays:
                return ()
            return (delivered(address, message.return_path, line.at, message.sent_at),)
        if not rest.startswith(": ", end):
            return (unclear(line.text, "its fields are not understood"),)
        text = rest[end + 2 :]
        said = _said(text, mta)
        if sign == "==":
            message.defer(address, said)
            return ()
        last = message.deferred.pop(address, said)
        said = last if text == _GAVE_UP else said
        return (
            rejected(
                address,
                message.return_path,
                line.at,
                f"exim:{line.host}/{id_}/{line.at}",
                reply=said.reply,
                mta=said.mta,
                stage=said.stage,
                category=str(Category.EXPIRED) if text.endswith(_GAVE_UP) else "",
                sent_at=message.sent_at,
            ),
        )


def _without_pid(text: str) -> str:
    return text[found.end() :] if (found := _PID.match(text)) else text


def _whom(rest: str) -> tuple[str, int] | None:
    """Return whom a line is about, and where that ends; None where it is not to be told.

    The address is empty for a file, a pipe and a member of an alias, of whom the sender knows nothing.  A local part
    that needs quotes is logged without them, and behind it with them: only then nobody can tell where it ends.
    """
    if rest.startswith(("|", "/")):
        return "", 0
    found = _WHOM.match(rest)
    if found is None or ' <"' in rest:
        return None
    local_part, domain, original = found.groups()
    if not domain:  # of a local mailbox its name alone
        is_same = original is not None and original.rpartition("@")[0].lower() == local_part.lower()
        return (original if is_same else ""), found.end()
    address = f"{local_part}{domain}"
    is_same = original is None or original.lower() == address.lower()
    return (address if is_same else ""), found.end()


def _fields(rest: str, start: int) -> tuple[str, str, int]:
    """Return the server's name and address in the fields of a line, and where they end."""
    mta = ip = ""
    while found := _FIELD.match(rest, start):
        start = found.end()
        if found[1]:
            mta, ip = found[1], found[2]
    return mta, ip, start


def _said(text: str, mta: str) -> Deferral:
    """Return who said what, and when: a server, or Exim itself.

    Over LMTP a reply to the end of the message is about one recipient.  (RFC 2033 section 4.2)
    """
    said = _SAID.fullmatch(text)
    if said is None:
        return Deferral(text)
    command, reply = said.groups()
    reply = reply.removesuffix(f": {_GAVE_UP}").replace("\\n", "\n")
    stage = _STAGES.get(command) or _STAGES.get(command[:4].upper(), "")
    if stage == "DATA" and text.startswith("LMTP"):
        stage = ""
    return Deferral(reply, "" if mta.startswith("[") else mta, stage)
