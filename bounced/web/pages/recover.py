"""What failures did wrongly to many addresses is taken back: chosen, looked at before, confirmed, watched."""

import asyncio
from dataclasses import replace
from http import HTTPStatus

from starlette.responses import RedirectResponse, Response

from bounced.core.choosing import FILTERS, PROVIDER_NAMES, RELEASABLE, Choice, NotThere
from bounced.core.selection import Selection
from bounced.core.state import Evidence, EvidenceType
from bounced.core.terms import Origin
from bounced.web.pages.deciding import reason_in, written
from bounced.web.pages.layout import Visit, page, rendered
from bounced.web.problems import Problem, bad_request
from bounced.web.recoveries import Recovery

MOST_CHARS = 200
"""Of one filter."""
SHOWN_AFTER_S = 0.4
"""How long a page waits for what is found, before it tells how far the look has come."""


@page()
async def recover(visit: Visit) -> Response:
    """Ask which addresses; show how many there are, some of them, and what stays."""
    asked = _asked(visit)
    try:
        selection = _selection(visit, asked)
    except NotThere as error:
        return _shown(visit, asked, fault=f"{error.name}: {error}", status=HTTPStatus.BAD_REQUEST)
    if not selection:
        return _shown(visit, asked)
    desk, view = visit.desk, visit.view
    words = (*asked.values(), *(f"{name}={value}" for name, value in view.given.items()))
    recovery = desk.recoveries.look(desk.store, view.list_, selection, words, view.now)
    return await _watched(visit, recovery, asked)


@page()
async def watch(visit: Visit) -> Response:
    """Show how far a recovery is."""
    return await _watched(visit, _of(visit), {})


@page(is_use=False)
async def part(visit: Visit) -> Response:
    """Show how far a recovery is: the part that the page asks for again and again."""
    recovery = _of(visit)
    return rendered(visit, "recovery.html", recovery=recovery)


@page()
async def release(visit: Visit) -> Response:
    """Release what was found and looked at."""
    fields = await written(visit)
    reason, desk = reason_in(fields), visit.desk
    recovery = _kept(visit, fields.get("id", ""))
    at = desk.clock().replace(microsecond=0)
    said = Evidence(EvidenceType.RELEASE, at, Origin.OPERATOR, note=reason, actor=visit.person.name, bulk=True)
    policy = desk.present.pipeline.lists[recovery.list_].policy
    visit.request.state.list = recovery.list_
    desk.recoveries.release(desk.store, recovery, policy, said)
    to = replace(visit.view, list_=recovery.list_).url("/recover/watch", id=recovery.id)
    return RedirectResponse(to, HTTPStatus.SEE_OTHER.value)


async def _watched(visit: Visit, recovery: Recovery, asked: dict[str, str]) -> Response:
    if recovery.is_under_way and recovery.task:
        await asyncio.wait([recovery.task], timeout=SHOWN_AFTER_S)
    return _shown(visit, asked, recovery)


def _shown(
    visit: Visit,
    asked: dict[str, str],
    recovery: Recovery | None = None,
    *,
    fault: str = "",
    status: HTTPStatus = HTTPStatus.OK,
) -> Response:
    return rendered(
        visit,
        "recover.html",
        status,
        here="recover",
        asked=asked,
        kept=asked or {"id": recovery.id if recovery else ""},
        recovery=recovery,
        fault=fault,
        providers=PROVIDER_NAMES,
        categories=RELEASABLE,
        keeps_addresses=visit.desk.present.lists[visit.view.list_].keys.pepper is None,
    )


def _of(visit: Visit) -> Recovery:
    return _kept(visit, visit.request.query_params.get("id", ""))


def _kept(visit: Visit, id_: str) -> Recovery:
    """Return a recovery by its id, of a list that no reload has taken away.  Raises Problem."""
    recovery = visit.desk.recoveries.find(id_)
    if recovery.list_ not in visit.view.lists:
        raise Problem(HTTPStatus.NOT_FOUND, "no-such-list", f"There is no list {recovery.list_} any more.")
    return recovery


def _asked(visit: Visit) -> dict[str, str]:
    """Return the filters as the URL has them.  Raises Problem."""
    asked = {name: visit.request.query_params.get(name, "").strip() for name in FILTERS}
    if any(len(text) > MOST_CHARS for text in asked.values()):
        raise bad_request("bad-filter", f"A filter has at most {MOST_CHARS} characters here.")
    return asked


def _selection(visit: Visit, asked: dict[str, str]) -> Selection:
    """Return which addresses somebody asks for.  Raises NotThere."""
    present, view = visit.desk.present, visit.view
    rules = present.pipeline.rules.rules
    own = present.config.lists[view.list_]
    choice = Choice(view.list_, own.tags, lambda: [rule.id for rule in rules], own.address_form != "hmac")
    return replace(choice.selection(asked), since=view.since, until=view.until)
