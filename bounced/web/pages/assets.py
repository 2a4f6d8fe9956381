"""What the pages load beside themselves: a style sheet, two scripts, an icon.

The URL of each has a hash of what is in it, so browsers keep it for a year and never show an old one.  Nothing comes
from elsewhere: htmx lies in ``static``, with its licence, as its project publishes it.
"""

from collections.abc import Mapping
from hashlib import sha256
from http import HTTPStatus
from importlib.resources import files
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from bounced.web.problems import Problem

HTMX_VERSION = "2.0.11"
HTMX_SHA256 = "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717"
"""The release of htmx (dist/htmx.min.js of the npm package htmx.org) that lies in ``static``; its digest as it is
published."""
FOLDER = "/assets"
_KEPT = {"cache-control": "public, max-age=31536000, immutable"}
_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_HASH_CHARS = 16


class Asset(NamedTuple):
    """One file: what is in it, and its type."""

    content: bytes
    media_type: str


async def asset(request: Request) -> Response:
    """Give one of them.  It needs no session: there is nothing of a list in it."""
    found = _BY_NAME.get(request.path_params["name"])
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, "not-found", "There is nothing at this path.")
    return Response(found.content, headers=_KEPT, media_type=found.media_type)


def _read(name: str) -> tuple[str, Asset]:
    """Return a file of ``static``, and the name with the hash."""
    content = files(__package__).joinpath("static", name).read_bytes()
    stem, _, suffix = name.rpartition(".")
    return f"{stem}.{sha256(content).hexdigest()[:_HASH_CHARS]}.{suffix}", Asset(content, _TYPES[suffix])


_READ = {name: _read(name) for name in ("pages.css", "pages.js", "htmx.min.js", "icon.svg")}
_BY_NAME = dict(_READ.values())
URLS: Mapping[str, str] = {name: f"{FOLDER}/{hashed}" for name, (hashed, _) in _READ.items()}
"""The URL of each file."""
