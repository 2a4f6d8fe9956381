"""Counting failures: what continues a streak, what starts a new one, what ends one."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bounced.core.policy.settings import Policy
from bounced.core.state import AddressState, Streak
from bounced.core.terms import Class

ONCE_IN = timedelta(hours=24)


def within_24_hours(state: AddressState, class_: Class, at: datetime) -> bool:
    """Tell whether a failure comes too soon after one that was counted.

    An address counts at most once in 24 hours; only a hard failure counts beside one of another class.  A clock that
    jumped back makes everything "too soon", which harms nobody.
    """
    rivals = [state.streaks.get(Class.HARD)] if class_ is Class.HARD else list(state.streaks.values())
    return any(streak is not None and at - streak.last < ONCE_IN for streak in rivals)


def count(state: AddressState, class_: Class, at: datetime, policy: Policy) -> Streak:
    """Return the streak of a class with one more failure in it, or a new one where the old one is too old."""
    streak = state.streaks.get(class_)
    if streak is None or _silence(state, streak, at) > (policy.hard_gap if class_ is Class.HARD else policy.gap):
        return Streak(1, at, at, holds=streak.holds if streak else 0)
    return replace(streak, count=streak.count + 1, last=at)


def uncount(streaks: Mapping[Class, Streak], class_: Class) -> dict[Class, Streak]:
    """Return the streaks without the last failure of a class, which is not believed after all."""
    streak = streaks[class_]
    others = {other: kept for other, kept in streaks.items() if other is not class_}
    return others | {class_: replace(streak, count=streak.count - 1, last=streak.first)} if streak.count > 1 else others


def after_life(streaks: Mapping[Class, Streak], alive_at: datetime) -> dict[Class, Streak]:
    """Return what remains of the streaks when the address is known to have been alive at a time.

    How many failures of a streak came later is not recorded; one is certain, and one is all that is kept.
    """
    kept = {}
    for class_, streak in streaks.items():
        if streak.first > alive_at:
            kept[class_] = streak
        elif streak.last > alive_at:
            kept[class_] = Streak(1, streak.last, streak.last, holds=streak.holds)
    return kept


def _silence(state: AddressState, streak: Streak, at: datetime) -> timedelta:
    """How long nothing was heard although mail went out: the time in which an address was held does not count."""
    released = state.last_released_at
    return at - (max(streak.last, released) if released else streak.last)
