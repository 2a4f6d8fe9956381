"""What one counted failure leads to: bouncing, held, or suppressed."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from bounced.core.policy.settings import COUNTED, FailureRule, Policy, Then
from bounced.core.policy.streaks import count, within_24_hours
from bounced.core.policy.suppress import blamed, rank, suppressed
from bounced.core.state import AddressState, Evidence, Streak
from bounced.core.terms import Class, Engagement, OptIn, State, Verdict

Outcome = tuple[AddressState, str]


def after_failure(state: AddressState, evidence: Evidence, verdict: Verdict, policy: Policy) -> Outcome:
    """Return the state after a failure that counts, and why it is so."""
    class_ = counts_as(evidence, verdict)
    rule = policy.rule_for(verdict.category, class_)
    if rule is None or class_ not in COUNTED or rule.then is Then.NOTHING:
        return state, f"{class_}_never_counts"
    if _sent_before_release(state, evidence):
        return state, "sent_before_release"
    state = _doubt_delivery(state, evidence)
    if rule.cautious and _disputed(state, evidence):
        return _not_believed(state, evidence, verdict, policy, "disputed")
    if within_24_hours(state, class_, evidence.at):
        return state, "within_24_hours"
    return _counted(state, evidence, verdict, class_, rule, policy)


def counts_as(evidence: Evidence, verdict: Verdict) -> Class:
    """Return the class a verdict counts as: hard is soft where the report names only other recipients."""
    hard = verdict.class_ is Class.HARD
    return Class.SOFT if hard and not evidence.names_recipient else verdict.class_


def recently_active(state: AddressState, evidence: Evidence, policy: Policy) -> bool:
    """Tell whether the sender's knowledge speaks for somebody reading mail at this address."""
    engaged = state.last_engaged_at
    remembered = engaged is not None and evidence.at - engaged <= timedelta(days=policy.engaged_days)
    return remembered or evidence.profile.engagement is Engagement.ACTIVE


def _counted(  # noqa: PLR0917 - the facts of one failure, each of its own type
    state: AddressState, evidence: Evidence, verdict: Verdict, class_: Class, rule: FailureRule, policy: Policy
) -> Outcome:
    """Count the failure, and see what its rule makes of it."""
    state = _profile_speaks(state, evidence, policy)
    streak = count(state, class_, evidence.at, policy)
    reached = _reached(state, streak, rule, evidence, policy)
    if state.state is State.SUPPRESSED:
        return _while_suppressed(state, rule, evidence, verdict, reached=reached)
    streaks = {**state.streaks, class_: streak}
    if not reached and not _first_after_hold(state, streak):
        return _bouncing(state, evidence, verdict, class_, streaks)
    counted = replace(state, streaks=streaks)
    if rule.then is Then.HOLD:
        return _climb(counted, rule, evidence, verdict, class_)
    if rule.cautious and streak.count == 1 and _speaks_for_life(state, evidence, policy):
        return _not_believed(counted, evidence, verdict, policy, "not_believed_yet")
    return suppressed(counted, verdict.category, evidence, expires_days=rule.expires_days), "threshold"


def _speaks_for_life(state: AddressState, evidence: Evidence, policy: Policy) -> bool:
    return evidence.profile.opt_in is OptIn.CONFIRMED or recently_active(state, evidence, policy)


def _profile_speaks(state: AddressState, evidence: Evidence, policy: Policy) -> AddressState:
    """Forget failures that somebody's reading mail came after: "active" says that it was within so many days."""
    if evidence.profile.engagement is not Engagement.ACTIVE or state.state is State.SUPPRESSED:
        return state
    sent_on = datetime.combine(_sent_on(evidence), time(tzinfo=UTC))
    lived_after = {
        class_: streak
        for class_, streak in state.streaks.items()
        if streak.last >= sent_on - timedelta(days=policy.engaged_days)
    }
    return replace(state, streaks=lived_after)


def _disputed(state: AddressState, evidence: Evidence) -> bool:
    return state.disputed_until is not None and evidence.at < state.disputed_until


def _not_believed(state: AddressState, evidence: Evidence, verdict: Verdict, policy: Policy, reason: str) -> Outcome:
    """Hold for a while, never shorter than the address is held already."""
    if state.state is State.SUPPRESSED:
        return state, "already_suppressed"
    until = max(evidence.at + policy.caution, state.until or evidence.at)
    return blamed(state, verdict.category, Class.HARD, evidence, state=State.HELD, until=until), reason


def _while_suppressed(
    state: AddressState, rule: FailureRule, evidence: Evidence, verdict: Verdict, *, reached: bool
) -> Outcome:
    """Only a reason of higher rank changes a suppressed address, and only by a failure that would suppress it."""
    if reached and rule.then is Then.SUPPRESS and evidence.names_recipient:
        after = suppressed(state, verdict.category, evidence, expires_days=rule.expires_days)
        return after, "already_suppressed" if after == state else "stronger_reason"
    return state, "already_suppressed"


def _climb(state: AddressState, rule: FailureRule, evidence: Evidence, verdict: Verdict, class_: Class) -> Outcome:
    """Hold one step longer than the last time for this class, or do what comes after the last step.

    One who left a team must not suppress it: what names only others never leads beyond a hold.
    """
    if state.state is State.HELD:
        return state, "already_held"
    streak = state.streaks[class_]
    if streak.holds < len(rule.hold_days):
        days = rule.hold_days[streak.holds]
    elif rule.finally_ is Then.SUPPRESS and evidence.names_recipient:
        after = suppressed(state, verdict.category, evidence, class_, rule.expires_days)
        return after, "holds_used_up"
    else:
        days = rule.last_hold_days
    held = replace(streak, holds=streak.holds + 1, held=True)
    changes = {"state": State.HELD, "until": evidence.at + timedelta(days=days)}
    after = blamed(state, verdict.category, class_, evidence, **changes, streaks={**state.streaks, class_: held})
    return after, "threshold"


def _bouncing(
    state: AddressState, evidence: Evidence, verdict: Verdict, class_: Class, streaks: Mapping[Class, Streak]
) -> Outcome:
    if state.state is State.HELD:
        return replace(state, streaks=streaks), "already_held"
    if rank(state.category, state.class_) > rank(verdict.category, class_) and len(streaks) > 1:
        return replace(state, state=State.BOUNCING, streaks=streaks), "under_threshold"
    after = blamed(state, verdict.category, class_, evidence, state=State.BOUNCING, streaks=streaks)
    return after, "under_threshold"


def _reached(state: AddressState, streak: Streak, rule: FailureRule, evidence: Evidence, policy: Policy) -> bool:
    needed = max(1, rule.failures + _shift(state, evidence, policy, rule))
    if streak.count < needed:
        return False
    return needed == 1 or not rule.over_days or streak.last - streak.first > timedelta(days=rule.over_days)


def _shift(state: AddressState, evidence: Evidence, policy: Policy, rule: FailureRule) -> int:
    """Return one more for confirmed and active, one less for imported or first mail.

    A cautious rule has looked at the profile already.
    """
    profile = evidence.profile
    if profile.opt_in is OptIn.IMPORTED or profile.engagement is Engagement.FIRST_MAIL:
        return -1
    if rule.cautious:
        return 0
    return int(profile.opt_in is OptIn.CONFIRMED and recently_active(state, evidence, policy))


def _first_after_hold(state: AddressState, streak: Streak) -> bool:
    """Tell whether this is the first failure after a release, in the streak that led to the hold."""
    return state.state is State.BOUNCING and streak.held and streak.count > 1


def _sent_before_release(state: AddressState, evidence: Evidence) -> bool:
    """Tell by the day of sending, and where that is the same by the time at which the failure was told of."""
    released = state.last_released_at
    if released is None:
        return False
    return evidence.at < released or _sent_on(evidence) < released.astimezone(UTC).date()


def _doubt_delivery(state: AddressState, evidence: Evidence) -> AddressState:
    """Drop a delivery that is not believed yet when mail of its day fails: it was accepted first, bounced later."""
    pending = state.delivery_pending_since
    if pending is None or _sent_on(evidence) != pending.astimezone(UTC).date():
        return state
    return replace(state, delivery_pending_since=None)


def _sent_on(evidence: Evidence) -> date:
    at: datetime = evidence.at
    return evidence.sent_on or at.astimezone(UTC).date()
