"""What holds for any life an address may have."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bounced.core.contract.state_hash import from_fields, to_fields, to_stored
from bounced.core.policy import DEFAULT_POLICY, decide
from bounced.core.policy.decide import settle
from bounced.core.policy.document import ARROWS
from bounced.core.state import NOTHING_KNOWN, AddressState, Evidence, EvidenceType
from bounced.core.terms import (
    CLASS_OF,
    Action,
    Category,
    Class,
    Engagement,
    Kind,
    OptIn,
    Origin,
    Profile,
    Proof,
    State,
    Verdict,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
DRAWN = {(before, cause, arrow.after) for arrow in ARROWS for before in arrow.before for cause in arrow.evidence}
LIFTS = {EvidenceType.SUBSCRIBED, EvidenceType.RELEASE, EvidenceType.DISPUTE}

categories = st.sampled_from([c for c in Category if c not in (Category.OPERATOR, Category.UNSUBSCRIBED)])
profiles = st.builds(Profile, st.sampled_from(OptIn), st.sampled_from(Engagement))
hours = st.integers(0, 24 * 500).map(lambda h: START + timedelta(hours=h))
verdicts = st.builds(
    Verdict,
    categories,
    rule=st.just("test"),
    place=st.just("text"),
    action=st.sampled_from(Action),
    status=st.just("5.0.0"),
    proof=st.sampled_from(["", "words", Proof.AFTER_DATA]),
    doubt=st.sampled_from(["", "", "it is a guess"]),
)
evidence = st.builds(
    Evidence,
    type=st.sampled_from(EvidenceType),
    at=hours,
    origin=st.just(Origin.SMTP),
    kind=st.sampled_from([Kind.BOUNCE, Kind.BOUNCE, Kind.BOUNCE, Kind.DELIVERED, Kind.DELAYED, Kind.OTHER]),
    verdict=verdicts,
    sent_on=st.none() | hours.map(lambda at: at.date()),
    profile=profiles,
    names_recipient=st.booleans(),
    trusted=st.sampled_from([True, True, True, False]),
)
lives = st.lists(evidence, max_size=25)


def live(life: list[Evidence]):
    """Yield each step of a life: the state before, the evidence, the transition."""
    state = AddressState()
    for step in life:
        transition = decide(state, step, DEFAULT_POLICY)
        yield state, step, transition
        if transition.after != state:
            state = replace(transition.after, version=state.version + 1)


@given(lives)
def test_decide_is_deterministic_and_total(life):
    """The same life gives the same states, and nothing raises."""
    assert [t for *_, t in live(life)] == [t for *_, t in live(life)]


@given(lives)
def test_no_transition_but_those_of_the_diagram(life):
    """Every change of state is an arrow of the diagram, after what time alone did."""
    for before, step, transition in live(life):
        settled = settle(before, step.at, DEFAULT_POLICY) if step.trusted else before
        for a, b in ((before, settled), (settled, transition.after)):
            assert a.state is b.state or (a.state, step.type, b.state) in DRAWN


@given(lives)
def test_suppressed_is_left_only_by_what_is_named(life):
    """A subscription, an operator, a dispute."""
    for before, step, transition in live(life):
        if before.state is State.SUPPRESSED and transition.after.state is not State.SUPPRESSED:
            assert step.type in LIFTS


@given(lives)
def test_what_never_suppresses_never_does(life):
    """Blocks, delays, transient and undetermined failures and unsigned identities suppress nobody."""
    for before, step, transition in live(life):
        newly = transition.after.state is State.SUPPRESSED and before.state is not State.SUPPRESSED
        if newly and step.type in (EvidenceType.REPORT, EvidenceType.REJECTED):
            assert step.trusted
            assert step.verdict is not None
            assert step.verdict.class_ in (Class.HARD, Class.SOFT, Class.COMPLAINT)


@given(lives)
def test_what_is_doubtful_does_what_a_refusal_without_a_reason_does(life):
    """Its hard category decides nothing: not the state, not its end, not what is counted."""

    def unexplained(step: Evidence) -> Evidence:
        assert step.verdict is not None
        hard = CLASS_OF[step.verdict.category] is Class.HARD
        verdict = step.verdict._replace(category=Category.RECIPIENT_REFUSED, doubt="")
        return replace(step, verdict=verdict) if step.verdict.doubt and hard else step

    def told(life: list[Evidence]) -> list[object]:
        after = [transition.after for *_, transition in live(life)]
        return [(state.state, state.class_, state.until, state.streaks) for state in after]

    assert told(life) == told([unexplained(step) for step in life])


@given(lives)
def test_an_unsigned_identity_changes_nothing(life):
    """Not even what time alone would."""
    for before, step, transition in live(life):
        if not step.trusted:
            assert transition.after == before


@given(lives)
def test_a_state_survives_being_written_and_read(life):
    """The state hash holds all there is to know, in the short form as in the one in which nothing is left out."""
    for before, *_ in live(life):
        assert from_fields(to_fields(before)) == before
        assert from_fields(to_stored(before, before.version)) == before


@given(lives, evidence)
@settings(max_examples=50)
def test_the_same_failure_again_within_a_day_changes_nothing(life, last):
    """Duplicates that slip past their digest are counted once all the same."""
    last = replace(last, type=EvidenceType.REPORT, kind=Kind.BOUNCE)
    state = NOTHING_KNOWN
    for *_, transition in live([*life, last]):
        state = transition.after
    again = decide(state, last, DEFAULT_POLICY)
    assert again.after.state is state.state
    assert again.after.streaks == state.streaks


failures = st.builds(
    replace,
    evidence,
    type=st.sampled_from([EvidenceType.REPORT, EvidenceType.REJECTED]),
    kind=st.just(Kind.BOUNCE),
    trusted=st.just(True),
    verdict=verdicts.map(lambda verdict: verdict._replace(action=Action.FAILED)),
).filter(lambda each: each.verdict.category is not Category.COMPLAINT)


@given(lives, st.sampled_from([EvidenceType.RELEASE, EvidenceType.SUBSCRIBED]), hours, st.lists(failures, max_size=12))
def test_no_failure_of_mail_of_the_day_of_a_release_or_before_suppresses_again(life, type_, at, late):
    """Whatever the address went through, and however many come, however late, in whatever order."""
    released = Evidence(type_, at, Origin.OPERATOR)
    late = [replace(each, at=max(each.at, at), sent_on=min(each.sent_on or at.date(), at.date())) for each in late]
    begun = AddressState()
    for *_, begun_by in live(life):
        begun = begun_by.after
    lifted = decide(begun, released, DEFAULT_POLICY).after
    if lifted.state is State.SUPPRESSED or lifted.last_lifted_at != at:
        return
    state = lifted
    for each in late:
        state = decide(state, each, DEFAULT_POLICY).after
        assert state.state is not State.SUPPRESSED


@given(lives, failures, st.lists(st.tuples(st.integers(0, 24 * 30), verdicts), max_size=8))
def test_the_echoes_of_one_mail_count_nothing(life, first, echoes):
    """Reports of the same mail that are not harder neither count nor change how long the address is held."""
    first = replace(first, sent_on=first.sent_on or first.at.date(), names_recipient=True)
    state = AddressState()
    for *_, lived in live([*life, first]):
        state = lived.after
    for later, verdict in echoes:
        at = first.at + timedelta(hours=later)
        softer = verdict._replace(category=Category.NETWORK, action=Action.FAILED, doubt="")
        known = replace(state, path_failed_as=Class.TRANSIENT)
        before = settle(known, at, DEFAULT_POLICY)
        echo = replace(first, at=at, verdict=softer)
        after = decide(known, echo, DEFAULT_POLICY).after
        assert (after.state, after.until, after.streaks) == (before.state, before.until, before.streaks)
        state = replace(after, path_failed_as=None)
