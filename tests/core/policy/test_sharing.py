"""A hard verdict that lists share is lifted in all of them where somebody asks for it, and nothing else is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bounced.core.policy import DEFAULT_POLICY
from bounced.core.policy.sharing import is_same_verdict, lift_same_verdict
from bounced.core.state import AddressState, Evidence, EvidenceType, Transition
from bounced.core.terms import CLASS_OF, Category, Class, Origin, State

AT = datetime(2026, 11, 21, tzinfo=UTC)
HARD = AddressState(State.SUPPRESSED, Category.MAILBOX_UNKNOWN, Class.HARD, AT, version=1)
ACTIVE = AddressState()
RELEASE = Evidence(EvidenceType.RELEASE, AT, Origin.OPERATOR, shared_from="news")


def from_(list_: str) -> AddressState:
    """Return a hard verdict that another list shared."""
    return replace(HARD, shared_from=list_)


@pytest.mark.parametrize(
    ("own", "name", "state", "same"),
    [
        (HARD, "shop", from_("news"), True),
        (ACTIVE, "shop", from_("news"), True),
        (HARD, "shop", HARD, False),
        (HARD, "shop", from_("brand"), False),
        (from_("shop"), "shop", HARD, True),
        (from_("shop"), "brand", from_("shop"), True),
        (from_("shop"), "shop", from_("brand"), False),
        (from_("shop"), "brand", HARD, False),
        (HARD, "shop", replace(from_("news"), state=State.HELD), True),
        (HARD, "shop", replace(from_("news"), state=State.BOUNCING), False),
    ],
    ids=[
        "came from here",
        "came from here, lifted here before",
        "of its own",
        "from a third list",
        "the list that spoke first",
        "came from there, too",
        "the other list has it from a third",
        "another list's own",
        "held",
        "may be mailed",
    ],
)
def test_which_verdict_is_the_same(own: AddressState, name: str, state: AddressState, *, same: bool) -> None:
    """Asked by the list news."""
    assert is_same_verdict(name, state, "news", own) is same
    after = lift_same_verdict(state, RELEASE, DEFAULT_POLICY, name=name, own_name="news", own=own).after
    assert (after.state is State.ACTIVE) is same or state.state is State.BOUNCING


@pytest.mark.parametrize("category", [Category.COMPLAINT, Category.UNSUBSCRIBED, Category.OPERATOR])
def test_what_a_person_said_in_another_list_stays(category: Category) -> None:
    """Whatever that list had from others before."""
    said = AddressState(State.SUPPRESSED, category, CLASS_OF[category], AT, shared_from="news", version=1)
    transition = lift_same_verdict(said, RELEASE, DEFAULT_POLICY, name="shop", own_name="news", own=HARD)
    assert transition.after == said
    assert transition.idle


@pytest.mark.parametrize(("shared_from", "mailed"), [("", True), ("news", False)])
def test_mail_of_another_list_was_not_sent_in_spite_of_this_one(shared_from: str, mailed: bool) -> None:
    """Whose sender may mail the address: another list may well suppress it."""
    sent_on = (AT + timedelta(days=1)).date()
    bounce = Evidence(EvidenceType.REPORT, AT, Origin.SMTP, sent_on=sent_on, shared_from=shared_from)
    assert Transition(bounce, HARD, HARD, "already_suppressed").mailed_while_suppressed is mailed
