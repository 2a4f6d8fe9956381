"""Who asks the API, for what, and whether they may; and what stands in the body."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from bounced.core.mailbox import BadAddress, normalise
from bounced.web.desk import Desk, ListInUse, desk_of
from bounced.web.json import dumped
from bounced.web.problems import Problem, bad_request
from bounced.web.tokens import Right, Token

M = TypeVar("M", bound=BaseModel)

MAX_FAULTS = 20
"""Mistakes of one body that are told at once."""
MAX_FAULTS_LISTED = 1000
"""Where a body has more mistakes than this, only their number is told: to list them takes longer than to find them."""
FAULTS_A_UNIT = 100
"""As many mistakes of a body cost as much as one further request."""
# credentials = "Bearer" 1*SP b64token.  (RFC 6750 section 2.1)
_BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/=-]+) *")
_WRITING = frozenset({Right.REPORT, Right.WRITE})
_REALM = 'Bearer realm="bounced"'


@dataclass(frozen=True, slots=True)
class Asker:
    """Whoever may do what they ask for, and where."""

    desk: Desk
    token: Token
    list_: ListInUse

    def needs(self, right: Right) -> None:
        """Raise Problem unless the token has a right, and it may be used here."""
        if right not in self.token.rights:
            raise _forbidden(right, f"This token lacks the right {right}.")
        if right in _WRITING and not self.desk.present.writes:
            raise _forbidden(right, "Nothing is written here: web.private.writes is false.")

    def pays(self, cost: float) -> None:
        """Take from the token's rate what a request costs beyond the first unit.  Raises Problem."""
        paid(self.desk, self.token, cost)

    def normalised(self, address: str) -> str:
        """Return an address as the list has it.  Raises Problem."""
        try:
            return normalise(address, fold_local_part=self.list_.fold_local_part)
        except BadAddress as error:
            raise bad_request("bad-address", f"This is no mail address: {error}") from error


def admitted(request: Request, right: Right) -> Asker:
    """Return who asks about the list in the path, with this right; one unit of their rate is taken.  Raises Problem."""
    token, desk = token_of(request), desk_of(request)
    name = request.path_params["list"]
    if name not in token.lists or name not in desk.present.lists:
        raise Problem(HTTPStatus.NOT_FOUND, "no-such-list", "This token knows no list of this name.")
    request.state.list = name
    asker = Asker(desk, token, desk.present.lists[name])
    asker.needs(right)
    asker.pays(1)
    return asker


def token_of(request: Request) -> Token:
    """Return the token that a request presents.  Raises Problem."""
    presented = request.headers.getlist("authorization")
    found = _BEARER.fullmatch(presented[0]) if len(presented) == 1 else None
    if found is None:
        raise Problem(
            HTTPStatus.UNAUTHORIZED,
            "no-token",
            "Send the field Authorization: Bearer TOKEN. `bounced web token add` makes a token.",
            headers={"www-authenticate": _REALM},
        )
    token = desk_of(request).present.tokens.find(found[1])
    if token is None:
        challenge = f'{_REALM}, error="invalid_token"'
        detail = "Nobody knows this token."
        raise Problem(HTTPStatus.UNAUTHORIZED, "unknown-token", detail, headers={"www-authenticate": challenge})
    request.state.token = token.name
    return token


def paid(desk: Desk, token: Token, cost: float) -> None:
    """Take what a request costs from the token's rate.  Raises Problem."""
    wait_s = desk.rates.wait_s(token.name, token.rate, cost)
    if wait_s:
        raise Problem(
            HTTPStatus.TOO_MANY_REQUESTS,
            "too-many-requests",
            f"This token may ask {token.rate} times a second.",
            headers={"retry-after": str(max(1, round(wait_s + 0.5)))},
        )


async def body_of(request: Request, model: type[M]) -> M:
    """Return what the body says, with all that is wrong with it at once.  Raises Problem."""
    check_content_type(request.headers, "application/json")
    try:
        return model.model_validate_json(await _whole_body(request))
    except ValidationError as error:
        desk_of(request).rates.owe(request.state.token, error.error_count() / FAULTS_A_UNIT)
        raise _unfit(error) from error


def query_of(request: Request, model: type[M]) -> M:
    """Return what the query says.  Raises Problem."""
    items = request.query_params.multi_items()
    if len({name for name, _ in items}) != len(items):
        raise bad_request("bad-request", "Each parameter of the query stands once.")
    try:
        return model.model_validate_strings(dict(items))
    except ValidationError as error:
        raise _unfit(error) from error


def check_content_type(headers: Headers, *wanted: str) -> None:
    """Raise Problem unless a body is of one of these types."""
    sent = headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent not in wanted:
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "wrong-type", f"Send Content-Type: {' or '.join(wanted)}.")


def answer(document: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer that a request was waiting for."""
    return Response(dumped(document), headers=dict(headers or {}), media_type="application/json")


async def _whole_body(request: Request) -> bytearray:
    """Return the body.  Most come in one piece, for which Starlette's own method makes a generator and two lists.

    Raises Problem, ClientDisconnect.
    """
    body = bytearray()
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message["body"]
        if not message["more_body"]:
            return body


def _forbidden(right: Right, detail: str) -> Problem:
    challenge = f'{_REALM}, error="insufficient_scope", scope="{right}"'
    return Problem(HTTPStatus.FORBIDDEN, "forbidden", detail, headers={"www-authenticate": challenge})


def _unfit(error: ValidationError) -> Problem:
    if error.error_count() > MAX_FAULTS_LISTED:
        return bad_request("bad-request", f"The body has {error.error_count()} mistakes.")
    details = error.errors(include_url=False, include_input=False, include_context=False)
    faults = [{"at": ".".join(map(str, detail["loc"])), "detail": detail["msg"]} for detail in details[:MAX_FAULTS]]
    return Problem(HTTPStatus.BAD_REQUEST, "bad-request", _summary(faults, len(details)), more={"errors": faults})


def _summary(faults: list[dict[str, str]], count: int) -> str:
    first = f"{faults[0]['at']}: {faults[0]['detail']}".removeprefix(": ")
    return f"{first} (and {count - 1} more)" if count > 1 else first
