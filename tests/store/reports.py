"""Reports, evidence and decisions that the tests of stores are made of."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bounced.core.state import AddressState, Evidence, EvidenceType, ReportId, Streak, Transition
from bounced.core.terms import Action, Category, Class, Kind, Origin, State, Verdict
from bounced.ports import Decide

ALICE = "alice@example.org"
AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR = "2026030112"

UNKNOWN_USER = Verdict(
    Category.MAILBOX_UNKNOWN,
    "iana.5.1.1",
    "status",
    Action.FAILED,
    "5.1.1",
    "550",
    "mx.example.org",
    "550 no such user",
)
SPAM_BLOCK = Verdict(Category.REPUTATION_BLOCK, "blocklist", "diagnostic", Action.FAILED, "5.7.1", "550")
BOUNCE = Evidence(
    EvidenceType.REPORT, AT, Origin.SMTP, kind=Kind.BOUNCE, verdict=UNKNOWN_USER, campaign="spring", peer="192.0.2.1"
)


def report(number: int = 1, path: str = "path") -> ReportId:
    """Return the id of one of many reports for a return path."""
    return ReportId("main", path, f"{number:064x}")


def suppress(evidence: Evidence = BOUNCE) -> Decide:
    """Return a policy that suppresses whatever it is given."""

    def decide(before: AddressState) -> Transition:
        verdict = evidence.verdict or UNKNOWN_USER
        streak = Streak(1, evidence.at, evidence.at)
        after = replace(
            before,
            state=State.SUPPRESSED,
            category=verdict.category,
            class_=verdict.class_,
            since=evidence.at,
            until=None,
            streaks={verdict.class_: streak},
            status=verdict.status or "",
            diagnostic=verdict.diagnostic,
        )
        return Transition(evidence, before, after, "hard")

    return decide


def hold(days: int = 30, evidence: Evidence = BOUNCE) -> Decide:
    """Return a policy that holds an address for some days."""

    def decide(before: AddressState) -> Transition:
        until = evidence.at + timedelta(days=days)
        after = replace(before, state=State.HELD, class_=Class.SOFT, since=evidence.at, until=until)
        return Transition(evidence, before, after, "full")

    return decide


def count(evidence: Evidence = BOUNCE) -> Decide:
    """Return a policy that counts one more hard bounce and does nothing about it."""

    def decide(before: AddressState) -> Transition:
        counted = before.streaks.get(Class.HARD, Streak(0, evidence.at, evidence.at))
        streak = Streak(counted.count + 1, counted.first, evidence.at)
        after = replace(before, state=State.BOUNCING, streaks={Class.HARD: streak})
        return Transition(evidence, before, after, "counted")

    return decide


def release(before: AddressState) -> Transition:
    """Decide that nothing is known of the address any more."""
    evidence = Evidence(EvidenceType.RELEASE, AT, Origin.OPERATOR, note="typo on our side")
    return Transition(evidence, before, AddressState(version=before.version), "released")


def ignore(before: AddressState) -> Transition:
    """Decide that a report changes nothing."""
    return Transition(BOUNCE, before, before, "nothing")
