"""A list's policy as an operator writes it: only the figures that differ from the defaults."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from bounced.config.fields import Count, Days, Flag, WholeNumber
from bounced.config.shape import Section
from bounced.core.policy import DEFAULT_POLICY, FailureRule, Policy, Then
from bounced.core.policy.settings import COUNTED, DEFAULT_RULES
from bounced.core.terms import CLASS_OF, Category, Class

RULED = COUNTED & DEFAULT_RULES.keys()
"""The classes that can have a rule: all that count but hard."""


def named(name: str) -> Category | Class:
    """Return the category or class of that name.  Raises ValueError for one that can have no rule.

    No rule can have a class whose failures never count, nor ``hard``: each of its categories has a rule of its own.
    """
    if name in RULED:
        return Class(name)
    if name in CLASS_OF and CLASS_OF[Category(name)] in COUNTED:
        return Category(name)
    if name == Class.HARD:
        raise ValueError(f"be one of the hard categories, which have a rule each: {_listed({Class.HARD})}")
    raise ValueError(f"be a class or category that counts: {_listed(COUNTED)}, or {', '.join(sorted(RULED))}")


def _listed(classes: Collection[Class]) -> str:
    """Return the categories of some classes."""
    return ", ".join(sorted(category for category, class_ in CLASS_OF.items() if class_ in classes))


def _checked(name: str) -> str:
    named(name)
    return name


class RuleSettings(Section):
    """What follows from failures of a class (soft) or category (mailbox_full). A key left out has its default."""

    failures: Count | None = Field(
        default=None, examples=[3], description="Number of consecutive failures after which something follows."
    )
    over_days: WholeNumber | None = Field(
        default=None, examples=[15], description="The first and the last of them must be more than so many days apart."
    )
    then: Literal["suppress", "hold", "nothing"] | None = Field(
        default=None, examples=["hold"], description='What follows: "suppress", "hold" for a while, or "nothing".'
    )
    hold_days: tuple[Days, ...] | None = Field(
        default=None,
        min_length=1,
        examples=[[30, 60, 120]],
        description="Days of the first hold, of the second, and so on.",
    )
    finally_: Literal["suppress", "hold"] | None = Field(
        default=None,
        alias="finally",
        examples=["suppress"],
        description='What follows after the last of these holds: "suppress" or "hold".',
    )
    last_hold_days: Days | None = Field(
        default=None, examples=[365], description='Days of each later hold, with finally = "hold".'
    )
    cautious: Flag | None = Field(
        default=None,
        examples=[False],
        description="Whether an address that is confirmed or was recently active is first held, not suppressed.",
    )
    expires_days: Days | None = Field(
        default=None, examples=[400], description="Days after which a suppression ends by itself. If not set, never."
    )


class PolicySettings(Section):
    """When failures have consequences in this list. docs/policy.md explains the defaults."""

    caution_hours: Count = Field(
        default=DEFAULT_POLICY.caution_hours,
        description="Hours of the hold for an address that is called dead, where that is not believed yet.",
    )
    delivery_settles_hours: Count = Field(
        default=DEFAULT_POLICY.delivery_settles_hours,
        description="Hours after which a reported delivery is believed. Gateways accept first and bounce later.",
    )
    engaged_days: Days = Field(
        default=DEFAULT_POLICY.engaged_days, description="Days for which a click, a login or a reply is remembered."
    )
    hard_count_days: Days = Field(
        default=DEFAULT_POLICY.hard_count_days, description="Days for which a hard failure counts."
    )
    rules: Mapping[Annotated[str, AfterValidator(_checked)], RuleSettings] = Field(
        default_factory=dict, description="Consequences by class or category."
    )


def policy_of(settings: PolicySettings, cadence_days: int) -> Policy:
    """Return the policy of one list.  Raises ValueError for rules that break what the daemon promises."""
    return Policy(
        rules={**DEFAULT_RULES, **{named(name): merged(name, rule) for name, rule in settings.rules.items()}},
        cadence_days=cadence_days,
        caution_hours=settings.caution_hours,
        delivery_settles_hours=settings.delivery_settles_hours,
        engaged_days=settings.engaged_days,
        hard_count_days=settings.hard_count_days,
    )


def merged(name: str, settings: RuleSettings) -> FailureRule:
    """Return the default rule of a class or category with what the operator changed in it."""
    key = named(name)
    default = DEFAULT_RULES.get(key) or DEFAULT_RULES[CLASS_OF[Category(key)]]
    changed = settings.model_dump(exclude_none=True)
    for field in ("then", "finally_"):
        if field in changed:
            changed[field] = Then(changed[field])
    return replace(default, **changed)
