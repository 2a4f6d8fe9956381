"""What senders tell and need: entries for the intake, return paths and header fields."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from bounced.client.requests import Request as Commands
from bounced.core.contract.intake import NotUnderstood, check_entry
from bounced.core.mailbox import BadAddress
from bounced.core.terms import Profile
from bounced.edges.redis.intake_writer import register, write_entries
from bounced.web.api.asking import MAX_FAULTS, Asker, admitted, answer, body_of
from bounced.web.api.models import Entry, ReportRequest, ReturnPathRequest
from bounced.web.api.repeating import KEPT_S, REPLAYED, repeated, same_request
from bounced.web.problems import Problem, bad_request
from bounced.web.tokens import Right

ENTRIES_A_UNIT = 10
"""As many of a report cost as much as one further request: each is looked at before it is written."""
DECISIONS = frozenset({"suppress", "release"})


async def report(request: Request) -> Response:
    """Write what a sender knows into the intake; workers commit it."""
    asker = admitted(request, Right.REPORT)
    asked = await body_of(request, ReportRequest)
    if any(entry.type in DECISIONS for entry in asked.entries):
        asker.needs(Right.WRITE)
    asker.pays(len(asked.entries) // ENTRIES_A_UNIT)
    at = int(asker.desk.clock().timestamp())
    entries = [_fields(entry, at, asker.token.name) for entry in asked.entries]
    _check(asker, entries)
    keys = asker.list_.keys
    key = repeated(request, asker, asked.model_dump(mode="json"))
    told = {"answered": keys.answered(key.digest), "fingerprint": key.fingerprint, "kept_s": KEPT_S} if key else {}
    is_new, kept = await write_entries(asker.desk.store, keys, entries, **told)  # type: ignore[arg-type]
    ids = same_request(key, kept).split() if key else kept.split()
    return answer({"ids": ids}, None if is_new else REPLAYED)


async def return_path(request: Request) -> Response:
    """Make the envelope sender of one message, and the header fields by which its recipient unsubscribes."""
    asker = admitted(request, Right.REPORT)
    asked = await body_of(request, ReturnPathRequest)
    asks = asker.list_.asks
    try:
        profile = Profile.of(asked.profile)
        path = asks.return_path_for(
            asked.address, tag=asked.tag, profile=profile, message_id=asked.message_id, issued=None
        )
        fields = asks.headers_for(asked.address, tag=asked.tag, profile=profile, issued=None)
    except BadAddress as error:
        raise bad_request("bad-address", f"This is no mail address: {error}") from error
    except ValueError as error:
        raise bad_request("bad-request", str(error)) from error
    for made in (path, fields):
        await _register(asker, made.commands)
    return answer({"return_path": path.answer(()), "headers": fields.answer(())})


async def _register(asker: Asker, commands: Commands[object] | tuple[tuple[str | bytes | int, ...], ...]) -> None:
    """Register a token, where a path needs one."""
    match commands:
        case (("HSET", str(key), *fields), ("EXPIRE", _, int(life_s))):
            await register(asker.desk.store, asker.list_.keys, key, life_s, list(map(str, fields)))


def _fields(entry: Entry, now: int, actor: str) -> dict[str, str]:
    """Return an entry as the contract has it.  Who acts is the token, whatever somebody says."""
    given = entry.model_dump(mode="json", exclude={"at", "shared"}, exclude_none=True)
    at = int(entry.at.timestamp()) if entry.at else now
    shared = {"shared": "true"} if entry.shared else {}
    return {**{name: str(value) for name, value in given.items()}, "at": str(at), **shared, "actor": actor}


def _check(asker: Asker, entries: list[dict[str, str]]) -> None:
    """Raise Problem where the intake would set an entry aside: it is told now, to whoever can mend it."""
    faults = [
        {"at": f"entries.{place}", "detail": fault}
        for place, fields in enumerate(entries)
        if (fault := _fault(asker, fields))
    ]
    if faults:
        detail = f"{faults[0]['at']}: {faults[0]['detail']}. Nothing was written."
        raise Problem(HTTPStatus.BAD_REQUEST, "bad-entry", detail, more={"errors": faults[:MAX_FAULTS]})


def _fault(asker: Asker, fields: dict[str, str]) -> str:
    """Return what is wrong with an entry; empty where nothing is."""
    decides = asker.desk.present.pipeline.lists[asker.list_.name].intake_may_release
    if fields["type"] in DECISIONS and not decides:
        return "this list takes no operator's decisions from senders: intake_may_release is false"
    try:
        check_entry(fields, asker.desk.clock(), fold_local_part=asker.list_.fold_local_part)
    except NotUnderstood as error:
        return str(error)
    return ""
