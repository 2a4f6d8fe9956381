"""With ``address_form = "hmac"`` nothing in Redis tells whose address it is."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from bounced.core.contract.keys import Keyspace
from bounced.core.mailbox import address_id
from bounced.core.state import Evidence
from bounced.core.terms import Category, Verdict

from .conftest import Bench
from .reports import ALICE, BOUNCE, hold, ignore, report, suppress

PEPPER = b"0123456789abcdef"
NAMED = "550 5.1.1 <Alice@example.org>: no mailbox alice, see ALICE. (alice=example.org@relay.example)"


@pytest.fixture
def keys(key_prefix: str) -> Keyspace:
    """Return the keys of a list that knows no addresses."""
    return Keyspace(key_prefix, "main", PEPPER)


@pytest.fixture
async def everything(redis_url: str, keys: Keyspace) -> AsyncIterator[Redis]:
    """Return a client that may look at everything."""
    async with Redis.from_url(redis_url) as client:
        await client.config_set("rdbcompression", "no")  # which would hide text in a dump
        yield client


def _naming(content: bytes | None = None) -> Evidence:
    verdict = Verdict(Category.MAILBOX_UNKNOWN, "iana.5.1.1", "diagnostic", diagnostic=NAMED)
    return replace(BOUNCE, verdict=verdict, note="alice@example.org called", content=content)


async def test_the_set_holds_keyed_hashes(bench: Bench) -> None:
    """Senders who know the pepper ask for the same hash."""
    await bench.store.commit(report(), ALICE, suppress())
    assert await bench.inside.suppressed() == {address_id(ALICE, PEPPER)}


async def test_a_state_is_found_by_the_address(bench: Bench) -> None:
    """Whoever has the address and the pepper finds what is known, without an address in it."""
    await bench.store.commit(report(), ALICE, suppress(_naming()))
    state = await bench.store.load("main", ALICE)
    assert state.diagnostic == "550 5.1.1 <(address)>: no mailbox (address), see (address) ((address))"
    assert len(await bench.store.history("main", ALICE)) == 1


async def test_no_message_is_kept(bench: Bench) -> None:
    """Nobody can scrub a message that nobody understood."""
    await bench.store.commit(report(), ALICE, suppress(_naming(b"To: alice@example.org")))
    assert await bench.inside.unrecognised() == []


@pytest.mark.parametrize("bench", ["redis"], indirect=True)
async def test_no_key_and_no_value_names_the_address(bench: Bench, everything: Redis) -> None:
    """Looked for in all that the server holds, as it stands in its dump."""
    await bench.store.commit(report(1), ALICE, suppress(_naming(b"To: alice@example.org")))
    await bench.store.commit(report(2), "alice@example.net", hold(evidence=_naming()))
    await bench.store.commit(report(3), None, lambda state: replace(ignore(state), evidence=_naming()))
    names = [name async for name in everything.scan_iter(f"{bench.keys.prefix}:*")]
    dumps = [await everything.dump(name) or b"" for name in names]
    assert any(b"domain:example.org:" in dump for dump in dumps)
    assert not [name for name, dump in zip(names, dumps, strict=True) if b"alice@" in (name + dump).lower()]
