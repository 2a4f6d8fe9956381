"""Sessions are tested on both event loops."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest
import uvloop

from tests.support.door import OpenDoor, open_door


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Name the loops: uvloop is what runs where it is installed, asyncio's own elsewhere."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def door() -> AsyncIterator[OpenDoor]:
    """Return an open door with default settings."""
    async with open_door() as opened:
        yield opened
