"""The application of each listener: its routes, guarded.  The public one serves nothing of the private one."""

from collections.abc import Sequence

from starlette.routing import Route, Router
from starlette.types import ASGIApp

from bounced.config.web_checks import PRIVATE
from bounced.web import api, health, unsubscribe
from bounced.web.desk import Desk
from bounced.web.guard import Guard
from bounced.web.people import handlers as people


def application(desk: Desk) -> ASGIApp:
    """Return what answers the requests of a listener."""
    routes = _routes(desk.name)
    return Guard(Router(routes, redirect_slashes=False), desk, {each.endpoint: each.path for each in routes})


def _routes(name: str) -> Sequence[Route]:
    return [*people.routes(), *api.routes(), *health.routes()] if name == PRIVATE else unsubscribe.routes()
