"""What pages say while Redis is frozen or gone: in words, in time."""

import asyncio
import os
import signal
from pathlib import Path

import httpx
from redis.asyncio import Redis

from bounced.edges.redis.embedded import EmbeddedServer
from tests.web.conftest import Start

from .conftest import PRIVATE, signed_in
from .test_breaking import PATHS

ASKING = {
    "/address": {"q": "bob@example.org"},
    "/address/events": {"q": "bob@example.org"},
    "/campaigns/failures": {"campaign": "spring"},
    "/policy": {"rule": "mailbox_unknown", "failures": "3"},
    "/unknown": {"look": "1"},
}
ASKED = {"/", "/overview/now", "/address", "/changes", "/providers", "/campaigns", "/live", "/policy"}
"""Pages that can tell nothing without Redis; the others need it for a part, or not at all."""
MOST_S = 30


async def asked(browser: httpx.AsyncClient) -> None:
    """Ask for every page at once, and fail unless each answers in words and in time."""
    async with asyncio.timeout(MOST_S):
        answers = await asyncio.gather(*(browser.get(each, params=ASKING.get(each)) for each in PATHS))
    by_path = dict(zip(PATHS, answers, strict=True))
    assert {path: answer.status_code for path, answer in by_path.items() if answer.status_code >= 500} == {
        path: 503 for path, answer in by_path.items() if answer.status_code >= 500
    }
    assert {path for path in ASKED if by_path[path].status_code != 503} == set()
    for path in ASKED:
        assert "Redis cannot be asked now." in by_path[path].text
        assert by_path[path].headers["retry-after"]


async def test_a_frozen_redis_is_said_on_every_page(start: Start, people: None, tmp_path: Path) -> None:
    """And when it goes on, the pages do."""
    async with (
        EmbeddedServer(tmp_path / "redis") as embedded,
        Redis.from_url(embedded.url) as server,
        start(private=PRIVATE, url=embedded.url) as site,
    ):
        browser = await signed_in(site)
        pid = (await server.info("server"))["process_id"]
        os.kill(pid, signal.SIGSTOP)
        try:
            await asked(browser)
        finally:
            os.kill(pid, signal.SIGCONT)
        async with asyncio.timeout(MOST_S):
            while (await browser.get("/")).status_code != 200:
                pass


async def test_a_redis_that_is_gone_is_said_on_every_page(start: Start, people: None, tmp_path: Path) -> None:
    """Nobody waits for it."""
    async with EmbeddedServer(tmp_path / "redis") as embedded, start(private=PRIVATE, url=embedded.url) as site:
        browser = await signed_in(site)
        assert (await browser.get("/")).status_code == 200
        await embedded.stop()
        await asked(browser)
