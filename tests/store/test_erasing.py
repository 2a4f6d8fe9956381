"""After ``erase`` nothing in a list holds the address, after as rich a life as an address can have."""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bounced import rules
from bounced.client import AsyncClient
from bounced.core.contract.keys import Keyspace
from bounced.core.contract.summary import Summary, summary_event
from bounced.core.policy import DEFAULT_POLICY
from bounced.core.return_path import Directory, Keyring, ReturnPaths, SigningKey
from bounced.core.state import Evidence, EvidenceType, ReportId
from bounced.core.terms import Category, Engagement, Envelope, Kind, OptIn, Origin, Profile, State, Verdict
from bounced.demo.scenes import Scene
from bounced.edges.redis import RedisStore, durability
from bounced.edges.redis.connect import connections
from bounced.edges.redis.erasing import ScanForbidden, check_scan, complained, erase, rewrite_append_only_file
from bounced.pipeline import ListSettings, Pipeline
from bounced.ports import StoreUnavailable

from .reports import hold, report

NOW = datetime.now(UTC).replace(microsecond=0)
ALICE = "alice@xn--bcher-kva.example"
OTHERS = ("malice@xn--bcher-kva.example", "alice@xn--bcher-kva.example.org", "team@example.org")
PATHS = ReturnPaths("main", ("bounce.example.com",), Keyring(SigningKey("a", b"a secret of enough octets")))
CAUTIOUS = Profile(OptIn.CONFIRMED, Engagement.ACTIVE)
BASE64 = (
    b"From: MAILER-DAEMON@mx.example.net\r\nSubject: Undelivered mail\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    b"WW91ciBtYWlsIHRvIGFsaWNlQHhuLS1iY2hlci1rdmEuZXhhbXBsZSBjb3VsZCBub3QuLi4=\r\n"
)


@pytest.fixture(params=["plain", "peppered", "hmac"])
def keys(request, key_prefix) -> Keyspace:
    """Return each kind of list."""
    pepper = b"an example pepper"
    if request.param == "hmac":
        return Keyspace(key_prefix, pepper=pepper)
    return Keyspace(key_prefix, erasure_pepper=pepper if request.param == "peppered" else None)


@pytest.fixture
async def store(operator_url, keys) -> AsyncIterator[RedisStore]:
    """Return a store that is used as the operator's user of docs/redis.md."""
    store = RedisStore(connections(operator_url), {"main": keys}, durability("memory", pytest.fail))
    await store.start()
    yield store
    await store.close()


@pytest.fixture
async def redis(redis_url) -> AsyncIterator[Redis]:
    """Return redis-py's client, which looks at everything."""
    async with Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


async def everything(redis, keys):
    """Return all names and values of a list as text, by key."""
    held = {}
    async for key in redis.scan_iter(f"{keys.prefix}:*"):
        kind = await redis.type(key)
        reading = {
            "hash": ("HGETALL", key),
            "set": ("SMEMBERS", key),
            "zset": ("ZRANGE", key, 0, -1),
            "list": ("LRANGE", key, 0, -1),
            "stream": ("XRANGE", key, "-", "+"),
        }[kind]
        held[key] = f"{key} {await redis.execute_command(*reading)}"
    return held


async def a_rich_life(store, redis, keys, address):
    """Let everything happen to an address that can."""
    pipeline = Pipeline(Directory((PATHS,)), rules.load(), {"main": ListSettings(DEFAULT_POLICY)}, store, lambda: NOW)

    async def bounce(scene, profile=CAUTIOUS):
        path = PATHS.encode(address, issued=NOW.date(), profile=profile)
        await take(pipeline, path, Scene(scene, address).content(path))

    for scene in ("unknown_user", "full_mailbox", "spam_block"):
        await bounce(scene)
    await take(pipeline, PATHS.encode(address, issued=NOW.date()), BASE64)
    await take(pipeline, "postmaster@bounce.example.com", BASE64)
    others = Verdict(Category.MAILBOX_UNKNOWN, "r", "diagnostic", diagnostic=f"550 5.1.1 <{address.upper()}>: unknown")
    for other in OTHERS:
        said = Evidence(EvidenceType.REPORT, NOW, Origin.SMTP, Kind.BOUNCE, others, NOW.date(), note=f"for {address}")
        await pipeline.commit(ReportId("main", f"path-{other}", "digest"), other, said)
    client = AsyncClient(redis, PATHS, keys=keys)
    await client.report_delivered(address)
    await client.return_path_for(f"{address}", tag="nov")
    token = keys.token("t" * 26)
    await redis.hset(token, mapping={"recipient": "Alice@B\u00fccher.example", "issued": NOW.date().isoformat()})
    await redis.hset(keys.token("o" * 26), mapping={"recipient": OTHERS[0]})
    await redis.xadd(keys.intake, {"type": "engaged", "address": "ALICE@B\u00fccher.example"})
    await redis.xadd(keys.intake_failed, {"type": "nonsense", "address": address, "error": "no such type"})
    await redis.xadd(keys.complaints, {"provider": "other software", "user_agent": f"Agent ({address})"})
    released = Evidence(EvidenceType.RELEASE, NOW, Origin.OPERATOR, note=f"{address} asked", actor=address, bulk=True)
    await pipeline.commit(ReportId("main", "", "by hand"), address, released)
    event = summary_event(keys, Summary.RELEASED, NOW, address, note=address, filters=f"match {address}")
    await store.tell("main", event)
    for stream in (keys.undelivered("crm"), keys.hook_again("crm")):
        for other in (address, OTHERS[0]):
            await redis.xadd(stream, {"type": "transition", "address": keys.address_id(other), "error": "500"})
    await redis.hset(keys.alarms, "campaign:nov", f'{{"example": "{address}"}}')


async def take(pipeline, path, content):
    """Take one message in."""
    destination = await pipeline.admit(path)
    await pipeline.process(destination, Envelope("192.0.2.1", "", path, content, NOW))


def holds(text, keys):
    """Return whether a text holds the address in any form, but inside others."""
    for other in OTHERS[:2]:
        text = text.lower().replace(other, "").replace(other.replace("@", "="), "")
    names = (ALICE, ALICE.replace("@", "="), "alice@b\u00fccher", "WW91ciBtYWls".lower(), keys.address_id(ALICE))
    return any(name in text for name in names)


async def test_nothing_is_left(store, redis, keys):
    """In no key, set, list, hash or stream, nor in texts about others; and others keep everything else."""
    await a_rich_life(store, redis, keys, ALICE)
    before = await everything(redis, keys)
    assert sum(holds(text, keys) for text in before.values()) >= 7
    looked_at: list[int] = []
    assert await erase(store, "main", ALICE, looked_at.append)
    after = await everything(redis, keys)
    assert [key for key, text in after.items() if holds(text, keys)] == []
    assert sum(looked_at) > len(after)
    for other in OTHERS:
        assert (await store.load("main", other)).state is not State.ACTIVE
    assert keys.token("o" * 26) in after
    assert not await erase(store, "main", ALICE, looked_at.append), "again, nothing is known"


async def test_the_file_that_is_written_anew_has_no_octet_of_a_deleted_entry(store, redis, redis_url, keys):
    """Redis only marks an entry as deleted where others stand beside it, and a snapshot would hold it.

    An embedded server has no users, so nobody is forbidden to configure it.
    """
    for name in ("before", "zq7xkv0wj3", "after"):
        await redis.xadd(keys.events, {"type": "report", "address": f"{name}@example.org"})
    folder = Path((await redis.config_get("dir"))["dir"])

    def on_disk() -> bytes:
        return b"".join(file.read_bytes() for file in folder.rglob("*.aof*") if file.is_file())

    assert b"zq7xkv0wj3" in on_disk()
    assert await erase(store, "main", "zq7xkv0wj3@example.org", lambda _count: None)
    unlimited = RedisStore(connections(redis_url), {"main": keys}, durability("memory", pytest.fail))
    await unlimited.start()
    await rewrite_append_only_file(unlimited, "main")
    await unlimited.close()
    assert b"zq7xkv0wj3" not in on_disk()
    assert b"after@example.org" in on_disk()
    assert (await redis.config_get("aof-use-rdb-preamble")) == {"aof-use-rdb-preamble": "yes"}


async def test_a_bounce_that_comes_meanwhile_leaves_no_address_on_the_list_without_a_state(
    store, redis, keys, monkeypatch
):
    """Nobody would ever take it off again, and it would not be erased either."""
    read, coming = store.read, [hold()]

    async def overtaken(list_, *command):
        while coming and command[0] == "SCAN":  # what is known by name is erased, the rest about to be looked for
            await store.commit(report(), ALICE, coming.pop())
        return await read(list_, *command)

    monkeypatch.setattr(store, "read", overtaken)
    await store.commit(report(2), ALICE, hold())
    await erase(store, "main", ALICE, lambda _count: None)
    assert [key for key, text in (await everything(redis, keys)).items() if holds(text, keys)] == []


async def test_a_complaint_leaves_a_keyed_hash_that_keeps_the_address_suppressed(store, redis, keys):
    """For everybody who knows the pepper; the hash tells nothing to anybody else."""
    if not (kept := keys.erased_id(ALICE)):
        pytest.skip("no pepper, no hash")
    await a_rich_life(store, redis, keys, ALICE)
    complaint = Evidence(EvidenceType.COMPLAINED, NOW, Origin.INTAKE)
    pipeline = Pipeline(Directory(()), rules.load(), {"main": ListSettings(DEFAULT_POLICY)}, store, lambda: NOW)
    await pipeline.commit(ReportId("main", "", "complaint"), ALICE, complaint)
    assert await complained(store, "main", ALICE)
    await erase(store, "main", ALICE, lambda _count: None, kept=kept)
    without_hash = {key: text.replace(kept, "") for key, text in (await everything(redis, keys)).items()}
    assert [key for key, text in without_hash.items() if holds(text, replace(keys, pepper=None))] == []
    client = AsyncClient(redis, keys=keys)
    assert await client.is_suppressed(ALICE)
    assert await client.suppressed_among([ALICE, "dave@example.org"]) == {ALICE}
    assert not await client.may_send(ALICE)
    assert not await client.may_send(ALICE, "confirmation")
    assert (await client.why(ALICE)).category is Category.COMPLAINT
    assert await complained(store, "main", ALICE) is (keys.pepper is not None)


async def test_whoever_complained_is_never_mailable_while_being_erased(store, redis, keys, monkeypatch):
    """Nor afterwards, wherever a crash ends it: what stays is written before anything goes."""
    if not (kept := keys.erased_id(ALICE)):
        pytest.skip("no pepper, no hash")
    pipeline = Pipeline(Directory(()), rules.load(), {"main": ListSettings(DEFAULT_POLICY)}, store, lambda: NOW)
    client, write, writes_left = AsyncClient(redis, keys=keys), store.write, 0

    async def crashing(list_, *command):
        nonlocal writes_left
        if not writes_left:
            raise StoreUnavailable("the process is gone")
        writes_left -= 1
        reply = await write(list_, *command)
        assert not await client.may_send(ALICE), command
        return reply

    monkeypatch.setattr(store, "write", crashing)
    for survived in range(100):
        complaint = Evidence(EvidenceType.COMPLAINED, NOW, Origin.INTAKE, campaign="nov")
        await pipeline.commit(ReportId("main", "", f"{survived}"), ALICE, complaint)
        await client.report_delivered(ALICE)
        writes_left = survived
        with suppress(StoreUnavailable):
            await erase(store, "main", ALICE, lambda _count: None, kept=kept)
            break
        assert not await client.may_send(ALICE), survived
    assert survived >= 4
    assert (await client.why(ALICE)).category is Category.COMPLAINT


async def test_a_complaint_counts_as_long_as_it_keeps_the_address_off_the_list(store, keys):
    """Though an operator's decision stands in its place; not any more once an operator has lifted it."""
    pipeline = Pipeline(Directory(()), rules.load(), {"main": ListSettings(DEFAULT_POLICY)}, store, lambda: NOW)
    known = []
    for number, type_ in enumerate((EvidenceType.COMPLAINED, EvidenceType.SUPPRESS, EvidenceType.RELEASE)):
        said = Evidence(type_, NOW, Origin.OPERATOR)
        await pipeline.commit(ReportId("main", "", f"{number}"), ALICE, said)
        known.append(((await store.load("main", ALICE)).category, await complained(store, "main", ALICE)))
    assert known == [(Category.COMPLAINT, True), (Category.OPERATOR, True), (None, False)]


async def test_bounces_alone_are_no_complaint(store, redis, keys):
    """Then nothing has to stay."""
    await a_rich_life(store, redis, keys, ALICE)
    assert not await complained(store, "main", ALICE)


async def test_a_user_who_may_not_scan_is_told_before_anything_is_done(redis_bench):
    """The daemon's own rights do not suffice to say that nothing is left."""
    with pytest.raises(ScanForbidden):
        await check_scan(redis_bench.store, "main")


async def test_a_set_that_holds_the_address_is_searched_like_every_other_key(store, redis, keys):
    """A later version may keep addresses in a set of its own."""
    key = keys.suppressed.replace("suppressed", "later")
    await redis.sadd(key, keys.address_id(ALICE), "somebody-else")
    await erase(store, "main", ALICE, lambda _number: None)
    assert await redis.smembers(key) == {"somebody-else"}
