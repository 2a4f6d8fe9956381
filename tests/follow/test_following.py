"""What a log says reaches the intake once, and nothing else does."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import zstandard
from redis.asyncio import Redis
from structlog.testing import capture_logs

from bounced.config import Config
from bounced.config.follow_checks import settings_of
from bounced.core.contract.keys import Keyspace
from bounced.core.terms import Envelope
from bounced.demo.scenes import Scene
from bounced.edges.redis import followed
from bounced.edges.redis.job_store import JobStore
from bounced.edges.redis.store import RedisStore
from bounced.follow import follower
from bounced.follow.serving import Following
from bounced.jobs import IntakeReader
from bounced.service import pipeline
from tests.support.hooks import kumomta
from tests.support.postfix_log import DOMAIN, PostfixLog

from .conftest import addresses, append, config_of, sent, told

ALICE, BOB = "alice@example.org", "bob@example.net"


@dataclass
class Site:
    """A log, what writes it, and what follows it."""

    log: Path
    postfix: PostfixLog
    redis: Redis
    keys: Keyspace
    config: Config
    store: RedisStore

    async def follow(self, mta: str = "postfix") -> None:
        """Follow the log to its end."""
        settings, path = settings_of(self.config, "postfix"), pipeline(self.config, self.store)
        following = Following(mta, settings, path, self.store, once=True)
        await following.run([self.log], asyncio.Event())

    def write(self, *messages: Iterable[str]) -> None:
        """Write messages into the log."""
        append(self.log, *messages)

    async def told(self) -> list[dict[str, str]]:
        """Return what waits in the intake."""
        return await told(self.redis, self.keys)

    async def addresses(self, type_: str) -> list[str]:
        """Return whom entries of a type are about."""
        return addresses(await self.told(), type_)


@pytest.fixture
def site(log: Path, redis: Redis, keys: Keyspace, store: RedisStore, config_file: Path) -> Site:
    """Return the site of a test."""
    postfix = PostfixLog(datetime.now(UTC).replace(microsecond=0))
    return Site(log, postfix, redis, keys, config_of(config_file), store)


async def test_a_refusal_is_told_with_the_reply_and_the_server(site: Site) -> None:
    """And the return path, under which its notice is the same failure."""
    site.write(site.postfix.rejected(ALICE))
    await site.follow()
    entry, counted = await site.told()
    assert (entry["type"], entry["address"], entry["mta"], entry["stage"]) == (
        "rejected",
        ALICE,
        "mx.example.org",
        "RCPT",
    )
    assert entry["reply"].startswith("550 5.1.1")
    assert entry["return_path"].endswith(f"@{DOMAIN}")
    assert (counted["type"], counted["count"], counted["domain"], counted["campaign"]) == (
        "sent",
        "1",
        "example.org",
        "news",
    )


async def test_a_delivery_is_told_where_something_is_known_of_the_address(site: Site) -> None:
    """It says nothing about any other address, and most are such."""
    await site.redis.hset(site.keys.address(ALICE), mapping={"state": "bouncing", "version": "1"})
    site.write(site.postfix.delivered(ALICE), site.postfix.delivered(BOB))
    await site.follow()
    entries = await site.told()
    assert addresses(entries, "delivered") == [ALICE]
    assert sent(entries) == 2


async def test_a_delivery_behind_a_failure_is_told(site: Site) -> None:
    """Though the daemon has not heard yet of the failure."""
    site.write(site.postfix.rejected(ALICE), site.postfix.delivered(ALICE))
    await site.follow()
    assert await site.addresses("delivered") == [ALICE]


async def test_nothing_is_told_twice(site: Site) -> None:
    """Another start goes on behind what was read."""
    site.write(site.postfix.rejected(ALICE))
    await site.follow()
    await site.follow()
    site.write(site.postfix.rejected(BOB))
    await site.follow()
    entries = await site.told()
    assert addresses(entries, "rejected") == [ALICE, BOB]
    assert sent(entries) == 2


async def test_a_message_that_is_open_is_known_after_another_start(site: Site) -> None:
    """Its first line may have been read days ago."""
    taken_in, failed, removed = site.postfix.rejected(ALICE)
    site.write([taken_in])
    await site.follow()
    site.write([failed, removed])
    await site.follow()
    assert await site.addresses("rejected") == [ALICE]


@pytest.mark.parametrize(
    "sender",
    [
        "",
        "news@example.com",
        f"news@{DOMAIN}",
        f"b-aaaaaaaaaaaaaaaaaa=news=alice=example.org@{DOMAIN}",
    ],
)
async def test_what_has_no_return_path_of_ours_is_not_told(site: Site, sender: str) -> None:
    """Also not what has one that is not signed."""
    site.write(site.postfix.rejected(ALICE, sender=sender))
    await site.follow()
    assert await site.addresses("rejected") == []


async def test_a_return_path_stands_for_its_own_recipient_only(site: Site) -> None:
    """Whoever got hold of one cannot suppress others with it."""
    site.write(site.postfix.rejected(ALICE, sender=site.postfix.path(BOB)))
    await site.follow()
    assert await site.addresses("rejected") == []


async def test_what_is_told_takes_effect(site: Site) -> None:
    """The daemon suppresses the address."""
    site.write(site.postfix.rejected(ALICE))
    await site.follow()
    path = pipeline(site.config, site.store)
    await IntakeReader(lambda: path, JobStore(site.store, "worker", events_max=100, failed_max=100)).round()
    state = await site.store.load("main", ALICE)
    assert (state.state, state.category) == ("suppressed", "mailbox_unknown")


@pytest.mark.parametrize("notice_first", [True, False])
async def test_a_refusal_and_its_notice_are_one_failure(site: Site, notice_first: bool) -> None:
    """Also when one of them comes 25 hours after the other: both are about the same return path."""
    clock = [site.postfix.at]
    path = replace(pipeline(site.config, site.store), clock=lambda: clock[0])
    return_path = site.postfix.path(ALICE)

    async def notice() -> None:
        envelope = Envelope("192.0.2.25", "", return_path, Scene("full_mailbox", ALICE).content(return_path), clock[0])
        await path.process(await path.admit(return_path), envelope)

    async def line() -> None:
        site.postfix.at = clock[0]
        said = "host mx.example.org[192.0.2.25] said: 552 5.2.2 Mailbox full (in reply to RCPT TO command)"
        outcome = site.postfix.outcome(ALICE, "5.2.2", f"bounced ({said})")
        site.write(site.postfix.message(ALICE, outcome, sender=return_path))
        await site.follow()
        await IntakeReader(lambda: path, JobStore(site.store, "worker", events_max=100, failed_max=100)).round()

    async def failures() -> int:
        (streak,) = (await site.store.load("main", ALICE)).streaks.values()
        return streak.count

    first, second = (notice, line) if notice_first else (line, notice)
    await first()
    assert await failures() == 1
    clock[0] += timedelta(hours=25)
    await second()
    assert await failures() == 1


async def test_segments_of_kumomta_are_followed(site: Site) -> None:
    """They are compressed, in a folder, and the last one grows."""
    site.log.mkdir()
    for name, address in (
        ("20270115-100000", ALICE),
        ("20270115-100001", BOB),
        ("20270115-100001", "carol@example.com"),
    ):
        record = kumomta("Bounce", address, 7, "550 5.1.1 no such user", site.postfix.path(address))
        with (site.log / name).open("ab") as segment:
            segment.write(zstandard.ZstdCompressor().compress(json.dumps(record).encode() + b"\n"))
        await site.follow("kumomta")
    assert await site.addresses("rejected") == [ALICE, BOB, "carol@example.com"]


async def test_a_full_intake_is_waited_for(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log keeps what waits."""
    monkeypatch.setattr(followed, "MAX_WAITING", 1)
    monkeypatch.setattr(follower, "AGAIN_S", 0.01)
    await site.redis.xadd(site.keys.intake, {"type": "engaged", "address": BOB})
    site.write(site.postfix.rejected(ALICE))
    with capture_logs() as logged:
        following = asyncio.create_task(site.follow())
        while not any(event["event"] == "log.waits" for event in logged):  # noqa: ASYNC110 - what it asks is elsewhere
            await asyncio.sleep(0.01)
        assert await site.addresses("rejected") == []
        await site.redis.delete(site.keys.intake)
        await following
    assert await site.addresses("rejected") == [ALICE]


async def test_lines_that_redis_took_though_it_did_not_answer_are_not_written_again(site: Site) -> None:
    """The place behind them is there: whoever starts without having noted it passes over them."""
    site.write(site.postfix.rejected(ALICE))
    await site.follow()
    state = next((site.log.parent / "state").glob("*.json"))
    before = state.read_bytes()
    site.write(site.postfix.rejected(BOB))
    await site.follow()
    state.write_bytes(before)
    await site.follow()
    entries = await site.told()
    assert addresses(entries, "rejected") == [ALICE, BOB]
    assert sent(entries) == 2
