"""Of what a file says and what is known, the stronger and the later stands."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounced.core.contract.state_hash import from_fields, to_fields
from bounced.core.exchange import COLUMNS, Reader, Row, exported, merge, read_rows
from bounced.core.exchange.own import to_cells
from bounced.core.state import NOTHING_KNOWN, AddressState
from bounced.core.terms import CLASS_OF, Category, Class, Origin, State

THEN = datetime(2026, 10, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 21, tzinfo=UTC)
HARD = AddressState(
    State.SUPPRESSED, Category.MAILBOX_UNKNOWN, Class.HARD, NOW, diagnostic="550 5.1.1", version=3, last_engaged_at=THEN
)


def row(category, state=State.SUPPRESSED, until=None):
    """Return a row about an address."""
    return Row(2, "a@example.org", AddressState(state, category, CLASS_OF[category], THEN, until))


def test_a_new_address_is_suppressed_since_the_rows_time():
    """Not since the import."""
    after = merge(NOTHING_KNOWN, row(Category.COMPLAINT))
    assert (after.state, after.category, after.since) == (State.SUPPRESSED, Category.COMPLAINT, THEN)


@pytest.mark.parametrize("category", [Category.COMPLAINT, Category.UNSUBSCRIBED, Category.OPERATOR])
def test_a_stronger_reason_replaces_the_one_that_stands(category):
    """What else is known of the address stays."""
    after = merge(HARD, row(category))
    assert (after.category, after.version, after.last_engaged_at) == (category, 3, THEN)
    assert after.diagnostic == ""


def test_the_reason_of_a_row_is_about_the_address_whatever_others_a_report_named_before():
    """No later report takes it back as one that names the recipient does."""
    named_others = AddressState(State.BOUNCING, Category.MAILBOX_FULL, Class.SOFT, NOW, names_others=True, version=3)
    assert not merge(named_others, row(Category.MAILBOX_UNKNOWN)).names_others


@pytest.mark.parametrize("category", [Category.MAILBOX_UNKNOWN, Category.BAD_ADDRESS])
def test_a_reason_of_the_same_rank_changes_nothing(category):
    """So that an import is safe to repeat."""
    assert merge(HARD, row(category)) is HARD


def test_what_was_released_later_stays_released():
    """The file may be old."""
    released = AddressState(last_lifted_at=NOW, version=4)
    assert merge(released, row(Category.COMPLAINT)) is released


def test_what_was_released_earlier_is_suppressed():
    """The complaint came after it."""
    released = AddressState(last_lifted_at=THEN - timedelta(days=1), version=4)
    assert merge(released, row(Category.COMPLAINT)).state is State.SUPPRESSED


def test_a_hold_never_replaces_what_stands():
    """Neither a suppression nor another hold."""
    hold = row(Category.MAILBOX_FULL, state=State.HELD, until=NOW)
    for standing in (HARD, replace(HARD, state=State.HELD, until=NOW)):
        assert merge(standing, hold) is standing


def test_a_bouncing_address_can_be_held():
    """A hold counts for more than a streak."""
    until = NOW + timedelta(days=30)
    after = merge(AddressState(State.BOUNCING, version=1), row(Category.MAILBOX_FULL, state=State.HELD, until=until))
    assert (after.state, after.until) == (State.HELD, until)


words = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x17F), max_size=30)
said = words.map(str.strip).filter(str.isprintable)
moments = st.integers(1_600_000_000, int(THEN.timestamp())).map(lambda at: datetime.fromtimestamp(at, UTC))
off_the_list = st.builds(
    AddressState,
    state=st.just(State.SUPPRESSED),
    category=st.sampled_from([Category.COMPLAINT, Category.UNSUBSCRIBED, Category.MAILBOX_MOVED]),
    class_=st.just(Class.HARD),
    since=moments,
    until=st.none() | st.just(NOW + timedelta(days=3)),
    status=st.just("5.1.1"),
    diagnostic=said,
    reporting_mta=said,
    campaign=said,
    origin=st.sampled_from(Origin),
)


@given(off_the_list)
def test_an_exported_state_imports_as_itself(state):
    """Whatever words a server used, quotes and commas among them."""
    if state.until:
        state = replace(state, state=State.HELD)
    cells = to_cells(exported("a@example.org", to_fields(state)))
    lines = [",".join(COLUMNS) + "\n", ",".join('"' + cell.replace('"', '""') + '"' for cell in cells) + "\n"]
    [again] = read_rows(lines, Reader(lambda reply, _address: pytest.fail(reply), NOW))
    assert isinstance(again, Row)
    assert merge(NOTHING_KNOWN, again) == from_fields(to_fields(state))
