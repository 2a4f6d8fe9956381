"""Who asks for a page, and whether a form that comes back is ours."""

from http import HTTPStatus
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from bounced.web.desk import desk_of
from bounced.web.people.sessions import Person, is_form_token
from bounced.web.problems import Problem

PROXY = "proxy"
"""The door of whom a proxy names."""
SESSION, FORM = "bounced", "bounced-form"
"""The cookies of somebody who is signed in, and of the form with which somebody signs in."""
MAX_BYTES = 8 * 1024
MAX_FIELDS = 20
_OWN_SITE = ("same-origin", "none")


def person_of(request: Request, *, is_use: bool = True) -> Person | None:
    """Return who asks: whom a proxy of ours names, else whose session the cookie names; None for nobody.

    ``is_use`` is false for what a page asks by itself: nobody may be there any more.
    """
    desk = desk_of(request)
    listener, users = desk.present.config.web.private, desk.present.users
    if named := request.state.proxy_user:
        person: Person | None = Person(named, PROXY, f"{PROXY} {named}")
    else:
        person = desk.door.sessions.find(
            cookie_of(request, SESSION), users, listener.session_idle_s, listener.session_s, is_use=is_use
        )
    if person:
        request.state.person = person.name
    return person


def cookie_of(request: Request, name: str) -> str:
    """Return what a cookie of ours holds, empty where there is none."""
    return request.cookies.get(_cookie_name(request, name), "")


def set_cookie(request: Request, response: Response, name: str, value: str) -> None:
    """Set a cookie of ours until the browser is closed; an empty one is taken away.

    ``__Host-`` keeps servers of other names from setting it; browsers take it over HTTPS only.  (RFC 6265bis)
    """
    response.set_cookie(
        _cookie_name(request, name),
        value,
        max_age=None if value else 0,
        path="/",
        secure=_is_secure(request),
        httponly=True,
        samesite="strict",
    )


async def own_form(request: Request, secret: str) -> dict[str, str]:
    """Return the fields of a form, empty unless we made it for whoever has this secret.  Raises Problem."""
    fields = await _fields(request)
    return fields if is_own(request, fields.get("form", ""), secret) else {}


def is_own(request: Request, token: str, secret: str) -> bool:
    """Return whether a form is one that we made for whoever has this secret, and a page of ours sent it."""
    ours = request.headers.get("sec-fetch-site", _OWN_SITE[0]) in _OWN_SITE
    return ours and is_form_token(token, secret)


async def _fields(request: Request) -> dict[str, str]:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BYTES:
            detail = f"The body has at most {MAX_BYTES} octets here."
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", detail)
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError:
        return {}


def _cookie_name(request: Request, name: str) -> str:
    return f"__Host-{name}" if _is_secure(request) else name


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"
