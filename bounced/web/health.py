"""Whether the application lives, whether it can do its work, and what it counted.  For those who watch it."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bounced.web.desk import desk_of
from bounced.web.metrics import CONTENT_TYPE


def routes() -> list[Route]:
    """Return the routes of the private listener that need no token."""
    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]


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
