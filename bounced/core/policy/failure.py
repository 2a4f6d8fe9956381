"""What one failure that counts leads to: bouncing, held, or suppressed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from bounced.core.policy.settings import COUNTED, FailureRule, Policy, Then
from bounced.core.policy.streaks import ONCE_IN, continued, within_24_hours, without_last_failure
from bounced.core.policy.suppress import rank, suppressed, with_reason
from bounced.core.state import AddressState, Evidence, Streak
from bounced.core.terms import Category, Class, Engagement, OptIn, Proof, State, Verdict

FROM_HARDEST = (Class.HARD, Class.SOFT, Class.TRANSIENT, Class.UNDETERMINED)
"""The classes that count, the hardest first: of one mail a harder failure counts beside another one."""

StateAndReason = tuple[AddressState, str]
"""The state that follows, and in one word why."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure, and everything beside the address's state that decides what it leads to.

    ``class_`` is the class it counts as; ``rule`` is the rule of ``policy`` that it follows.
    """

    evidence: Evidence
    verdict: Verdict
    class_: Class
    rule: FailureRule
    policy: Policy

    @property
    def at(self) -> datetime:
        """When the failure was reported."""
        return self.evidence.at

    @property
    def sent_on(self) -> date:
        """The UTC day on which the message was sent; where nobody says it, the day of the report."""
        return self.evidence.sent_on or self.at.astimezone(UTC).date()

    @property
    def recently_active(self) -> bool:
        """Whether the sender says that the recipient was active lately."""
        return self.evidence.profile.engagement is Engagement.ACTIVE

    @property
    def after_data(self) -> bool:
        """Whether a server said so after it had accepted the recipient, as filters do for living mailboxes."""
        return _is_after_data(self.verdict, self.class_)

    @property
    def disputable(self) -> bool:
        """Whether it is not believed while its domain is disputed: its category's own rule says so."""
        own = self.policy.rule_for(self.verdict.category, self.class_)
        return own is not None and own.cautious


def after_failure(state: AddressState, evidence: Evidence, verdict: Verdict, policy: Policy) -> StateAndReason:
    """Return the state after a failure, and why: here are the cases in which it is not counted."""
    class_ = counts_as(evidence, verdict)
    rule = policy.rule_for(_judged_as(verdict, class_), class_)
    if rule is None or class_ not in COUNTED or rule.then is Then.NOTHING:
        return state, f"{class_}_never_counts"
    failure = Failure(evidence, verdict, class_, rule, policy)
    if _sent_before_release(state, failure):
        return state, "sent_before_release"
    state = _without_delivery_of_that_day(state, failure)
    replaces = _replaces_words_about_others(state, failure)
    own = _without_words_about_others(state) if replaces else state
    if _mail_failed_already(own, failure):
        return state, "same_mail"
    if replaces and (class_ is state.class_ or (state.state is State.HELD and class_ is not Class.HARD)):
        return with_reason(state, verdict.category, class_, evidence), "replaces_words_about_others"
    state = own
    if failure.disputable and _is_disputed(state, failure):
        return _held_with_caution(state, failure, "disputed")
    if class_ is Class.HARD and _sent_on_day_of_release(state, failure):
        return _held_with_caution(state, failure, "sent_on_day_of_release")
    if within_24_hours(state, class_, failure.at):
        return state, "within_24_hours"
    return _counted(state, failure)


def _judged_as(verdict: Verdict, class_: Class) -> Category:
    """Return the category whose rule a failure follows.

    After DATA living mailboxes are refused as well: such a proof counts like that of a mailbox which is closed.
    """
    return Category.MAILBOX_INACTIVE if _is_after_data(verdict, class_) else verdict.category


def _is_after_data(verdict: Verdict, class_: Class) -> bool:
    return class_ is Class.HARD and verdict.proof == Proof.AFTER_DATA


def counts_as(evidence: Evidence, verdict: Verdict) -> Class:
    """Return the class a verdict counts as: hard is soft where the report names only other recipients."""
    hard = verdict.class_ is Class.HARD
    return Class.SOFT if hard and not evidence.names_recipient else verdict.class_


def _sent_before_release(state: AddressState, failure: Failure) -> bool:
    """Tell whether the message was sent, or its failure reported, before the last release.

    Of the sending only the day is known, so mail of the day of the release may be later.
    """
    released = state.last_released_at
    if released is None:
        return False
    return failure.at < released or failure.sent_on < released.astimezone(UTC).date()


def _sent_on_day_of_release(state: AddressState, failure: Failure) -> bool:
    """Tell whether the message may have been sent before a subscription or an operator lifted what stood.

    Late bounces of the morning's mail would suppress again at noon what an operator has just released.
    """
    lifted = state.last_lifted_at
    return lifted is not None and failure.sent_on == lifted.astimezone(UTC).date()


def _mail_failed_already(state: AddressState, failure: Failure) -> bool:
    """Tell whether the same mail, or mail sent later, failed before in a class that is as hard.

    A line of a log, a notification and the bounce that comes 25 hours later speak of one message.  The return path
    tells that where each of them has it; else it is told by the day on which the message was sent.
    """
    path = state.path_failed_as if failure.evidence.sent_on else None
    days = {class_ for class_, day in state.failed_mail.items() if day >= failure.sent_on}
    return any(class_ in days or class_ is path for class_ in FROM_HARDEST[: FROM_HARDEST.index(failure.class_) + 1])


def _replaces_words_about_others(state: AddressState, failure: Failure) -> bool:
    """Tell whether a report names the recipient, and the reason that stands is of the same day and names others."""
    if not (state.names_others and failure.evidence.names_recipient) or state.state is State.SUPPRESSED:
        return False
    streak = state.streaks.get(state.class_) if state.class_ else None
    return streak is not None and (
        failure.at - streak.last < ONCE_IN or state.failed_mail.get(Class.SOFT) == failure.sent_on
    )


def _without_words_about_others(state: AddressState) -> AddressState:
    """Take back the failure that a report about other recipients counted as.  It may have been of the same path."""
    assert state.class_ is not None
    return replace(
        state,
        category=None,
        class_=None,
        names_others=False,
        path_failed_as=None if state.path_failed_as is state.class_ else state.path_failed_as,
        streaks=without_last_failure(state.streaks, state.class_),
        failed_mail={class_: day for class_, day in state.failed_mail.items() if class_ is not state.class_},
    )


def _failed_mail(state: AddressState, failure: Failure) -> Mapping[Class, date]:
    """Return the latest days whose mail failed, with that of this one."""
    latest = max(state.failed_mail.get(failure.class_, failure.sent_on), failure.sent_on)
    return {**state.failed_mail, failure.class_: latest}


def _without_delivery_of_that_day(state: AddressState, failure: Failure) -> AddressState:
    """Drop a reported delivery, not believed yet, of the day of the failed message.

    A gateway accepted the message first and bounced it later.
    """
    pending = state.delivery_pending_since
    if pending is None or failure.sent_on != pending.astimezone(UTC).date():
        return state
    return replace(state, delivery_pending_since=None)


def _is_disputed(state: AddressState, failure: Failure) -> bool:
    return state.disputed_until is not None and failure.at < state.disputed_until


def _counted(state: AddressState, failure: Failure) -> StateAndReason:
    """Count the failure, then do what its rule says."""
    rule = failure.rule
    state = _without_failures_before_activity(state, failure)
    streak = continued(state, failure.class_, failure.at, failure.policy)
    reached = _reaches_threshold(state, streak, failure)
    if state.state is State.SUPPRESSED:
        return _while_suppressed(state, failure, reached=reached)
    streaks, failed_mail = {**state.streaks, failure.class_: streak}, _failed_mail(state, failure)
    if not reached and not _is_first_after_hold(state, streak):
        return _under_threshold(state, streaks, failed_mail, failure)
    counted = replace(state, streaks=streaks, failed_mail=failed_mail)
    if rule.then is Then.HOLD or not failure.evidence.names_recipient:
        return _next_hold(counted, failure)
    if rule.cautious and streak.count == 1 and _probably_in_use(state, failure):
        return _held_with_caution(counted, failure, "not_believed_yet")
    category, evidence = failure.verdict.category, failure.evidence
    return suppressed(counted, category, evidence, failure.class_, rule.expires_days), "threshold"


def _without_failures_before_activity(state: AddressState, failure: Failure) -> AddressState:
    """Drop the streaks that ended before the recipient was active, where the sender says that it was.

    "Active" means: within ``engaged_days`` before the message was sent.
    """
    if not failure.recently_active or state.state is State.SUPPRESSED:
        return state
    sent_at = datetime.combine(failure.sent_on, time(tzinfo=UTC))
    active_since = sent_at - timedelta(days=failure.policy.engaged_days)
    return replace(
        state, streaks={class_: streak for class_, streak in state.streaks.items() if streak.last >= active_since}
    )


def _reaches_threshold(state: AddressState, streak: Streak, failure: Failure) -> bool:
    rule = failure.rule
    needed = max(1, rule.failures + _more_failures_needed(state, failure))
    if streak.count < needed:
        return False
    return needed == 1 or not rule.over_days or streak.last - streak.first > timedelta(days=rule.over_days)


def _more_failures_needed(state: AddressState, failure: Failure) -> int:
    """Return -1 for an imported address or first mail, +1 for one both confirmed and recently active, else 0.

    A cautious rule needs no more failures: it holds a confirmed or active address instead of suppressing it.  A refusal
    after DATA needs no fewer: it says nothing about the list that the address came from.
    """
    profile = failure.evidence.profile
    if profile.opt_in is OptIn.IMPORTED or profile.engagement is Engagement.FIRST_MAIL:
        return 0 if failure.after_data else -1
    if failure.rule.cautious:
        return 0
    return int(profile.opt_in is OptIn.CONFIRMED and _recently_active(state, failure))


def _probably_in_use(state: AddressState, failure: Failure) -> bool:
    return failure.evidence.profile.opt_in is OptIn.CONFIRMED or _recently_active(state, failure)


def _recently_active(state: AddressState, failure: Failure) -> bool:
    """Tell whether the recipient was active lately, by what is recorded here or by what the sender says."""
    engaged = state.last_engaged_at
    recorded = engaged is not None and failure.at - engaged <= timedelta(days=failure.policy.engaged_days)
    return recorded or failure.recently_active


def _is_first_after_hold(state: AddressState, streak: Streak) -> bool:
    """Tell whether this is the first failure after a release, in the streak that led to the hold."""
    return state.state is State.BOUNCING and streak.held and streak.count > 1


def _while_suppressed(state: AddressState, failure: Failure, *, reached: bool) -> StateAndReason:
    """Give a suppressed address a reason of higher rank, if this failure alone would suppress it."""
    if reached and failure.rule.then is Then.SUPPRESS and failure.evidence.names_recipient:
        category, expires_days = failure.verdict.category, failure.rule.expires_days
        after = suppressed(state, category, failure.evidence, failure.class_, expires_days)
        return after, "already_suppressed" if after == state else "stronger_reason"
    return state, "already_suppressed"


def _under_threshold(
    state: AddressState, streaks: Mapping[Class, Streak], failed_mail: Mapping[Class, date], failure: Failure
) -> StateAndReason:
    """Return the address as bouncing, or held as before; of two reasons the stronger one is shown."""
    category, class_, evidence = failure.verdict.category, failure.class_, failure.evidence
    counted: dict[str, Any] = {"streaks": streaks, "failed_mail": failed_mail}
    if state.state is State.HELD:
        return replace(state, **counted), "already_held"
    if rank(state.category, state.class_) > rank(category, class_) and len(streaks) > 1:
        return replace(state, state=State.BOUNCING, **counted), "under_threshold"
    return with_reason(state, category, class_, evidence, state=State.BOUNCING, **counted), "under_threshold"


def _next_hold(state: AddressState, failure: Failure) -> StateAndReason:
    """Hold for the next of the rule's ``hold_days``; after the last, suppress or hold for ``last_hold_days``.

    A report that names only other recipients never suppresses: one member who left a team would suppress the team.
    """
    if state.state is State.HELD:
        return state, "already_held"
    rule, category, evidence = failure.rule, failure.verdict.category, failure.evidence
    streak = state.streaks[failure.class_]
    if streak.holds < len(rule.hold_days):
        days = rule.hold_days[streak.holds]
    elif rule.finally_ is Then.SUPPRESS and evidence.names_recipient:
        return suppressed(state, category, evidence, failure.class_, rule.expires_days), "holds_used_up"
    else:
        days = rule.last_hold_days
    held = replace(streak, holds=streak.holds + 1, held=True)
    streaks = {**state.streaks, failure.class_: held}
    until = failure.at + timedelta(days=days)
    after = with_reason(state, category, failure.class_, evidence, state=State.HELD, until=until, streaks=streaks)
    return after, "threshold"


def _held_with_caution(state: AddressState, failure: Failure, reason: str) -> StateAndReason:
    """Hold for ``caution_hours`` instead of suppressing, and never shorter than the address is held already."""
    if state.state is State.SUPPRESSED:
        return state, "already_suppressed"
    until = max(failure.at + failure.policy.caution, state.until or failure.at)
    category, evidence, failed_mail = failure.verdict.category, failure.evidence, _failed_mail(state, failure)
    changes = {"state": State.HELD, "until": until, "failed_mail": failed_mail}
    return with_reason(state, category, failure.class_, evidence, **changes), reason
