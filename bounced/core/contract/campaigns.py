"""What came back of a campaign, against the thresholds of its list, and whether to go on."""

from collections.abc import Mapping
from dataclasses import dataclass

from bounced.core.contract.alarms import AlarmRule, Level, level_of
from bounced.core.contract.hourly_counters import COMPLAINT, DELIVERED, HARD, SENT, scope_of
from bounced.core.numbers import Share
from bounced.core.terms import Class

SCOPE = "campaign:"
TELL_SENT = "report_sent(COUNT, campaign=NAME)"
"""How a sender tells what it sent, with the client."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """The numbers of one campaign of a list.

    ``hard`` and ``complaints`` count messages; ``delivered``, ``soft`` and ``blocks`` count reports.
    """

    list_: str
    name: str
    rule: AlarmRule
    sent: int
    hard: int
    complaints: int
    soft: int
    blocks: int
    delivered: int

    @property
    def came_back(self) -> int:
        """How much came back of it, for the order."""
        return self.hard + self.complaints + self.soft + self.blocks

    @property
    def level(self) -> Level | None:
        """The alarm that the numbers raise, None for none."""
        return level_of(self.sent, self.hard, self.complaints, self.rule)

    @property
    def verdict(self) -> str:
        """What to do."""
        if self.level:
            return {Level.PAUSE: "pause", Level.WARN: "slow down"}[self.level]
        if not self.sent:
            return "unknown"
        return "go on" if self.sent >= self.rule.at_least_sent else "too few"

    @property
    def urgency(self) -> int:
        """Where it stands in the order: what should pause first, then what nobody can judge."""
        return ("pause", "slow down", "unknown", "too few", "go on").index(self.verdict)

    @property
    def why(self) -> str:
        """What the verdict rests on."""
        if not self.sent:
            return f"nobody told what was sent ({TELL_SENT})"
        if self.sent < self.rule.at_least_sent:
            return f"{self.sent:,} sent, a rate needs {self.rule.at_least_sent:,}"
        rule = self.rule
        measured = (
            ("hard", self.hard, rule.hard_warn, rule.hard_pause),
            ("complaints", self.complaints, rule.complaint_warn, rule.complaint_pause),
        )
        over = [
            f"{name} {Share(count / self.sent)}, {'pause' if count >= pause * self.sent else 'warn'} from "
            f"{Share(pause if count >= pause * self.sent else warn)}"
            for name, count, warn, pause in measured
            if count >= warn * self.sent
        ]
        return "; ".join(over)

    def share(self, count: int) -> Share | str:
        """Return a number as a share of what was sent; nothing where nobody told."""
        return Share(min(1.0, count / self.sent)) if self.sent else ""

    def as_record(self, hours: int) -> Mapping[str, object]:
        """Return it for a program."""
        numbers = {name: getattr(self, name) for name in ("sent", "hard", "complaints", "soft", "blocks", "delivered")}
        sent, told = self.sent, [name for name in numbers if name != "sent"]
        shares = {f"{name}_share": round(numbers[name] / sent, 6) if sent else None for name in told}
        return {
            "list": self.list_,
            "campaign": self.name,
            "hours": hours,
            **numbers,
            **shares,
            "verdict": self.verdict,
            "why": self.why,
        }


def named_in(counts: Mapping[str, int]) -> set[str]:
    """Return the campaigns that counters name."""
    found = set()
    for counter in counts:
        if (rate := scope_of(counter)) and rate[1].startswith(SCOPE):
            found.add(rate[1].removeprefix(SCOPE))
        elif counter.startswith(SCOPE):
            found.add(counter.removeprefix(SCOPE).rpartition(":")[0])
    return found


def campaign_of(list_: str, name: str, rule: AlarmRule, counts: Mapping[str, int]) -> Campaign:
    """Return the numbers of a campaign from the sums of counters."""
    rates = [counts.get(f"rate:{measure}:{SCOPE}{name}", 0) for measure in (SENT, HARD, COMPLAINT)]
    reports = [counts.get(f"{SCOPE}{name}:{class_}", 0) for class_ in (Class.SOFT, Class.BLOCK, DELIVERED)]
    return Campaign(list_, name, rule, *rates, *reports)
