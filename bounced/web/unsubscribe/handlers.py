"""``/u/PATH``: GET asks and changes nothing, POST unsubscribes.  (docs/contract.md, section 3; RFC 8058)

Everybody gets the same answer, whoever a link was made for and whether or not it is good.  So what is no link of ours
waits for Redis as a good one does.  A good one is an entry of the intake, which is durable before the answer.
"""

import asyncio
from hashlib import sha256
from http import HTTPStatus
from importlib.resources import files
from types import MappingProxyType

from jinja2 import Environment, PackageLoader
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bounced.core.terms import ReturnPath
from bounced.edges.redis.intake_writer import write_entries
from bounced.ports import StoreUnavailable
from bounced.web.desk import Desk, desk_of
from bounced.web.peers import network_of
from bounced.web.problems import RETRY_AFTER_S, Problem
from bounced.web.unsubscribe.body import check_one_click
from bounced.web.unsubscribe.languages import chosen
from bounced.web.unsubscribe.whose import found

REQUESTS_A_SECOND = 100
"""What one peer may ask in the long run; mailbox providers post for all their users from few addresses."""

EVEN_S = 0.05
"""Answers leave after so long, or a multiple of it: a good link is written to disk, which takes longer."""

_PAGES = Environment(loader=PackageLoader(__package__, "pages"), autoescape=True)
_PAGE = _PAGES.get_template("page.html")
_STYLE = files(__package__).joinpath("pages/style.css").read_bytes()
_FIELDS = MappingProxyType({"vary": "Accept-Language", "x-robots-tag": "noindex", "referrer-policy": "no-referrer"})
_NOTHING = "#!lua\nreturn 1"
"""A script that Redis takes wherever it takes one that writes."""


class Anything(StringConvertor):
    """A part of a URL with whatever stands in it, line feeds too: no rubbish is answered otherwise than the rest."""

    regex = "(?s:.*)"


register_url_convertor("anything", Anything())


def routes() -> list[Route]:
    """Return the routes of the public listener."""
    return [
        Route("/u/style.css", style),
        Route("/u/{path:anything}", ask, methods=["GET"]),
        Route("/u/{path:anything}", unsubscribe, methods=["POST"]),
    ]


async def style(_request: Request) -> Response:
    """Give how the pages look."""
    headers = {"cache-control": "public, max-age=86400", "x-robots-tag": "noindex"}
    return Response(_STYLE, headers=headers, media_type="text/css")


async def ask(request: Request) -> Response:
    """Ask whether somebody wants no more mail.  Programs follow links, so this touches nothing."""
    _pay(request)
    return _page(request, "ask")


async def unsubscribe(request: Request) -> Response:
    """Write that somebody wants no more mail.  Nobody hears so who may not count on it."""
    _pay(request)
    await check_one_click(request)
    desk, loop = desk_of(request), asyncio.get_running_loop()
    begun = loop.time()
    try:
        await _take(desk, request.path_params["path"])
    except StoreUnavailable:
        return _page(request, "later", HTTPStatus.SERVICE_UNAVAILABLE, {"retry-after": str(RETRY_AFTER_S)})
    await asyncio.sleep(EVEN_S - (loop.time() - begun) % EVEN_S)
    return _page(request, "done")


async def _take(desk: Desk, local_part: str) -> None:
    directory, now = desk.present.pipeline.directory, desk.clock()
    said = await found(directory, desk.store, local_part, now.date())
    if said is None:
        keys = desk.store.keyspace(directory.lists[0].list)
        await desk.store.write(keys.list_, "EVAL", _NOTHING, 1, keys.intake)
        return
    await write_entries(desk.store, desk.store.keyspace(said.list), [_entry(said, int(now.timestamp()))])


def _entry(said: ReturnPath, at: int) -> dict[str, str]:
    """Return the entry of the intake.  Its id holds the second: whoever subscribed again since is heard again."""
    event = sha256(f"unsubscribe\0{said.list}\0{said.path}\0{at}".encode()).hexdigest()
    told = {"type": "unsubscribed", "address": said.recipient, "at": str(at), "id": event}
    return {**told, "campaign": said.tag} if said.tag else told


def _pay(request: Request) -> None:
    """Take a request from what its peer may ask.  Raises Problem."""
    peer = request.client.host if request.client else ""
    wait_s = desk_of(request).rates.wait_s(f"peer {network_of(peer)}", REQUESTS_A_SECOND)
    if wait_s:
        raise Problem(
            HTTPStatus.TOO_MANY_REQUESTS,
            "too-many-requests",
            f"Whoever asks may do so {REQUESTS_A_SECOND} times a second.",
            headers={"retry-after": str(max(1, round(wait_s + 0.5)))},
        )


def _page(
    request: Request, name: str, status: HTTPStatus = HTTPStatus.OK, headers: dict[str, str] | None = None
) -> Response:
    words = chosen(request.headers.get("accept-language", ""))
    text = _PAGE.render(words=words, page=name)
    fields = {**_FIELDS, "content-language": words.tag, **(headers or {})}
    return Response(text, status.value, fields, media_type="text/html")
