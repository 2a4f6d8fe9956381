"""Lines of MTAs' logs, and what a parser hears in them."""

from collections.abc import Iterable
from datetime import UTC, datetime

from bounced.core.exchange.hooks import Entry
from bounced.core.exchange.logs import PARSERS, Logged, LogParser, Source

NOW = datetime(2026, 6, 15, 12, 0, 30, tzinfo=UTC)
PATH = "b-abc@bounce.example.com"
ADDRESS = "jane@example.net"
ANY_RELAY = Source()


def parser(mta: str, source: Source = ANY_RELAY) -> LogParser:
    """Return a parser of a log of which the messages from the bounce domain are ours."""
    return PARSERS[mta](source, lambda sender: sender.endswith("@bounce.example.com"))


def heard(reader: LogParser, *lines: str) -> list[Logged]:
    """Return what lines say, in their order."""
    return [said for line in lines for said in reader.feed(f"{line}\n".encode(), NOW)]


def told(said: Iterable[Logged]) -> list[dict[str, str]]:
    """Return the fields of entries; nothing else may be among them."""
    entries = []
    for each in said:
        assert isinstance(each, Entry), each
        entries.append(dict(each.fields))
    return entries


def postfix(daemon: str, text: str, *, at: str = "2026-06-15T12:00:00+00:00", host: str = "mx1") -> str:
    """Return a line of Postfix as syslog writes it."""
    return f"{at} {host} postfix/{daemon}[1234]: {text}"


def postfix_begins(queue_id: str = "4bXyZ12abcz", sender: str = PATH) -> str:
    """Return the line that tells whose a message is."""
    return postfix("qmgr", f"{queue_id}: from=<{sender}>, size=1000, nrcpt=1 (queue active)")


def postfix_ends(
    status: str,
    text: str,
    *,
    daemon: str = "smtp",
    to: str = ADDRESS,
    relay: str = "mx.example.net[192.0.2.1]:25",
    dsn: str = "5.1.1",
) -> str:
    """Return the line that tells what became of a message."""
    delays = "delay=1.2, delays=0.1/0/0.5/0.6"
    return postfix(daemon, f"4bXyZ12abcz: to=<{to}>, relay={relay}, {delays}, dsn={dsn}, status={status} ({text})")


def exim(text: str, *, id_: str = "1xXdxX-00000B-1E", at: str = "2026-06-15 12:00:00") -> str:
    """Return a line of Exim's main log."""
    return f"{at} {id_} {text}"


def exim_begins(sender: str = PATH) -> str:
    """Return the line that tells whose a message is."""
    return exim(f"<= {sender} H=app.example.com [192.0.2.9] P=esmtps S=257 id=1@example.com")
