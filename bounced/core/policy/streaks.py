"""Counting failures: what continues a streak, what starts a new one, what ends one."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bounced.core.policy.settings import Policy
from bounced.core.state import AddressState, Streak
from bounced.core.terms import Class

ONCE_IN = timedelta(hours=24)
"""An address counts at most once in this time."""


def within_24_hours(state: AddressState, class_: Class, at: datetime) -> bool:
    """Tell whether a failure comes too soon after one that was counted.

    A hard failure comes too soon after a hard one only, any other after one of any class.  Where the clock jumped back,
    every failure comes too soon until it has caught up; that suppresses nobody.
    """
    rivals = [state.streaks.get(Class.HARD)] if class_ is Class.HARD else list(state.streaks.values())
    return any(streak is not None and at - streak.last < ONCE_IN for streak in rivals)


def continued(state: AddressState, class_: Class, at: datetime, policy: Policy) -> Streak:
    """Return the streak of a class with one more failure, or a new streak where the last failure is too long ago.

    A new streak keeps the number of holds.
    """
    streak = state.streaks.get(class_)
    if streak is None or _silence(state, streak, at) > (policy.hard_gap if class_ is Class.HARD else policy.gap):
        return Streak(1, at, at, holds=streak.holds if streak else 0)
    return replace(streak, count=streak.count + 1, last=at)


def without_last_failure(streaks: Mapping[Class, Streak], class_: Class) -> dict[Class, Streak]:
    """Return the streaks without the last failure of a class.

    When the failure before it happened is not recorded; the first one stands for it.
    """
    streak = streaks[class_]
    others = {other: kept for other, kept in streaks.items() if other is not class_}
    return others | {class_: replace(streak, count=streak.count - 1, last=streak.first)} if streak.count > 1 else others


def failures_after(streaks: Mapping[Class, Streak], alive_at: datetime) -> dict[Class, Streak]:
    """Return the streaks without the failures from before a time at which the address is known to have worked.

    How many failures of a streak came later is not recorded.  The last one did, and only that one is kept.
    """
    kept = {}
    for class_, streak in streaks.items():
        if streak.first > alive_at:
            kept[class_] = streak
        elif streak.last > alive_at:
            kept[class_] = Streak(1, streak.last, streak.last, holds=streak.holds)
    return kept


def _silence(state: AddressState, streak: Streak, at: datetime) -> timedelta:
    """Return the time without a failure in which mail was sent: a hold does not count, since nothing was sent then."""
    released = state.last_released_at
    return at - (max(streak.last, released) if released else streak.last)
