"""What the public listener counts is told where it is watched, and to nobody on the internet."""

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bounced.config import ConfigError

from .conftest import Site, Start


async def asked(socket: Path, path: str) -> str:
    """Return the answer of the address at which the listener is watched."""
    reader, writer = await asyncio.open_unix_connection(str(socket))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_the_public_listener_is_watched_at_an_address_of_its_own(start: Start, tmp_path: Path) -> None:
    """Health, readiness and what was counted; the listener itself has none of them."""
    async with start(public=f'metrics_listen = "unix:{tmp_path}/watch"') as site:
        assert (await site.public.post("/hooks/postmark/main")).status_code == 401
        for path, told in (("/healthz", "ok"), ("/readyz", "ready"), ("/metrics", "bounced_web_hooks_refused_total{")):
            answer = await asked(tmp_path / "watch", path)
            assert answer.startswith("HTTP/1.1 200 ")
            assert told in answer
            assert (await site.public.get(path)).status_code == 404
        assert " 404 " in await asked(tmp_path / "watch", "/hooks/postmark/main")


async def test_a_health_check_fills_no_log(site: Site) -> None:
    """It asks every few seconds; where the answer is no, the log has it."""
    with capture_logs() as logged:
        for path in ("/healthz", "/readyz", "/metrics"):
            await site.private.get(path)
        for part in site.serving._parts:
            await part.desk.store.close()
        await site.private.get("/readyz")
    lines = [(line["log_level"], line["route"], line["status"]) for line in logged if "route" in line]
    assert lines == [
        *(("debug", path, 200) for path in ("/healthz", "/readyz", "/metrics")),
        ("info", "/readyz", 503),
    ]


async def test_it_is_not_ready_without_redis(start: Start, tmp_path: Path) -> None:
    """It lives all the same."""
    async with start(public=f'metrics_listen = "unix:{tmp_path}/watch"') as site:
        for part in site.serving._parts:
            await part.desk.store.close()
        assert " 503 " in await asked(tmp_path / "watch", "/readyz")
        assert " 200 " in await asked(tmp_path / "watch", "/healthz")


async def test_its_address_belongs_to_nobody_else(start: Start) -> None:
    """It is among those that are compared."""
    with pytest.raises(ConfigError, match=r"web\.private\.listen must be free \(web\.public\.metrics_listen listens"):
        async with start(public='metrics_listen = "127.0.0.1:1"', private='listen = "127.0.0.1:1"'):
            pass
