"""The commit script: how it is asked, and what it answers.

How it works: ``request`` makes one request of what is to be written (``Writes``) and of the state upon which that was
decided, and ``packed`` makes one EVALSHA of the requests that go together.  For each of them the script (commit.lua)
compares the state's version, writes everything or nothing, and says in one word what came of it; ``outcome`` reads the
answer.  What the script is given has its names here and in ``Writes`` only.  The script that the server gets is
commit.lua with the names of its keys (``ListKeys``, ``ReportKeys``), arguments (``ARGUMENTS``) and ``CONSTANTS`` put
in.  A report's first argument is a JSON object with the fields of ``Given`` and ``Writes``; a test compares them with
those that the script reads.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import sha1
from importlib.resources import files
from itertools import chain
from typing import NamedTuple

from redis.asyncio.connection import AbstractConnection

from bounced.core.contract.hourly_counters import COMPLAINT, FAILED, MAX_FIELDS, Quota
from bounced.core.contract.keys import Keyspace
from bounced.core.contract.state_hash import from_fields
from bounced.core.contract.times import DAY_S, LAST_S, from_score, unix
from bounced.core.contract.writes import APART, COMPLAINTS_KEPT_DAYS, StateWrites, Writes, past_event
from bounced.core.policy.dispute import WAVE
from bounced.core.policy.failure import FROM_HARDEST
from bounced.core.policy.outage import SCOPE
from bounced.core.state import AddressState, ReportId
from bounced.core.terms import Class
from bounced.edges.redis.compact_json import encode as _encode
from bounced.edges.redis.groups import Request
from bounced.edges.redis.wire import Reply, call, fields, pack, text, texts

REPEATED_DAYS = 10
"""A peer repeats what we did not acknowledge for some days more than a return path is accepted."""

INTAKE_GROUP = "bounced"
"""The consumer group in which all workers read a list's intake."""


class ListKeys(NamedTuple):
    """The keys that every commit of one list and hour may touch, in the order in which the script is given them."""

    events: str
    counts: str
    day_counts: str
    blocks: str
    unrecognised: str
    intake: str
    complaints: str
    suppressed: str
    due: str
    disputed: str
    bouncing: str


class ReportKeys(NamedTuple):
    """The keys of one report, which follow.  Where it concerns no address, ``seen`` stands for the others as well."""

    seen: str
    address: str
    history: str
    unknowns: str


class Given(NamedTuple):
    """What a request says beside the writes.  ``seen_ttl_s`` is how long the report is remembered.

    ``digests`` are the report's digest and the others under which it may have been counted, none where the report is
    not remembered.  ``entry`` is the entry of the intake that the commit settles, ``address`` the address as keys carry
    it; each is empty where there is none.  ``version``, ``disputed`` (unix time, 0 for not) and ``path_failed_as``
    (empty for not) are the state's upon which the writes were decided.
    """

    digests: tuple[str, ...]
    seen_ttl_s: int
    entry: str
    address: str
    version: int
    disputed: int
    path_failed_as: str
    events_max: int


class MostEvents(NamedTuple):
    """About how many entries the streams of events keep."""

    events: int = 1_000_000
    bulk: int = 1_000_000


ARGUMENTS = ("request", "past_event", "message")

Constant = int | str | Sequence[str] | Mapping[Quota, int] | Mapping[Quota, str]

MEASURES = (*FROM_HARDEST, COMPLAINT, FAILED)
"""For what `seen` marks that its path was counted: the classes first, from the hardest."""

CONSTANTS: Mapping[str, Constant] = {
    "DAY_S": DAY_S,
    "LAST_S": LAST_S,
    "COMPLAINTS_KEPT_S": COMPLAINTS_KEPT_DAYS * DAY_S,
    "WAVE_S": int(WAVE.total_seconds()),
    "PROVIDER_SCOPE": SCOPE,
    "INTAKE_GROUP": INTAKE_GROUP,
    "CLASSES": len(FROM_HARDEST),
    "MEASURES": MEASURES,
    "MARKS": tuple(f"~{measure}" for measure in MEASURES),
    "MAX_FIELDS": MAX_FIELDS,
    "IN_USE": {quota: quota.in_use for quota in MAX_FIELDS},
}

REQUEST = Given._fields + Writes._fields[: -len(APART)]
"""The fields of the request."""


def source(constants: Mapping[str, Constant] = CONSTANTS) -> bytes:
    """Return the script with the names of its keys, arguments and constants."""
    keys, arguments = ", ".join(ReportKeys._fields).upper(), ", ".join(ARGUMENTS).upper()
    of_list, of_report, given = len(ListKeys._fields), len(ReportKeys._fields), len(ARGUMENTS)
    names = [
        f"local {', '.join(ListKeys._fields).upper()} = unpack(KEYS, 1, {of_list})",
        f"local REPORTS = #ARGV / {given}",
        f"local {keys}, {arguments}",
        "local function take(number)",
        f"{keys} = unpack(KEYS, {of_list + 1} + {of_report} * (number - 1), {of_list} + {of_report} * number)",
        f"{arguments} = unpack(ARGV, 1 + {given} * (number - 1), {given} * number)",
        "end",
    ]
    names += [f"local {name} = {_in_lua(value)}" for name, value in constants.items()]
    return files(__package__).joinpath("commit.lua").read_bytes().replace(b"-- NAMES", " ".join(names).encode(), 1)


def _in_lua(value: Constant) -> str:
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return repr(str(value))
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'[{_in_lua(name)}] = {_in_lua(each)}' for name, each in value.items())}}}"
    return f"{{{', '.join(map(_in_lua, value))}}}"


SOURCE = source()
SHA = sha1(SOURCE, usedforsecurity=False).hexdigest()


async def load(connection: AbstractConnection) -> None:
    """Make the script known to the server of a new connection."""
    await call(connection, "SCRIPT", "LOAD", SOURCE)


def request(
    keys: Keyspace, report_id: ReportId, address: str | None, given: AddressState, writes: Writes, *, most: MostEvents
) -> Request:
    """Return the request that commits ``writes``, decided upon the state ``given``.

    The script knows one stream of events; for a change that is one of many that is `bulk`.
    Raises UnicodeEncodeError for a name that UTF-8 cannot carry.
    """
    seen = keys.seen(report_id.path)
    id_, of_report = "", ReportKeys(seen, seen, seen, seen)
    if address is not None:
        id_ = keys.address_id(address)
        of_report = ReportKeys(seen, keys.address(id_), keys.history(id_), keys.unknowns(writes.domain))
    beside = Given(
        digests=report_id.digests if report_id.path else (),
        seen_ttl_s=(report_id.good_days + REPEATED_DAYS) * DAY_S,
        entry=report_id.entry,
        address=id_,
        version=given.version,
        disputed=unix(given.disputed_until),
        path_failed_as=given.path_failed_as or "",
        events_max=most.bulk if writes.bulk else most.events,
    )
    asked: dict[str, object] = dict(zip(REQUEST, (*beside, *writes), strict=False))  # what is apart comes last
    asked["state"] = _state(writes.state)
    asked["counters"] = list(chain.from_iterable(writes.counters))  # one list is decoded faster than one of pairs
    asked["rates"] = list(chain.from_iterable(writes.rates))
    asked["event"] = ["type", "", *chain.from_iterable(writes.event.items())]
    return Request(
        packed,
        _list_keys(keys, writes.hour, writes.day, writes.bulk),
        tuple(key.encode() for key in of_report),
        (_encode(asked), _encode(past_event(writes)) if writes.in_history else b"", writes.unrecognised or b""),
    )


def packed(requests: Sequence[Request]) -> bytes:
    """Return one packed command that commits requests of one list and hour."""
    keys = requests[0].shared + tuple(chain.from_iterable(request.keys for request in requests))
    return pack("EVALSHA", SHA, len(keys), *keys, *chain.from_iterable(request.arguments for request in requests))


@lru_cache(maxsize=100)
def _list_keys(keys: Keyspace, hour: str, day: str, bulk: bool) -> ListKeys:  # noqa: FBT001 - no flag for people
    return ListKeys(
        events=keys.bulk if bulk else keys.events,
        counts=keys.counts(hour),
        day_counts=keys.day_counts(day),
        blocks=keys.blocks,
        unrecognised=keys.unrecognised,
        intake=keys.intake,
        complaints=keys.complaints,
        suppressed=keys.suppressed,
        due=keys.due,
        disputed=keys.disputed,
        bouncing=keys.bouncing,
    )


class Written(NamedTuple):
    """What came of a commit: the size of the address's wave, and the quotas that were used up."""

    wave: int
    overflowed: tuple[Quota, ...]


def outcome(reply: Reply) -> tuple[str, AddressState | Written | str | None]:
    """Return the script's word; with ``stale`` the present state, with ``committed`` what came of it.

    With ``wrong_type`` comes the name of the key that holds a value of another type.  Raises ValueError.
    """
    if not isinstance(reply, list) or not reply:
        raise ValueError(f"the commit script answered {reply!r}")
    word = text(reply[0])
    if word == "committed" and isinstance(reply[1], int):
        return word, Written(reply[1], tuple(map(Quota, texts(reply[2:]))))
    if word == "wrong_type":
        return word, text(reply[1])
    if word != "stale":
        return word, None
    path_failed_as = Class(text(reply[2])) if reply[2] else None
    return word, from_fields(fields(reply[3:]), from_score(text(reply[1])), path_failed_as)


def _state(writes: StateWrites | None) -> Mapping[str, object] | bool:
    """Return a new state as the script takes it, its fields one after the other; false where it stays as it is."""
    return writes is not None and {**writes._asdict(), "fields": list(chain.from_iterable(writes.fields.items()))}
