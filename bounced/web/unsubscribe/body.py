"""The body of a one-click request: ``List-Unsubscribe=One-Click``, urlencoded or multipart.  (RFC 8058 section 3.1)"""

from collections.abc import AsyncGenerator
from http import HTTPStatus
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from bounced.web.problems import Problem, bad_request

MAX_BYTES = 16 * 1024
MAX_FIELDS = 20
FIELD, VALUE = "list-unsubscribe", "one-click"


async def check_one_click(request: Request) -> None:
    """Raise Problem unless the body asks to unsubscribe.  What names no type is read as a form."""
    body = await _limited(request)
    type_ = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        fields = await _multipart(request.headers, body) if type_ == "multipart/form-data" else _form(body)
    except (MultiPartException, ValueError, KeyError):
        fields = []
    if not any(name.strip().lower() == FIELD and value.strip().lower() == VALUE for name, value in fields):
        raise bad_request("no-one-click", "The body has to say List-Unsubscribe=One-Click.  (RFC 8058)")


async def _limited(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BYTES:
            detail = f"The body has at most {MAX_BYTES} octets here."
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", detail)
    return bytes(body)


def _form(body: bytes) -> list[tuple[str, str]]:
    return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MAX_FIELDS)


async def _multipart(headers: Headers, body: bytes) -> list[tuple[str, str]]:
    async def once() -> AsyncGenerator[bytes, None]:
        yield body

    form = await MultiPartParser(headers, once(), max_files=0, max_fields=MAX_FIELDS, max_part_size=MAX_BYTES).parse()
    return [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
