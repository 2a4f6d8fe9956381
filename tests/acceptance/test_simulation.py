"""Two years of a mailing list through the real policy and the real parts: who is lost, and who is mailed in vain."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from bounced.core.contract.keys import Keyspace
from bounced.core.policy import DEFAULT_POLICY
from bounced.core.policy.dispute import DisputeRule
from bounced.core.terms import Engagement, OptIn, State
from bounced.edges.memory_store import MemoryStore
from bounced.edges.redis import RedisStore, durability
from bounced.edges.redis.connect import connections
from bounced.edges.redis.job_store import JobStore
from bounced.pipeline import ListSettings
from bounced.ports import Store
from bounced.simulation.mailing import Mailing
from bounced.simulation.population import SHARED_DOMAIN, Fate, Member, populate
from bounced.simulation.simulator import Simulator

BEGIN = datetime(2026, 1, 5, 9, tzinfo=UTC)
TWO_YEARS = 730
SETTINGS = ListSettings(DEFAULT_POLICY, disputes=DisputeRule(shared=frozenset({SHARED_DOMAIN})))

OTHERS_LOST_AT_MOST = 0.02
"""The share of living recipients of whom the sender knows nothing good that may be lost to gateways that lie."""


@dataclass(frozen=True)
class Outcome:
    """How it ended."""

    members: tuple[Member, ...]
    mailing: Mailing
    store: Store
    end: datetime

    async def state(self, member: Member) -> State:
        """Return the last state of one address."""
        return (await self.store.load("main", member.address)).state

    def mailed_dead(self, member: Member) -> int:
        """Return how many mails went out to somebody after death."""
        assert member.dies is not None
        return sum(moment >= member.dies for moment in self.mailing.sent.get(member.address, ()))


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with capture_logs():
        yield


@pytest.fixture(params=[False, True], ids=["deliveries unknown", "deliveries reported"])
async def two_years(request: pytest.FixtureRequest) -> Outcome:
    """Return the end of two years, with 240 members, in memory."""
    store = MemoryStore({"main": Keyspace()})
    simulator = Simulator(SETTINGS, store, store, BEGIN)
    members = populate(seed=7, members=240, begin=BEGIN, days=TWO_YEARS)
    mailing = Mailing(simulator, members, seed=7, deliveries=request.param)
    await mailing.run(BEGIN, TWO_YEARS)
    return Outcome(members, mailing, store, BEGIN + timedelta(days=TWO_YEARS))


@pytest.fixture
async def half_a_year(redis_url: str, key_prefix: str) -> AsyncIterator[Outcome]:
    """Return the end of half a year, with 48 members, on a real server."""
    store = RedisStore(connections(redis_url), {"main": Keyspace(key_prefix)}, durability("fsync", pytest.fail))
    await store.start()
    chores = JobStore(store, "simulation", events_max=100_000, failed_max=100)
    simulator = Simulator(SETTINGS, store, chores, BEGIN, tick=timedelta(days=1))
    members = populate(seed=7, members=48, begin=BEGIN, days=182)
    mailing = Mailing(simulator, members, seed=7, deliveries=True)
    await mailing.run(BEGIN, 182)
    yield Outcome(members, mailing, store, BEGIN + timedelta(days=182))
    await store.close()


async def test_two_years(two_years: Outcome) -> None:
    """Nobody is lost of whom the sender knows that they live; the dead are mailed no more than their rule says."""
    await nobody_good_is_lost(two_years)
    await few_others_are_lost(two_years)
    await the_dead_are_within_their_rule(two_years)
    assert Counter(change.reason for change in two_years.mailing.simulator.changes)["disputed"] > 0, "no gateway lied"


async def test_half_a_year_on_a_real_server(half_a_year: Outcome) -> None:
    """The same, shorter, where time and disputes are Redis' matter."""
    await nobody_good_is_lost(half_a_year)
    await few_others_are_lost(half_a_year)
    await the_dead_are_within_their_rule(half_a_year)


async def nobody_good_is_lost(outcome: Outcome) -> None:
    """Check those who live and are confirmed or active."""
    good = [member for member in outcome.members if member.dies is None and member.good]
    assert good
    assert [member.address for member in good if await outcome.state(member) is State.SUPPRESSED] == []


async def few_others_are_lost(outcome: Outcome) -> None:
    """Check those who live and of whom the sender knows nothing good."""
    others = [member for member in outcome.members if member.dies is None and not member.good]
    lost = [member for member in others if await outcome.state(member) is State.SUPPRESSED]
    assert len(lost) <= OTHERS_LOST_AT_MOST * len(others)


async def the_dead_are_within_their_rule(outcome: Outcome) -> None:
    """Check how often each was mailed after death, and how it ended."""
    dead = [member for member in outcome.members if member.dies is not None]
    assert {member.fate for member in dead} >= {Fate.GONE}
    for member in dead:
        assert member.dies is not None
        mailed, state = outcome.mailed_dead(member), await outcome.state(member)
        assert mailed <= most_mails(member), (member, mailed)
        if member.fate is Fate.UNREACHABLE:
            assert state is not State.SUPPRESSED
        elif mailed and outcome.end - member.dies > until_suppressed(member):
            assert state is State.SUPPRESSED, (member, state)


def most_mails(member: Member) -> int:
    """Return how many weekly mails may go out to a dead mailbox under the default policy."""
    profile = member.profile
    if member.fate is Fate.GONE:
        disputes_of_its_domain = 0 if member.address.endswith(SHARED_DOMAIN) else 3
        return (2 if member.good else 1) + disputes_of_its_domain
    if member.fate in (Fate.DOMAIN_GONE, Fate.DISABLED):
        cautious = profile.opt_in is OptIn.CONFIRMED and profile.engagement is Engagement.ACTIVE
        return 1 if profile.opt_in is OptIn.IMPORTED else 2 + cautious
    at_first = {Fate.ABANDONED: 4, Fate.UNREACHABLE: 6}[member.fate]
    return at_first + len((30, 60, 120)) + (1 if member.fate is Fate.UNREACHABLE else 0)


def until_suppressed(member: Member) -> timedelta:
    """Return the days after which a dead mailbox that was mailed is off the list for good."""
    holds = 30 + 60 + 120 if member.fate is Fate.ABANDONED else 0
    return timedelta(days=holds + 6 * 7)
