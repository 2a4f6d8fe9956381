"""The policy of a list as it is in force, and what another threshold would have done."""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from starlette.responses import Response

from bounced.config.errors import ConfigError
from bounced.config.policy import RULED
from bounced.config.proposal import proposed
from bounced.config.shape import Section
from bounced.core.contract.event_types import TRANSITION, Wanted
from bounced.core.escape import visible
from bounced.core.policy.document import sentence
from bounced.core.policy.settings import COUNTED, DEFAULT_RULES
from bounced.core.state import Evidence
from bounced.core.terms import CLASS_OF, Category, Class
from bounced.edges.redis.event_streams import BEGINNING, END, EventStreams, before, position_at
from bounced.pipeline import ListSettings
from bounced.simulation.compare import TOTALS, Changes, lives, replay, story, totals
from bounced.simulation.recorded import NotAnEvent, in_order
from bounced.web.pages.layout import Visit, page, rendered, words

USUAL = "90d"
MOST_EVENTS = 5000
"""So many are run through both policies in some seconds."""
MOST_LIVES = 50
THEN = ("suppress", "hold", "nothing")
OTHERS = (
    ("complaint", Class.COMPLAINT, "suppressed at once; only an operator lifts it"),
    ("unsubscribed", Class.NONE, "suppressed at once; an operator or a confirmed opt-in lifts it"),
    ("every block one", Class.BLOCK, "nothing: it is about the sender"),
    ("every other one", Class.NONE, "nothing: it is no failure"),
)
"""What no rule can change."""
FIELDS = ("rule", "failures", "over_days", "then", "hold_days", "finally")
_CLASSES = frozenset(map(str, RULED))
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rule:
    """What follows from the failures of a category, or of the rest of a class."""

    name: str
    class_: Class
    text: str
    is_default: bool
    of: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Figure:
    """One setting: its key, what stands in it, what it is by default, and what it says."""

    key: str
    value: str
    default: str
    text: str


@dataclass(frozen=True, slots=True)
class Fate:
    """One address that fares differently."""

    address: str
    in_force: str
    proposed: str


@dataclass(frozen=True, slots=True)
class Tried:
    """What a trial showed: the totals under both policies, who fares differently, and of how many that bounced.

    ``fault`` says why it was not tried.  ``is_cut`` where more events are kept than are run.
    """

    fault: str = ""
    text: str = ""
    events: int = 0
    is_cut: bool = False
    sums: Sequence[tuple[str, int, int]] = ()
    fates: Sequence[Fate] = ()
    different: int = 0
    of: int = 0


@page(USUAL)
async def policy(visit: Visit) -> Response:
    """Show the policy in force; where the URL names another rule, what it would have done."""
    config = visit.desk.present.config.lists[visit.view.list_]
    wanted = {name: visit.request.query_params.get(name, "").strip()[:80] for name in FIELDS}
    in_force = visit.desk.present.pipeline.lists[visit.view.list_]
    return rendered(
        visit,
        "policy.html",
        here="policy",
        usual=USUAL,
        rules=_together(_rules(in_force)),
        others=OTHERS,
        tables=[
            ("policy", list(_figures(config.policy, "policy"))),
            ("disputes", list(_figures(config.disputes, "disputes"))),
            ("alarms", list(_figures(config.alarms, "alarms"))),
        ],
        cadence=config.cadence_days,
        names=[
            *sorted(RULED),
            *sorted(each for each in Category if CLASS_OF[each] in COUNTED and str(each) not in _CLASSES),
        ],
        then=THEN,
        wanted=wanted,
        tried=await _try(visit, in_force, wanted) if wanted["rule"] else None,
        kept={name: value for name, value in wanted.items() if value},
        most=MOST_EVENTS,
        named=config.address_form != "hmac",
    )


def _rules(settings: ListSettings) -> Iterator[Rule]:
    """Yield the rules, those of a class last, each class with the categories that have no rule of their own."""
    given = settings.policy.rules
    hours = settings.policy.caution_hours
    for class_ in (each for each in Class if each in COUNTED):
        own = [each for each in Category if CLASS_OF[each] is class_ and each in given and str(each) not in _CLASSES]
        rest = [words(each) for each in Category if CLASS_OF[each] is class_ and each not in own]
        for category in own:
            is_default = given[category] == DEFAULT_RULES.get(category, DEFAULT_RULES.get(class_))
            yield Rule(words(category), class_, sentence(given[category], hours), is_default)
        if class_ in given:
            text, is_default = sentence(given[class_], hours), given[class_] == DEFAULT_RULES[class_]
            yield Rule(f"every other {class_} one" if own else f"every {class_} one", class_, text, is_default, rest)


def _together(rules: Iterator[Rule]) -> list[Rule]:
    """Return the rules with those of one class that say the same as one."""
    found: list[Rule] = []
    for rule in rules:
        last = found[-1] if found else None
        if last and replace(last, name=rule.name) == rule:
            found[-1] = replace(last, name=f"{last.name}, {rule.name}")
        else:
            found.append(rule)
    return found


def _figures(section: Section, table: str) -> Iterator[Figure]:
    for key, field in type(section).model_fields.items():
        value = getattr(section, key)
        if not isinstance(value, Mapping):
            default = field.get_default(call_default_factory=True)
            yield Figure(f"{table}.{key}", _told(value), _told(default), field.description or "")


def _told(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return f"{value:,g}" if isinstance(value, int | float) else visible(str(value))


async def _try(visit: Visit, in_force: ListSettings, wanted: Mapping[str, str]) -> Tried:
    """Run what is recorded under the policy in force and under another.  Raises StoreUnavailable, Problem."""
    try:
        changed = proposed(
            {"rules": {wanted["rule"]: _rule(wanted)}}, visit.desk.present.config.lists[visit.view.list_]
        )
        other = replace(in_force, policy=changed.to_policy())
        recorded, is_cut = await _recorded(visit)
    except ConfigError as error:
        return Tried("; ".join(map(str, error.problems)))
    except NotAnEvent as error:
        return Tried(f"An event cannot be read: {error}")
    rule = next(other.policy.rules[each] for each in other.policy.rules if each == wanted["rule"])
    text = f"{words(wanted['rule'])}: {sentence(rule, other.policy.caution_hours)}"
    before, after = await visit.desk.reading(f"{visit.person.name} tries", partial(_both, recorded, in_force, other))
    found = lives(before, after)
    different = [life for life in found if life.differs]
    sums = (totals(before), totals(after))
    return Tried(
        text=text,
        events=len(recorded),
        is_cut=is_cut,
        sums=[(name, sums[0][name], sums[1][name]) for name in TOTALS],
        fates=[Fate(each.address, story(each.in_force), story(each.proposed)) for each in different[:MOST_LIVES]],
        different=len(different),
        of=len(found),
    )


def _rule(wanted: Mapping[str, str]) -> dict[str, Any]:
    """Return what the form changes of a rule, as a configuration has it; an empty field changes nothing."""
    rule: dict[str, Any] = {name: _number(wanted[name]) for name in ("failures", "over_days") if wanted[name]}
    rule |= {name: wanted[name] for name in ("then", "finally") if wanted[name]}
    if days := wanted["hold_days"]:
        rule["hold_days"] = [_number(each) for each in re.split(r"[,\s]+", days.strip(", "))]
    return rule


def _number(text: str) -> int | str:
    return int(text) if _NUMBER.fullmatch(text) else text


def _both(recorded: Sequence[tuple[str, Evidence]], *policies: ListSettings) -> tuple[Changes, Changes]:
    in_force, other = (asyncio.run(replay(recorded, each)) for each in policies)
    return in_force, other


async def _recorded(visit: Visit) -> tuple[list[tuple[str, Evidence]], bool]:
    """Return the newest evidence of the span, in order, and whether there is more.  Raises NotAnEvent."""
    view, found = visit.view, list[Mapping[str, str]]()
    streams = EventStreams(visit.desk.store, visit.desk.present.lists[view.list_].keys)
    span = position_at(view.since) if view.since else BEGINNING, before(view.until) if view.until else END
    async for event in streams.search(*span, Wanted(), looked=lambda _count, _reached: None, backwards=True):
        if event.bulk or event.fields.get("type") != TRANSITION:
            if len(found) == MOST_EVENTS:
                return in_order(found), True
            found.append(event.record)
    return in_order(found), False
