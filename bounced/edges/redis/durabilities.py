"""How much has to be true before a commit counts as written."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Protocol

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ResponseError

from bounced.edges.redis.time_budget import DEFAULT_BUDGET, TimeBudget
from bounced.edges.redis.wire import Reply, call, pack, texts
from bounced.ports import Misconfigured


class NotDurable(Exception):  # noqa: N818 - an answer: written perhaps, but not as safely as asked for
    """The wait ended without the number of copies asked for."""


class NotPrimary(NotDurable):
    """The server that answered is a replica."""


class ReadElsewhere(NotDurable):
    """What was read came from a server that does not count; it changed nothing, so it may be asked again."""


class Durability(Protocol):
    """What goes out behind each batch on the same connection, and what its answers must say."""

    async def prepare(self, connection: AbstractConnection) -> None:
        """Check a new connection's server.  Raises Misconfigured, RedisError."""

    def commands(self) -> list[bytes]:
        """Return the packed commands that end a batch."""

    def check(self, replies: list[Reply]) -> None:
        """Raise NotDurable unless the answers to ``commands`` say that the batch is safe."""


class Memory:
    """Acknowledged by Redis: as safe as the server's own memory."""

    async def prepare(self, connection: AbstractConnection) -> None:
        """Accept any server."""

    def commands(self) -> list[bytes]:
        """Wait for nothing."""
        return []

    def check(self, replies: list[Reply]) -> None:
        """Accept."""


class Primary(Memory):
    """Said by the primary, for reads: a server that was demoted and cut off may lack a token that the primary has."""

    def commands(self) -> list[bytes]:
        """Ask who answers."""
        return [pack("ROLE")]

    def check(self, replies: list[Reply]) -> None:
        """Want a primary."""
        try:
            _replicas(replies[0])
        except NotDurable as error:
            raise ReadElsewhere(str(error)) from error


@dataclass(frozen=True, slots=True)
class Fsync:
    """On the disk of the primary: survives a loss of power.

    It needs ``appendfsync always``: under ``everysec`` WAITAOF was seen to answer before the data was on disk.
    ``warn`` is told where the server lets nobody read its configuration; ``wait_ms`` is how long WAITAOF may take.
    """

    warn: Callable[[str], None]
    wait_ms: int

    async def prepare(self, connection: AbstractConnection) -> None:
        """Refuse a server that does not write each commit to disk, or cannot say that it has."""
        await _need_waitaof(connection)
        try:
            reply = texts(await call(connection, "CONFIG", "GET", "append*"))
        except ResponseError as error:
            self.warn(f"CONFIG GET is not allowed, appendfsync could not be checked: {error}")
            return
        settings = dict(zip(reply[::2], reply[1::2], strict=True))
        if (settings.get("appendonly"), settings.get("appendfsync")) != ("yes", "always"):
            found = f"appendonly {settings.get('appendonly')}, appendfsync {settings.get('appendfsync')}"
            raise Misconfigured(f'durability = "fsync" needs appendonly yes and appendfsync always, found {found}')

    def commands(self) -> list[bytes]:
        """Wait for the primary's own disk."""
        return [pack("WAITAOF", 1, 0, self.wait_ms)]

    def check(self, replies: list[Reply]) -> None:
        """Want the one local copy."""
        match replies:
            case [[int(local), _]] if local >= 1:
                return
            case [ResponseError() as refusal]:
                raise NotDurable(f"WAITAOF answered {refusal}") from refusal
        raise NotDurable(f"WAITAOF 1 0 answered {replies!r}")


@dataclass(slots=True)
class Replicas:
    """In the memory of ``wanted`` replicas; of all that are connected, but at least one, where it is None.

    ``wait_ms`` is how long WAIT may take.
    """

    wait_ms: int
    wanted: int | None = None
    connected: int = 1

    async def prepare(self, connection: AbstractConnection) -> None:
        """Learn how many replicas there are; a primary that has none now may get one back."""
        self.connected = _replicas(await call(connection, "ROLE"))

    def commands(self) -> list[bytes]:
        """Wait for the replicas; ROLE says how many there are at that very moment."""
        return [pack("ROLE"), pack("WAIT", self._enough(), self.wait_ms)]

    def check(self, replies: list[Reply]) -> None:
        """Want as many as asked for; a replica that has just come counts from now on."""
        role, reached = replies
        self.connected = _replicas(role)
        if not isinstance(reached, int) or reached < self._enough():
            raise NotDurable(f"WAIT {self._enough()} answered {reached!r}")

    def _enough(self) -> int:
        return self.wanted or max(1, self.connected)


def durability(
    setting: str, warn: Callable[[str], None], budget: TimeBudget = DEFAULT_BUDGET
) -> Callable[[], Durability]:
    """Return what makes, for each server, what ``memory``, ``fsync``, ``replica`` or ``replica:N`` asks for.

    ``warn`` hears once what could not be checked.  Raises ValueError.
    """
    match setting.partition(":"):
        case ("memory", "", ""):
            return Memory
        case ("fsync", "", ""):
            return partial(Fsync, _once(warn), budget.wait_ms)
        case ("replica", "", ""):
            return partial(Replicas, budget.wait_ms)
        case ("replica", ":", number) if number.isdecimal() and int(number) > 0:
            return partial(Replicas, budget.wait_ms, int(number))
    raise ValueError(f"durability must be memory, fsync, replica or replica:N, got {setting!r}")


def _once(warn: Callable[[str], None]) -> Callable[[str], None]:
    return cache(warn)


async def _need_waitaof(connection: AbstractConnection) -> None:
    try:
        await call(connection, "WAITAOF", 0, 0, 1)
    except ResponseError as error:
        if "unknown command" in str(error).lower():
            raise Misconfigured(
                'durability = "fsync" needs WAITAOF: Redis 7.2 or Valkey; with an older server use "memory"'
            ) from error
        raise


def _replicas(role: Reply) -> int:
    match role:
        case [b"master", int(), list(replicas)]:
            return len(replicas)
        case ResponseError() as refusal:
            raise NotDurable(f"ROLE answered {refusal}") from refusal
    raise NotPrimary(f"not a primary: ROLE answered {role!r}")
