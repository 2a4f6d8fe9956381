"""What a dump is made of: everything that can happen to addresses, in lists of every form.

It speaks to the version of the day as its users do: messages for return paths, entries of the intake, an operator's
word, time that goes by.
"""

from datetime import timedelta
from functools import partial
from typing import Any

from bounced.core.contract.imported import Import
from bounced.core.exchange import Row, merge
from bounced.core.state import AddressState, Evidence, EvidenceType, ReportId, Transition
from bounced.core.terms import Category, Class, Engagement, OptIn, Origin, Profile, State
from bounced.edges.redis.bulk import merge_all
from bounced.edges.redis.erasing import erase
from bounced.jobs import AlarmUpdater

from .world import FULL, GOOD, LONG, SPAM, UNKNOWN, World


async def live(world: World) -> None:
    """Let everything happen, the long stories first: at the end the newest is a few minutes old."""
    await _climb_to_the_end(world)
    await _hold(world, "main")
    for list_ in ("main", "hashed", "exact"):
        await _suppress_and_count(world, list_)
    await _people_speak(world)
    await _good_news(world)
    await _no_signature(world)
    await _tokens(world)
    await _what_is_no_address(world)
    await _erased(world)
    await _imported(world)
    await _disputed(world)
    await world.work()
    await _waiting(world)


async def _climb_to_the_end(world: World) -> None:
    """Let a mailbox be full through all holds until it is given up."""
    state = AddressState()
    while state.state is not State.SUPPRESSED:
        await world.bounces("full-for-ever@receiver.example", FULL)
        state = await world.store.load("main", "full-for-ever@receiver.example")
        world.clock.now = state.until or world.clock() + timedelta(days=8)
        await world.work()


async def _hold(world: World, list_: str) -> None:
    for _ in range(3):
        for address in (
            "full@receiver.example",
            "full-then-delivered@receiver.example",
            "full-then-read@receiver.example",
        ):
            await world.bounces(address, FULL, list_)
        world.clock.forward(days=8)
    world.clock.forward(days=-4)


async def _suppress_and_count(world: World, list_: str) -> None:
    await world.bounces("gone@receiver.example", UNKNOWN, list_)
    await world.bounces("gone-and-back@receiver.example", UNKNOWN, list_)
    await world.bounces("sometimes@receiver.example", FULL, list_)
    await world.bounces("not-believed@receiver.example", UNKNOWN, list_, GOOD)
    await world.bounces("blocked@receiver.example", SPAM, list_)
    world.clock.forward(minutes=5)
    await world.commit("gone-and-back@receiver.example", EvidenceType.RELEASE, list_, "she wrote to us")
    path = world.paths(list_).encode("quiet@receiver.example", issued=world.clock().date())
    await world.take(path, "From: somebody@receiver.example\nSubject: Undelivered mail\n\nNo reason, no id. \udcff\n")


async def _people_speak(world: World) -> None:
    for list_ in ("main", "hashed"):
        await world.bounces("complained@receiver.example", FULL, list_)
        await world.tell("complained", "complained@receiver.example", list_, campaign="nov")
        await world.tell("unsubscribed", "unsubscribed@receiver.example", list_)
        await world.commit("unwanted@receiver.example", EvidenceType.SUPPRESS, list_, "asked by telephone")
    await world.tell("rejected", "rejected@receiver.example", reply=UNKNOWN[1])
    await world.tell("nonsense", "somebody@receiver.example")
    await world.work()
    world.clock.forward(minutes=5)


async def _good_news(world: World) -> None:
    await world.bounces("read@receiver.example", FULL)
    await world.tell("engaged", "read@receiver.example")
    await world.tell("delivered", "full-then-delivered@receiver.example")
    await world.work()

    def forget(before: AddressState) -> Transition:
        evidence = Evidence(EvidenceType.RELEASE, world.clock(), Origin.OPERATOR, note="nothing is left to know")
        return Transition(evidence, before, AddressState(version=before.version), "released")

    await world.bounces("forgotten@receiver.example", UNKNOWN)
    await world.store.commit(ReportId("main", "", "forgotten"), "forgotten@receiver.example", forget)


async def _no_signature(world: World) -> None:
    for list_ in ("old", "wary"):
        path = f"bounces+unsigned=receiver.example@{list_}.example.com"
        await world.bounces("unsigned@receiver.example", UNKNOWN, list_, path=path)


async def _tokens(world: World) -> None:
    """Register return paths that cannot be signed; all but the first have bounced."""
    registered = (
        ("main", "t" * 26, LONG),
        ("main", "u" * 26, "o|ne@receiver.example"),
        ("exact", "v" * 26, "Gone@receiver.example"),
    )
    for list_, token, address in registered:
        key = world.store.keyspace(list_).token(token)
        fields: dict[Any, Any] = {"recipient": address, "campaign": "nov", "issued": world.clock().date().isoformat()}
        await world.redis.hset(key, mapping=fields)
        await world.redis.expire(key, 30 * 86_400)
    for list_, token, address in registered[1:]:
        await world.bounces(address, UNKNOWN, list_, path=f"b-t{token}@{list_}.example.com")


async def _what_is_no_address(world: World) -> None:
    await world.take(
        "postmaster@main.example.com", "From: a@receiver.example\nSubject: Hello\nMessage-ID: <1@a>\n\nHello\n"
    )
    await world.tell("sent", "", campaign="nov", count="100")
    await world.work()
    await AlarmUpdater(world.present, world.job_store()).round()


async def _erased(world: World) -> None:
    await world.tell("complained", "erased@receiver.example")
    await world.work()
    kept = world.store.keyspace("main").erased_id("erased@receiver.example")
    await erase(world.store, "main", "erased@receiver.example", lambda _number: None, kept=kept)


async def _imported(world: World) -> None:
    state = AddressState(State.SUPPRESSED, Category.MAILBOX_UNKNOWN, Class.HARD, world.clock())
    held = AddressState(State.HELD, Category.MAILBOX_FULL, Class.SOFT, world.clock(), world.clock() + timedelta(days=9))
    rows = (Row(1, "imported@receiver.example", state), Row(2, "imported-and-held@receiver.example", held))
    items = [(row.address, partial(merge, row=row)) for row in rows]
    await merge_all(world.store, world.store.keyspace("main"), items, Import(world.clock(), "lena"))
    world.known |= {("main", row.address): None for row in rows}


async def _disputed(world: World) -> None:
    """Let a company's domain call everybody unknown."""
    await world.work()
    for number in range(6):
        await world.bounces(
            f"worker-{number}@company.example", UNKNOWN, profile=Profile(OptIn.SINGLE, Engagement.ACTIVE)
        )
    await world.work()


async def _waiting(world: World) -> None:
    """Leave entries in the intake: some that a worker has read and not committed, some that nobody has read."""
    world.clock.forward(minutes=5)
    await world.tell("complained", "waiting-complained@receiver.example")
    await world.tell("engaged", "full-then-read@receiver.example")
    await world.tell("complained", "waiting-complained@receiver.example", "hashed")
    dead = world.job_store("a worker that is gone")
    for list_ in ("main", "hashed"):
        await dead.next_entries(list_, 1)
    await world.tell("unsubscribed", "waiting-unsubscribed@receiver.example")
    await world.tell("nonsense", "somebody@receiver.example")
