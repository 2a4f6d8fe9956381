"""Large providers that call everybody unknown: nobody good is lost, and the dead are found all the same."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from bounced.core.policy.outage import ProviderRule
from bounced.simulation.outages import Import, Outage, Scene, play

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
NEVER = ProviderRule(addresses=10**9)
QUIET = Scene("an ordinary list", BEGIN, weeks=7, members=6000)
TWO_DAYS = (
    Outage("google", datetime(2026, 2, 9, 11, tzinfo=UTC), 2),
    Outage("google", datetime(2026, 2, 10, 20, tzinfo=UTC), 5, share=0.6),
)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with capture_logs():
        yield


@pytest.mark.parametrize("profiles", [False, True])
async def test_an_outage_suppresses_nobody_good(profiles: bool) -> None:
    """On two days, the second within reach of the first; without the guard many are lost for good."""
    scene = replace(QUIET, outages=TWO_DAYS, profiles=profiles)
    before, after = await play(scene, NEVER), await play(scene)
    assert before.good_lost > 10
    assert (after.good_lost, after.disputes) == (0, 2)
    assert after.good_held > 10
    assert after.over_rule == 0, "a dead mailbox was mailed more often than its rule and the disputes allow"
    assert len(after.found_days) == after.dead > 0


async def test_ordinary_weeks_are_not_disputed() -> None:
    """Mailboxes die on all days."""
    outcome = await play(QUIET)
    assert (outcome.disputes, outcome.good_held, outcome.over_rule) == (0, 0, 0)


async def test_the_import_of_an_old_list_is_believed() -> None:
    """A fifth of it is dead, and found by its first mail."""
    old = Import(10_000, datetime(2026, 2, 2, 8, tzinfo=UTC), 10)
    outcome = await play(replace(QUIET, imports=(old,)))
    assert outcome.disputes == 0
    assert outcome.dead > 1500
    assert max(outcome.found_days) == 0
