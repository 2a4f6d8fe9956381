"""The Redis or Valkey server: new enough, durable, never evicting, with the right time, and the one from before."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ResponseError

from bounced.core.contract.keys import Keyspace
from bounced.core.contract.server_facts import ClockAndIdentity
from bounced.core.numbers import whole
from bounced.edges.judge.finding import Finding, error, ok, skipped, warning
from bounced.edges.redis.identities import Identities, server_facts
from bounced.edges.redis.wire import call, text, texts

OLDEST = (7, 0)
OLDEST_WITH_WAITAOF = (7, 2)
CLOCK_WARNING_S = 2.0
CLOCK_ERROR_S = 60.0
NEARLY_FULL = 0.9
HANGS_S = 5
FULL = (
    "Raise maxmemory (CONFIG SET maxmemory, and in the server's configuration file), or lower keep.events_max and trim "
    "the streams: docs/operate.md. Until then every bounce is answered with 451 and comes again."
)
_REPLICA = re.compile(r"slave\d+")
LISTPACK_BYTES = 512
"""A state's longest field.  Hashes with longer ones than the server's setting take twice the memory."""


@dataclass(frozen=True, slots=True)
class Replica:
    """A replica as its primary sees it; ``lag_s`` is how long it has said nothing, which it should each second."""

    online: bool
    lag_s: int

    @property
    def well(self) -> bool:
        """Whether a commit would reach it."""
        return self.online and self.lag_s < HANGS_S


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What a server says about itself.  ``settings`` is None where it does not let us read its configuration."""

    name: str
    version: tuple[int, ...]
    role: str
    used_bytes: int
    limit_bytes: int
    settings: Mapping[str, str] | None
    clock: datetime
    replicas: tuple[Replica, ...] = ()

    @property
    def full(self) -> bool:
        """Whether there is a limit, and no room below it."""
        return 0 < self.limit_bytes <= self.used_bytes


async def ask_server(connection: AbstractConnection) -> ServerFacts:
    """Return what a server says of itself.  Raises RedisError."""
    info = dict(line.split(":", 1) for line in text(await call(connection, "INFO")).splitlines() if ":" in line)
    valkey = "valkey_version" in info
    seconds, microseconds = texts(await call(connection, "TIME"))
    return ServerFacts(
        name="Valkey" if valkey else "Redis",
        version=tuple(int(part) for part in info["valkey_version" if valkey else "redis_version"].split(".")),
        role=info.get("role", ""),
        used_bytes=int(info.get("used_memory", 0)),
        limit_bytes=int(info.get("maxmemory", 0)),
        settings=await _settings(connection),
        clock=datetime.fromtimestamp(int(seconds) + int(microseconds) / 1e6, UTC),
        replicas=tuple(_replica(value) for name, value in info.items() if _REPLICA.fullmatch(name)),
    )


def judge(server: ServerFacts, durability: str, now: datetime) -> Iterator[Finding]:
    """Yield how a server is for what is asked of it.  ``durability`` is memory, fsync, replica or replica:N."""
    yield _version(server, durability)
    yield _role(server)
    yield _clock(server, now)
    yield _memory(server)
    if durability.startswith("replica") and server.role == "master":
        yield _replicas(server, durability)
    if server.settings is None:
        yield skipped("Redis settings", "CONFIG GET is not allowed here", "Check persistence and eviction by hand.")
        return
    yield _eviction(server.settings)
    yield _persistence(server.settings, durability)
    yield _listpack(server.settings)


def _replica(said: str) -> Replica:
    """Return what ``ip=...,port=...,state=online,offset=...,lag=0`` says."""
    facts = dict(part.partition("=")[::2] for part in said.split(","))
    return Replica(facts.get("state") == "online", whole(facts.get("lag", "")) or 0)


async def _settings(connection: AbstractConnection) -> Mapping[str, str] | None:
    settings: dict[str, str] = {}
    try:
        for name in ("maxmemory-policy", "append*", "save", "hash-max-listpack-value"):
            reply = texts(await call(connection, "CONFIG", "GET", name))
            settings |= dict(zip(reply[::2], reply[1::2], strict=True))
    except ResponseError:
        return None
    return settings


def _version(server: ServerFacts, durability: str) -> Finding:
    version = f"{server.name} {'.'.join(map(str, server.version))}"
    if server.version < OLDEST:
        return error("Redis version", f"{version} is too old", "Install Redis 7.2 or later, or Valkey.")
    if server.version >= OLDEST_WITH_WAITAOF:
        return ok("Redis version", version)
    advice = 'Install Redis 7.2 or later, or Valkey; with this one only "memory" and "replica" work.'
    outcome = error if durability == "fsync" else warning
    return outcome("Redis version", f"{version} cannot say that a commit is on disk", advice)


def _role(server: ServerFacts) -> Finding:
    if server.role == "master":
        return ok("Redis role", "a primary: it takes writes")
    return error("Redis role", f"{server.role or 'unknown'}: it takes no writes", "Let redis.url name the primary.")


def _clock(server: ServerFacts, now: datetime) -> Finding:
    apart = abs((server.clock - now).total_seconds())
    found = f"{apart:.1f} s apart from the server's"
    advice = "Run a time service (systemd-timesyncd, chrony) on both machines: return paths and holds end by the clock."
    if fault := ClockAndIdentity(server.clock, "").clock_fault(now):
        return error("clock", f"{fault}: bounces that seem too old or too new are put off with 451", advice)
    if apart > CLOCK_ERROR_S:
        return error("clock", found, advice)
    return warning("clock", found, advice) if apart > CLOCK_WARNING_S else ok("clock", found)


def _memory(server: ServerFacts) -> Finding:
    used = f"{server.used_bytes / 2**20:.0f} MiB used"
    if not server.limit_bytes:
        return ok("Redis memory", f"{used}, no limit set")
    found = f"{used} of {server.limit_bytes / 2**20:.0f} MiB (maxmemory)"
    if server.full:
        return error("Redis memory", f"full: {found}", FULL)
    if server.used_bytes > NEARLY_FULL * server.limit_bytes:
        return warning("Redis memory", found, "Raise maxmemory. When it is full, every bounce is answered with 451.")
    return ok("Redis memory", found)


def _replicas(server: ServerFacts, durability: str) -> Finding:
    """Return whether as many replicas would have a commit as the durability wants: without a number all, at least one.

    WAIT believes a replica that hangs until it is disconnected.
    """
    subject, number = "Redis replicas", durability.partition(":")[2]
    there, well = len(server.replicas), sum(replica.well for replica in server.replicas)
    wanted = int(number) if number else max(1, there)
    found = f"{well} of the {wanted} that durability {durability!r} waits for"
    if well >= wanted:
        return ok(subject, found)
    hang = f"; {there - well} connected and without an answer" if there > well else ""
    advice = 'Start or mend the replicas. Or set redis.durability to what the server can keep ("memory"), and restart.'
    return error(subject, f"{found}{hang}", advice, defers=True)


def _listpack(settings: Mapping[str, str]) -> Finding:
    subject, name = "Redis hashes", "hash-max-listpack-value"
    value = whole(settings.get(name, ""))
    if value is None or value >= LISTPACK_BYTES:
        return ok(subject, f"{name} {value}" if value else f"{name} is not known here")
    advice = f"CONFIG SET {name} {LISTPACK_BYTES}, and the same in the server's configuration file."
    return warning(subject, f"{name} {value}: a state takes up to twice the memory", advice)


def _eviction(settings: Mapping[str, str]) -> Finding:
    policy = settings.get("maxmemory-policy", "noeviction")
    if policy == "noeviction":
        return ok("Redis eviction", "noeviction: no suppressed address is forgotten")
    advice = "CONFIG SET maxmemory-policy noeviction, and the same in the server's configuration file."
    return error("Redis eviction", f"{policy}: a full server would forget suppressed addresses", advice)


def _persistence(settings: Mapping[str, str], durability: str) -> Finding:
    subject = "Redis persistence"
    appends, fsync = settings.get("appendonly") == "yes", settings.get("appendfsync", "")
    found = f"appendonly {settings.get('appendonly')}, appendfsync {fsync}; durability is {durability!r}"
    if durability == "fsync" and not (appends and fsync == "always"):
        return error(
            subject, found, 'Set "appendonly yes" and "appendfsync always" in the server, or another durability.'
        )
    if not appends and not settings.get("save"):
        return error(subject, f"{found}: a restart forgets everything", 'Set "appendonly yes" in the server.')
    if not appends:
        advice = 'Set "appendonly yes": snapshots alone lose the minutes since the last one.'
        return warning(subject, f"{found}; snapshots only", advice)
    return ok(subject, found)


async def examine_identity(connection: AbstractConnection, keys: Keyspace, remembered: Identities) -> Finding:
    """Return whether the server behind an open connection is the one that kept a list.  Raises RedisError."""
    subject = f"Redis identity {keys.list_}"
    seen = server_facts(await call(connection, "TIME"), await call(connection, "HGET", keys.identity, "id"))
    if fault := seen.identity_fault(remembered.known(keys.identity)):
        advice = "Is redis.url right? Restore or import the list. If it is wanted so: bounced accept-redis"
        return error(subject, fault, advice)
    if not seen.identity:
        return ok(subject, "none yet: the daemon gives it one when it runs")
    met = remembered.has_met(keys.identity, seen.identity)
    return ok(subject, f"{seen.identity}, {'as this host knows it' if met else 'which this host has not met yet'}")
