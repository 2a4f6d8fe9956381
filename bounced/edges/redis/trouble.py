"""Why Redis does not do what is asked, in a sentence for an operator, with what to do about it.

How it works.  The errors of the client library are known by their classes, a few by the server's own words.  A server
that speaks TLS where none is expected, or the reverse, only closes the connection or stays silent: so it is asked once,
in the other way, before that is said.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from urllib.parse import parse_qs, urlsplit

from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
)

from bounced.core.servers import servers
from bounced.edges.host_names import resolved
from bounced.edges.redis.durabilities import NotPrimary

PROBE_S = 2.0
DEFAULT_PORT = 6379


class Fault(Enum):
    """What has to change before it works."""

    CONFIGURATION = auto()
    """Of bounced: it will fail each time until the file is another."""
    SERVER = auto()
    """It answers, and refuses."""
    AWAY = auto()
    """It does not answer, or not yet."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong, and what to do."""

    fault: Fault
    wrong: str
    remedy: str


async def trouble(error: BaseException, url: str | None) -> Trouble | None:
    """Return why a store was unavailable, None where nothing is known that helps; ``url`` is that of the configuration.

    It may ask the server, for ``PROBE_S`` at most.
    """
    if found := known(error, url):
        return found
    return await _by_asking(list(_causes(error)), url) if url else None


def known(error: BaseException, url: str | None = None) -> Trouble | None:
    """Return why a store was unavailable, as far as the error itself says it."""
    for cause in _causes(error):
        if found := _by_class(cause) or _by_words(str(cause), url):
            return found
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _by_class(error: BaseException) -> Trouble | None:
    match error:
        case OutOfMemoryError():
            return _FULL
        case ReadOnlyError() | NotPrimary():
            return _REPLICA
        case BusyLoadingError():
            return _LOADING
        case NoPermissionError():
            return _not_permitted(error)
        case AuthenticationError():
            return _PASSWORD
        case ssl.SSLCertVerificationError():
            return Trouble(
                Fault.CONFIGURATION,
                f"the certificate of the Redis server is not trusted: {error.verify_message}",
                "End redis.url with ?ssl_ca_certs=FILE for an authority of your own, and name the host as it does.",
            )
    return None


def _by_words(words: str, url: str | None) -> Trouble | None:
    """Return what the server's own words mean, also where they come from inside a script."""
    if "DB index is out of range" in words or "SELECT is not allowed in cluster mode" in words:
        return Trouble(
            Fault.CONFIGURATION,
            f"Redis has no database {_database(url)}",
            "Change the number in redis.url (a Cluster has only 0), or raise `databases` in redis.conf.",
        )
    if "OOM command not allowed" in words:
        return _FULL
    if "ACL failure in script" in words:
        return _not_permitted(words)
    if words.startswith("CLUSTERDOWN"):
        return Trouble(
            Fault.AWAY,
            "the Redis Cluster has no server for some of its slots",
            "Start the missing nodes.  `redis-cli CLUSTER INFO` says how many slots are covered.",
        )
    if words.startswith("NOREPLICAS"):
        return Trouble(
            Fault.SERVER,
            "Redis misses replicas, and takes no writes without them (min-replicas-to-write)",
            "Start the replicas, or change min-replicas-to-write.  `redis-cli INFO replication` says who is there.",
        )
    if words.startswith("MISCONF"):
        return Trouble(
            Fault.SERVER,
            "Redis cannot save its data and takes no writes",
            "Is its disk full?  Its own log says why; `redis-cli INFO persistence` too.",
        )
    return None


async def _by_asking(causes: list[BaseException], url: str) -> Trouble | None:
    """Return whether the server speaks TLS where none is expected, or none where it is."""
    parts = urlsplit(servers(url).urls[0])
    if parts.hostname is None or parts.scheme not in ("redis", "rediss") or _refused(causes):
        return None
    host, port = parts.hostname, parts.port or DEFAULT_PORT
    if parts.scheme == "redis" and await _speaks_tls(host, port):
        return Trouble(
            Fault.CONFIGURATION,
            f"{host}:{port} speaks TLS, and redis.url does not",
            "Begin redis.url with rediss:// (and end it with ?ssl_ca_certs=FILE for an authority of your own).",
        )
    if parts.scheme == "rediss" and await _speaks_plainly(host, port):
        return Trouble(
            Fault.CONFIGURATION,
            f"{host}:{port} speaks no TLS, and redis.url asks for it (rediss://)",
            "Begin redis.url with redis://, or name the port where the server has TLS (`tls-port` in redis.conf).",
        )
    return None


def _refused(causes: list[BaseException]) -> bool:
    """Whether there is nobody to ask: no such host, or nobody listens there."""
    return any("Connect call failed" in str(cause) or "Name or service" in str(cause) for cause in causes)


async def _speaks_tls(host: str, port: int) -> bool:
    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anybody.check_hostname = False
    anybody.verify_mode = ssl.CERT_NONE  # nothing is told to it but a greeting
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(PROBE_S):
            await resolved(host, port)  # else the loop's own look-up could hold up the end of the command
            _, writer = await asyncio.open_connection(host, port, ssl=anybody)
            writer.transport.abort()
            return True
    return False


async def _speaks_plainly(host: str, port: int) -> bool:
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(PROBE_S):
            await resolved(host, port)
            reader, writer = await asyncio.open_connection(host, port)
            with contextlib.closing(writer):
                writer.write(b"PING\r\n")
                return (await reader.readline())[:1] in (b"+", b"-")
    return False


def _database(url: str | None) -> str:
    parts = urlsplit(url or "")
    return parse_qs(parts.query).get("db", [parts.path.rpartition("/")[2]])[0] or "of that number"


def _not_permitted(error: object) -> Trouble:
    return Trouble(
        Fault.SERVER,
        f"Redis does not permit that to this user: {error}",
        "docs/redis.md has the ACL lines of the daemon's user and the operator's.",
    )


_FULL = Trouble(
    Fault.SERVER,
    "Redis is full: it has used its maxmemory, and takes no writes",
    "Raise maxmemory (`redis-cli CONFIG SET maxmemory 2gb`, and redis.conf).  Until then mail is answered with 451.",
)
_REPLICA = Trouble(
    Fault.SERVER,
    "redis.url names a replica, which takes no writes",
    "Name the primary in redis.url, or the Sentinels that know it (redis+sentinel://HOST:PORT/GROUP).",
)
_LOADING = Trouble(
    Fault.AWAY,
    "Redis is loading its data",
    "Try again in a moment.  `redis-cli INFO persistence` says how far it is.",
)
_PASSWORD = Trouble(
    Fault.CONFIGURATION,
    "Redis refuses the user name or password",
    "Look at redis.username and redis.password_file, or at the password in redis.url.",
)
