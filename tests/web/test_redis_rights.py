"""The users of Redis that docs/redis.md gives to the listeners may do what they do, and no more."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from bounced.core.contract.keys import Keyspace
from bounced.edges.redis import RedisStore, durability
from bounced.edges.redis.connect import connections
from bounced.edges.redis.event_streams import EventStreams
from bounced.edges.redis.intake_writer import write_entries
from bounced.edges.redis.story import story_of
from bounced.ports import StoreUnavailable
from bounced.web.people.asking import SESSION
from bounced.web.tokens import Right
from tests.support.hooks import REFUSES, SAMPLES

from .conftest import Start
from .hooks.conftest import hearing

PAGE = Path(__file__).parents[2] / "docs/redis.md"
ALICE = "alice@example.org"


@pytest.fixture
async def admin(redis_url: str) -> AsyncIterator[Redis]:
    """Give a connection that may do everything."""
    async with Redis.from_url(redis_url) as admin:
        yield admin


def rights(user: str, prefix: str) -> list[str]:
    """Return the rights that the page gives to a user."""
    (line,) = (line for line in PAGE.read_text("utf-8").splitlines() if line.startswith(f"ACL SETUSER {user} "))
    return [word.replace("~bounced:", f"~{prefix}:") for word in line.split()[3:]]


async def login(admin: Redis, redis_url: str, user: str, prefix: str) -> str:
    """Make a user with the rights of the page, and return the URL with its login."""
    name = f"{prefix}-{user}"
    await admin.execute_command("ACL", "SETUSER", name, *rights(user, prefix))
    return f"unix://{name}@{quote(redis_url.removeprefix('unix://'))}?password=PASSWORD"


async def test_the_private_listener_reads_all_that_it_shows(
    start: Start, admin: Redis, redis_url: str, key_prefix: str
) -> None:
    """As a user of its own, and without a complaint in the log of Redis' rights."""
    await login(admin, redis_url, "web", key_prefix)
    private = f'redis_username = "{key_prefix}-web"\nredis_password_file = "password"'
    async with start() as writing:
        (writing.file.parent / "password").touch(mode=0o600)
        (writing.file.parent / "password").write_text("PASSWORD")
        token = await writing.token(*Right)
        await writing.post(token, "suppress", {"address": ALICE, "reason": "a test"})
    async with start(private=private, writes="false") as site:
        told = [
            await site.post(token, "check", {"addresses": [ALICE], "why": True}),
            await site.post(token, "lookup", {"address": ALICE}),
            await site.get(token, "suppressed"),
            await site.get(token, "events"),
            await site.get(token, "events", after="1-1.1-1"),
            await site.private.get("/readyz"),
        ]
        assert [answer.status_code for answer in told] == [200] * 6
        assert all(ALICE in answer.text for answer in told[:5])
        site.private.cookies.set(SESSION, site.desk.door.sessions.begin("alice", "link"))
        pages = (
            "/",
            "/overview/now",
            f"/address?q={ALICE}",
            f"/address/events?q={ALICE}",
            "/changes?what=all",
            "/recover?provider=google",
            "/providers",
            "/campaigns?campaign=x&look=yes",
            "/live",
            "/live/new?after=1-1.1-1",
            "/unknown/groups",
            "/policy?rule=soft&failures=5",
            "/health",
        )
        for path in pages:
            answer = await site.private.get(path)
            assert answer.status_code == 200, path
            assert "could not be done" not in answer.text, path
    await admin.execute_command("ACL", "DELUSER", f"{key_prefix}-web")


async def test_with_the_rights_of_the_daemon_the_private_listener_writes(
    start: Start, admin: Redis, redis_url: str, key_prefix: str
) -> None:
    """Decisions, reports, tokens of return paths, and what is kept of their answers."""
    await login(admin, redis_url, "daemon", key_prefix)
    private = f'redis_username = "{key_prefix}-daemon"\nredis_password_file = "a.key"'
    await admin.execute_command("ACL", "SETUSER", f"{key_prefix}-daemon", ">a secret for tests only, long enough")
    async with start(private=private) as site:
        token = await site.token(*Right)
        told = [
            await site.post(token, "suppress", {"address": ALICE, "reason": "a test"}, Idempotency_Key="1"),
            await site.post(token, "release", {"address": ALICE, "reason": "a test"}),
            await site.post(token, "report", {"entries": [{"type": "engaged", "address": ALICE}]}, Idempotency_Key="2"),
            await site.post(token, "return-path", {"address": "a/b@example.org"}),
            await site.post(token, "check", {"addresses": [ALICE], "why": True}),
        ]
        assert [answer.status_code for answer in told] == [200] * 5
        site.private.cookies.set(SESSION, site.desk.door.sessions.begin("alice", "link"))
        assert "No addresses fit" in (await site.private.get("/recover?provider=google")).text
    await admin.execute_command("ACL", "DELUSER", f"{key_prefix}-daemon")


async def test_who_reads_can_write_nothing(admin: Redis, redis_url: str, key_prefix: str) -> None:
    """Neither by a command nor in a script."""
    keys = Keyspace(key_prefix)
    async with Redis.from_url(await login(admin, redis_url, "web", key_prefix)) as reader:
        for command in (
            ("SADD", keys.suppressed, ALICE),
            ("DEL", keys.suppressed),
            ("XADD", keys.intake, "*", "type", "engaged"),
            ("EVAL", "return redis.call('SADD', KEYS[1], 'x')", 1, keys.suppressed),
            ("KEYS", "*"),
            ("SMEMBERS", "another-program"),
        ):
            with pytest.raises(ResponseError, match=r"(?i)perm|acl"):
                await reader.execute_command(*command)
    await admin.execute_command("ACL", "DELUSER", f"{key_prefix}-web")


async def test_the_public_listener_writes_the_intake_and_nothing_else(
    admin: Redis, redis_url: str, key_prefix: str
) -> None:
    """It reads single addresses; a commit is refused."""
    keys, url = Keyspace(key_prefix), await login(admin, redis_url, "web-public", key_prefix)
    store = RedisStore(connections(url), {"main": keys}, durability("fsync", pytest.fail))
    await store.start()
    assert (await write_entries(store, keys, [{"type": "unsubscribed", "address": ALICE, "at": "1"}]))[0]
    assert not (await story_of(store, "main", ALICE)).is_known
    await store.close()
    async with Redis.from_url(url) as reporter:
        for command in (
            ("SADD", keys.suppressed, ALICE),
            ("SMEMBERS", keys.suppressed),
            ("HSET", keys.address(ALICE), "state", "active"),
            ("XADD", keys.events, "*", "type", "x"),
            ("XRANGE", keys.events, "-", "+"),
            ("XRANGE", keys.intake, "-", "+"),
            ("EVAL", "return redis.call('DEL', KEYS[1])", 1, keys.intake),
        ):
            with pytest.raises(ResponseError, match=r"(?i)perm|acl"):
                await reporter.execute_command(*command)
    await admin.execute_command("ACL", "DELUSER", f"{key_prefix}-web-public")


async def test_links_unsubscribe_with_no_more_rights_than_that(
    start: Start, admin: Redis, redis_url: str, key_prefix: str
) -> None:
    """A signed one, one with a token, and one that is neither, which waits for Redis too."""
    await login(admin, redis_url, "web-public", key_prefix)
    public = f'redis_username = "{key_prefix}-web-public"\nredis_password_file = "password"'
    async with start() as writing:
        (writing.file.parent / "password").touch(mode=0o600)
        (writing.file.parent / "password").write_text("PASSWORD")
    async with start(public=public) as site:
        token = await site.token(*Right)
        for address in (ALICE, f"{'long' * 12}@example.org"):
            made = await site.post(token, "return-path", {"address": address})
            path = made.json()["headers"]["List-Unsubscribe"].partition("mailto:")[2].partition("@")[0]
            answer = await site.public.post(f"/u/{path}", data={"List-Unsubscribe": "One-Click"})
            assert answer.status_code == 200
        assert (await site.public.post("/u/u-x", data={"List-Unsubscribe": "One-Click"})).status_code == 200
        assert await admin.xlen(site.keys.intake) == 2
    await admin.execute_command("ACL", "DELUSER", f"{key_prefix}-web-public")


async def test_hooks_need_no_more_rights_than_that(
    start: Start, admin: Redis, redis_url: str, key_prefix: str, tmp_path: Path
) -> None:
    """Also those whose token is remembered; the answers of the API are beyond them."""
    login_of = await login(admin, redis_url, "web-public", key_prefix)
    (tmp_path / "password").touch(mode=0o600)
    (tmp_path / "password").write_text("PASSWORD")
    public = f'redis_username = "{key_prefix}-web-public"\nredis_password_file = "password"'
    async with hearing(start, tmp_path, public=public) as heard:
        for service, sample in SAMPLES.items():
            request = sample.posted(sample.event(REFUSES[service], ALICE, 1))
            assert [(await heard.post(service, request)).status_code for _ in range(2)] == [200, 200]
    async with Redis.from_url(login_of) as reporter:
        for command in (("GET", Keyspace(key_prefix).answered("x")), ("SET", Keyspace(key_prefix).answered("x"), "1")):
            with pytest.raises(ResponseError, match=r"(?i)perm|acl"):
                await reporter.execute_command(*command)
    await admin.execute_command("ACL", "DELUSER", f"{key_prefix}-web-public")


async def test_events_are_beyond_the_public_listener(admin: Redis, redis_url: str, key_prefix: str) -> None:
    """They name everybody."""
    keys, url = Keyspace(key_prefix), await login(admin, redis_url, "web-public", key_prefix)
    store = RedisStore(connections(url), {"main": keys}, durability("fsync", pytest.fail))
    await store.start()
    with pytest.raises(StoreUnavailable, match=r"(?i)perm"):
        await EventStreams(store, keys).end()
    await store.close()
    await admin.execute_command("ACL", "DELUSER", f"{key_prefix}-web-public")
