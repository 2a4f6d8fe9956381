"""Real MTAs bounce, and their logs are followed: each failure counts once, each delivery is known."""

import asyncio
import os
import shutil
import smtplib
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bounced.config import Config, build, load
from bounced.config.follow_checks import settings_of
from bounced.core.contract.keys import Keyspace
from bounced.core.state import AddressState
from bounced.core.terms import State
from bounced.edges.sockets import SMTP
from bounced.follow.serving import Following
from bounced.opening import open_store
from bounced.service import Worker, pipeline
from tests.support.daemon import Daemon
from tests.support.door import loopback
from tests.support.mta import EXIM, POSTFIX, WAIT_S, Mta, running
from tests.support.recipients import Mail, listening

LIVING, UNKNOWN, FULL = "living@example.net", "unknown@example.net", "full@example.net"
FOLLOW = """
[follow.{mta}]
state_dir = "FOLDER/state"
relays = []  # the recipients' server is at loopback, where usually a filter is
"""
REPLIES = {
    "unknown": "550 5.1.1 no such user here",
    "full": "552 5.2.2 mailbox full",
}
LOGS = {"postfix": "log", "exim": "mainlog"}
LATER = timedelta(hours=25)

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root and unshare to run an MTA"),
]


@dataclass
class Site:
    """A worker that takes in bounces, a log that is followed, and a clock for both."""

    config: Config
    log: Path
    redis: Redis
    keys: Keyspace
    worker: Worker
    port: int
    clock: list[datetime]

    def path(self, address: str) -> str:
        """Return a return path."""
        return build.return_paths("main", self.config.lists["main"]).encode(address, issued=self.clock[0].date())

    async def follow(self, mta: Mta) -> None:
        """Follow the log to its end, and wait until the worker has taken in what it says."""
        async with open_store(self.config) as store:
            path = replace(pipeline(self.config, store), clock=lambda: self.clock[0])
            settings = settings_of(self.config, mta.name)
            await Following(mta.name, settings, path, store, once=True).run([self.log], asyncio.Event())
        await self.intake_is_empty()

    async def fail(self, address: str) -> None:
        """Let a message to an address have failed two days ago."""
        at = self.clock[0] - timedelta(days=2)
        reply = REPLIES["full"]
        await self.redis.xadd(
            self.keys.intake,
            {"type": "rejected", "address": address, "at": at.isoformat(), "reply": reply, "action": "failed"},
        )
        await self.intake_is_empty()

    async def failures(self, address: str) -> int:
        """Return how many failures of an address were counted."""
        state = await self.state(address)
        return sum(streak.count for streak in state.streaks.values())

    async def state(self, address: str) -> AddressState:
        """Return the state of an address."""
        return await self.worker.store.load("main", address)

    async def intake_is_empty(self) -> None:
        """Wait until the worker has taken in what waits."""
        async with asyncio.timeout(WAIT_S):
            while await self.redis.xlen(self.keys.intake):  # noqa: ASYNC110 - Redis does not tell
                await asyncio.sleep(0.02)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder that an MTA's unprivileged processes can reach, unlike pytest's."""
    with tempfile.TemporaryDirectory(prefix="bounced-logs-") as name:
        yield Path(name)


@pytest.fixture(params=[POSTFIX, EXIM], ids=str)
def mta(request: pytest.FixtureRequest) -> Mta:
    """Return each MTA in turn."""
    chosen: Mta = request.param
    if not chosen.find():
        pytest.skip(f"{chosen} is not here: tests/install-programs")
    return chosen


@pytest.fixture
async def site(mta: Mta, folder: Path, tmp_path: Path, redis_url: str, key_prefix: str) -> AsyncIterator[Site]:
    """Give a worker that takes in mail, and the log of an MTA."""
    further = FOLLOW.format(mta=mta.name)
    config = load(Daemon(tmp_path, url=redis_url, prefix=key_prefix, further=further).config_file)
    door, clock = loopback(), [datetime.now(UTC)]
    async with (
        Redis.from_url(redis_url, decode_responses=True) as redis,
        Worker.running(config, {SMTP: [door]}, clock=lambda: clock[0]) as worker,
    ):
        log = folder / "var/mta" / LOGS[mta.name]
        yield Site(config, log, redis, Keyspace(key_prefix), worker, door.getsockname()[1], clock)


@pytest.mark.parametrize("notice_first", [True, False], ids=["notice first", "log first"])
async def test_a_failure_that_is_bounced_and_logged_counts_once(
    mta: Mta, folder: Path, site: Site, notice_first: bool
) -> None:
    """Also when 25 hours are between the two; and a delivery, which only the log tells, is known."""
    await site.fail(LIVING)
    notices = await asyncio.to_thread(mailed, mta, folder, {each: site.path(each) for each in (LIVING, UNKNOWN, FULL)})

    async def bounced() -> None:
        await asyncio.to_thread(hand_over, notices, site.port)

    async def logged() -> None:
        await site.follow(mta)

    for act in (bounced, logged) if notice_first else (logged, bounced):
        await act()
        assert [await site.failures(address) for address in (UNKNOWN, FULL)] == [1, 1]
        assert (await site.state(UNKNOWN)).state is State.SUPPRESSED
        site.clock[0] += LATER
    living = await site.state(LIVING)
    assert living.last_delivered_at or living.delivery_pending_since


def mailed(mta: Mta, folder: Path, paths: Mapping[str, str]) -> list[Mail]:
    """Let the MTA send a message to each address; return the bounces that it sends by SMTP."""
    with (
        listening(REPLIES) as (refuser, took),
        listening({}) as (home, bounces),
        running(mta, folder, DAEMON=home, REFUSER=refuser) as port,
    ):
        with smtplib.SMTP("127.0.0.1", port, "app.sender.example", WAIT_S) as client:
            for address, path in paths.items():
                client.sendmail(path, address, b"Subject: News\r\n\r\nHello.\r\n")
        took.get(timeout=WAIT_S)
        return [bounces.get(timeout=WAIT_S) for _ in REPLIES]


def hand_over(notices: list[Mail], port: int) -> None:
    """Send bounces on."""
    with smtplib.SMTP("127.0.0.1", port, "mail.sender.example", WAIT_S) as client:
        for notice in notices:
            client.sendmail("", notice.recipient, notice.content)
