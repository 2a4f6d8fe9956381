"""One address in every list: how it stands and why, what happened, and an operator's decisions about it."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import RedirectResponse, Response

from bounced.core.contract.event_types import Wanted
from bounced.core.contract.event_words import sentence
from bounced.core.contract.state_hash import to_fields
from bounced.core.escape import visible
from bounced.core.mailbox import BadAddress, normalise
from bounced.core.selection import deciding_event
from bounced.core.state import Evidence, EvidenceType, ReportId
from bounced.core.terms import Category, Class, Origin, State
from bounced.edges.redis.story import AddressStory, named_in_log, story_of
from bounced.web.desk import ListInUse
from bounced.web.pages.deciding import reason_in, written
from bounced.web.pages.layout import Visit, page, rendered, words
from bounced.web.pages.looking import look_through, older_in
from bounced.web.pages.view import View
from bounced.web.problems import bad_request

MOST_CHARS = 400
"""Of what is searched for: an address has at most 320."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event for people."""

    at: str
    text: str


@dataclass(frozen=True, slots=True)
class Account:
    """What one list knows of an address, for people.  ``facts`` say why, ``knew`` what the sender knew when it sent."""

    story: AddressStory
    sentence: str
    facts: Mapping[str, str]
    knew: Mapping[str, str]
    timeline: Sequence[Told]

    @property
    def tells(self) -> bool:
        """Whether the list knows anything."""
        return self.story.is_known or bool(self.story.history)


@page()
async def address(visit: Visit) -> Response:
    """Show what every list knows of the address that somebody searches for."""
    q = _asked(visit)
    try:
        accounts = await asyncio.gather(*(_account(visit, each, q) for each in _lists(visit))) if q else []
    except BadAddress as error:
        return _shown(visit, q, (), visible(str(error)), HTTPStatus.BAD_REQUEST)
    return _shown(visit, q, accounts)


@page()
async def events(visit: Visit) -> Response:
    """Show all that is kept of an address in one list: the part that somebody asks for, because it takes a while."""
    view, list_ = visit.view, visit.desk.present.lists[visit.view.list_]
    id_ = list_.keys.address_id(_normalised(list_, _asked(visit)))
    looked = await look_through(visit, Wanted((), id_))
    told = [_told(each, view) for each in looked.found]
    return rendered(visit, "events.html", looked=looked, told=told, q=_asked(visit))


@page()
async def release(visit: Visit) -> Response:
    """Take an address off the list, whatever put it there."""
    return await _decide(visit, EvidenceType.RELEASE)


@page()
async def suppress(visit: Visit) -> Response:
    """Suppress an address until an operator releases it."""
    return await _decide(visit, EvidenceType.SUPPRESS)


def _shown(
    visit: Visit, q: str, accounts: Sequence[Account], fault: str = "", status: HTTPStatus = HTTPStatus.OK
) -> Response:
    known = [each for each in accounts if each.tells]
    unknown = [each for each in accounts if not each.tells]
    older = older_in(visit)
    facts = {"accounts": known, "unknown": unknown, "fault": fault, "done": _done(visit, known), "older": older}
    return rendered(visit, "address.html", status, here="address", q=q, kept={"older": older}, **facts)


async def _decide(visit: Visit, type_: EvidenceType) -> Response:
    fields = await written(visit)
    reason = reason_in(fields)
    list_, asked = visit.desk.present.lists[visit.view.list_], fields.get("q", "")
    about = visit.request.state.address = _normalised(list_, asked)
    at = visit.desk.clock().replace(microsecond=0)
    evidence = Evidence(type_, at, Origin.OPERATOR, note=reason, actor=visit.person.name)
    said = ReportId(list_.name, "", f"{type_} {about} {at.isoformat()} {visit.person.name}")
    committed = await visit.desk.present.pipeline.commit(said, about, evidence)
    shown = visit.view.url("/address", q=asked, done=committed.event_id)
    return RedirectResponse(f"{shown}#{list_.name}", HTTPStatus.SEE_OTHER.value)


def _asked(visit: Visit) -> str:
    """Return what is searched for, without what mail programs put around an address."""
    text = visit.request.query_params.get("q", "").strip()
    if len(text) > MOST_CHARS:
        raise bad_request("bad-address", f"An address has at most {MOST_CHARS} characters here.")
    return text.removeprefix("mailto:").removeprefix("<").removesuffix(">").strip()


def _lists(visit: Visit) -> list[ListInUse]:
    """Return all lists, the one of the URL first."""
    return sorted(visit.desk.present.lists.values(), key=lambda each: each.name != visit.view.list_)


def _normalised(list_: ListInUse, text: str) -> str:
    """Return an address as a list has it.  Raises Problem."""
    try:
        return normalise(text, fold_local_part=list_.fold_local_part)
    except BadAddress as error:
        raise bad_request("bad-address", f"This is no mail address: {error}") from error


async def _account(visit: Visit, list_: ListInUse, text: str) -> Account:
    """Return what a list knows.  Raises BadAddress, StoreUnavailable."""
    about = visit.request.state.address = normalise(text, fold_local_part=list_.fold_local_part)
    story = named_in_log(visit.desk.present.config, await story_of(visit.desk.store, list_.name, about))
    event, view = deciding_event(to_fields(story.state), story.history), visit.view
    timeline = [_told(each, view) for each in reversed(story.history)]
    return Account(story, _sentence(story, view), _only(_facts(story, event, view)), _only(_knew(event)), timeline)


def _sentence(story: AddressStory, view: View) -> str:
    """Return how an address stands, behind its name: whether it may be mailed, in which state, why, until when."""
    state = story.state
    mailed = "must not be mailed" if story.must_not_be_mailed else "may be mailed"
    because = f", because of {words(state.category)}" if state.category else ""
    since = f" since {view.shown(state.since)} {view.zone}" if state.since and state.state is not State.ACTIVE else ""
    until = f" until {view.shown(state.until)} {view.zone}" if state.until else ""
    return f"{mailed}: it is {words(state.state)}{since}{until}{because}."


def _facts(story: AddressStory, event: Mapping[str, str], view: View) -> Iterator[tuple[str, str]]:
    state, fields = story.state, to_fields(story.state)
    blamed = f" ({state.class_})" if state.class_ not in (None, Class.NONE) else ""
    yield "Reason", f"{words(state.category)}{blamed}" if state.category else ""
    yield "Said by", fields.get("reporting_mta", "")
    yield "Words", fields.get("diagnostic", "")
    yield "Status code", fields.get("status", "")
    yield "Rule", event.get("rule", "")
    yield "Proof", event.get("proof", "")
    yield "Doubt", event.get("doubt", "")
    yield "Until", _until(story, view)
    yield "Done by", visible(state.actor)
    yield "Note", event.get("note", "")
    yield "Shared from", state.shared_from and f"list {visible(state.shared_from)}"
    yield "Came by", fields.get("origin", "")
    for name in ("last_released_at", "last_delivered_at", "last_engaged_at"):
        yield words(name).removesuffix(" at").capitalize(), _with_zone(fields.get(name, ""), view)
    yield "In the log", story.in_log


def _until(story: AddressStory, view: View) -> str:
    state = story.state
    if state.until:
        return _with_zone(to_fields(state)["until"], view)
    if state.state is State.SUPPRESSED:
        by_person = state.category in (Category.COMPLAINT, Category.OPERATOR)
        return "an operator releases it" if by_person else "an operator releases it, or a confirmed opt-in comes"
    return ""


def _knew(event: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield what the sender knew about the recipient when it sent the mail in question."""
    yield "Opt-in, interest", event.get("profile", "")
    yield "Campaign", event.get("campaign", "")
    yield "Mail of", event.get("sent_on", "")


def _told(fields: Mapping[str, str], view: View) -> Told:
    return Told(view.shown(fields.get("at", ""), seconds=True), sentence(fields, view.shown))


def _done(visit: Visit, known: Sequence[Account]) -> Told | None:
    """Return the decision that was made just now, as the history has it: whatever a URL says, nothing else is told."""
    event_id = visit.request.query_params.get("done", "")
    made = (each for account in known for each in account.story.history if event_id and each.get("id") == event_id)
    return next((_told(each, visit.view) for each in made), None)


def _with_zone(at: str, view: View) -> str:
    return f"{view.shown(at)} {view.zone}" if at else ""


def _only(facts: Iterator[tuple[str, str]]) -> dict[str, str]:
    return {name: value for name, value in facts if value}
