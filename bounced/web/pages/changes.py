"""What was changed in a list: who did it, when, to what, and why."""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import NamedTuple

from starlette.responses import Response

from bounced.core.contract.event_types import ALARM, DISPUTED, TRANSITION, Wanted, about
from bounced.core.contract.event_words import sentence
from bounced.core.contract.summary import Summary
from bounced.core.escape import visible
from bounced.core.mailbox import BadAddress, normalise
from bounced.core.state import EvidenceType
from bounced.edges.redis.event_streams import StreamEvent
from bounced.web.pages.layout import Visit, page, rendered
from bounced.web.pages.looking import Looked, look_through, older_in
from bounced.web.pages.view import View
from bounced.web.problems import bad_request

USUAL = "7d"
CHOICES = (("24h", "24 hours"), ("7d", "7 days"), ("35d", "35 days"), ("90d", "90 days"))
MOST_CHARS = 400
DECISIONS = "decisions"


class What(NamedTuple):
    """Events that somebody may want to see."""

    title: str
    types: tuple[str, ...]


WHATS: Mapping[str, What] = MappingProxyType(
    {
        DECISIONS: What("Decisions of people", (EvidenceType.SUPPRESS, EvidenceType.RELEASE, *Summary)),
        "states": What("All changes of a state", (TRANSITION,)),
        "alarms": What("Alarms, and who is not believed", (ALARM, *DISPUTED)),
        "all": What("All events", ()),
    }
)


class Change(NamedTuple):
    """One change for people; ``address`` is what a link searches for, empty where there is none."""

    at: str
    about: str
    address: str
    text: str
    who: str
    why: str


class Asked(NamedTuple):
    """What the URL names beside list and span."""

    what: str
    who: str
    address: str


@page(USUAL)
async def changes(visit: Visit) -> Response:
    """Show what was changed in the span, the newest first."""
    asked = _asked(visit)
    try:
        id_ = _id(visit, asked.address)
    except BadAddress as error:
        fault = f"“{visible(asked.address)}” is no mail address: {error}"
        return _shown(visit, asked, Looked(), fault)

    def fits(event: StreamEvent) -> bool:
        return asked.who.casefold() in event.fields.get("actor", "").casefold()

    wanted = Wanted(tuple(WHATS[asked.what].types), id_)
    return _shown(visit, asked, await look_through(visit, wanted, fits, bulk=asked.what != DECISIONS))


def _shown(visit: Visit, asked: Asked, looked: Looked, fault: str = "") -> Response:
    return rendered(
        visit,
        "changes.html",
        HTTPStatus.BAD_REQUEST if fault else HTTPStatus.OK,
        here="changes",
        asked=asked,
        kept={"what": asked.what, "who": asked.who, "about": asked.address, "older": older_in(visit)},
        looked=looked,
        changes=[_change(each, visit.view) for each in looked.found],
        fault=fault,
        whats=WHATS,
        choices=CHOICES,
        usual=USUAL,
    )


def _asked(visit: Visit) -> Asked:
    query = visit.request.query_params
    what, who, address = query.get("what") or DECISIONS, query.get("who", "").strip(), query.get("about", "").strip()
    if what not in WHATS:
        raise bad_request("bad-filter", f"what is one of {', '.join(WHATS)}, not {what[:MOST_CHARS]}.")
    if max(len(who), len(address)) > MOST_CHARS:
        raise bad_request("bad-filter", f"A filter has at most {MOST_CHARS} characters here.")
    return Asked(what, who, address)


def _id(visit: Visit, address: str) -> str:
    """Return the form in which the list's keys carry an address.  Raises BadAddress."""
    if not address:
        return ""
    list_ = visit.desk.present.lists[visit.view.list_]
    about_ = visit.request.state.address = normalise(address, fold_local_part=list_.fold_local_part)
    return list_.keys.address_id(about_)


def _change(fields: Mapping[str, str], view: View) -> Change:
    """Return an event for people; what has a column of its own is left out of the sentence."""
    rest = {name: value for name, value in fields.items() if name not in ("actor", "note", "filters")}
    why = [fields[name] for name in ("note", "filters") if fields.get(name)]
    subject = about(fields)
    return Change(
        at=view.shown(fields.get("at", ""), seconds=True),
        about=subject,
        address=subject if "@" in fields.get("address", "") else "",
        text=sentence(rest, view.shown),
        who=fields.get("actor", ""),
        why="; ".join(why),
    )
