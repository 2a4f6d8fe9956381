"""Clients take every URL that the daemon takes, and find the server on which the list lives."""

import asyncio
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bounced.cli.root import bounced
from bounced.client import AsyncClient, Client, Keyring, ReturnPaths, SigningKey
from bounced.core.servers import servers
from tests.support.ports import free_port

from .conftest import Bench
from .reports import ALICE, report, suppress

CLIENT = Path(__file__).parents[2] / "docs/client.md"
JOSE = "josé@example.org"
PATHS = ReturnPaths("main", ("bounce.example.com",), Keyring(SigningKey("k", b"example secret, exactly 32 bytes")))
CONFIG = """
[redis]
url = "{url}"
prefix = "{prefix}"

[lists.main]
domains = ["bounce.example.com"]
keys = [{{ id = "k", file = "key" }}]
"""


async def test_a_plain_client_asks_and_tells_a_cluster(cluster_bench: Bench, cluster_url: str) -> None:
    """Whichever node it meets first."""
    await cluster_bench.store.commit(report(), ALICE, suppress())

    def use() -> str:
        with Client.from_url(cluster_url, PATHS, keys=cluster_bench.keys) as client:
            assert client.is_suppressed(ALICE)
            assert client.suppressed_among([ALICE, JOSE]) == {ALICE}
            assert client.why(ALICE).history
            assert client.report_sent(3, campaign="nov")
            return client.return_path_for(JOSE)

    await _check_registered(cluster_bench, await asyncio.to_thread(use))


async def test_an_asyncio_client_asks_and_tells_a_cluster(cluster_bench: Bench, cluster_url: str) -> None:
    """The same."""
    await cluster_bench.store.commit(report(), ALICE, suppress())
    async with AsyncClient.from_url(cluster_url, PATHS, keys=cluster_bench.keys) as client:
        assert await client.is_suppressed(ALICE)
        assert await client.suppressed_among([ALICE, JOSE]) == {ALICE}
        assert (await client.why(ALICE)).history
        assert await client.report_sent(3, campaign="nov")
        path = await client.return_path_for(JOSE)
    await _check_registered(cluster_bench, path)


async def test_a_user_needs_two_more_rights_in_a_cluster(cluster_bench: Bench, cluster_url: str) -> None:
    """Those that docs/client.md names."""
    prefix, page = cluster_bench.keys.prefix, CLIENT.read_text()
    (line,) = (line for line in page.splitlines() if line.startswith("ACL SETUSER reader "))
    (more,) = re.findall(r"In a Cluster, .* with `(.+?)`", page)
    rights = line.replace("~bounced:", f"~{prefix}:").split()[3:]
    for node in servers(cluster_url).urls:
        async with Redis.from_url(node) as redis:
            await redis.execute_command("ACL", "SETUSER", prefix, *rights, *more.split())
    url = cluster_url.replace("://", f"://{prefix}:PASSWORD@")
    async with AsyncClient.from_url(url, keys=cluster_bench.keys) as client:
        assert not await client.is_suppressed(ALICE)
    assert not await asyncio.to_thread(lambda: Client.from_url(url, keys=cluster_bench.keys).is_suppressed(ALICE))


async def test_encode_registers_a_token_in_a_cluster(cluster_bench: Bench, cluster_url: str, tmp_path: Path) -> None:
    """The command is such a client."""
    (tmp_path / "key").write_text("example secret, exactly 32 bytes")
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "bounced.toml").write_text(CONFIG.format(url=cluster_url, prefix=cluster_bench.keys.prefix))
    words = ["return-path", "encode", JOSE, "--config", str(tmp_path / "bounced.toml")]
    result = await asyncio.to_thread(CliRunner().invoke, bounced, words)
    await _check_registered(cluster_bench, result.stdout.strip())


@pytest.mark.parametrize("topology", ["redis+cluster://{nobody}", "redis+sentinel://{nobody}/group"])
async def test_where_nobody_answers_it_is_the_usual_error(topology: str) -> None:
    """From both clients, at the latest when they are asked."""
    url = topology.format(nobody=f"127.0.0.1:{free_port()}")
    with pytest.raises(RedisError):
        await asyncio.to_thread(lambda: Client.from_url(url).is_suppressed(ALICE))
    async with AsyncClient.from_url(url) as client:
        with pytest.raises(RedisError):
            await client.is_suppressed(ALICE)


async def _check_registered(bench: Bench, path: str) -> None:
    token = path.removeprefix("b-t").partition("@")[0]
    assert (await bench.store.token("main", token) or {})["recipient"] == JOSE
