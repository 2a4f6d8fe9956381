"""Whether the application lives, whether it can do its work, and what it counted.  For those who watch it."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bounced.edges.redis import RedisStore
from bounced.edges.watch.http import Answer, Page
from bounced.ports import StoreUnavailable
from bounced.web.desk import desk_of
from bounced.web.metrics import CONTENT_TYPE, Metrics

WATCHED = ("/healthz", "/readyz", "/metrics")
"""What programs ask every few seconds."""


def routes() -> list[Route]:
    """Return the routes of the private listener that need no token."""
    return [Route(path, answer) for path, answer in zip(WATCHED, (healthz, readyz, metrics), strict=True)]


def pages(stores: Sequence[RedisStore], metrics: Metrics) -> Mapping[str, Page]:
    """Return the same for whoever watches the public listener, which answers none of it to the internet."""

    async def alive() -> Answer:
        return Answer(HTTPStatus.OK, b"ok\n")

    async def ready() -> Answer:
        try:
            for store in stores:
                await store.ping()
        except StoreUnavailable:
            return Answer(HTTPStatus.SERVICE_UNAVAILABLE, b"Redis cannot be asked now\n")
        return Answer(HTTPStatus.OK, b"ready\n")

    async def counted() -> Answer:
        return Answer(HTTPStatus.OK, metrics.text(), CONTENT_TYPE)

    return {"/healthz": alive, "/readyz": ready, "/metrics": counted}


async def healthz(_request: Request) -> Response:
    """Answer: whoever hears it knows that the process lives."""
    return PlainTextResponse("ok\n")


async def readyz(request: Request) -> Response:
    """Answer 200 while Redis answers for every list.  Raises StoreUnavailable."""
    await desk_of(request).store.ping()
    return PlainTextResponse("ready\n")


async def metrics(request: Request) -> Response:
    """Give what was counted."""
    return Response(desk_of(request).metrics.text(), headers={"content-type": CONTENT_TYPE})
