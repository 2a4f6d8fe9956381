"""Senders tell what they know, and get return paths; what they write is the contract's."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bounced.client import AsyncClient, BadAddress, Client, Keyspace, Profile, ReturnPaths
from bounced.core.return_path import Directory, TokenPath
from bounced.core.terms import Engagement, OptIn, ReturnPath
from bounced.edges.redis import RedisStore

from .conftest import Asked, asking

Told = Callable[[], Awaitable[list[dict[str, str]]]]
UNIX = "1795262400"
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
PROFILE = Profile(OptIn.CONFIRMED, Engagement.ACTIVE)
NOWHERE = "unix:///nonexistent/redis.sock"


@pytest.mark.parametrize(
    ("type_", "fields"),
    [
        ("delivered", {"campaign": "nov"}),
        ("rejected", {"reply": "550 5.1.1 no such user", "campaign": "nov"}),
        ("rejected", {"reply": "550 5.1.1 no such user", "mta": "mx.example.org", "stage": "data"}),
        ("engaged", {}),
        ("subscribed", {}),
        ("unsubscribed", {}),
        ("complained", {"campaign": "nov"}),
    ],
)
async def test_what_is_told_of_an_address_is_an_entry_for_the_daemon(
    client: Asked, told: Told, type_: str, fields: dict[str, str]
) -> None:
    """Normalised, with the time in unix seconds; the answer is the entry's id.  (docs/contract.md, section 2)"""
    id_ = await getattr(client, f"report_{type_}")("Alice@Example.org", at=AT, **fields)
    assert await told() == [{"id": id_, "type": type_, "at": UNIX, "address": "alice@example.org", **fields}]


async def test_what_is_empty_is_not_told(client: Asked, told: Told) -> None:
    """The stream is in memory."""
    await client.report_delivered("alice@example.org")
    (entry,) = await told()
    assert entry.keys() == {"id", "type", "at", "address"}


async def test_how_much_was_sent_is_told_by_campaign_and_domain(client: Asked, told: Told) -> None:
    """No address is in it."""
    id_ = await client.report_sent(250, campaign="nov", domain="Example.org", at=AT)
    entry = {"type": "sent", "at": UNIX, "count": "250", "campaign": "nov", "domain": "example.org"}
    assert await told() == [{"id": id_, **entry}]


@pytest.mark.parametrize("decision", ["suppress", "release"])
async def test_an_operators_decision_goes_the_same_way(client: Asked, told: Told, decision: str) -> None:
    """With its reason, for whoever reads the history."""
    await getattr(client, decision)("Alice@example.org", "asked by telephone")
    (entry,) = await told()
    assert (entry["type"], entry["address"]) == (decision, "alice@example.org")
    assert entry["reason"] == "asked by telephone"


async def test_what_was_not_given_a_time_happened_now(client: Asked, told: Told) -> None:
    """By the sender's clock."""
    before = int(datetime.now(UTC).timestamp())
    await client.report_engaged("alice@example.org")
    (entry,) = await told()
    assert before <= int(entry["at"]) <= datetime.now(UTC).timestamp()


async def test_nonsense_is_not_told(client: Asked, told: Told) -> None:
    """Neither of no address nor of no messages."""
    with pytest.raises(BadAddress):
        await client.report_engaged("alice")
    with pytest.raises(ValueError, match="must be one of ehlo, mail, rcpt, data"):
        await client.report_rejected("alice@example.org", "550 no", stage="lunch")
    with pytest.raises(ValueError, match="a count is at least 1"):
        await client.report_sent(0)
    assert await told() == []


@pytest.mark.parametrize("kind", [Client, AsyncClient])
async def test_a_signed_return_path_needs_no_redis(kind: type[Client | AsyncClient], paths: ReturnPaths) -> None:
    """Mail can be prepared while Redis is away."""
    mail: Any = {"issued": date(2026, 11, 21), "tag": "nov", "profile": PROFILE}
    async with asking(kind.from_url(NOWHERE, paths)) as client:
        assert await client.return_path_for("Alice@example.org", **mail) == paths.encode("alice@example.org", **mail)


async def test_a_return_path_is_of_today(client: Asked, paths: ReturnPaths) -> None:
    """In UTC, wherever the sender is."""
    earliest = datetime.now(UTC).date()
    decoded = Directory((paths,)).decode(await client.return_path_for("alice@example.org"), today=earliest)
    assert isinstance(decoded, ReturnPath)
    assert decoded.issued is not None
    assert earliest <= decoded.issued <= datetime.now(UTC).date()


async def test_what_does_not_fit_is_registered_and_found_by_the_daemon(
    client: Asked, paths: ReturnPaths, store: RedisStore, redis: Redis, keys: Keyspace
) -> None:
    """With all that the sender knew, for sixty days."""
    today = datetime.now(UTC).date()
    mail: Any = {"issued": today, "tag": "nov", "profile": PROFILE, "message_id": "<1@example.com>"}
    made = await client.return_path_for("José@example.org", **mail)
    directory = Directory((paths,))
    path = directory.decode(made, today=today)
    assert isinstance(path, TokenPath)
    fields = await store.token("main", path.token)
    resolved = directory.resolve(path, fields, today=today)
    assert resolved == ReturnPath("main", "josé@example.org", path.token, today, "nov", PROFILE, good_days=60)
    assert 59 * 86_400 < await redis.ttl(keys.token(path.token)) <= 60 * 86_400


async def test_two_messages_get_two_tokens(client: Asked) -> None:
    """A bounce tells which."""
    assert await client.return_path_for("josé@example.org") != await client.return_path_for("josé@example.org")


async def test_a_reader_makes_no_return_paths(redis_url: str) -> None:
    """It has no key to sign with."""
    with Client.from_url(redis_url) as client, pytest.raises(TypeError, match="without return_paths"):
        client.return_path_for("alice@example.org")


def test_keys_and_return_paths_of_two_lists_are_an_error(paths: ReturnPaths) -> None:
    """Else bounces would be read in one list and asked for in another."""
    with pytest.raises(ValueError, match="keys are of list news, return paths of list main"):
        Client.from_url(NOWHERE, paths, keys=Keyspace(list_="news"))


@pytest.mark.parametrize("kind", [Client, AsyncClient])
async def test_no_server_is_a_redis_error(kind: type[Client | AsyncClient]) -> None:
    """The caller decides whether to mail without an answer."""
    async with asking(kind.from_url(NOWHERE)) as client:
        with pytest.raises(RedisError):
            await client.is_suppressed("alice@example.org")


@asynccontextmanager
async def forgetful(redis_url: str) -> AsyncIterator[str]:
    """Stand before the server, hand everything on, and hang up instead of answering to an entry."""
    conversations: list[asyncio.Task[None] | None] = []

    async def converse(client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        conversations.append(asyncio.current_task())
        server, requests = await asyncio.open_unix_connection(redis_url.removeprefix("unix://"))
        while asked := await client.read(65536):
            requests.write(asked)
            answer = await server.read(65536)
            if b"XADD" in asked:
                break
            answers.write(answer)
        for writer in (answers, requests):
            writer.close()
            await writer.wait_closed()

    async with await asyncio.start_server(converse, "127.0.0.1", 0) as proxy:
        yield f"redis://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
        await asyncio.gather(*filter(None, conversations))


async def test_nothing_is_told_twice_by_itself(redis_url: str, keys: Keyspace, told: Told) -> None:
    """A lost answer is an error: whether to count a thousand messages once more is for the caller to say."""
    async with forgetful(redis_url) as url:
        async with AsyncClient.from_url(url, keys=keys) as client:
            with pytest.raises(RedisError):
                await client.report_sent(1000)
        with Client.from_url(url, keys=keys) as plain, pytest.raises(RedisError):
            await asyncio.to_thread(plain.report_sent, 1000)
    assert len(await told()) == 2


def test_both_clients_offer_the_same() -> None:
    """Whoever knows one knows the other."""

    def offered(kind: type) -> dict[str, str]:
        methods = inspect.getmembers(kind, inspect.isfunction)
        return {name: str(inspect.signature(method)) for name, method in methods if not name.startswith("_")}

    plain, asynchronous = offered(Client), offered(AsyncClient)
    assert plain.pop("close")
    assert asynchronous.pop("aclose")
    assert plain == asynchronous
