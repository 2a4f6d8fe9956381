"""What an earlier version left in Redis is read, gone on with, exported and erased by this one."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from bounced.core.mailbox import AddressId
from bounced.core.state import EvidenceType
from bounced.core.terms import Envelope, Origin, State
from bounced.edges.redis.bulk import suppressed_states
from bounced.edges.redis.erasing import erase
from bounced.jobs import AlarmUpdater, IntakeReader, Releaser

from .conftest import Upgraded
from .portable import Line
from .world import FULL, LONG, UNKNOWN, looked_up, take

LISTS = ("main", "hashed", "exact", "old", "wary")
KINDS = {
    ("bouncing", "mailbox_full"),
    ("held", "mailbox_full"),
    ("held", "mailbox_unknown"),
    ("suppressed", "mailbox_unknown"),
    ("suppressed", "mailbox_full"),
    ("suppressed", "complaint"),
    ("suppressed", "unsubscribed"),
    ("suppressed", "operator"),
}


async def state_of(upgraded: Upgraded, address: str, list_: str = "main") -> dict[str, Any]:
    """Return what is known of an address now."""
    return looked_up(await upgraded.world.client(list_).why(address))


async def everything(upgraded: Upgraded) -> dict[str, str]:
    """Return all names and values of all lists as text, by key."""
    redis: Any = upgraded.world.redis
    held = {}
    async for key in redis.scan_iter(f"{upgraded.world.config.redis.prefix}:*"):
        reading: dict[bytes, tuple[str | int | bytes, ...]] = {
            b"hash": ("HGETALL", key),
            b"set": ("SMEMBERS", key),
            b"zset": ("ZRANGE", key, 0, -1),
            b"list": ("LRANGE", key, 0, -1),
            b"stream": ("XRANGE", key, "-", "+"),
        }
        held[key.decode()] = f"{key!r} {await redis.execute_command(*reading[await redis.type(key)])}"
    return held


async def check_counted_as_bouncing(upgraded: Upgraded) -> None:
    """Check that the numbers by day agree with the states that there are."""
    redis = upgraded.world.redis
    for list_ in LISTS:
        keys = upgraded.world.store.keyspace(list_)
        found: Counter[int] = Counter()
        async for key in redis.scan_iter(f"{keys.address('')}*".replace("{", "[{]").replace("}", "[}]")):
            if await redis.hget(key, "state") == b"bouncing":
                found[await redis.expiretime(key) // 86_400] += 1
        numbers = {int(day): int(number) for day, number in (await redis.hgetall(keys.bouncing)).items()}
        assert {day: number for day, number in numbers.items() if number} == dict(found), list_


async def test_the_dump_holds_every_kind_of_state(upgraded: Upgraded):
    """And of everything else that a list can hold: what is missing here would be tested by nothing."""
    found = {(each["state"], each.get("category", "")) for each in upgraded.expected}
    assert found >= KINDS
    assert {each["list"] for each in upgraded.expected} == set(LISTS)
    prefix = f"{upgraded.world.config.redis.prefix}:{{main}}:"
    names = {key.removeprefix(prefix).partition(":")[0] for key in await everything(upgraded) if key.startswith(prefix)}
    assert names >= {
        "address", "alarms", "blocks", "bouncing", "counts", "disputed", "due", "events", "history", "intake",
        "intake-failed", "seen", "suppressed", "token", "unknowns", "unrecognised",
    }  # fmt: skip


async def test_every_address_looks_up_as_before(upgraded: Upgraded):
    """The state, why it is so, what happened, and the one question that senders ask."""
    for each in upgraded.expected:
        client, address = upgraded.world.client(each["list"]), each["address"]
        suppressed = await client.is_suppressed(address)
        known = looked_up(await client.why(address))
        assert {"list": each["list"], "address": address, "suppressed": suppressed, **known} == each


async def test_a_report_that_was_counted_before_is_a_duplicate(upgraded: Upgraded):
    """By whatever return path it came: signed, a token, an unsigned scheme, postmaster."""
    before = await everything(upgraded)
    for report in upgraded.reports:
        upgraded.world.clock.now = datetime.fromisoformat(report["at"])
        assert (await take(upgraded.world.pipeline, report)).duplicate, report
    assert await everything(upgraded) == before


async def test_a_report_without_message_id_is_a_duplicate_with_other_line_ends_too(upgraded: Upgraded):
    """That version counted what came by SMTP over its CRLF; the same notice may now come from a Maildir."""
    before = await everything(upgraded)
    anonymous = [report for report in upgraded.reports if "message-id" not in report["content"].lower()]
    assert len(anonymous) == 3
    for report in anonymous:
        upgraded.world.clock.now = at = datetime.fromisoformat(report["at"])
        destination = await upgraded.world.pipeline.admit(report["path"])
        content = report["content"].encode("utf-8", "surrogateescape")
        for stored in (content, b"Delivered-To: bounces\n" + content):
            envelope = Envelope("", "", report["path"], stored, at, Origin.INGEST)
            assert (await upgraded.world.pipeline.process(destination, envelope)).duplicate
    assert await everything(upgraded) == before


async def test_a_new_failure_continues_the_streak(upgraded: Upgraded):
    """It is the second of a mailbox that was full once; the third holds it."""
    address = "sometimes@receiver.example"
    for number, state in ((2, "bouncing"), (3, "held")):
        upgraded.world.clock.forward(days=9)
        for list_ in ("main", "hashed", "exact"):
            (before,) = upgraded.those(list_, address=address)
            await upgraded.world.bounces(address, FULL, list_)
            after = await state_of(upgraded, address, list_)
            count, first, *_ = after["streaks"]["soft"]
            assert (after["state"], count, first) == (state, number, before["streaks"]["soft"][1])
    await check_counted_as_bouncing(upgraded)


async def test_what_waited_in_the_intake_is_taken_in(upgraded: Upgraded):
    """What nobody had read, and what a worker had read that is gone."""
    world = upgraded.world
    reader = IntakeReader(world.present, world.job_store("another worker"))
    await reader.take_over()
    assert (await state_of(upgraded, "waiting-complained@receiver.example"))["category"] == "complaint"
    assert not (await world.client().why("waiting-unsubscribed@receiver.example")).suppressed
    await reader.round()
    assert (await state_of(upgraded, "waiting-unsubscribed@receiver.example"))["category"] == "unsubscribed"
    assert (await state_of(upgraded, "full-then-read@receiver.example"))["state"] == "active"
    assert (await state_of(upgraded, "waiting-complained@receiver.example", "hashed"))["category"] == "complaint"
    for list_ in LISTS:
        keys = world.store.keyspace(list_)
        assert await world.redis.xlen(keys.intake) == 0
        assert (await world.redis.xpending(keys.intake, "bounced"))["pending"] == 0
    failed = await world.redis.xrange(world.store.keyspace("main").intake_failed)
    assert [fields[b"type"] for _, fields in failed] == [b"nonsense", b"nonsense"]


async def test_what_was_held_is_released_when_due(upgraded: Upgraded):
    """Not a second before; one whose delivery is believed by now is released early."""
    world, held = upgraded.world, upgraded.those(state="held")
    releaser = Releaser(world.present, world.job_store())
    for until in sorted({_released_at(each) for each in held}):
        for moment, suppressed in ((until - timedelta(seconds=1), True), (until, False)):
            world.clock.now = moment
            await releaser.round()
            for each in held:
                if _released_at(each) == until:
                    client = world.client(each["list"])
                    assert (await client.why(each["address"])).suppressed is suppressed, (each, moment)
                    assert await client.is_suppressed(each["address"]) is suppressed
    assert len(held) > 10
    for list_ in LISTS:
        assert await world.redis.zcard(world.store.keyspace(list_).due) == 0
    await check_counted_as_bouncing(upgraded)


async def test_after_a_hold_the_next_one_is_longer(upgraded: Upgraded):
    """The streak that led to it goes on."""
    world, address = upgraded.world, "full@receiver.example"
    (before,) = upgraded.those("main", address=address)
    world.clock.now = datetime.fromisoformat(before["until"])
    await Releaser(world.present, world.job_store()).round()
    world.clock.forward(days=8)
    await world.bounces(address, FULL)
    after = await state_of(upgraded, address)
    assert (after["state"], after["streaks"]["soft"][3]) == ("held", before["streaks"]["soft"][3] + 1)
    assert after["until"][:10] == (world.clock() + timedelta(days=60)).date().isoformat()


async def test_whoever_was_suppressed_stays_so_until_the_right_one_speaks(upgraded: Upgraded):
    """A new failure changes nothing; a subscription lifts a bounce, an operator's word a complaint."""
    world = upgraded.world
    world.clock.forward(days=2)
    for each in upgraded.those("main", state="suppressed"):
        if each["address"] in ("o|ne@receiver.example", "erased@receiver.example"):
            continue  # the one has a token for a path, of the other nothing is left
        await world.bounces(each["address"], UNKNOWN)
        after = await world.client().why(each["address"])
        assert after.suppressed
        stronger = each["category"] == "mailbox_full"
        assert after.category == ("mailbox_unknown" if stronger else each["category"])
    for address, type_, suppressed in (
        ("gone@receiver.example", "subscribed", False),
        ("complained@receiver.example", "subscribed", True),
        ("unwanted@receiver.example", "subscribed", True),
    ):
        await world.tell(type_, address)
        await world.work()
        assert await world.client().is_suppressed(address) is suppressed, address
    for address in ("complained@receiver.example", "erased@receiver.example", "unwanted@receiver.example"):
        await world.commit(address, EvidenceType.RELEASE)
        assert await world.client().may_send(address)


async def test_registered_return_paths_still_lead_to_their_recipients(upgraded: Upgraded):
    """A bounce may come weeks after the upgrade."""
    await upgraded.world.bounces(LONG, UNKNOWN, path=f"b-t{'t' * 26}@main.example.com")
    assert (await state_of(upgraded, LONG))["state"] == "suppressed"


async def test_a_domain_that_is_disputed_stays_disputed(upgraded: Upgraded):
    """Its next unknown user is held, with whatever profile."""
    await upgraded.world.bounces("another@company.example", UNKNOWN)
    assert (await state_of(upgraded, "another@company.example"))["state"] == "held"


async def test_an_alarm_stands_until_its_reason_is_gone(upgraded: Upgraded):
    """It is not told again, and cleared once."""
    world, told = upgraded.world, upgraded.world.store.keyspace("main").events
    bell, before = AlarmUpdater(world.present, world.job_store()), await world.redis.xlen(told)
    standing = await world.job_store().standing("main")
    await bell.round()
    assert standing.keys() == (await world.job_store().standing("main")).keys()
    assert await world.redis.xlen(told) == before
    world.clock.forward(days=2)
    await bell.round()
    assert await world.job_store().standing("main") == {}
    assert await world.redis.xlen(told) == before + len(standing) > before


async def test_every_suppressed_address_is_exported(upgraded: Upgraded):
    """With its reason, in the form that the list keeps; and no other."""
    for list_ in LISTS:
        keys = upgraded.world.store.keyspace(list_)
        exported = {id_: fields async for page in suppressed_states(upgraded.world.store, keys) for id_, fields in page}
        expected = {_id(upgraded, each): each for each in upgraded.those(list_, suppressed=True)}
        assert exported.keys() == expected.keys()
        for id_, each in expected.items():
            assert (exported[id_]["state"], exported[id_]["category"]) == (each["state"], each["category"])
        assert bool(exported) is (list_ != "wary")


async def test_nothing_is_left_of_whoever_is_erased(upgraded: Upgraded):
    """In no key and in no text, wherever the earlier version put it."""
    world = upgraded.world
    before, erased = await everything(upgraded), set()
    for each in upgraded.expected:
        erased |= {each["address"], world.store.keyspace(each["list"]).address_id(each["address"])}
    for each in upgraded.expected:
        await erase(world.store, each["list"], each["address"], lambda _number: None)
    after = await everything(upgraded)
    assert sum(any(address in text for address in erased) for text in before.values()) > 80
    assert [key for key, text in after.items() if any(address in text for address in erased)] == []
    for list_ in LISTS:
        assert await world.redis.zcard(world.store.keyspace(list_).due) == 0
    assert State.SUPPRESSED is (await world.store.load("main", _kept(upgraded))).state


def _released_at(each: Line) -> datetime:
    """Return when time brings a held address back: when its hold is over, or a delivery is believed."""
    until = datetime.fromisoformat(each["until"])
    if pending := each.get("delivery_pending_since"):
        return min(until, datetime.fromisoformat(pending) + timedelta(hours=72))
    return until


def _id(upgraded: Upgraded, each: dict[str, Any]) -> str:
    """Return the form in which an address stands in the set."""
    if each["address"] == "erased@receiver.example":
        return _kept(upgraded)
    return upgraded.world.store.keyspace(each["list"]).address_id(each["address"])


def _kept(upgraded: Upgraded) -> AddressId:
    kept = upgraded.world.store.keyspace("main").erased_id("erased@receiver.example")
    assert kept is not None
    return kept
