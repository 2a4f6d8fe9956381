"""Postfix's log: its queue manager tells whose a message is, its delivery agents what became of it.

Their lines are made by log_adhoc() and bounce_log.  An address comes before anything that a server said, and is
quoted as RFC 5321 has it (``info_log_addr_form = external``, the default).
"""

import re
from collections.abc import Sequence
from datetime import datetime

from bounced.core.exchange.logs.entries import delivered, rejected, unclear
from bounced.core.exchange.logs.messages import Deferral, Key, Message, QueueLog
from bounced.core.exchange.logs.parser import IsOurs, Logged, Source
from bounced.core.exchange.logs.wraps import Line, Unwrap
from bounced.core.terms import Category

UNITS = frozenset({"postfix.service", "postfix@-.service"})

_AGENTS = frozenset({"smtp", "lmtp", "local", "virtual", "pipe", "error"})
_MANAGERS = frozenset({"qmgr", "nqmgr", "oqmgr"})
_REMOTE = frozenset({"smtp", "lmtp"})
_FINAL = frozenset({"smtp", "lmtp", "local", "virtual"})
"""Agents whose ``sent`` is a delivery.  What pipe(8) runs is often a filter."""

_QUEUE_ID = "[0-9A-Za-z]{5,20}"
# Mailbox = Local-part "@" Domain, the local part a dot-string or quoted.  (RFC 5321 section 4.1.2)
_MAILBOX = r'(?:"(?:[^"\\]|\\.)*+"|[^\s<>,"@]++)@[^\s<>,"@]++'
_OUTCOME = re.compile(
    rf"{_QUEUE_ID}: to=<({_MAILBOX})>, (?:orig_to=<({_MAILBOX}|[^\s<>,\"@]*)>, )?"
    r"relay=([^\s,\[\]]+)(?:\[([^\s\[\]]*)\])?(?::[0-9]+)?, "
    r"(?:[a-z_]+=[^\s,<>()]*+, )*?dsn=([245]\.[0-9]{1,3}\.[0-9]{1,3}), status=([A-Za-z-]+) \((.*)",
    re.DOTALL | re.ASCII,
)
_BEGINS = re.compile(rf"({_QUEUE_ID}): from=<([^\s<>]*)>, size=[0-9]+, nrcpt=[0-9]+ \(queue active\)", re.ASCII)
_EXPIRES = re.compile(rf"({_QUEUE_ID}): from=<([^\s<>]*)>, status=expired, returned to sender", re.ASCII)
_ENDS = re.compile(rf"({_QUEUE_ID}): removed", re.ASCII)
# smtp_mesg_fail() and smtp_rcpt_fail(): "host NAME[ADDRESS] said: REPLY (in reply to COMMAND command)"
_SAID = re.compile(
    r"(?:delivery temporarily suspended: )?"
    r"host ([^\s\[\]]+)\[[^\s\[\]]*\](?::[0-9]+)? (said|refused to talk to me): (.*)",
    re.DOTALL | re.ASCII,
)
_IN_REPLY = re.compile(r" \(in reply to ([A-Za-z ]+?)(?: command)?\)\Z", re.ASCII)
_STAGES = {
    "EHLO": "EHLO",
    "HELO": "EHLO",
    "LHLO": "EHLO",
    "MAIL FROM": "MAIL",
    "RCPT TO": "RCPT",
    "DATA": "DATA",
    "end of DATA": "DATA",
    "BDAT": "DATA",
}


class Postfix(QueueLog):
    """Reads Postfix's log."""

    def __init__(self, source: Source, is_ours: IsOurs) -> None:
        self._unwrap = Unwrap(source, UNITS)
        self._name = source.program or "postfix"
        self._relays, self._is_ours = source.relays, is_ours
        super().__init__()

    def feed(self, line: bytes, now: datetime) -> Sequence[Logged]:
        """Return what one line says."""
        if b"status=" not in line and b": from=<" not in line and b": removed" not in line:
            return ()
        found = self._unwrap(line, now)
        if found is None or not found.program.startswith(self._name):
            return ()
        daemon = self._daemon(found.program)
        if daemon in _AGENTS:
            return self._outcome(found, daemon)
        return self._managed(found, now) if daemon in _MANAGERS else ()

    def _daemon(self, program: str) -> str:
        """Return the daemon in ``NAME/DAEMON`` or ``NAME/SERVICE/DAEMON``."""
        name, _, rest = program.partition("/")
        return rest.rpartition("/")[2] if name == self._name else ""

    def _managed(self, line: Line, now: datetime) -> Sequence[Logged]:
        if begins := _BEGINS.fullmatch(line.text):
            if self._is_ours(begins[2]):
                self._open.begin((line.host, begins[1]), begins[2], line.at, now.toordinal())
            else:
                self._open.end((line.host, begins[1]))
        elif ends := _ENDS.fullmatch(line.text):
            self._open.end((line.host, ends[1]))
        elif expires := _EXPIRES.fullmatch(line.text):
            return self._expired(line, (line.host, expires[1]))
        return ()

    def _expired(self, line: Line, key: Key) -> Sequence[Logged]:
        """Return that every recipient failed who was only deferred until now."""
        message = self._open.get(key)
        self._open.end(key)
        if message is None:
            return ()
        return [
            _failed(line, key[1], message, address, said, category=str(Category.EXPIRED))
            for address, said in message.deferred.items()
        ]

    def _outcome(self, line: Line, daemon: str) -> Sequence[Logged]:
        id_, to, _rest = line.text.partition(": to=<")
        message = self._open.get((line.host, id_)) if to else None
        if message is None:
            return ()  # most messages of a host that serves others too are not ours
        found = _OUTCOME.fullmatch(line.text)
        if found is None:
            return (unclear(line.text, "what became of a message is written in an unknown form"),)
        address, original, relay, ip, dsn, status, text = found.groups()
        text = text.removesuffix(")")  # syslog may have cut it off
        if original is not None and original.lower() != address.lower():
            return ()  # a member of an alias, of whom the sender knows nothing
        if ">, relay=" in text and status != "deferred":
            return (unclear(line.text, "it holds what looks like another line"),)
        if status == "sent":
            message.deferred.pop(address, None)
            is_final = daemon in _FINAL and not text.startswith("forwarded as ")
            if not is_final or relay in self._relays or ip in self._relays:
                return ()
            return (delivered(address, message.return_path, line.at, message.sent_at),)
        if status == "deferred":
            message.defer(address, _said(text, dsn, daemon))
        elif status == "bounced":
            message.deferred.pop(address, None)
            return (_failed(line, id_, message, address, _said(text, dsn, daemon)),)
        return ()


def _failed(line: Line, id_: str, message: Message, address: str, said: Deferral, *, category: str = "") -> Logged:
    return rejected(
        address,
        message.return_path,
        line.at,
        f"postfix:{line.host}/{id_}/{line.at}",
        reply=said.reply,
        mta=said.mta,
        stage=said.stage,
        category=category,
        sent_at=message.sent_at,
    )


def _said(text: str, dsn: str, daemon: str) -> Deferral:
    """Return who said what, and when: a server, or Postfix itself.

    What Postfix adds stands at the end, behind all that the server said.  Over LMTP a reply to the end of the message
    is about one recipient.  (RFC 2033 section 4.2)
    """
    said = _SAID.fullmatch(text) if daemon in _REMOTE or daemon == "error" else None
    if said is None:
        return Deferral(f"{dsn} {text}")
    name, how, reply = said.groups()
    if how != "said":
        return Deferral(reply, _server(name), "EHLO")
    command = _IN_REPLY.search(reply)
    stage = _STAGES.get(command[1], "") if command else ""
    if stage == "DATA" and daemon == "lmtp":
        stage = ""
    return Deferral(reply[: command.start()] if command else reply, _server(name), stage)


def _server(name: str) -> str:
    return "" if name == "unknown" else name
