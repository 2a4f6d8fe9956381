"""How many octets of Redis' memory a suppressed address takes: in the set, its state, its history, its report.

python -m benchmarks.memory [--addresses 1000000] [--server /usr/bin/valkey-server]

How it works.  The store commits one bounce, and what this leaves in Redis is read.  The same is then written for each
address, under its own name, one kind of key after the other, and the server is asked what that took.
"""

import argparse
import asyncio
import re
import socket
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path

from redis import Redis

from bounced.core.contract.keys import Keyspace
from bounced.core.policy import DEFAULT_POLICY, decide
from bounced.core.state import Evidence, EvidenceType, ReportId
from bounced.core.terms import Action, Category, Kind, Origin, Verdict
from bounced.edges.redis import RedisStore, durability
from bounced.edges.redis.connect import connections
from bounced.edges.redis.embedded import EmbeddedServer
from bounced.edges.redis.wire import Argument, pack

BATCH = 10_000
KEYS = Keyspace()
NOW = datetime.now(UTC).replace(microsecond=0)
SET, STATE, HELD = "in the set `suppressed`", "its state", "in `due`, where held"
HISTORY, SEEN, EVENT = "its history, one event", "one report in `seen`", "an entry of `events`"
VERDICT = Verdict(
    Category.MAILBOX_UNKNOWN,
    "smtp.user-unknown",
    "diagnostic",
    Action.FAILED,
    "5.1.1",
    "550",
    "mx1.mail.example.net",
    "550 5.1.1 <somebody@example.org>: Recipient address rejected: User unknown in virtual mailbox table",
)
BOUNCE = Evidence(
    EvidenceType.REPORT,
    NOW,
    Origin.SMTP,
    Kind.BOUNCE,
    VERDICT,
    NOW.date(),
    campaign="spring",
    peer="192.0.2.25",
    reporting_mta="mx1.mail.example.net",
)


def address(number: int) -> str:
    """Return an address of 24 octets, a usual length."""
    return f"person{number:07}@mail{number % 1000:03}.org"


def digest(number: int) -> str:
    """Return a report's digest; the first 13 digits are as long as a signed PATH."""
    return sha256(b"%d" % number).hexdigest()


FIRST, PATH, DIGEST = address(0), digest(0)[:13], digest(0)
_FIRST, _PATH, _DIGEST = FIRST.encode(), PATH.encode(), DIGEST.encode()
_OF_ONE = re.compile(b"(%b|%b|%b)" % (re.escape(_FIRST), _DIGEST, _PATH))
AT_MOST = {HELD: 1_000_000, EVENT: 1_000_000}
"""So many are written of these: that is as long as the stream of events gets, and few addresses are held."""
Kinds = Mapping[str, list[tuple[Argument, ...]]]


def _fail(text: str) -> None:
    raise SystemExit(text)


async def commands_of_one(url: str) -> Kinds:
    """Commit the bounce of the first address; return the commands that write the same again, by kind of key."""
    store = RedisStore(connections(url), {"main": KEYS}, durability("memory", _fail))
    await store.start()
    await store.commit(ReportId("main", PATH, DIGEST), FIRST, partial(decide, evidence=BOUNCE, policy=DEFAULT_POLICY))
    await store.close()
    with Redis.from_url(url, decode_responses=True) as redis:
        state, history, seen = KEYS.address(FIRST), KEYS.history(FIRST), KEYS.seen(PATH)
        (_, event), *_ = redis.xrange(KEYS.events)
        kinds: Kinds = {
            HELD: [("ZADD", KEYS.due, int((NOW + timedelta(days=30)).timestamp()), FIRST)],
            EVENT: [("XADD", KEYS.events, "*", *_flat(event))],
            SET: [("SADD", KEYS.suppressed, FIRST)],
            STATE: [("HSET", state, *_flat(redis.hgetall(state)))],
            HISTORY: [("RPUSH", history, *redis.lrange(history, 0, -1)), ("EXPIRE", history, redis.ttl(history))],
            SEEN: [("SADD", seen, *redis.smembers(seen)), ("EXPIRE", seen, redis.ttl(seen))],
        }
        redis.flushall()
    return kinds


def _flat(fields: Mapping[str, str]) -> Iterator[str]:
    for pair in fields.items():
        yield from pair


class Loader:
    """Writes many keys over one connection, without waiting for each."""

    def __init__(self, url: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(url.removeprefix("unix://").partition("?")[0])

    def write(self, commands: list[tuple[Argument, ...]], count: int) -> None:
        """Write the commands of the first address for so many."""
        pieces = _OF_ONE.split(b"".join(pack(*command) for command in commands))
        for first in range(0, count, BATCH):
            numbers = range(first, min(first + BATCH, count))
            self._socket.sendall(b"".join(_for(number, pieces) for number in numbers))
            self._hear(len(commands) * len(numbers))

    def _hear(self, replies: int) -> None:
        """Wait for so many replies.  Each is a number, or the two lines of an entry's id."""
        while replies > 0:
            heard = self._socket.recv(1 << 20)
            if not heard or b"-ERR" in heard or b"-OOM" in heard:
                raise SystemExit(f"the server answered {heard[:200]!r}")
            replies -= heard.count(b"\n") - heard.count(b"$")


def _for(number: int, pieces: Sequence[bytes]) -> bytes:
    """Return the commands for another address, whose names are as long."""
    named = address(number).encode()
    if _PATH not in pieces:
        return b"".join(named if piece == _FIRST else piece for piece in pieces)
    own = digest(number).encode()
    names = {_FIRST: named, _DIGEST: own, _PATH: own[:13]}
    return b"".join(names.get(piece, piece) for piece in pieces)


def measured(url: str, kinds: Kinds, count: int) -> dict[str, float]:
    """Fill one kind of key after the other; return octets an address for each."""
    loader, octets = Loader(url), {}
    with Redis.from_url(url) as redis:
        for name, commands in kinds.items():
            before, many = redis.info("memory")["used_memory"], min(count, AT_MOST.get(name, count))
            loader.write(commands, many)
            octets[name] = (redis.info("memory")["used_memory"] - before) / many
    return octets


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--addresses", type=int, default=1_000_000)
    parser.add_argument("--server", type=Path, help="another program than the embedded server's")
    arguments = parser.parse_args()
    count = arguments.addresses
    with tempfile.TemporaryDirectory(prefix="bounced-memory-") as folder:
        async with EmbeddedServer(Path(folder), arguments.server) as server:
            with Redis.from_url(server.url) as redis:
                redis.config_set("appendonly", "no")  # only memory is measured
                told = redis.info()
            kinds = await commands_of_one(server.url)
            octets = await asyncio.to_thread(measured, server.url, kinds, count)
    version = told.get("valkey_version", told["redis_version"])
    print(f"{told.get('server_name', 'redis')} {version}, {told['mem_allocator']}, {count:,} addresses")
    for name, each in octets.items():
        print(f"{name:<28}{each:7.0f} octets an address")
    kept, recent = octets[SET] + octets[STATE], octets[HISTORY] + octets[SEEN]
    for addresses in (1_000_000, 10_000_000, 100_000_000):
        lasting, new = addresses * kept / 2**30, addresses * (kept + recent) / 2**30
        print(f"{addresses:>12,} suppressed: {lasting:6.1f} GiB, {new:6.1f} GiB where all of it is new")


if __name__ == "__main__":
    asyncio.run(main())
