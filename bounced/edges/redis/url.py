"""Where Redis is, for as long as somebody needs it: an embedded one is there from the first user to the last."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bounced.config import Config, build
from bounced.edges.redis.embedded import EmbeddedServer


@asynccontextmanager
async def redis_url(config: Config) -> AsyncIterator[str]:
    """Give the URL of the configured server, the embedded one started or adopted.  Raises NoServer, OSError."""
    if config.redis.embedded:
        async with EmbeddedServer(config.redis.data_dir, config.redis.server_binary) as server:
            yield server.url
    else:
        yield build.redis_url(config.redis) or ""
