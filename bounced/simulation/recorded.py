"""Turns recorded events back into the evidence that caused them."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime

from bounced.core.contract.writes import BULK
from bounced.core.state import Evidence, EvidenceType
from bounced.core.terms import UNKNOWN_PROFILE, Action, Category, Kind, Origin, Profile, Verdict

_OWN = frozenset({EvidenceType.DUE, EvidenceType.DISPUTE, EvidenceType.SENT})
"""Evidence from the daemon itself: another policy causes it at other times."""

_EVIDENCE = {str(type_): type_ for type_ in EvidenceType if type_ not in _OWN}


_DECISIONS = {"released": EvidenceType.RELEASE, "operator": EvidenceType.SUPPRESS}
"""What was said, by the reason of the change that followed."""


class NotAnEvent(ValueError):  # noqa: N818 - says what is so
    """A line that is no event."""


def evidence_in(events: Iterable[Mapping[str, str]]) -> Iterator[tuple[str, Evidence]]:
    """Yield addresses and the evidence about them, in the order of the events.  Raises NotAnEvent.

    What followed from it then (``transition``, ``due``, ...) is left out.
    """
    for event in events:
        type_ = _evidence_type(event)
        if type_ is not None and event.get("address"):
            try:
                yield event["address"], _evidence(type_, event)
            except (KeyError, ValueError) as error:
                raise NotAnEvent(f"not an event of ours ({error}): {dict(event)}") from error


def in_order(events: Iterable[Mapping[str, str]]) -> list[tuple[str, Evidence]]:
    """Return addresses and the evidence about them, in the order of its time.  Raises NotAnEvent."""
    return sorted(evidence_in(events), key=lambda told: told[1].at)


def _evidence_type(event: Mapping[str, str]) -> EvidenceType | None:
    """Return what was said; of a change to many addresses at once only what followed is told."""
    if event.get("stream") == BULK and event.get("type") == "transition":
        return _DECISIONS.get(event.get("reason", ""))
    return _EVIDENCE.get(event.get("type", ""))


def _evidence(type_: EvidenceType, event: Mapping[str, str]) -> Evidence:
    return Evidence(
        type=type_,
        at=datetime.fromisoformat(event["at"]),
        origin=Origin.read(event["origin"]),
        kind=_kind(event),
        verdict=_verdict(event) if event.get("category") else None,
        sent_on=date.fromisoformat(event["sent_on"]) if event.get("sent_on") else None,
        profile=Profile.of(event["profile"]) if event.get("profile") else UNKNOWN_PROFILE,
        campaign=event.get("campaign", ""),
        names_recipient=not event.get("names_others"),
        trusted=event.get("reason") != "untrusted",
        shared_from=event.get("shared_from", ""),
    )


def _kind(event: Mapping[str, str]) -> Kind | None:
    """Return what came; mail that says nothing, where a later version said of it what this one does not know."""
    kind = Kind.read(event["kind"]) if event.get("kind") else None
    action = Action.read(event["action"]) if event.get("action") else None
    return Kind.OTHER if (kind and not kind.known) or (action and not action.known) else kind


def _verdict(event: Mapping[str, str]) -> Verdict:
    return Verdict(
        category=Category.read(event["category"]),
        rule=event.get("rule", ""),
        place="none",
        action=Action.read(event["action"]) if event.get("action") else None,
        status=event.get("status"),
        diagnostic=event.get("diagnostic", ""),
    )
