"""From a URL to connections: what redis-py needs to know to open one, and nothing that it does behind our back."""

from collections.abc import Callable
from typing import Any

from redis.asyncio.connection import AbstractConnection, Connection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

CONNECT_TIMEOUT_S = 2.0

ConnectionFactory = Callable[[], AbstractConnection]


def connections(url: str, *, username: str | None = None, password: str | None = None) -> ConnectionFactory:
    """Return what makes unopened connections to the server of a redis://, rediss:// or unix:// URL.

    They never retry: a command that may have been applied is sent again only by those who know that it does no harm.
    Raises ValueError for a URL that names no server.
    """
    options: dict[str, Any] = dict(parse_url(url))
    connection_class = options.pop("connection_class", Connection)
    given = {"username": username, "password": password}
    options |= {name: value for name, value in given.items() if value is not None}
    options |= {
        "protocol": 2,
        "retry": Retry(NoBackoff(), 0),
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "socket_timeout": None,  # the caller's deadline covers a whole batch, not each read of it
    }
    return lambda: connection_class(**options)
