"""One address's life, told in days."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from bounced.core.policy import DEFAULT_POLICY, Policy, decide
from bounced.core.state import AddressState, Evidence, EvidenceType, Transition
from bounced.core.terms import UNKNOWN_PROFILE, Action, Category, Kind, Origin, Profile, State, Verdict

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


def on(day: float) -> datetime:
    """Return noon of a day of the story."""
    return START + timedelta(days=day)


@dataclass
class Story:
    """Feeds evidence to one address and keeps the state, as a store would."""

    policy: Policy = DEFAULT_POLICY
    profile: Profile = UNKNOWN_PROFILE
    state: AddressState = field(default_factory=AddressState)
    reasons: list[str] = field(default_factory=list)

    def say(self, type_: EvidenceType, day: float, **facts: object) -> Transition:
        """Let one piece of evidence of any type come in."""
        evidence = Evidence(type=type_, at=on(day), origin=Origin.SMTP, profile=self.profile)
        transition = decide(self.state, replace(evidence, **facts), self.policy)  # type: ignore[arg-type]
        if transition.after != self.state:
            self.state = replace(transition.after, version=self.state.version + 1)
        self.reasons.append(transition.reason)
        return transition

    def fails(
        self, category: str, day: float, sent: float | None = None, *, proof: str = "", doubt: str = "", **facts: object
    ) -> State:
        """Let a bounce come in for mail of a day (by default the same)."""
        verdict = Verdict(Category(category), "test", "text", Action.FAILED, "5.0.0", proof=proof, doubt=doubt)
        sent_on = on(day if sent is None else sent).date()
        self.say(EvidenceType.REPORT, day, **{"verdict": verdict, "kind": Kind.BOUNCE, "sent_on": sent_on, **facts})
        return self.state.state

    def hears(self, kind: Kind, category: str, day: float, sent: float | None = None) -> State:
        """Let a report that is no bounce come in."""
        return self.fails(category, day, sent, kind=kind)

    def at(self, day: float, type_: EvidenceType, **facts: object) -> State:
        """Let the sender, an operator or the clock speak."""
        self.say(type_, day, **facts)
        return self.state.state

    @property
    def held_days(self) -> float:
        """How long the present hold lasts, from its beginning."""
        assert self.state.until is not None
        assert self.state.since is not None
        return (self.state.until - self.state.since) / timedelta(days=1)


@pytest.fixture
def story() -> Story:
    """Return an address of which nothing is known, under the default policy."""
    return Story()


@pytest.fixture
def told():
    """Make a story under another policy or profile."""
    return Story
