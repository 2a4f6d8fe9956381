"""How every page is made: who asks, what they look at, the frame around it, and what stands there when it fails."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from http import HTTPStatus
from urllib.parse import SplitResult, quote, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bounced.core.contract.state_hash import UnreadableState
from bounced.core.escape import visible
from bounced.core.numbers import Share
from bounced.ports import StoreUnavailable
from bounced.web.desk import Desk, desk_of
from bounced.web.pages import assets
from bounced.web.pages.view import View, view_of
from bounced.web.people.asking import person_of
from bounced.web.people.sessions import Person, form_token
from bounced.web.problems import Problem, problem_of

NAVIGATION = (
    ("overview", "/", "Overview"),
    ("address", "/address", "Address"),
    ("changes", "/changes", "Changes"),
    ("recover", "/recover", "Recover"),
    ("explain", "/explain", "Explain"),
    ("providers", "/providers", "Providers"),
    ("campaigns", "/campaigns", "Campaigns"),
    ("live", "/live", "Live"),
    ("unknown", "/unknown", "Unknown"),
    ("policy", "/policy", "Policy"),
    ("health", "/health", "Health"),
)
"""The pages in the order of the navigation: name, path, title."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody who is signed in asks for a page."""

    request: Request
    desk: Desk
    person: Person
    view: View

    @property
    def may_write(self) -> bool:
        """Whether pages may change anything."""
        return self.desk.present.writes


Page = Callable[[Visit], Awaitable[Response]]


def page(usual_since: str = "", *, is_use: bool = True) -> Callable[[Page], Callable[[Request], Awaitable[Response]]]:
    """Make a handler of a page: for people who are signed in, and with words where it fails.

    ``usual_since`` is where the span begins if the URL does not say it.  ``is_use`` is false for a part that a page
    asks for by itself, which keeps nobody signed in.
    """

    def made(handler: Page) -> Callable[[Request], Awaitable[Response]]:
        @wraps(handler)
        async def answer(request: Request) -> Response:
            person = person_of(request, is_use=is_use)
            if person is None:
                return _to_the_door(request)
            desk = desk_of(request)
            lists, now = tuple(desk.present.lists), desk.clock()
            try:
                view = view_of(lists, request.query_params, now, usual_since)
                request.state.list = view.list_
                return await handler(Visit(request, desk, person, view))
            except (Problem, StoreUnavailable, UnreadableState) as error:
                asked = request.query_params.get("list", "")
                view = View(asked if asked in lists else lists[0], lists, now)
                return _failed(Visit(request, desk, person, view), problem_of(error))

        return answer

    return made


def rendered(visit: Visit, template: str, status: HTTPStatus = HTTPStatus.OK, **facts: object) -> Response:
    """Return a page, or a part of one.  ``kept`` has what its URL names beside list, span and zone."""
    frame = {
        "visit": visit,
        "view": visit.view,
        "person": visit.person,
        "form": form_token(visit.person.secret),
        "navigation": NAVIGATION,
        "assets": assets.URLS,
        "q": "",
        "kept": {},
    }
    text = _PAGES.get_template(template).render(frame | facts)
    return Response(text, status.value, media_type="text/html")


def number(value: float) -> str:
    """Return a whole number for people."""
    return f"{value:,.0f}"


def share(part: float, of: float) -> str:
    """Return a share for people; a dash where there is nothing to have a share of."""
    return apart(Share(part / of)) if of else "–"  # noqa: RUF001 - a dash is meant


def apart(shares: object) -> str:
    """Return a text with shares as all pages have them."""
    return str(shares).replace("%", "\N{NO-BREAK SPACE}%")


def percent(part: float) -> str:
    """Return a threshold for people."""
    return f"{100 * part:g}\N{NO-BREAK SPACE}%"


def words(value: object) -> str:
    """Return the words of a name such as ``mailbox_unknown``."""
    return visible(str(value)).replace("_", " ")


def iso(at: datetime) -> str:
    """Return a time as HTML's `time` has it."""
    return at.isoformat(timespec="seconds")


def _failed(visit: Visit, problem: Problem) -> Response:
    response = rendered(visit, "failed.html", problem.status, problem=problem, here="")
    for name in problem.headers.keys() & {"retry-after"}:
        response.headers[name] = problem.headers[name]
    return response


def _to_the_door(request: Request) -> Response:
    """Answer somebody who is not signed in, or whose browser did not say so.

    A browser that follows a link of another site leaves our cookie out (``SameSite=Strict``).  So the page asks for
    itself once more: that request comes from us.
    """
    if "hx-request" in request.headers:
        return Response(headers={"hx-redirect": _door(urlsplit(request.headers.get("hx-current-url", "")))})
    if request.method != "GET":
        return RedirectResponse("/sign-in", HTTPStatus.SEE_OTHER.value)
    if request.headers.get("sec-fetch-site") == "cross-site":
        return Response(_PAGES.get_template("again.html").render(), media_type="text/html")
    return RedirectResponse(_door(request.url), HTTPStatus.SEE_OTHER.value)


def _door(wanted: URL | SplitResult) -> str:
    """Return where somebody signs in and then sees the page that was wanted."""
    path = f"{wanted.path}?{wanted.query}".removesuffix("?")
    return "/sign-in" if path in ("", "/") else f"/sign-in?next={quote(path, safe='')}"


_FILTERS: Mapping[str, Callable[..., str]] = {
    "number": number,
    "words": words,
    "iso": iso,
    "visible": visible,
    "apart": apart,
}
_PAGES = Environment(
    loader=PackageLoader(__package__, "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_PAGES.filters.update(_FILTERS)
_PAGES.globals.update(share=share, percent=percent)
