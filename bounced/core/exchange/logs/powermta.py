"""PowerMTA's accounting files: CSV whose first line names the columns, of records "d" (delivered) and "b" (bounced).

(PowerMTA User's Guide, "Accounting records"; RFC 4180)
"""

import csv
import re
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from bounced.core.exchange.hooks.events import server_reply
from bounced.core.exchange.logs.entries import delivered, rejected, unclear
from bounced.core.exchange.logs.parser import IsOurs, Logged, Source, State
from bounced.core.exchange.logs.wraps import in_zone
from bounced.core.exchange.names import System, named
from bounced.core.limits import KIB
from bounced.core.terms import Category

MAX_COLUMNS = 200
MAX_RECORD_CHARS = 64 * KIB
"""Of a record over several lines: one that is longer is not read."""
_TOO_LONG = "\0"
_USED = ("type", "timelogged", "timequeued", "orig", "rcpt", "dsndiag", "dsnmta", "dlvdestinationip", "bouncecat")
_NEEDED = frozenset({"type", "timelogged", "orig", "rcpt"})
_DELIVERED = frozenset({"d", "delivery"})
_OUTCOMES = _DELIVERED | {"b", "bounce"}
_FIELD = r'(?:"(?:[^"]|"")*+"|(?!")[^,]*+)'
# A record that ends inside of a quoted field: its rest stands in the next lines.  (RFC 4180 section 2, rule 6)
_GOES_ON = re.compile(rf'(?:{_FIELD},)*+"(?:[^"]|"")*+')
_REST_OF_FIELD = re.compile(r'(?:[^"]|"")*+("?)')
_TYPE = re.compile(r"dns\s*;\s*", re.IGNORECASE)
_NO_ZONE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[ T]([0-9]{2}:[0-9]{2}:[0-9]{2})", re.ASCII)


class PowerMta:
    """Reads PowerMTA's records.

    Each file begins with its columns: whoever does not read a file from its beginning feeds its first line before.
    """

    forgotten = 0

    def __init__(self, source: Source, is_ours: IsOurs) -> None:
        self._relays, self._is_ours, self._zone = source.relays, is_ours, source.zone
        self._places: dict[str, int] = {}
        self._header: list[str] = []
        self._begun: str | None = None

    def state(self) -> State:
        """Return the columns, and the lines of a record that goes on."""
        return {"columns": self._header, "begun": self._begun}

    def restore(self, state: State) -> None:
        """Know these columns, and this beginning of a record."""
        columns, begun = state.get("columns"), state.get("begun")
        if isinstance(columns, list):
            self._know([str(each) for each in columns])
        self._begun = begun if isinstance(begun, str) else None

    def new_file(self) -> None:
        """Forget a record that has not ended: the rest of it will never come."""
        self._begun = None

    def feed(self, line: bytes, now: datetime) -> Sequence[Logged]:  # noqa: ARG002 - as LogParser
        """Return what one line says; of a record over several lines, at the last one."""
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if self._begun is None:
            if '"' in text and _GOES_ON.fullmatch(text):
                self._begun = text
                return ()
            return self._record(text)
        whole = _TOO_LONG if len(self._begun) > MAX_RECORD_CHARS else f"{self._begun}\n{text}"
        if _is_open(text):
            self._begun = self._begun if self._begun.startswith(_TOO_LONG) else whole
            return ()
        self._begun = None
        return self._record(whole)

    def _record(self, text: str) -> Sequence[Logged]:
        fields = _split(text)
        if fields and fields[0].lower() == "type":
            self._know(fields)
            return ()
        if not text:
            return ()
        if len(fields) != len(self._header):
            return (unclear(text, "not as many fields as the first line of the file names"),)
        type_, at, queued, sender, address, diagnostic, mta, ip, category = (
            fields[place] if (place := self._places.get(name)) is not None else "" for name in _USED
        )
        if type_ not in _OUTCOMES or not self._is_ours(sender):
            return ()
        at, queued, mta = self._time(at), self._time(queued), _TYPE.sub("", mta, count=1).split(" ", 1)[0]
        if type_ in _DELIVERED:
            is_delivery = self._relays.isdisjoint((mta, ip))
            return (delivered(address, sender, at, queued),) if is_delivery else ()
        name = named(System.POWERMTA, category)
        if name is not None and name.says_nothing:
            return ()
        return (
            rejected(
                address,
                sender,
                at,
                f"powermta:{sha256(text.encode('utf-8', 'replace')).hexdigest()}",
                reply=server_reply(diagnostic),
                mta=mta,
                category=str(name.category if name else Category.UNDETERMINED),
                sent_at=queued,
            ),
        )

    def _know(self, columns: list[str]) -> None:
        """Take the columns, unless one is missing without which a record says nothing."""
        names = [each.strip().lower() for each in columns[:MAX_COLUMNS]]
        if set(names) >= _NEEDED:
            self._header, self._places = names, {name: place for place, name in enumerate(names)}
        else:
            self._header, self._places = [], {}

    def _time(self, text: str) -> str:
        return in_zone(found[1], found[2], self._zone) if (found := _NO_ZONE.fullmatch(text)) else text


def _is_open(text: str) -> bool:
    """Tell whether a line that begins inside of a quoted field ends inside of one."""
    rest = _REST_OF_FIELD.match(text)
    assert rest
    return not rest[1] or _GOES_ON.fullmatch(text[rest.end() :].removeprefix(",")) is not None


def _split(text: str) -> list[str]:
    if '"' not in text:
        return text.split(",")
    try:
        return next(csv.reader([text], strict=True), [])
    except csv.Error:
        return []
