"""The OpenAPI document, made of the declarations that check what comes and the routes that answer it.

(OpenAPI 3.1.0)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import Response

from bounced.web.api import models
from bounced.web.api.asking import answer
from bounced.web.api.meaning import MESSAGE_TYPES
from bounced.web.problems import PROBLEM_JSON

VERSION = "1.0.0"
"""Of the API: the second number counts additions, and the first is the v1 of the paths."""

_ERRORS = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.MISDIRECTED_REQUEST,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}}
_CHALLENGE = {"WWW-Authenticate": {"schema": {"type": "string"}}}
_FIELDS: Mapping[HTTPStatus, Mapping[str, Any]] = MappingProxyType(
    {
        HTTPStatus.UNAUTHORIZED: _CHALLENGE,
        HTTPStatus.FORBIDDEN: _CHALLENGE,
        HTTPStatus.TOO_MANY_REQUESTS: _RETRY_AFTER,
        HTTPStatus.SERVICE_UNAVAILABLE: _RETRY_AFTER,
    }
)
"""The header fields of errors that programs act upon."""
_REPLAYED = {"Idempotency-Replayed": {"description": "`true` where it was done before.", "schema": {"const": "true"}}}
_LIST = {"name": "list", "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[a-z0-9-]{1,32}$"}}
_ADDRESS = {
    "name": "address",
    "in": "path",
    "required": True,
    "description": "Percent-encoded, with / ? # % and + too.",
    "schema": {"type": "string"},
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key and body again within a day: it is done once, and answered the same.",
    "schema": {"type": "string", "pattern": "^[!#-~]{1,200}$"},
}
_LAST_EVENT = {
    "name": "Last-Event-ID",
    "in": "header",
    "required": False,
    "description": "Of a stream: the `id` of the last event; it goes before `after`. Without both, from now on.",
    "schema": {"type": "string"},
}
_MESSAGE = {name: {"schema": {"type": "string", "minLength": 1}} for name in MESSAGE_TYPES}


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that the API does.  ``right`` is what the token needs, empty where any token will do."""

    method: str
    path: str
    summary: str
    answered: type[BaseModel]
    asked: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    parameters: tuple[Mapping[str, Any], ...] = ()
    right: str = ""
    message: bool = False
    streams: bool = False

    @property
    def may_be_repeated(self) -> bool:
        """Whether it takes an Idempotency-Key."""
        return _KEY in self.parameters


_L = "/api/v1/lists/{list}"
OPERATIONS = (
    Operation(
        "post",
        f"{_L}/check",
        "Which addresses must not be mailed",
        models.CheckAnswer,
        models.CheckRequest,
        parameters=(_LIST,),
        right="check",
    ),
    Operation(
        "get",
        f"{_L}/addresses/{{address}}",
        "State of an address, and why",
        models.AddressAnswer,
        parameters=(_LIST, _ADDRESS),
        right="read",
    ),
    Operation(
        "post",
        f"{_L}/lookup",
        "The same, with the address in the body",
        models.AddressAnswer,
        models.LookupRequest,
        parameters=(_LIST,),
        right="read",
    ),
    Operation(
        "post",
        f"{_L}/suppress",
        "Suppress an address",
        models.DecisionAnswer,
        models.DecisionRequest,
        parameters=(_LIST, _KEY),
        right="write",
    ),
    Operation(
        "post",
        f"{_L}/release",
        "Take an address off the list",
        models.DecisionAnswer,
        models.DecisionRequest,
        parameters=(_LIST, _KEY),
        right="write",
    ),
    Operation(
        "post",
        f"{_L}/subscribed",
        "A confirmed opt-in",
        models.DecisionAnswer,
        models.DecisionRequest,
        parameters=(_LIST, _KEY),
        right="write",
    ),
    Operation(
        "get",
        f"{_L}/suppressed",
        "The list, page by page",
        models.SuppressedAnswer,
        query=models.SuppressedQuery,
        parameters=(_LIST,),
        right="read",
    ),
    Operation(
        "post",
        f"{_L}/report",
        "What a sender knows",
        models.ReportAnswer,
        models.ReportRequest,
        parameters=(_LIST, _KEY),
        right="report",
    ),
    Operation(
        "post",
        f"{_L}/return-path",
        "The envelope sender and header fields of a message",
        models.ReturnPathAnswer,
        models.ReturnPathRequest,
        parameters=(_LIST,),
        right="report",
    ),
    Operation(
        "get",
        f"{_L}/events",
        "Events: a page, or a stream",
        models.EventsAnswer,
        query=models.EventsQuery,
        parameters=(_LIST, _LAST_EVENT),
        right="read",
        streams=True,
    ),
    Operation("post", "/api/v1/explain", "What a message means", models.ExplainAnswer, message=True),
    Operation("post", "/api/v1/classify", "What bare SMTP replies mean", models.ClassifyAnswer, models.ClassifyRequest),
)


async def openapi(_request: Request) -> Response:
    """Give the document.  It needs no token: it says nothing of what is here."""
    return answer(document())


@cache
def document() -> dict[str, Any]:
    """Return the document."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "bounced", "version": VERSION, "description": "Whom not to mail, and why."},
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


@cache
def _schemas() -> dict[str, Any]:
    """Return the schemas of all bodies by their names."""
    asked = {each for operation in OPERATIONS for each in (operation.asked, operation.query) if each}
    answered = {operation.answered for operation in OPERATIONS} | {models.ProblemAnswer}
    wanted = sorted(
        [*((each, "validation") for each in asked), *((each, "serialization") for each in answered)],
        key=lambda each: each[0].__name__,
    )
    _, schemas = models_json_schema(wanted, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    found: dict[str, Any] = schemas["$defs"]
    return found


def _operation(operation: Operation) -> dict[str, Any]:
    right = f"The token needs the right `{operation.right}`." if operation.right else "Any token will do."
    told: dict[str, Any] = {
        "summary": operation.summary,
        "description": right,
        "operationId": operation.path.rpartition("/")[2].strip("{}") + "_" + operation.method,
        "parameters": [*operation.parameters, *_query(operation.query)],
        "responses": {"200": _answered(operation), **_problems(operation)},
    }
    if operation.message:
        told["requestBody"] = {"required": True, "content": _MESSAGE}
    elif operation.asked:
        content = {"application/json": {"schema": _reference(operation.asked)}}
        told["requestBody"] = {"required": True, "content": content}
    return told


def _answered(operation: Operation) -> dict[str, Any]:
    content: dict[str, Any] = {"application/json": {"schema": _reference(operation.answered)}}
    if operation.streams:
        content["text/event-stream"] = {"schema": {"type": "string"}}
    fields = {"headers": _REPLAYED} if operation.may_be_repeated else {}
    return {"description": (operation.answered.__doc__ or "").partition("\n")[0], "content": content, **fields}


def _problems(operation: Operation) -> dict[str, Any]:
    content = {PROBLEM_JSON: {"schema": _reference(models.ProblemAnswer)}}
    unheard = set[HTTPStatus]() if operation.may_be_repeated else {HTTPStatus.UNPROCESSABLE_ENTITY}
    return {
        str(status.value): {
            "description": status.phrase,
            "content": content,
            **({"headers": _FIELDS[status]} if status in _FIELDS else {}),
        }
        for status in _ERRORS
        if status not in unheard
    }


def _query(model: type[BaseModel] | None) -> list[dict[str, Any]]:
    if model is None:
        return []
    properties = _schemas()[model.__name__]["properties"]
    return [{"name": name, "in": "query", "required": False, **_parameter(each)} for name, each in properties.items()]


def _parameter(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a parameter of a query.  A query has no null: whoever has nothing to say leaves the parameter out."""
    own = {name: value for name, value in schema.items() if name not in ("anyOf", "description") and value is not None}
    described = {"description": schema["description"]} if "description" in schema else {}
    return {**described, "schema": {**own, **schema.get("anyOf", ({},))[0]}}


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
