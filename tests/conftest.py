"""What tests of more than one room need: a real server, shared by all tests of one process."""

import uuid
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import structlog
from hypothesis import HealthCheck, settings

from bounced.edges.redis.embedded import EmbeddedServer

# As the daemon writes errors.  structlog's own way, all variables of all frames in boxes, holds the loop for seconds.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.dev.ConsoleRenderer(),
    ]
)

# How long an example takes, and how long it takes to invent one, depends on what else the machine does.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def redis_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Return the URL of a real server with ``appendfsync always``; tests keep apart by ``key_prefix``."""
    async with EmbeddedServer(tmp_path_factory.mktemp("server")) as server:
        yield server.url


@pytest.fixture
def key_prefix() -> str:
    """Return a prefix of keys that no other test uses."""
    return f"test-{uuid.uuid4().hex[:12]}"
