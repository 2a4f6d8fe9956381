"""``bounced follow`` as a process: signals, a pipe, a Redis that is away, and what it prints and refuses."""

import asyncio
import json
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bounced.core.contract.keys import Keyspace
from bounced.edges.redis.embedded import EmbeddedServer
from tests.support.follower import WAIT_S, FollowerProcess
from tests.support.postfix_log import PATHS, PostfixLog

from .conftest import addresses, append, told, write_config

ALICE, BOB = "alice@example.org", "bob@example.net"
USER = (
    "resetkeys resetchannels -@all +exists +hgetall +hget +hset +hdel +expire +xadd +xlen +eval +eval_ro +script|load "
    "+wait +waitaof +role +ping +time +config|get +select +cluster|slots %R~{0}:*:address:* %R~{0}:*:token:* "
    "%R~{0}:*:events %R~{0}:*:identity ~{0}:*:intake ~{0}:*:followed:*"
)


@pytest.fixture
def postfix() -> PostfixLog:
    """Return what writes lines."""
    return PostfixLog(datetime.now(UTC).replace(microsecond=0))


async def until(ready: Callable[[], Awaitable[bool]]) -> None:
    """Wait until a question is answered with yes."""
    async with asyncio.timeout(WAIT_S):
        while not await ready():  # noqa: ASYNC110 - what it asks is elsewhere
            await asyncio.sleep(0.02)


def has(redis: Redis, keys: Keyspace, *names: str) -> Callable[[], Awaitable[bool]]:
    """Return what asks whether these refusals were told, in this order."""

    async def ask() -> bool:
        return addresses(await told(redis, keys), "rejected") == list(names)

    return ask


async def test_sigterm_notes_how_far_the_log_was_read(
    log: Path, config_file: Path, redis: Redis, keys: Keyspace, postfix: PostfixLog
) -> None:
    """And ends with 0."""
    append(log, postfix.rejected(ALICE))
    follower = FollowerProcess(config_file, "postfix", str(log))
    await follower.start()
    await until(has(redis, keys, ALICE))
    assert await follower.stop() == 0
    check_that_all_is_noted(log)


def check_that_all_is_noted(log: Path) -> None:
    """Check that the checkpoint has the end of the log, and is the follower's alone."""
    (noted,) = log.with_name("state").glob("*.json")
    (standing,) = json.loads(noted.read_text())["trail"]["files"]
    assert standing[-1] == log.stat().st_size
    assert noted.stat().st_mode & 0o777 == 0o600


async def test_sighup_reads_the_configuration_again(
    log: Path, config_file: Path, redis: Redis, keys: Keyspace, postfix: PostfixLog
) -> None:
    """Here the list begins to trust unsigned paths; a file with errors changes nothing."""
    append(log)
    follower = FollowerProcess(config_file, "postfix", str(log))
    await follower.start(listen=True)
    replace(config_file, "[redis]", "nonsense [redis]")
    follower.process.send_signal(signal.SIGHUP)
    await follower.wait_for("reload.failed")
    replace(config_file, "nonsense [redis]", "[redis]")
    replace(config_file, "[follow.postfix]", "trust_unsigned = true\n[follow.postfix]")
    follower.process.send_signal(signal.SIGHUP)
    await follower.wait_for("service.reloaded")
    append(log, postfix.rejected(BOB, sender=f"news@{PATHS.domains[0]}"))
    await until(has(redis, keys, BOB))
    assert await follower.stop() == 0


async def test_a_pipe_is_read_to_its_end(config_file: Path, redis: Redis, keys: Keyspace, postfix: PostfixLog) -> None:
    """As from journalctl; without the line that has no end."""
    follower = FollowerProcess(config_file, "postfix", "-")
    await follower.start(stdin=PIPE)
    assert follower.process.stdin is not None
    follower.process.stdin.write("".join([*postfix.rejected(ALICE), *postfix.rejected(BOB)][:-1]).encode()[:-2])
    follower.process.stdin.close()
    assert await follower.ended() == 0
    assert await has(redis, keys, ALICE)()


async def test_redis_may_go_away(tmp_path: Path, log: Path, postfix: PostfixLog) -> None:
    """What was logged meanwhile is told when it is back; SIGTERM is heard while it is away."""
    append(log, postfix.rejected(ALICE))
    folder = tmp_path / "server"
    folder.mkdir()
    async with EmbeddedServer(folder) as server:
        follower = FollowerProcess(write_config(tmp_path, server.url, "away"), "postfix", str(log))
        async with Redis.from_url(server.url, decode_responses=True) as redis:
            await follower.start(listen=True)
            await until(has(redis, Keyspace("away"), ALICE))
    append(log, postfix.rejected(BOB))
    await follower.wait_for("log.waits")
    async with EmbeddedServer(folder) as server, Redis.from_url(server.url, decode_responses=True) as redis:
        await until(has(redis, Keyspace("away"), ALICE, BOB))
    append(log, postfix.rejected("carol@example.com"))
    await follower.wait_for("log.waits")
    assert await follower.stop() == 0


async def test_the_rights_that_the_page_gives_are_enough(tmp_path: Path, log: Path, postfix: PostfixLog) -> None:
    """And no more are needed; the page has the same ones."""
    page = (Path(__file__).parents[2] / "docs/follow.md").read_text("utf-8")
    assert USER.format("bounced") in page
    append(log, postfix.rejected(ALICE), postfix.delivered(BOB))
    (tmp_path / "password").write_text("secret")
    (tmp_path / "password").chmod(0o600)
    (tmp_path / "server").mkdir()
    async with (
        EmbeddedServer(tmp_path / "server") as server,
        Redis.from_url(server.url, decode_responses=True) as redis,
    ):
        await redis.execute_command("ACL", "SETUSER", "follower", "on", ">secret", *USER.format("own").split())
        file = write_config(tmp_path, server.url, "own")
        login = f'redis_username = "follower"\nredis_password_file = "{tmp_path / "password"}"\n'
        append(file, [login])
        follower = FollowerProcess(file, "postfix", str(log), "--once")
        await follower.start()
        try:
            assert await follower.ended() == 0
        finally:
            await follower.kill()
        assert await has(redis, Keyspace("own"), ALICE)()


async def test_a_log_is_followed_by_one_process(log: Path, config_file: Path) -> None:
    """Another one ends, with the code after which its unit starts again."""
    first, second = (FollowerProcess(config_file, "postfix", str(log)) for _ in range(2))
    append(log)
    await first.start(listen=True)
    try:
        await until(partial(is_locked, log.with_name("state")))
        await second.start()
        assert await second.ended() == 1
    finally:
        await first.stop()


async def is_locked(folder: Path) -> bool:
    """Whether a log is followed."""
    return await asyncio.to_thread(lambda: any(folder.glob("*.lock")))


def replace(file: Path, old: str, new: str) -> None:
    """Edit a configuration."""
    file.write_text(file.read_text().replace(old, new))


async def test_a_dry_run_says_what_would_follow(
    log: Path, config_file: Path, redis: Redis, keys: Keyspace, postfix: PostfixLog
) -> None:
    """In the words of the taxonomy, and writes nothing."""
    append(log, postfix.rejected(ALICE), postfix.delivered(BOB))
    done = await asyncio.to_thread(run, config_file, "postfix", "--dry-run", str(log))
    assert done.returncode == 0
    assert f"main  rejected  {ALICE}  mailbox_unknown (hard)  550 5.1.1" in done.stdout
    assert await redis.keys(f"{keys.prefix}:*") == []
    assert not log.with_name("state").exists()


def test_a_log_has_to_be_named(config_file: Path) -> None:
    """On the command line or in the configuration."""
    done = run(config_file, "postfix")
    assert (done.returncode, done.stderr) == (
        2,
        "bounced: which log? Name a FILE, or --journal, or follow.postfix.files in the configuration\n",
    )


def run(config_file: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    command = [sys.executable, "-m", "bounced", "follow", "--config", str(config_file), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=False)
