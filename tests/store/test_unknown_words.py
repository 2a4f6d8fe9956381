"""Words of a later version, read by this one: as they stand, and written back so."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from redis.asyncio import Redis

from bounced.core.contract.state_hash import UnreadableState, from_fields, to_fields
from bounced.core.policy import DEFAULT_POLICY, decide
from bounced.core.state import AddressState, Evidence, EvidenceType
from bounced.core.terms import Category, Class, Kind, Origin, State, Verdict

from .conftest import Bench
from .reports import ALICE, AT, BOUNCE, report

LATER = {
    "state": "suppressed",
    "category": "mailbox_abandoned",
    "class": "stale",
    "since": "2026-02-01T00:00:00Z",
    "holds": "1",
    "bounces": "2",
    "first_bounce_at": "2026-01-01T00:00:00Z",
    "last_bounce_at": "2026-02-01T00:00:00Z",
    "streaks": "stale:2:1767225600:1769904000:1:0",
    "origin": "hook.ses",
    "version": "7",
}
LATER_STATE = LATER | {"state": "quarantined"}
COMPLAINT = Evidence(EvidenceType.COMPLAINED, AT, Origin.INTAKE)


def judged(evidence: Evidence):
    """Return the policy's decision about evidence."""
    return partial(decide, evidence=evidence, policy=DEFAULT_POLICY)


@pytest.fixture
async def later(redis_bench: Bench, redis_url: str):
    """Return what stores a state of a later version, on the list that senders ask."""
    async with Redis.from_url(redis_url, decode_responses=True) as redis:

        async def store(fields: Any):
            await redis.hset(redis_bench.keys.address(ALICE), mapping=fields)
            await redis.sadd(redis_bench.keys.suppressed, ALICE)

            async def held() -> tuple[Any, bool]:
                fields = await redis.hgetall(redis_bench.keys.address(ALICE))
                return fields, bool(await redis.sismember(redis_bench.keys.suppressed, ALICE))

            return held

        yield store


@pytest.mark.parametrize("fields", [LATER, LATER_STATE])
def test_words_that_nobody_knows_are_read_and_written_as_they_stand(fields: dict[str, str]):
    """They are no member of anything, and equal to their text."""
    state = from_fields(fields)
    assert (state.state, state.category, state.class_, state.origin) == tuple(
        fields[name] for name in ("state", "category", "class", "origin")
    )
    assert state.category not in set(Category)
    assert to_fields(state) == fields


@pytest.mark.parametrize("rubbish", ["NaN", "\x1b[31m", "two words", "x" * 65, "-", "é"])
@pytest.mark.parametrize("name", ["state", "category", "class", "origin"])
def test_what_no_version_writes_as_a_word_is_no_state(name: str, rubbish: str):
    """Nobody can say what it was; it is told, and not guessed."""
    with pytest.raises(UnreadableState):
        from_fields(LATER | {name: rubbish})


def test_a_category_that_nobody_knows_has_no_known_class():
    """Like one that says nothing."""
    assert Verdict(Category.read("mailbox_abandoned"), "", "none").class_ is Class.UNDETERMINED


async def test_a_worker_commits_upon_a_reason_that_it_does_not_know(redis_bench: Bench, later):
    """A failure leaves all as it is, a stronger reason takes its place."""
    held = await later(LATER)
    committed = await redis_bench.store.commit(report(1), ALICE, judged(replace(BOUNCE, kind=Kind.DELAYED)))
    assert committed.transition.before.category == "mailbox_abandoned"
    assert await held() == (LATER, True)
    engaged = Evidence(EvidenceType.ENGAGED, AT, Origin.INTAKE)
    await redis_bench.store.commit(report(2), ALICE, judged(engaged))
    fields, suppressed = await held()
    assert suppressed
    assert fields == LATER | {"last_engaged_at": "2026-03-01T12:00:00Z", "version": "8"}
    await redis_bench.store.commit(report(3), ALICE, judged(COMPLAINT))
    fields, suppressed = await held()
    assert (fields["category"], suppressed) == ("complaint", True)


@pytest.mark.parametrize(
    "evidence",
    [
        BOUNCE,
        replace(BOUNCE, kind=Kind.DELIVERED, at=AT + timedelta(days=400)),
        Evidence(EvidenceType.DELIVERED, AT, Origin.INTAKE),
        Evidence(EvidenceType.ENGAGED, AT, Origin.INTAKE),
        Evidence(EvidenceType.SUBSCRIBED, AT, Origin.INTAKE),
        Evidence(EvidenceType.DUE, AT + timedelta(days=400), Origin.DAEMON),
        Evidence(EvidenceType.DISPUTE, AT, Origin.DAEMON),
    ],
    ids=lambda evidence: f"{evidence.type}-{evidence.kind}",
)
@pytest.mark.parametrize("until", [{}, {"until": "2026-02-02T00:00:00Z"}])
async def test_a_state_that_a_worker_does_not_know_stays_as_it_is(
    redis_bench: Bench, later, evidence: Evidence, until: dict[str, str]
):
    """It may be one in which the address must not be mailed, and whoever wrote it knows what ends it."""
    held = await later(LATER_STATE | until)
    committed = await redis_bench.store.commit(report(), ALICE, judged(evidence))
    if committed.transition.idle:
        committed = await redis_bench.store.commit(report(), ALICE, judged(BOUNCE))
    assert committed.transition.reason == "unknown_state"
    assert await held() == (LATER_STATE | until, True)


async def test_a_complaint_is_heard_whatever_the_state(redis_bench: Bench, later):
    """Or whoever complained would be mailed again when the later version's state ends."""
    held = await later(LATER_STATE)
    await redis_bench.store.commit(report(), ALICE, judged(COMPLAINT))
    fields, suppressed = await held()
    assert (fields["state"], fields["category"], suppressed) == ("suppressed", "complaint", True)


async def test_a_weaker_word_of_a_person_does_not_replace_a_stronger_one(redis_bench: Bench, later):
    """An unsubscription could be lifted by a subscription, an operator's decision could not."""
    held = await later(LATER_STATE | {"category": "operator"})
    for number, type_ in enumerate((EvidenceType.UNSUBSCRIBED, EvidenceType.COMPLAINED, EvidenceType.SUPPRESS)):
        await redis_bench.store.commit(report(number), ALICE, judged(Evidence(type_, AT, Origin.INTAKE)))
        assert await held() == (LATER_STATE | {"category": "operator"}, True)


async def test_an_operator_releases_from_any_state(redis_bench: Bench, later):
    """There must be a way out, also where the later version is gone for good."""
    held = await later(LATER_STATE)
    release = Evidence(EvidenceType.RELEASE, AT, Origin.OPERATOR)
    await redis_bench.store.commit(report(path=""), ALICE, judged(release))
    fields, suppressed = await held()
    assert ("state" not in fields or fields["state"] == "active", suppressed) == (True, False)
    assert (await redis_bench.store.load("main", ALICE)).state is State.ACTIVE


def test_a_state_that_nobody_knows_is_on_the_list_and_active_is_not():
    """The safe side: nobody is mailed for a word that was not understood."""
    assert State.read("quarantined").on_suppression_list
    assert [state for state in State if not state.on_suppression_list] == [State.ACTIVE, State.BOUNCING]
    assert not AddressState().state.on_suppression_list
