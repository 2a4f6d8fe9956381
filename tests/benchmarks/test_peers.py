"""The servers that are compared do what the table says of them: each message is written once, also over TLS."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from aiosmtpd.smtp import SMTP, Envelope, Session

from benchmarks import generator, piped, run, servers
from benchmarks.figures import Shape
from benchmarks.generator import Generator
from benchmarks.mtas import DOMAIN
from benchmarks.processes import Running, redis_server
from benchmarks.tls_load import read_corpus

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler is here")

COUNT, LONGEST_S = 40, 60.0
READ_BY_BOTH = 5
FOREIGN = ("naive, 2 processes", "smtp-sink", "postfix, discard:", "postfix, pipe", "haraka, 2 processes")
SERVERS = ["bounced", "naive", *(pytest.param(name, marks=pytest.mark.soak) for name in FOREIGN)]
SHAPES = [Shape("plain", 5, 3), Shape("TLS", 5, 3, tls=True)]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder with a short name that the unprivileged processes of an MTA can reach, unlike pytest's."""
    with tempfile.TemporaryDirectory(prefix="bounced-bench-") as name:
        yield Path(name)


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Generator:
    """Return the load generator."""
    return generator.build(tmp_path_factory.mktemp("load"))


@pytest.fixture
def server(request: pytest.FixtureRequest, folder: Path) -> Iterator[Running]:
    """Start one of the servers."""
    starts, absent = run.available(servers.self_signed(folder))
    if request.param not in starts:
        pytest.skip(f"{request.param} cannot run: {'; '.join(absent.values())}")
    own = folder / "0"
    own.mkdir()
    with starts[request.param](own) as running:
        assert running.name == request.param
        yield running


def some_paths(server: Running, folder: Path) -> list[str]:
    """Write and return forward paths; those of bounced are signed."""
    if server.name == "bounced":
        return servers.return_paths(folder / "0", 0, COUNT).read_text().split()
    (folder / "0/paths.txt").write_text("".join(f"b+{number}=x@{DOMAIN}\n" for number in range(COUNT)))
    return (folder / "0/paths.txt").read_text().split()


def expected(server: Running, paths: list[str]) -> list[str]:
    """Return what is written for these paths: bounced reads in them whom a message was sent to."""
    if server.name != "bounced":
        return sorted(paths)
    return sorted(f"user{number}@example{number % 97}.org" for number in range(COUNT))


def written(server: Running) -> list[str]:
    """Return what was written, one for each message."""
    assert server.redis
    with redis.Redis.from_url(server.redis, decode_responses=True) as client:
        if server.name != "bounced":
            return sorted(entry["path"] for _, entry in client.xrange("naive:events"))
        events = [entry for _, entry in client.xrange("bounced:{main}:events")]
        return sorted(event["address"] for event in events if event["type"] == "report")


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
@pytest.mark.parametrize("server", SERVERS, indirect=True)
def test_each_message_is_written_once(server: Running, shape: Shape, folder: Path, load: Generator):
    """When its queue is empty; with TLS, each connection was encrypted.  The rest says that it throws away."""
    if shape.tls and not server.tls:
        pytest.skip("it speaks no TLS, and the table has no such row")
    paths = some_paths(server, folder)
    said = load.put(server.port, shape, COUNT, folder / "0/paths.txt", LONGEST_S)
    assert (said["done"], said["failed"], said["unfinished"]) == (COUNT, 0, 0)
    if shape.tls:
        assert said["handshakes"] >= COUNT // shape.per_connection
    assert run.settle(server)[1] == 0
    if server.redis:
        assert written(server) == expected(server, paths)
    else:
        assert server.name in ("smtp-sink", "postfix, discard:")


@pytest.mark.soak
@pytest.mark.parametrize("server", ["postfix, pipe", "haraka, 2 processes"], indirect=True)
def test_a_peer_suppresses_what_the_naive_one_suppresses(server: Running, folder: Path, load: Generator):
    """With flufl.bounce behind the pipe just that; Haraka's plugin, which reads for itself, nearly that."""
    some_paths(server, folder)
    (folder / "naive").mkdir()
    with servers.naive(folder / "naive", servers.self_signed(folder)) as naive:
        for each in (server, naive):
            said = load.put(each.port, SHAPES[0], COUNT, folder / "0/paths.txt", LONGEST_S)
            assert said["done"] == COUNT
        assert run.settle(server)[1] == 0
        by_naive, by_peer = contents(naive.redis), contents(server.redis)
    same = by_peer["naive:suppressed"] & by_naive["naive:suppressed"]
    either = by_peer["naive:suppressed"] | by_naive["naive:suppressed"]
    assert len(same) > 0.9 * len(either), either - same
    if server.name == "postfix, pipe":
        assert by_peer == by_naive


def test_the_script_behind_the_pipe_writes_what_the_naive_server_writes(folder: Path, load: Generator):
    """The same keys with the same values."""
    certificate = servers.self_signed(folder)
    paths = [f"b+{number}@{DOMAIN}" for number in range(READ_BY_BOTH)]
    (folder / "paths.txt").write_text("".join(f"{path}\n" for path in paths))
    (folder / "naive").mkdir()
    with servers.naive(folder / "naive", certificate) as naive, redis_server(folder) as (url, _):
        said = load.put(naive.port, SHAPES[0], READ_BY_BOTH, folder / "paths.txt", LONGEST_S)
        assert said["done"] == READ_BY_BOTH
        for path, wire in zip(paths, read_corpus(load.corpus), strict=False):
            assert run_script(url, path, wire.removesuffix(b".\r\n").replace(b"\n..", b"\n.")) == os.EX_OK
        assert contents(url) == contents(naive.redis)
        assert contents(url)["naive:suppressed"]


def test_the_script_behind_the_pipe_asks_for_another_try_while_redis_is_away(folder: Path):
    """By the exit status that a pipe transport defers at."""
    message = b"From: postmaster@mx.example.com\r\n\r\n"
    assert run_script(f"unix://{folder}/nobody", f"b@{DOMAIN}", message) == os.EX_TEMPFAIL


class Forgetful:
    """Acknowledges everything."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        return "250 OK"


async def test_what_is_acknowledged_and_never_written_is_lost(folder: Path):
    """A server that writes nothing has no rate, however fast it answers."""
    bench, loop = run.Bench(folder, scale=0.02), asyncio.get_running_loop()
    bench.build()
    (folder / "0").mkdir()
    servers.configure(folder / "0", servers.self_signed(folder), "redis://127.0.0.1:1/0", 1)
    async with await loop.create_server(lambda: SMTP(Forgetful(), hostname="mx"), "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        with redis_server(folder) as (url, pid):
            nowhere = await asyncio.to_thread(bench.measure, Running("throws away", port, (pid,)), SHAPES[0])
            writing = Running("forgetful", port, (pid,), redis=url)
            forgotten = await asyncio.to_thread(bench.measure, writing, SHAPES[0])
    count = int(run.MESSAGES_OF_OTHERS * 0.02)
    assert nowhere.failed == 0
    assert nowhere.rate > 0
    assert (forgotten.failed, forgotten.rate) == (count, 0.0)


def run_script(url: str, path: str, message: bytes) -> int:
    """Run the script as an MTA does: by its file's name, with the message as its input; return its exit status."""
    return subprocess.run([sys.executable, piped.__file__, url, path], check=False, input=message).returncode


def contents(url: str | None) -> dict[str, Any]:
    """Return every key with its value, but without times."""
    assert url
    found: dict[str, Any] = {}
    with redis.Redis.from_url(url, decode_responses=True) as client:
        for key in client.scan_iter():
            kind = client.type(key)
            if kind == "stream":
                found[key] = sorted(entry["path"] for _, entry in client.xrange(key))
            elif kind == "set":
                found[key] = client.smembers(key)
            elif kind == "list":
                found[key] = client.lrange(key, 0, -1)
            else:
                found[key] = {name: value for name, value in client.hgetall(key).items() if name != "since"}
    return found
