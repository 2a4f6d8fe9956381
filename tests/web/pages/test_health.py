"""What could keep the daemon from its work, as far as it is seen from the pages."""

import httpx
import pytest

from bounced.ports import StoreUnavailable
from bounced.web.pages import health
from tests.support.browser import Watched
from tests.support.daemon import Daemon
from tests.web.conftest import Site, Start

from .conftest import PRIVATE, signed_in
from .test_overview import text_of


async def test_what_is_wrong_stands_first_with_what_to_do(alice: httpx.AsyncClient) -> None:
    """As `bounced doctor` says it."""
    told = text_of(await alice.get("/health", params={"look": "1"}))
    assert "error MX bounce.example.com none: bounces cannot get here → Add: bounce.example.com. MX 10 " in told
    assert "warning host_name not set: the greeting names " in told
    assert "skipped daemon none of this host answers: " in told
    assert "ok Redis, from here answers; hosts whose workers read the intake: 0" in told
    assert told.index("error MX") < told.index("warning host_name") < told.index("skipped daemon")
    assert "Errors: 2, warnings: 3" in told


async def test_nothing_is_bound_to_see_whether_a_port_is_free(alice: httpx.AsyncClient) -> None:
    """A daemon that starts at this moment could not have it."""
    assert "nobody answers on this host" in text_of(await alice.get("/health/findings"))


async def test_the_page_says_that_redis_is_away(
    site: Site, alice: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the page that somebody opens then."""

    async def away(*_: object) -> None:
        raise StoreUnavailable("refused")

    monkeypatch.setattr(health, "list_statuses", away)
    answer = await alice.get("/health", params={"look": "1"})
    assert answer.status_code == 200
    assert "error Redis, from here does not answer: refused" in text_of(answer)


async def test_an_examination_ends(alice: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what was found until then."""
    monkeypatch.setattr(health, "LOOK_S", 0.0)
    told = text_of(await alice.get("/health/findings"))
    assert "The examination was ended because it took too long" in told
    assert "ok configuration as it is loaded here: lists: 2, keys: 2" in told


async def test_the_daemon_tells_what_it_found(start: Start, people: None, daemon: Daemon) -> None:
    """Of Redis, which the pages' own user may not look at."""
    async with start(private=PRIVATE, redis='data_dir = "daemon/data"') as site:
        told = text_of(await (await signed_in(site)).get("/health", params={"look": "1"}))
    assert " of 1, version " in told
    assert "ok refused paths none since the start" in told
    assert "ok Redis answers at unix:///" in told


async def test_what_was_found_comes_into_the_page(browser: Watched) -> None:
    """By itself; without a script a link leads to it."""
    await browser.open("/health")
    await browser.page.wait_for_selector("text=Examine again")
