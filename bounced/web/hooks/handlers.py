"""``POST /hooks/SERVICE/LIST``: events become entries of the intake, durable before the answer.

How it works.  A request has to prove where it comes from before its events are read.  Then nothing of it can be wrong:
what is not understood is an entry as well, which a worker puts among those that failed.  So a service hears 2xx once
everything is written, 401 for a bad proof, and 503 where it shall send the same again.  (docs/contract.md, section 9)
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import sha256
from http import HTTPStatus

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bounced.core.contract.intake import HOOK_EVENT, NOT_HEARD
from bounced.core.exchange.hooks import SERVICES, Entry, Heard, Service, Silent, TooManyEvents, Unclear
from bounced.core.state import EvidenceType
from bounced.edges.redis.intake_writer import write_entries
from bounced.edges.watch.log import Event
from bounced.web.desk import Desk, desk_of
from bounced.web.hooks.among import settled
from bounced.web.hooks.in_use import HookInUse
from bounced.web.hooks.proof import Asked, NotProven, Proven, is_one_of
from bounced.web.json import dumped
from bounced.web.peers import network_of
from bounced.web.problems import Problem

LOG = structlog.get_logger()

REFUSED_A_SECOND = 5
"""Requests without a good proof that one peer may make in the long run; those with one are not limited."""
READ_AT_ONCE_BYTES = 32 * 1024
"""A larger body is read in the thread for reading, so that others are answered meanwhile."""
ONCE_S = 48 * 3600
"""How long it is remembered what may come with one body only; no proof takes a time that is older by then."""
AGAIN_S = 2 * 3600
"""How long a request is remembered that has an event without an id: services soon repeat what nobody answered."""
MAY_COME_AGAIN = (EvidenceType.DELIVERED, EvidenceType.ENGAGED, NOT_HEARD)
"""What changes nothing when it comes again without an id."""
SILENT = "silent"
NOT_CONFIGURED = "not_configured"


def routes() -> list[Route]:
    """Return the routes of the public listener."""
    return [
        Route("/hooks/{service}/{list}", hear, methods=["POST"]),
        Route("/hooks/{service}/{list}/{secret}", hear_with_secret, methods=["POST"]),
    ]


async def hear(request: Request) -> Response:
    """Write what a service says into the intake; workers commit it."""
    return await _hear(request)


async def hear_with_secret(request: Request) -> Response:
    """Do the same for a URL with a secret in its path; it has a route of its own, since the log names the route."""
    return await _hear(request)


async def _hear(request: Request) -> Response:
    desk, name, list_ = desk_of(request), request.path_params["service"], request.path_params["list"]
    if name not in SERVICES:
        raise Problem(HTTPStatus.NOT_FOUND, "no-such-service", "No service of this name is heard here.")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "no-such-encoding", "Only a body without an encoding is read.")
    body = await request.body()
    try:
        hook, proven = await _proven(desk, request, body)
        request.state.list = list_
        heard = await _read(desk, hook.service, list_, proven.body, request.headers.get("content-type", ""))
        heard = [await _settled(desk, list_, each) for each in heard]
        await _write(desk, hook.service, list_, heard, proven)
    except NotProven as refused:
        raise _refused(desk, request, refused) from refused
    return _answer(desk, name, heard)


async def _settled(desk: Desk, list_: str, heard: Heard) -> Heard:
    """Return what is heard with the one recipient that is meant.  Raises NotProven, StoreUnavailable."""
    _check_list(desk, list_)
    return await settled(desk, list_, heard)


def _check_list(desk: Desk, list_: str) -> None:
    """Raise NotProven where a reload took the list away since the request was proven."""
    if list_ not in desk.present.lists:
        raise NotProven(NOT_CONFIGURED)


async def _proven(desk: Desk, request: Request, body: bytes) -> tuple[HookInUse, Proven]:
    """Return the hook that is asked for, and what may be read.  Raises NotProven, Problem."""
    hook = desk.present.hooks.get((request.path_params["service"], request.path_params["list"]))
    if hook is None:  # answered as a bad proof is: nobody learns which lists there are
        raise NotProven(NOT_CONFIGURED)
    secret = request.path_params.get("secret", "")
    if (hook.path_secrets or secret) and not is_one_of(secret.encode("utf-8", "replace"), hook.path_secrets):
        raise NotProven("bad_path_secret")
    headers = {name.lower(): value for name, value in request.headers.items()}
    return hook, await hook.proof.check(Asked(headers, body, desk.clock()))


async def _read(desk: Desk, service: Service, list_: str, body: bytes, content_type: str) -> Sequence[Heard]:
    """Return what a body says.  Raises Problem for more events than Redis shall write in one step."""
    if not body:
        return []
    read = partial(service.read, body, content_type)
    try:
        return read() if len(body) <= READ_AT_ONCE_BYTES else await desk.reading(f"hook {service.name} {list_}", read)
    except TooManyEvents as error:
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", str(error)) from error


async def _write(desk: Desk, service: Service, list_: str, heard: Sequence[Heard], proven: Proven) -> None:
    """Write entries, all or none.  Raises NotProven where the proof was used with another body, StoreUnavailable."""
    _check_list(desk, list_)
    entries = [fields for each in heard if (fields := _fields(service, each))]
    keys = desk.present.lists[list_].keys
    name, kept_s = _remembered(service, entries, proven)
    if not name:
        if entries:
            await write_entries(desk.store, keys, entries)
        return
    fingerprint = _digest(proven.body)
    answered = keys.answered(f"hook-{name}")
    _, kept = await write_entries(
        desk.store, keys, entries, answered=answered, fingerprint=fingerprint, kept_s=kept_s, keep_ids=False
    )
    if kept != fingerprint:
        raise NotProven("used_before")


def _remembered(service: Service, entries: Sequence[Mapping[str, str]], proven: Proven) -> tuple[str, int]:
    """Return under which name a request is remembered and for how long, so that it is written once; empty for none.

    Entries with an id count once by themselves, and a delivery or an opening may come again.  So most requests need no
    key: only one that tells of a sent message, or of something without id and time.
    """
    if proven.once:
        return _digest(f"{service.name}\0{proven.once}".encode("utf-8", "replace")), ONCE_S
    if any(each["type"] not in MAY_COME_AGAIN and "id" not in each for each in entries):
        return _digest(f"{service.name}\0\0{proven.call}\0".encode("utf-8", "replace") + proven.body), AGAIN_S
    return "", 0


def _digest(octets: bytes) -> str:
    return sha256(octets).hexdigest()[:32]


def _fields(service: Service, heard: Heard) -> dict[str, str]:
    """Return the entry that is written; none for what says nothing."""
    match heard:
        case Entry(fields):
            return dict(fields)
        case Unclear(raw, why):
            return {"type": NOT_HEARD, "service": service.name, "why": why, HOOK_EVENT: raw}
        case Silent():
            return {}


def _refused(desk: Desk, request: Request, refused: NotProven) -> Problem:
    """Tell the log and a metric of a bad proof, and return the answer: it says nothing of what was wrong.

    Who has many of them is told to wait.  A good proof never waits: a service posts for all its customers from the same
    addresses, and each of them may let it post here.
    """
    service, list_ = request.path_params["service"], request.path_params["list"]
    desk.metrics.refused(service, refused.why)
    known = list_ if list_ in desk.present.lists else ""
    peer = request.client.host if request.client else ""
    LOG.warning(Event.HOOK_REFUSED, service=service, list=known, reason=refused.why, peer=peer)
    if wait_s := desk.rates.wait_s(f"hook {network_of(peer)}", REFUSED_A_SECOND):
        return Problem(
            HTTPStatus.TOO_MANY_REQUESTS,
            "too-many-requests",
            "Too many requests came from there that did not prove who sent them.",
            headers={"retry-after": str(max(1, round(wait_s + 0.5)))},
        )
    return Problem(
        HTTPStatus.UNAUTHORIZED,
        "not-proven",
        "The request does not prove that it comes from this service, for a list that hears it.",
        headers={"www-authenticate": 'Basic realm="bounced"'},
    )


def _answer(desk: Desk, service: str, heard: Sequence[Heard]) -> Response:
    says = Counter(_says(each) for each in heard)
    for name, count in says.items():
        desk.metrics.heard(service, name, count)
    silent, not_heard = says[SILENT], says[NOT_HEARD]
    told = {"taken": len(heard) - silent - not_heard, "silent": silent, "kept": not_heard}
    return Response(dumped(told), media_type="application/json")


def _says(heard: Heard) -> str:
    match heard:
        case Entry(fields):
            return fields["type"]
        case Unclear():
            return NOT_HEARD
        case Silent():
            return SILENT
