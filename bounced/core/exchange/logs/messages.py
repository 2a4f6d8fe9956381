"""The messages that an MTA has begun and not ended, by host and queue ID: whose they are, and what was said last."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bounced.core.exchange.logs.parser import State

MAX_MESSAGES = 100_000
MAX_DAYS = 30
"""No MTA keeps a message for so long; one that is older has ended while nobody read the log."""
MAX_DEFERRED = 10
"""Recipients of one message whose last reply is remembered."""
MAX_DEFERRED_REPLY_CHARS = 400

Key = tuple[str, str]
"""Host and queue ID."""


@dataclass(slots=True)
class Deferral:
    """The last temporary reply about one recipient."""

    reply: str
    mta: str = ""
    stage: str = ""


@dataclass(slots=True)
class Message:
    """One message.  ``sent_at`` is when the MTA first told of it, ``day`` the ordinal of the day when that was read."""

    return_path: str
    sent_at: str
    day: int
    deferred: dict[str, Deferral] = field(default_factory=dict)

    def defer(self, address: str, deferral: Deferral) -> None:
        """Remember the last temporary reply about a recipient."""
        if address in self.deferred or len(self.deferred) < MAX_DEFERRED:
            deferral.reply = deferral.reply[:MAX_DEFERRED_REPLY_CHARS]
            self.deferred[address] = deferral

    def deferrals(self) -> dict[str, list[str]]:
        """Return the last replies as JSON has them."""
        return {address: [last.reply, last.mta, last.stage] for address, last in self.deferred.items()}


class OpenMessages:
    """Remembers so many messages for so long, and forgets the one that was begun first where there are more.

    A queue ID is used again some time after its message has ended, so a new beginning replaces what was known.
    """

    def __init__(self, most: int = MAX_MESSAGES) -> None:
        self._messages: dict[Key, Message] = {}
        self._most = most
        self.forgotten = 0

    def __len__(self) -> int:
        return len(self._messages)

    def get(self, key: Key) -> Message | None:
        """Return a message that is open; None where it is not ours, or not known."""
        return self._messages.get(key)

    def begin(self, key: Key, return_path: str, at: str, day: int) -> None:
        """Remember a message, unless it is known already; ``day`` is the ordinal of today."""
        known = self._messages.get(key)
        if known is not None and known.return_path == return_path:
            return
        self._messages.pop(key, None)
        self._messages[key] = Message(return_path, at, day)
        self._forget(day - MAX_DAYS)

    def end(self, key: Key) -> None:
        """Forget a message, because the MTA has removed it or another one has its queue ID."""
        self._messages.pop(key, None)

    def _forget(self, oldest: int) -> None:
        while len(self._messages) > self._most or self._messages[next(iter(self._messages))].day < oldest:
            del self._messages[next(iter(self._messages))]
            self.forgotten += 1

    def as_json(self) -> list[list[Any]]:
        """Return all of them, the one that was begun first at the beginning."""
        return [
            [*key, each.return_path, each.sent_at, each.day, each.deferrals()] for key, each in self._messages.items()
        ]

    def restore(self, rows: object) -> None:
        """Take up again what ``as_json`` gave."""
        self._messages = dict(_read(rows))


def _read(rows: object) -> Iterator[tuple[Key, Message]]:
    for row in rows if isinstance(rows, Sequence) and not isinstance(rows, str) else []:
        match row:
            case [str(host), str(id_), str(return_path), str(sent_at), int(day), dict(deferred)]:
                known = {str(of): found for of, said in deferred.items() if (found := _deferral(said))}
                yield (host, id_), Message(return_path, sent_at, day, known)


def _deferral(said: object) -> Deferral | None:
    match said:
        case [str(reply), str(mta), str(stage)]:
            return Deferral(reply, mta, stage)
    return None


class QueueLog:
    """A log that tells of a message in several lines, by its queue id: what is open is known from line to line."""

    def __init__(self) -> None:
        self._open = OpenMessages()

    @property
    def forgotten(self) -> int:
        """How many messages had no place any more."""
        return self._open.forgotten

    def state(self) -> State:
        """Return the messages that are in the queue."""
        return {"open": self._open.as_json()}

    def restore(self, state: State) -> None:
        """Know these messages."""
        self._open.restore(state.get("open"))

    def new_file(self) -> None:
        """Do nothing: each line is whole."""
