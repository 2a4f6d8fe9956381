"""Errors as every listener answers them: application/problem+json.  (RFC 9457)"""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

from starlette.exceptions import HTTPException
from starlette.responses import Response

from bounced.core.contract.state_hash import UnreadableState
from bounced.core.escape import escaped
from bounced.ports import StoreUnavailable, WrongType
from bounced.web.json import dumped

PROBLEM_JSON = "application/problem+json"
TYPE = "urn:bounced:problem:"
"""What the type of each problem begins with; RFC 9457 section 3.1.1 allows any URI."""
RETRY_AFTER_S = 5
"""When to come again while Redis cannot be asked."""


class Problem(Exception):  # noqa: N818 - the RFC's word
    """An answer that says what is wrong with a request, or with us.

    ``kind`` is a word that programs compare, and ``detail`` a sentence for people.  ``more`` are further members.
    """

    def __init__(
        self,
        status: HTTPStatus,
        kind: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = escaped(detail, 1000)
        self.headers = dict(headers or {})
        self.more = more or {}

    @property
    def body(self) -> bytes:
        """The document."""
        told = {"type": TYPE + self.kind, "title": self.status.phrase, "status": self.status.value}
        return dumped({**told, "detail": self.detail, **self.more})

    def response(self) -> Response:
        """Return the answer."""
        headers = {"cache-control": "no-store", **self.headers}
        return Response(self.body, self.status.value, headers, media_type=PROBLEM_JSON)


def bad_request(kind: str, detail: str, **more: object) -> Problem:
    """Return what to raise for a request that cannot be understood."""
    return Problem(HTTPStatus.BAD_REQUEST, kind, detail, more=more)


def not_available(detail: str, retry_after_s: int = RETRY_AFTER_S) -> Problem:
    """Return what to raise while a request cannot be answered, which a later one may be."""
    headers = {"retry-after": str(retry_after_s)}
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", detail, headers=headers)


_EXPECTED = MappingProxyType(
    {
        HTTPStatus.NOT_FOUND: ("not-found", "There is nothing at this path."),
        HTTPStatus.METHOD_NOT_ALLOWED: ("method-not-allowed", "This path does not know this method; see Allow."),
    }
)


def problem_of(error: Exception) -> Problem:
    """Return what an error means for whoever asked.  Its text is told only where it is meant for them."""
    match error:
        case Problem():
            return error
        case HTTPException():
            status = HTTPStatus(error.status_code)
            kind, detail = _EXPECTED.get(status, ("refused", status.phrase))
            return Problem(status, kind, detail, headers=error.headers)
        case WrongType():
            return not_available("A key of Redis holds a value that bounced did not write.")
        case UnreadableState():
            return not_available("What Redis holds of this address is no state.")
        case StoreUnavailable():
            return not_available("Redis cannot be asked now.")
    detail = "Something unforeseen happened here. The log has it under this request's id."
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", detail)
