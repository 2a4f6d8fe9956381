"""Senders ask whom not to mail, and why; both clients give the same answers."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bounced.client import AsyncClient, BadAddress, Category, Client, Keyspace, State
from bounced.client.places import AsyncPlaces
from bounced.core.state import EvidenceType
from bounced.core.terms import Kind

from .conftest import SAID, Asked, asking

Happen = Callable[..., Awaitable[None]]
ALICE = "alice@example.org"
YESTERDAY = datetime.now(UTC) - timedelta(days=1)


async def test_an_address_nobody_reported_may_be_mailed(client: Asked) -> None:
    """The good majority is not in Redis at all."""
    assert not await client.is_suppressed(ALICE)
    assert (await client.why(ALICE)).state.state is State.ACTIVE


async def test_a_suppressed_address_is_found_however_it_is_written(client: Asked, happen: Happen) -> None:
    """The client normalises as the daemon does."""
    await happen("bob@xn--bcher-kva.example", EvidenceType.SUPPRESS)
    assert await client.is_suppressed("Bob@Bücher.example.")


async def test_what_is_no_address_cannot_be_asked_about(client: Asked) -> None:
    """The caller hears of it rather than of an address that is fine."""
    with pytest.raises(BadAddress):
        await client.is_suppressed("alice")


async def test_many_addresses_are_asked_about_at_once(client: Asked, redis: Redis, keys: Keyspace) -> None:
    """The answer is what was given, over several batches."""
    await redis.sadd(keys.suppressed, *(f"user{n}@example.org" for n in range(0, 2500, 2)))
    asked = [f"User{n}@Example.org" for n in range(2500)]
    assert await client.suppressed_among(iter(asked)) == set(asked[::2])


async def test_what_cannot_be_asked_about_is_not_mailed(client: Asked, happen: Happen) -> None:
    """All that is no address is in the answer: mail programs may understand somebody suppressed in it."""
    await happen(ALICE, EvidenceType.SUPPRESS)
    unclear = [f" {ALICE}", f"{ALICE}\n", f"Alice <{ALICE}>", "nonsense", "@", *map(str, range(1000))]
    assert await client.suppressed_among(["bob@example.org", *unclear]) == set(unclear)
    assert await client.suppressed_among(unclear) == set(unclear)


async def test_nobody_among_nobody_is_suppressed(client: Asked) -> None:
    """An empty campaign asks nothing."""
    assert await client.suppressed_among([]) == set()


async def test_asking_about_many_fails_as_asking_about_one(client: Asked, redis: Redis, keys: Keyspace) -> None:
    """Whatever is under way at once, the caller sees one error."""
    await redis.set(keys.suppressed, "not a set")
    with pytest.raises(RedisError, match="WRONGTYPE"):
        await client.suppressed_among(f"user{n}@example.org" for n in range(2500))


async def test_a_call_ends_though_its_cancellation_is_lost() -> None:
    """As it may be while a connection is made, when many calls wait for a server that hangs."""
    never = asyncio.get_running_loop().create_future

    async def call() -> None:
        async with AsyncPlaces(0.01).taken():
            with suppress(asyncio.CancelledError):
                await never()
            await never()

    with pytest.raises(RedisTimeoutError, match="no answer"):
        await call()


async def test_why_tells_state_and_history(client: Asked, happen: Happen) -> None:
    """What the daemon committed comes back as values, the newest event first."""
    await happen(ALICE, EvidenceType.REPORT, Category.MAILBOX_FULL, kind=Kind.BOUNCE, campaign="nov")
    await happen(ALICE, EvidenceType.SUPPRESS, note="asked by telephone")
    known = await client.why("Alice@example.org")
    assert (known.address, known.suppressed, known.category) == (ALICE, True, Category.OPERATOR)
    newest, oldest = known.history
    assert (newest.before, newest.after) == ("bouncing", "suppressed")
    assert (oldest.type, oldest.category, oldest.campaign) == ("transition", "mailbox_full", "nov")
    assert oldest.diagnostic == SAID
    assert oldest.at <= newest.at <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("type_", "category", "may_confirm"),
    [
        (EvidenceType.REPORT, Category.MAILBOX_UNKNOWN, True),
        (EvidenceType.UNSUBSCRIBED, None, True),
        (EvidenceType.COMPLAINED, None, False),
        (EvidenceType.SUPPRESS, None, False),
    ],
)
async def test_a_confirmation_may_go_wherever_it_would_lift_the_suppression(
    client: Asked, happen: Happen, type_: EvidenceType, category: Category | None, may_confirm: bool
) -> None:
    """Not in spite of a complaint or an operator; ordinary mail goes to none of them."""
    await happen(ALICE, type_, category, kind=Kind.BOUNCE)
    await happen(ALICE, type_, category, kind=Kind.BOUNCE, sent_on=YESTERDAY.date())
    assert (await client.why(ALICE)).suppressed
    assert await client.may_send(ALICE, purpose="confirmation") is may_confirm
    assert await client.may_send(ALICE) is False


async def test_an_active_address_may_get_everything(client: Asked) -> None:
    """Nothing speaks against it."""
    assert await client.may_send(ALICE)
    assert await client.may_send(ALICE, purpose="confirmation")


async def test_another_purpose_is_an_error(client: Asked) -> None:
    """A slip of the pen must not send mail."""
    with pytest.raises(ValueError, match='"mail" or "confirmation"'):
        await client.may_send(ALICE, "confirm")


@pytest.mark.parametrize("kind", [Client, AsyncClient])
async def test_a_list_of_keyed_hashes_is_asked_with_the_pepper(
    kind: type[Client | AsyncClient], redis_url: str, redis: Redis, key_prefix: str
) -> None:
    """No address leaves the sender in plain."""
    keys = Keyspace(key_prefix, pepper=b"an example pepper")
    await redis.sadd(keys.suppressed, keys.address_id(ALICE))
    async with asking(kind.from_url(redis_url, keys=keys)) as client:
        assert await client.is_suppressed(ALICE)
        assert await client.suppressed_among([ALICE, "bob@example.org"]) == {ALICE}


@pytest.mark.parametrize("kind", [Client, AsyncClient])
async def test_a_case_sensitive_list_is_asked_with_the_case(
    kind: type[Client | AsyncClient], redis_url: str, redis: Redis, keys: Keyspace
) -> None:
    """As the list says."""
    await redis.sadd(keys.suppressed, "Alice@example.org")
    async with asking(kind.from_url(redis_url, keys=keys, fold_local_part=False)) as client:
        assert await client.suppressed_among([ALICE, "Alice@Example.org"]) == {"Alice@Example.org"}


async def test_a_connection_that_does_not_decode_will_do(redis_url: str, keys: Keyspace, happen: Happen) -> None:
    """An application may share the connections that it has."""
    from redis import Redis as PlainRedis  # noqa: PLC0415 - beside the other client of that name

    await happen(ALICE, EvidenceType.SUPPRESS)
    with Client(PlainRedis.from_url(redis_url), keys=keys) as client:
        assert client.why(ALICE).category is Category.OPERATOR
        assert client.why(ALICE).history[0].after == "suppressed"
        assert client.report_engaged(ALICE).partition("-")[0].isdecimal()
