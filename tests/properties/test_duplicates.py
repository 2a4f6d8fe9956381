"""Whatever comes again, and however often and late, changes nothing."""

from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from bounced.core.contract.keys import Keyspace
from bounced.core.policy import DEFAULT_POLICY, decide
from bounced.core.state import AddressState, Evidence, ReportId
from bounced.edges.memory_store import MemoryStore

from .test_policy import lives

ALICE = "alice@example.org"


@given(life=lives, again=st.lists(st.tuples(st.integers(0, 24), st.integers(0, 24)), max_size=30))
@settings(max_examples=60, deadline=None)
async def test_any_order_of_duplicates_gives_the_same_state(life: list[Evidence], again: list[tuple[int, int]]) -> None:
    """Each report may come again at any time after it came first."""
    order = list(range(len(life)))
    for report, later in again:
        if report < len(life):
            order.insert(min(len(order), order.index(report) + 1 + later), report)
    assert await _live(life, order) == await _live(life, list(range(len(life))))


async def _live(life: list[Evidence], order: list[int]) -> AddressState:
    store = MemoryStore({"main": Keyspace()})
    for number in order:
        report_id = ReportId("main", f"path {number % 3}", f"{number}")
        decision = partial(decide, evidence=life[number], policy=DEFAULT_POLICY)
        await store.commit(report_id, ALICE, decision)
    return await store.load("main", ALICE)
