"""The health of the sender as a whole: rates over a day, and the alarms that they raise."""

import json
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum

from bounced.core.contract.hook_standing import HookStanding
from bounced.core.contract.hourly_counters import (
    COMPLAINT,
    HARD,
    SENT,
    UNATTRIBUTED,
    feedback_of,
    of_provider,
    scope_of,
)
from bounced.core.contract.times import stamp
from bounced.core.policy.outage import SCOPE

WINDOW_HOURS = 24
MAX_PROVIDERS = 10
"""How many providers an alarm names."""
FEEDBACK = "feedback"
"""The scope of complaints at a feedback address that brought no return path of ours."""
REDIS, CLOCK = "redis", "clock"
"""The scopes of a Redis that is not the one that kept the list, and of clocks that contradict each other."""
HOOK = "hook:"
"""How the scope of a webhook begins; its name follows."""
OF_THE_SERVER = frozenset({REDIS, CLOCK})
"""Alarms that no rate raises or clears."""


class Level(StrEnum):
    """What an alarm asks for."""

    WARN = "warn"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True)
class AlarmRule:
    """The shares of sent messages from which an alarm is raised, over 24 hours and ``at_least_sent`` messages."""

    at_least_sent: int = 500
    hard_warn: float = 0.02
    hard_pause: float = 0.05
    complaint_warn: float = 0.001
    complaint_pause: float = 0.003


DEFAULT_ALARMS = AlarmRule()


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm now standing: for the list, a campaign, a domain, a disputed provider, or the feedback addresses.

    ``hard`` and ``complaints`` count distinct return paths among ``sent`` messages of the last 24 hours.  Of a provider
    ``hard`` counts the addresses that it called unknown.
    ``reason`` is what is wrong with a webhook, empty for all others.
    ``providers`` says who passed on the complaints that name nobody, those with most of them first.
    """

    level: Level
    since: str
    sent: int
    hard: int
    complaints: int
    providers: Mapping[str, int] = field(default_factory=dict)
    reason: str = ""

    def to_json(self) -> str:
        """Return what stands in the hash of alarms."""
        said = {each.name: getattr(self, each.name) for each in fields(self)}
        for name in ("providers", "reason"):
            if not said[name]:
                del said[name]
        return json.dumps(said, separators=(",", ":"))

    @property
    def who(self) -> str:
        """The providers with their numbers, for an event or a line of the log."""
        return ", ".join(f"{name} {count}" for name, count in self.providers.items())

    @classmethod
    def from_json(cls, text: str) -> "Alarm":
        """Return what ``to_json`` wrote; what only a later version knows is passed over.  Raises ValueError."""
        try:
            known = {each.name for each in fields(cls)}
            alarm = cls(**{name: value for name, value in json.loads(text).items() if name in known})
            return replace(alarm, level=Level(alarm.level))
        except (AttributeError, TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"not an alarm: {text!r}") from error


def complaints_of_nobody(hours: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return how many complaints that name nobody each provider passed on, the most first, at most MAX_PROVIDERS."""
    counted: Counter[str] = Counter()
    for counters in hours:
        for provider, by_measure in feedback_of(counters).items():
            counted[provider] += by_measure[UNATTRIBUTED]
    ranked = sorted((-count, provider) for provider, count in counted.items() if count)
    return {provider: -count for count, provider in ranked[:MAX_PROVIDERS]}


def rates(hours: Iterable[Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """Return the sums of hourly counters that rates are made of: by scope, then by measure."""
    sums: dict[str, dict[str, int]] = {}
    for counters in hours:
        for name, count in counters.items():
            if found := scope_of(name):
                measure, scope = found
                by_measure = sums.setdefault(scope, {})
                by_measure[measure] = by_measure.get(measure, 0) + count
    return sums


def alarms(
    sums: Mapping[str, Mapping[str, int]],
    rule: AlarmRule,
    now: datetime,
    providers: Mapping[str, int] | None = None,
) -> dict[str, Alarm]:
    """Return the alarms that the rates raise, by their scope.  ``providers`` passed on complaints that name nobody."""
    since = stamp(now)
    raised = {}
    for scope, counts in sums.items():
        sent, hard, complaints = (counts.get(measure, 0) for measure in (SENT, HARD, COMPLAINT))
        if level := level_of(sent, hard, complaints, rule):
            raised[scope] = Alarm(level, since, sent, hard, complaints)
    unattributed = sums.get("list", {}).get(UNATTRIBUTED, 0)
    if unattributed:
        raised[FEEDBACK] = Alarm(Level.WARN, since, 0, 0, unattributed, providers or {})
    return raised


def provider_alarms(
    providers: Iterable[str], hours: Iterable[Mapping[str, int]], standing: Container[str], now: datetime
) -> dict[str, Alarm]:
    """Return the alarms of disputed providers that called unknown whom the sender knows, by their scope.

    One that stands does so until the dispute is over.
    """
    hours, raised = list(hours), {}
    for provider in providers:
        called = [of_provider(counters, provider) for counters in hours]
        scope = f"{SCOPE}{provider}"
        if scope in standing or any(hour.known for hour in called):
            sent = sum(hour.sent for hour in called)
            hard = sum(hour.known + hour.other + hour.new for hour in called)
            raised[scope] = Alarm(Level.PAUSE, stamp(now), sent, hard, 0)
    return raised


def hook_alarms(standings: Mapping[str, HookStanding], now: datetime) -> dict[str, Alarm]:
    """Return the alarms of webhooks that do not deliver what they should, by their scope."""
    troubles = {name: ", ".join(standing.troubles(now)) for name, standing in standings.items()}
    return {
        f"{HOOK}{name}": Alarm(Level.WARN, stamp(now), 0, 0, 0, reason=reason)
        for name, reason in troubles.items()
        if reason
    }


def level_of(sent: int, hard: int, complaints: int, rule: AlarmRule) -> Level | None:
    """Return the alarm that these numbers raise, None for none."""
    if sent < rule.at_least_sent:
        return None
    if hard >= rule.hard_pause * sent or complaints >= rule.complaint_pause * sent:
        return Level.PAUSE
    if hard >= rule.hard_warn * sent or complaints >= rule.complaint_warn * sent:
        return Level.WARN
    return None
