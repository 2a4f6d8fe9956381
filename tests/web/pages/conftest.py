"""The application with Alice, who may sign in, seen through a client or through a real browser."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from bounced.web.pages import health
from bounced.web.people.asking import SESSION
from bounced.web.people.user_file import save_users
from bounced.web.people.users import Users, new_user
from tests.support.browser import Watched, browsing
from tests.support.daemon import Daemon
from tests.web.conftest import Site, Start

PASSWORD = "correct horse battery"
ALICE = new_user("alice", PASSWORD, datetime.now(UTC))
PRIVATE = 'users_file = "users.toml"\nlogin_folder = "run"\n'


@pytest.fixture(autouse=True)
def _asks_no_name_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer as a name server that knows nothing."""

    async def resolve(_name: str, _type: str) -> list[str]:
        return []

    monkeypatch.setattr(health, "resolver", lambda: resolve)


@pytest.fixture
def people(tmp_path: Path) -> None:
    """Leave the file with Alice in it, beside the folder of the links."""
    (tmp_path / "run").mkdir()
    save_users(tmp_path / "users.toml", Users([ALICE]))


@pytest.fixture
async def site(start: Start, people: None) -> AsyncIterator[Site]:
    """Give the application."""
    async with start(private=PRIVATE) as site:
        yield site


@pytest.fixture
async def alice(site: Site) -> httpx.AsyncClient:
    """Return a client in which Alice is signed in."""
    return await signed_in(site)


@pytest.fixture
async def daemon(tmp_path: Path, redis_url: str, key_prefix: str) -> AsyncIterator[Daemon]:
    """Run the daemon for the same lists, with its data in ``daemon/data``."""
    folder = tmp_path / "daemon"
    folder.mkdir()
    daemon = Daemon(folder, url=redis_url, prefix=key_prefix)
    await asyncio.to_thread(daemon.start)
    try:
        yield daemon
    finally:
        await asyncio.to_thread(daemon.stop)


async def signed_in(site: Site) -> httpx.AsyncClient:
    """Return the client of the private listener, with a session."""
    site.private.cookies.set(SESSION, session(site))
    return site.private


def session(site: Site) -> str:
    """Begin a session of Alice, and return its cookie."""
    return site.desk.door.sessions.begin("alice", "password", ALICE.kept)


@pytest.fixture
async def browser(site: Site, tmp_path: Path) -> AsyncIterator[Watched]:
    """Give a page of a real browser, in which Alice is signed in; nothing may go wrong on it."""
    origin = f"http://127.0.0.1:{site.ports['private']}"
    async with browsing(tmp_path) as opened:
        context = await opened.new_context(viewport={"width": 1440, "height": 900})
        await context.add_cookies([{"name": SESSION, "value": session(site), "url": origin}])
        watched = Watched(await context.new_page(), origin)
        await watched.open("/")
        yield watched
    assert watched.wrong == []
