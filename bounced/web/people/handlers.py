"""Signing in and out: with a password, or with a link of `bounced web login`.

Whatever is wrong with a name, a password or a link gets one answer, which does not say what.
"""

import asyncio
import re
import secrets
from http import HTTPStatus
from importlib.resources import files
from typing import Any
from urllib.parse import quote

import structlog
from jinja2 import Environment, PackageLoader
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bounced.edges.watch.log import Event
from bounced.web.desk import desk_of
from bounced.web.pages import assets
from bounced.web.peers import network_of
from bounced.web.people.asking import FORM, PROXY, SESSION, cookie_of, own_form, person_of, set_cookie
from bounced.web.people.links import use_up
from bounced.web.people.sessions import Person, form_token

LOG = structlog.get_logger()

PASSWORD, LINK = "password", "link"
"""The doors of those who have a session."""
REFUSED = "Name or password is wrong."
OLD_FORM = "This form is too old, or it was made elsewhere. Try again."
OLD_LINK = "This link was used already, is older than ten minutes, or never was one."
TOO_OFTEN = "Too many attempts. Wait a while."

# "/" and no second one, nor a backslash, which browsers take for one: that would be another host.
_OWN_PATH = re.compile(r"/(?![/\\])[!-~]{0,2000}")

_PAGES = Environment(loader=PackageLoader(__package__, "pages"), autoescape=True)
_PAGE = _PAGES.get_template("page.html")
_STYLE = files(__package__).joinpath("pages/style.css").read_bytes()


def routes() -> list[Route]:
    """Return the routes for people of the private listener."""
    return [
        Route("/sign-in", ask),
        Route("/sign-in", sign_in, methods=["POST"]),
        Route("/sign-in/style.css", style),
        Route("/sign-out", sign_out, methods=["POST"]),
        Route("/login/{secret}", follow),
    ]


async def style(_request: Request) -> Response:
    """Give how the pages look."""
    return Response(_STYLE, headers={"cache-control": "public, max-age=86400"}, media_type="text/css")


async def ask(request: Request) -> Response:
    """Ask for name and password."""
    return _to(_next(request)) if person_of(request) else _form(request)


async def sign_in(request: Request) -> Response:
    """Begin a session for whoever knows a name and its password."""
    desk = desk_of(request)
    users = desk.present.users
    given = cookie_of(request, FORM)
    fields = await own_form(request, _form_secret(given)) if given else {}
    if not fields:
        return _form(request, OLD_FORM, HTTPStatus.FORBIDDEN)
    name, password = fields.get("name", ""), fields.get("password", "")
    if wait_s := _peer_wait_s(request) or desk.door.name_wait_s(name[:65]):
        return _too_often(request, wait_s)
    user = await desk.door.check(users, name, password)
    if user is None:
        known = name if users.get(name) else ""
        LOG.warning(Event.PERSON_REFUSED, door=PASSWORD, person=known, **_from(request))
        return _form(request, REFUSED, HTTPStatus.FORBIDDEN)
    response = _to(_next(request))
    _begin(request, response, user.name, PASSWORD, user.kept)
    set_cookie(request, response, FORM, "")
    return response


async def follow(request: Request) -> Response:
    """Begin a session for whoever has a link, and use the link up.  HEAD uses up nothing.

    It is no redirect: a browser that was sent here by another site would not show the new cookie to the next page.
    """
    if request.method == "HEAD":
        return _page()
    if wait_s := _peer_wait_s(request):
        return _too_often(request, wait_s)
    desk = desk_of(request)
    folder = desk.present.config.web.private.login_folder
    name = await asyncio.to_thread(use_up, folder, request.path_params["secret"], desk.clock())
    if name is None and person_of(request):
        return _to("/")  # a browser that shows the page again
    if name is None:
        LOG.warning(Event.PERSON_REFUSED, door=LINK, person="", **_from(request))
        return _form(request, OLD_LINK, HTTPStatus.FORBIDDEN)
    response = _page(person=Person(name, LINK, ""), arrived=True)
    _begin(request, response, name, LINK)
    return response


async def sign_out(request: Request) -> Response:
    """End a session.  Whom a proxy names is signed out there."""
    person = person_of(request)
    if person is None or person.door == PROXY:
        return _to("/")
    if not await own_form(request, person.secret):
        return _page(HTTPStatus.FORBIDDEN, said=OLD_FORM, person=person, form=form_token(person.secret))
    desk_of(request).door.sessions.end(cookie_of(request, SESSION))
    LOG.info(Event.PERSON_SIGNED_OUT, door=person.door, person=person.name, **_from(request))
    response = _to("/sign-in")
    set_cookie(request, response, SESSION, "")
    return response


def _begin(request: Request, response: Response, name: str, door: str, kept: str = "") -> None:
    sessions = desk_of(request).door.sessions
    sessions.end(cookie_of(request, SESSION))
    set_cookie(request, response, SESSION, sessions.begin(name, door, kept))
    request.state.person = name
    LOG.info(Event.PERSON_SIGNED_IN, door=door, person=name, **_from(request))


def _form(request: Request, said: str = "", status: HTTPStatus = HTTPStatus.OK, **headers: str) -> Response:
    """Return the page that asks for name and password, where there is anybody who has one."""
    if not desk_of(request).present.users:
        return _page(status, headers, said=said)
    cookie = secrets.token_urlsafe(16)
    query = f"?next={quote(_next(request), safe='')}" if "next" in request.query_params else ""
    response = _page(status, headers, said=said, form=form_token(_form_secret(cookie)), query=query)
    set_cookie(request, response, FORM, cookie)
    return response


def _next(request: Request) -> str:
    """Return where somebody wanted to go: a path of ours, which the URL of the form has kept."""
    path = request.query_params.get("next", "")
    return path if _OWN_PATH.fullmatch(path) else "/"


def _form_secret(cookie: str) -> str:
    return f"form {cookie}"


def _too_often(request: Request, wait_s: float) -> Response:
    retry_after = str(max(1, round(wait_s + 0.5)))
    LOG.warning(Event.PERSON_REFUSED, door="", person="", **_from(request))
    return _form(request, TOO_OFTEN, HTTPStatus.TOO_MANY_REQUESTS, **{"retry-after": retry_after})


def _peer_wait_s(request: Request) -> float:
    peer = request.client.host if request.client else ""
    return desk_of(request).door.peer_wait_s(network_of(peer))


def _from(request: Request) -> dict[str, str]:
    return {"peer": request.client.host if request.client else "", "request": request.state.request_id}


def _to(path: str) -> Response:
    return RedirectResponse(path, HTTPStatus.SEE_OTHER.value)


def _page(status: HTTPStatus = HTTPStatus.OK, headers: dict[str, str] | None = None, **facts: Any) -> Response:
    return Response(_PAGE.render(icon=assets.URLS["icon.svg"], **facts), status.value, headers, media_type="text/html")
