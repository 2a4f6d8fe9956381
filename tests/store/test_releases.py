"""Reports of one return path count once in all, and late ones do not undo a release."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from bounced.core.policy import DEFAULT_POLICY, decide
from bounced.core.state import Evidence, EvidenceType, ReportId
from bounced.core.terms import Category, Class, Origin, State, Verdict
from bounced.ports import Decide

from .conftest import Bench
from .reports import ALICE, AT, BOUNCE, UNKNOWN_USER, report

FULL = Verdict(Category.MAILBOX_FULL, "iana.5.2.2", "status", status="5.2.2", reply_code="552")
RELEASE = Evidence(EvidenceType.RELEASE, AT + timedelta(hours=1), Origin.OPERATOR)
AT_ONCE = 50


def by_policy(evidence: Evidence) -> Decide:
    """Return what the policy of the defaults makes of evidence."""
    return partial(decide, evidence=evidence, policy=DEFAULT_POLICY)


def failure(hours: float = 0, verdict: Verdict = UNKNOWN_USER) -> Evidence:
    """Return a bounce that comes some hours later, of mail of the first day."""
    return replace(BOUNCE, at=AT + timedelta(hours=hours), verdict=verdict, sent_on=AT.date())


async def reasons(bench: Bench, *told: tuple[int, Evidence]) -> list[str]:
    """Commit numbered reports of one path, one after the other, and return what was made of each."""
    found = []
    for number, evidence in told:
        committed = await bench.store.commit(report(number), ALICE, by_policy(evidence))
        assert committed.transition is not None
        found.append(committed.transition.reason)
    return found


async def test_a_second_report_of_a_path_counts_nothing(bench: Bench) -> None:
    """A line of the log and the bounce 25 hours later are one failure; both are recorded."""
    found = await reasons(bench, (1, failure(0, FULL)), (2, failure(25, FULL)), (3, failure(50, FULL)))
    assert found == ["under_threshold", "same_mail", "same_mail"]
    state = await bench.store.load("main", ALICE)
    assert (state.version, state.streaks[Class.SOFT].count) == (1, 1)
    assert len(await bench.store.history("main", ALICE)) == 3


async def test_a_harder_report_of_a_path_counts_beside_the_softer_one(bench: Bench) -> None:
    """And what is softer counts nothing after it."""
    found = await reasons(bench, (1, failure(0, FULL)), (2, failure(1)), (3, failure(30, FULL)), (4, failure(60)))
    assert found == ["under_threshold", "threshold", "same_mail", "same_mail"]


async def test_what_a_shared_failure_counted_in_this_list_counts_once(bench: Bench) -> None:
    """The list that shares it commits each report here as well."""
    shared = [replace(failure(hours), shared_from="news") for hours in (0, 25)]
    assert await reasons(bench, (1, shared[0]), (2, shared[1])) == ["threshold", "same_mail"]
    counts = await bench.inside.counts(f"{AT:%Y%m%d%H}")
    assert not [name for name in counts if name.startswith("rate:")], "it counts in the rates of the other list only"


async def test_after_a_release_a_path_that_was_seen_counts_nothing(bench: Bench) -> None:
    """Although the address's state knows nothing of it any more."""
    await reasons(bench, (1, failure(0)), (2, RELEASE), (3, failure(2)))
    assert (await bench.store.load("main", ALICE)).state is State.ACTIVE


async def test_after_a_release_another_path_of_that_day_is_held(bench: Bench) -> None:
    """For 24 hours: it may be mail that was sent after the release."""
    await reasons(bench, (1, failure(0)), (2, RELEASE))
    await bench.store.commit(report(3, path="another"), ALICE, by_policy(failure(2)))
    state = await bench.store.load("main", ALICE)
    assert (state.state, state.until) == (State.HELD, AT + timedelta(hours=26))


async def commit_all(bench: Bench, addresses: Sequence[str], path: str, evidence: Evidence) -> None:
    """Commit one report for a path of each address, many at once."""
    digest = f"{path} {evidence.at}"
    for begun in range(0, len(addresses), AT_ONCE):
        committing = (
            bench.store.commit(ReportId("main", path and f"{path}-{address}", digest), address, by_policy(evidence))
            for address in addresses[begun : begun + AT_ONCE]
        )
        await asyncio.gather(*committing)


@pytest.mark.parametrize("addresses", [1000, pytest.param(10_000, marks=pytest.mark.soak)])
async def test_a_release_of_many_amid_a_mornings_bounces_holds(bench: Bench, addresses: int) -> None:
    """While the operator releases, bounces of the same mail and of other mail of that morning keep coming."""
    whoever = [f"reader-{number}@example.org" for number in range(addresses)]
    await commit_all(bench, whoever, "newsletter", failure(0))
    assert len(await bench.inside.suppressed()) == addresses
    late = whoever[::2]
    await asyncio.gather(
        commit_all(bench, whoever, "", RELEASE),
        commit_all(bench, late, "newsletter", failure(1.1)),
        commit_all(bench, late, "invoice", failure(1.2)),
    )
    await commit_all(bench, whoever[1::2], "newsletter", failure(30))
    states = await asyncio.gather(*(bench.store.load("main", address) for address in whoever))
    assert {state.state for state in states} <= {State.ACTIVE, State.HELD}
    assert {state.state for state in states[1::2]} == {State.ACTIVE}
    assert {state.until for state in states if state.until} <= {AT + timedelta(hours=25.2)}
