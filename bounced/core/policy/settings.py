"""The figures of a policy: a rule for each category or class, with the defaults."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType

from bounced.core.terms import CLASS_OF, Category, Class, class_of

COUNTED = frozenset({Class.HARD, Class.SOFT, Class.TRANSIENT, Class.UNDETERMINED})
"""The classes whose failures are counted; those of all others change no state."""

NEVER_SUPPRESSED = frozenset({Class.TRANSIENT, Class.UNDETERMINED})
"""The classes whose failures never take an address beyond held."""


class Then(StrEnum):
    """What follows once a rule's threshold is reached, and again once its last hold is used up."""

    SUPPRESS = "suppress"
    HOLD = "hold"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class FailureRule:
    """When failures of one kind have a consequence, and which.

    ``failures`` consecutive ones, the first and the last more than ``over_days`` apart (an address counts at most
    once in 24 hours, so two failures are at least that far apart).  ``then`` HOLD climbs through ``hold_days``, one
    step each time; when they are used up ``finally_`` suppresses, or holds for ``last_hold_days`` each time.
    ``cautious``: held for ``Policy.caution_hours`` instead of suppressed at once, where the address was recently
    active or confirmed or its domain or provider is disputed; the next failure suppresses.
    """

    failures: int
    over_days: int = 0
    then: Then = Then.HOLD
    hold_days: tuple[int, ...] = (30, 60, 120)
    finally_: Then = Then.SUPPRESS
    last_hold_days: int = 365
    cautious: bool = False
    expires_days: int | None = None


_AT_ONCE = FailureRule(failures=1, then=Then.SUPPRESS, cautious=True)
_SECOND = FailureRule(failures=2, then=Then.SUPPRESS)
_LENIENT = FailureRule(failures=5, over_days=15, finally_=Then.HOLD)

DEFAULT_RULES: Mapping[Category | Class, FailureRule] = MappingProxyType(
    {
        Category.MAILBOX_UNKNOWN: _AT_ONCE,
        Category.BAD_ADDRESS: _AT_ONCE,
        Category.MAILBOX_MOVED: _AT_ONCE,
        Category.MAILBOX_INACTIVE: _SECOND,
        Category.DOMAIN_INVALID: _SECOND,
        Category.MAILBOX_FULL: FailureRule(failures=3, over_days=15),
        Class.SOFT: FailureRule(failures=3, over_days=15),
        Class.TRANSIENT: _LENIENT,
        Class.UNDETERMINED: _LENIENT,
    }
)


@dataclass(frozen=True)
class Policy:
    """Everything that decides what a failure leads to in one list.

    ``rules`` are looked up by category first, then by class; a class without a rule (block, none) has no
    consequence.  ``cadence_days`` is the usual number of days between two messages to one address.
    """

    rules: Mapping[Category | Class, FailureRule] = field(default_factory=lambda: DEFAULT_RULES)
    cadence_days: int = 7
    caution_hours: int = 24
    delivery_settles_hours: int = 72
    engaged_days: int = 180
    hard_count_days: int = 400

    def __post_init__(self) -> None:
        """Refuse rules for what never touches an address, or never takes it beyond held.  Raises ValueError."""
        for key, rule in self.rules.items():
            class_ = CLASS_OF[key] if isinstance(key, Category) else key
            if class_ not in COUNTED:
                raise ValueError(f"{key} never touches an address: it can have no rule")
            forever = rule.then is Then.SUPPRESS or (rule.then is Then.HOLD and rule.finally_ is Then.SUPPRESS)
            if class_ in NEVER_SUPPRESSED and forever:
                allowed = 'then can be "hold" (with finally = "hold") or "nothing"'
                raise ValueError(f"{key} never takes an address beyond held, so {allowed}")

    def rule_for(self, category: Category, class_: Class) -> FailureRule | None:
        """Return the rule of a category as it counts for ``class_`` (a hard one may count as soft)."""
        own = self.rules.get(category) if class_of(category) is class_ else None
        return own or self.rules.get(class_)

    @cached_property
    def gap(self) -> timedelta:
        """The silence after which a soft, transient or undetermined failure starts a new streak."""
        return timedelta(days=3 * self.cadence_days)

    @cached_property
    def hard_gap(self) -> timedelta:
        """How long hard failures count."""
        return timedelta(days=max(self.hard_count_days, 4 * self.cadence_days))

    @cached_property
    def settles(self) -> timedelta:
        """How long a reported delivery waits until it is believed: a gateway may accept first and bounce later."""
        return timedelta(hours=self.delivery_settles_hours)

    @cached_property
    def caution(self) -> timedelta:
        """How long an address is held for a failure that is not believed."""
        return timedelta(hours=self.caution_hours)


DEFAULT_POLICY = Policy()
