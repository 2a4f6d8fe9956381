"""Senders tell what they know, and get return paths; what they write is the contract's."""

import asyncio
import inspect
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bounced import rules
from bounced.client import AsyncClient, BadAddress, Client, Keyspace, NotUnderstood, Profile, ReturnPaths
from bounced.core.contract.intake import check_entry, understand_entry
from bounced.core.meaning.bare import Known
from bounced.core.meaning.classify import classify_reply
from bounced.core.policy import DEFAULT_POLICY, decide
from bounced.core.return_path import Directory, TokenPath
from bounced.core.state import ReportId
from bounced.core.terms import Engagement, OptIn, ReturnPath, Verdict
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
    with pytest.raises(ValueError, match="count must be a whole number from 1 to 1000000000, got '0'"):
        await client.report_sent(0)
    assert await told() == []


BOB = "bob@example.org"
FIRST_DAY = datetime(1, 1, 1)  # noqa: DTZ001 - without a zone Python cannot make a unix time of it
Call = tuple[str, tuple[Any, ...], dict[str, Any]]
WRONG: list[tuple[Call, type[Exception], str]] = [
    (("report_delivered", ("bob@",), {}), BadAddress, "not a domain"),
    (("report_delivered", (BOB,), {"at": datetime(1969, 12, 31, tzinfo=UTC)}), NotUnderstood, "at must be"),
    (("report_engaged", (BOB,), {"at": FIRST_DAY}), NotUnderstood, "at must be"),
    (("report_engaged", (BOB,), {"at": datetime(9999, 12, 31, tzinfo=UTC)}), NotUnderstood, "at must be a time of"),
    (("report_engaged", (BOB,), {"at": 1795262400}), TypeError, "at must be a datetime, got int"),
    (("report_rejected", (BOB, ""), {}), NotUnderstood, "reply must say with what"),
    (("report_rejected", (BOB, "  "), {}), NotUnderstood, "reply must say with what"),
    (("report_rejected", (BOB, b"550 no such user"), {}), TypeError, "reply must be text, got bytes"),
    (("report_rejected", (BOB, "550 \udce4"), {}), NotUnderstood, "reply must be text that UTF-8 can write"),
    (("report_rejected", (BOB, "550 no"), {"stage": "lunch"}), NotUnderstood, "stage must be one of ehlo"),
    (("report_complained", (BOB,), {"campaign": 7}), TypeError, "campaign must be text, got int"),
    (("report_sent", (1_000_000_001,), {}), NotUnderstood, "count must be a whole number"),
    (("report_sent", (2.5,), {}), NotUnderstood, "count must be a whole number"),
    (("report_sent", (1,), {"domain": "not a domain"}), NotUnderstood, "domain: not a domain"),
    (("suppress", (BOB, ""), {}), NotUnderstood, "suppress needs a reason"),
    (("release", (BOB, " "), {}), NotUnderstood, "release needs a reason"),
]


@pytest.mark.parametrize(("call", "kind", "says"), WRONG)
async def test_what_the_daemon_could_not_understand_is_an_error_and_no_entry(
    client: Asked, told: Told, call: Call, kind: type[Exception], says: str
) -> None:
    """The sender hears what is wrong, rather than nobody: the entry would go to intake-failed."""
    method, facts, more = call
    with pytest.raises(kind, match=says):
        await getattr(client, method)(*facts, **more)
    assert await told() == []


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "opened", "at": UNIX, "address": BOB},
        {"type": "delivered", "at": "-1", "address": BOB},
        {"type": "delivered", "at": UNIX, "address": "bob"},
        {"type": "delivered", "at": UNIX, "address": BOB, "profile": "loyal"},
        {"type": "rejected", "at": UNIX, "address": BOB},
        {"type": "rejected", "at": UNIX, "address": BOB, "reply": "550 no", "stage": "lunch"},
        {"type": "sent", "at": UNIX, "count": "many"},
        {"type": "sent", "at": UNIX, "domain": "a b"},
        {"type": "release", "at": UNIX, "address": BOB},
        {"type": "rejected", "at": UNIX, "address": BOB, "reply": "550 no", "stage": "RCPT", "mta": "mx.example.org"},
        {"type": "sent", "at": UNIX},
    ],
)
def test_the_client_refuses_exactly_what_the_daemon_does(fields: dict[str, str]) -> None:
    """With the same words: there is one reading of an entry."""

    def refused(read: Callable[[], object]) -> str:
        try:
            read()
        except NotUnderstood as error:
            return str(error)
        return ""

    def classify(reply: str, known: Known) -> Verdict:
        return classify_reply(reply, rules.packaged(), known)

    by_client = refused(lambda: check_entry(fields, AT, fold_local_part=True))
    by_daemon = refused(
        lambda: understand_entry(fields, classify, AT, entry_id="", fold_local_part=True, may_release=True)
    )
    assert by_client == by_daemon
    assert bool(by_client) is (fields.get("mta") is None and fields != {"type": "sent", "at": UNIX})


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
async def forgetful(redis_url: str, command: bytes = b"XADD", times: int = 99) -> AsyncIterator[str]:
    """Stand before the server, hand everything on, and some times hang up instead of answering to a command."""
    conversations: list[asyncio.Task[None] | None] = []
    lost = 0

    async def converse(client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        nonlocal lost
        conversations.append(asyncio.current_task())
        server, requests = await asyncio.open_unix_connection(redis_url.removeprefix("unix://"))
        while asked := await client.read(65536):
            requests.write(asked)
            answer = await server.read(65536)
            if command in asked and lost < times:
                lost += 1
                break
            answers.write(answer)
        for writer in (answers, requests):
            writer.close()
            await writer.wait_closed()

    async with await asyncio.start_server(converse, "127.0.0.1", 0) as proxy:
        yield f"redis://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
        await asyncio.gather(*filter(None, conversations))


@pytest.mark.parametrize(
    "question",
    [
        (b"SISMEMBER", "is_suppressed", "alice@example.org"),
        (b"SMISMEMBER", "suppressed_among", ["alice@example.org"]),
        (b"HGETALL", "why", "alice@example.org"),
        (b"HSET", "return_path_for", "josé@example.org"),
    ],
)
@pytest.mark.parametrize("kind", [Client, AsyncClient])
async def test_a_question_is_asked_once_more_when_its_answer_is_lost(
    kind: type[Client | AsyncClient], redis_url: str, paths: ReturnPaths, question: tuple[bytes, str, Any]
) -> None:
    """And a token registered again: to do it twice does no harm.  A second loss is an error."""
    command, method, about = question
    async with forgetful(redis_url, command, times=1) as url, asking(kind.from_url(url, paths)) as client:
        await getattr(client, method)(about)
    async with forgetful(redis_url, command, times=2) as url, asking(kind.from_url(url, paths)) as client:
        with pytest.raises(RedisError):
            await getattr(client, method)(about)


async def test_nothing_is_told_twice_by_itself(redis_url: str, keys: Keyspace, told: Told) -> None:
    """A lost answer is an error: whether to count a thousand messages once more is for the caller to say."""
    async with forgetful(redis_url) as url:
        async with AsyncClient.from_url(url, keys=keys) as client:
            with pytest.raises(RedisError):
                await client.report_sent(1000)
        with Client.from_url(url, keys=keys) as plain, pytest.raises(RedisError):
            await asyncio.to_thread(plain.report_sent, 1000)
    assert len(await told()) == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "delivered"},
        {"type": "engaged"},
        {"type": "subscribed"},
        {"type": "unsubscribed"},
        {"type": "complained"},
        {"type": "rejected", "reply": "550 5.1.1 no such user"},
        {"type": "rejected", "reply": "552 5.2.2 mailbox full"},
        {"type": "rejected", "reply": "451 4.2.0 try again"},
        {"type": "suppress", "reason": "asked"},
        {"type": "release", "reason": "asked"},
    ],
    ids=lambda fields: " ".join(fields.values()),
)
async def test_who_repeats_what_was_told_does_no_harm(store: RedisStore, fields: dict[str, str]) -> None:
    """With the same time it leaves the address as if it was told once, whatever had happened to it before."""
    for earlier in ([], [{"type": "rejected", "reply": "550 5.1.1 no such user"}] * 2):
        days = [{**before, "at": str(int(UNIX) - 86_400 * (3 - day))} for day, before in enumerate(earlier)]
        states = []
        for times in (1, 2):
            address = f"{len(earlier)}-{times}@example.org"
            for number, entry in enumerate([*days, *[{**fields, "at": UNIX}] * times]):
                await _read(store, str(number), {**entry, "address": address})
            states.append(replace(await store.load("main", address), version=0, since=None))
        assert states[0] == states[1]


async def _read(store: RedisStore, id_: str, fields: dict[str, str]) -> None:
    """Commit an entry as the daemon does."""

    def classify(reply: str, known: Known) -> Verdict:
        return classify_reply(reply, rules.packaged(), known)

    told = understand_entry(fields, classify, AT, entry_id="", fold_local_part=True, may_release=True)
    report_id = ReportId("main", "", f"{fields['address']} {id_}")
    await store.commit(report_id, told.address, partial(decide, evidence=told.evidence, policy=DEFAULT_POLICY))


def test_both_clients_offer_the_same() -> None:
    """Whoever knows one knows the other: the same arguments, and the same first line of explanation."""

    def offered(kind: type) -> dict[str, tuple[str, str]]:
        public = ((name, each) for name, each in inspect.getmembers(kind) if not name.startswith("_"))
        return {name: (str(inspect.signature(each)), _first_line(each)) for name, each in public}

    plain, asynchronous = offered(Client), offered(AsyncClient)
    assert plain.pop("close")[0] == asynchronous.pop("aclose")[0]
    assert plain == asynchronous
    assert all(first for _, first in plain.values())
    one, other = (
        re.sub(r"\bredis\.(asyncio\.)?(client|cluster)\.", "", str(inspect.signature(kind)))  # each has its redis-py
        for kind in (Client, AsyncClient)
    )
    assert one == other


def _first_line(method: object) -> str:
    return (inspect.getdoc(method) or "").partition("\n")[0]
