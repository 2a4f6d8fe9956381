"""The API for programs, version 1: every route with its method, its handler and what it says of itself."""

from starlette.routing import Route

from bounced.web.api.acting import release, subscribed, suppress
from bounced.web.api.addresses import address, check, lookup
from bounced.web.api.document import openapi
from bounced.web.api.events import events
from bounced.web.api.meaning import classify, explain
from bounced.web.api.suppressed import suppressed
from bounced.web.api.telling import report, return_path

V1 = "/api/v1"
LIST = V1 + "/lists/{list}"


def routes() -> list[Route]:
    """Return the routes, the most used first."""
    return [
        Route(f"{LIST}/check", check, methods=["POST"]),
        Route(f"{LIST}/addresses/{{address:path}}", address, methods=["GET"]),
        Route(f"{LIST}/lookup", lookup, methods=["POST"]),
        Route(f"{LIST}/report", report, methods=["POST"]),
        Route(f"{LIST}/return-path", return_path, methods=["POST"]),
        Route(f"{LIST}/suppress", suppress, methods=["POST"]),
        Route(f"{LIST}/release", release, methods=["POST"]),
        Route(f"{LIST}/subscribed", subscribed, methods=["POST"]),
        Route(f"{LIST}/suppressed", suppressed, methods=["GET"]),
        Route(f"{LIST}/events", events, methods=["GET"]),
        Route(f"{V1}/explain", explain, methods=["POST"]),
        Route(f"{V1}/classify", classify, methods=["POST"]),
        Route("/api/openapi.json", openapi, methods=["GET"]),
    ]
