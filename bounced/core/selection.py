"""Which addresses on a suppression list are meant: by when, where, why and through what they came there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from bounced.core.contract.times import past_moment, stamp
from bounced.core.contract.writes import past_events
from bounced.core.escape import visible
from bounced.core.meaning.providers import provider_of
from bounced.core.terms import Category, Origin, State

Fields = Mapping[str, str]
"""The fields of a state hash."""

PERSONS = frozenset({Category.COMPLAINT, Category.UNSUBSCRIBED, Category.OPERATOR})
"""The reasons that a person gave.  No selection releases an address from them."""

IMPORTED = "imported"
UNREADABLE = "unreadable"
OF_A_LATER_VERSION = "of a later version"


@dataclass(frozen=True, slots=True)
class Selection:
    """What must be true of an address's present state.  What is left empty does not matter.

    ``since`` and ``until`` (which is not part of it) are about the beginning of the state.  ``domain`` is the
    recipient's, normalised; ``provider`` is who runs the server that said so, or else the domain.  ``rule`` is the row
    that judged the failure.  ``match`` stands somewhere in what the server said, in any letter case.
    """

    since: datetime | None = None
    until: datetime | None = None
    domain: str = ""
    provider: str = ""
    category: Category | None = None
    campaign: str = ""
    rule: str = ""
    match: str = ""

    def __bool__(self) -> bool:
        """Whether anything is asked for."""
        return self != Selection()

    def __str__(self) -> str:
        """Return what is asked for, for people."""
        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        return ", ".join(f"{name} {stamp(v) if isinstance(v, datetime) else v}" for name, v in values if v)

    def fits(self, address: str, held: Fields) -> bool:
        """Whether a state is as asked for, as far as it says so itself; ``needs_history`` tells if that is all."""
        return (
            self._in_time(past_moment(held.get("since")))
            and self.domain in ("", address.rpartition("@")[2])
            and self.category in (None, held.get("category"))
            and self.campaign in ("", held.get("campaign"))
            and self.match.casefold() in held.get("diagnostic", "").casefold()
        )

    def needs_history(self, address: str, held: Fields) -> bool:
        """Whether only the event that led to the state can tell if it fits."""
        return bool(self.rule) or not self._of_provider(address, held)

    def fits_history(self, address: str, held: Fields, history: Sequence[str]) -> bool:
        """Whether the event that led to the state is as asked for; ``history`` is the newest first, as it is stored."""
        named = (self.rule, "" if self._of_provider(address, held) else self.provider)
        if not all(any(name in entry for entry in history) for name in named):
            return False
        event = deciding_event(held, list(past_events(reversed(history))))
        return all(name in ("", event.get(field)) for name, field in zip(named, ("rule", "provider"), strict=True))

    def _in_time(self, began: datetime | None) -> bool:
        if began is None:
            return not (self.since or self.until)
        return (not self.since or began >= self.since) and (not self.until or began < self.until)

    def _of_provider(self, address: str, held: Fields) -> bool:
        """Whether the server that said so or the domain is the provider's, or any would do."""
        if not self.provider:
            return True
        domain = address.rpartition("@")[2] if "@" in address else ""
        return self.provider in (provider_of(held.get("reporting_mta"), domain), provider_of(None, domain))


def why_it_stays(held: Fields, *, imported_too: bool) -> str:
    """Return why no selection may release an address with this state; empty where it may.

    A person's word stays.  An import is one where ``imported_too`` is false: no failure was seen here.
    """
    try:
        state = State.read(held.get("state", State.ACTIVE))
    except ValueError:
        return UNREADABLE
    if not state.on_suppression_list:
        return UNREADABLE
    if not state.known:
        return OF_A_LATER_VERSION
    if held.get("category") in PERSONS:
        return held["category"]
    return IMPORTED if held.get("origin") == Origin.OPERATOR and not imported_too else ""


def deciding_event(held: Fields, history: Sequence[Mapping[str, str]]) -> Mapping[str, str]:
    """Return the event that gave the reason for a state, where the history still has it; the oldest is the first.

    The history keeps that for 400 days, among the last eight events.
    """
    blamed = {name: visible(held.get(name, "")) for name in ("category", "diagnostic")}
    judged = (event for event in reversed(history) if all(event.get(name, "") == blamed[name] for name in blamed))
    return next((event for event in judged if event.get("rule")), {})
