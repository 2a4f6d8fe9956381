"""The application of each listener: its routes, guarded.  The public one serves nothing of the private one."""

from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from bounced.config.web_checks import PRIVATE
from bounced.web import api, health, pages, unsubscribe
from bounced.web.desk import Desk
from bounced.web.guard import Guard
from bounced.web.hooks import handlers as hooks
from bounced.web.people import handlers as people


def application(desk: Desk) -> ASGIApp:
    """Return what answers the requests of a listener."""
    routes = _routes(desk.name)
    for each in routes:
        each.app = _asgi(each.endpoint)
    return Guard(Router(routes, redirect_slashes=False), desk, {each.endpoint: each.path for each in routes})


def _routes(name: str) -> Sequence[Route]:
    """Return the routes of a listener, the most used first: each request looks through them."""
    if name == PRIVATE:
        return [*api.routes(), *pages.routes(), *people.routes(), *health.routes()]
    return [*unsubscribe.routes(), *hooks.routes()]


def _asgi(handler: Callable[[Request], Awaitable[Response]]) -> ASGIApp:
    """Return a handler as an application.  Starlette's own wrapper catches errors as well, which the guard does."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = await handler(Request(scope, receive, send))
        await response(scope, receive, send)

    return app
