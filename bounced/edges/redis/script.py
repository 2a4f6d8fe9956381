"""The commit script: how it is asked, and what it answers."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha1
from importlib.resources import files
from itertools import chain
from typing import NamedTuple

from redis.asyncio.connection import AbstractConnection

from bounced.core.contract.counters import FIELDS_OF, Room
from bounced.core.contract.keys import Keyspace
from bounced.core.contract.record import DAY_S, LAST_S, StateWrites, Writes, from_fields
from bounced.core.numbers import whole
from bounced.core.policy.doubt import WAVE
from bounced.core.state import AddressState, ReportId
from bounced.edges.redis.wire import Reply, call, fields, pack, text, texts

SOURCE = files(__package__).joinpath("commit.lua").read_bytes()
SHA = sha1(SOURCE, usedforsecurity=False).hexdigest()

SEEN_TTL_S = 40 * DAY_S
"""A return path is accepted for 30 days, and a peer repeats what we did not acknowledge for some days more."""

INTAKE_GROUP = "bounced"
"""The consumer group in which all workers read a list's intake."""

FIELDS_OF_ROOMS = dict(FIELDS_OF)
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)


async def load(connection: AbstractConnection) -> None:
    """Make the script known to the server of a new connection."""
    await call(connection, "SCRIPT", "LOAD", SOURCE)


def request(
    keys: Keyspace, report_id: ReportId, address: str | None, given: AddressState, writes: Writes, *, events_max: int
) -> bytes:
    """Return the packed command that commits ``writes``, decided upon the state ``given``."""
    names = [keys.seen(report_id.path), keys.events, keys.counts(writes.hour), keys.blocks, keys.unrecognised]
    asked = {
        "digest": report_id.digest if report_id.path else "",
        "seen_ttl_s": SEEN_TTL_S,
        "at": writes.at,
        "types": writes.event_types,
        "events_max": events_max,
        "counters": [counted.name for counted in writes.counters],
        "rooms": [counted.room for counted in writes.counters],
        "count": writes.count,
        "rates": [counted.name for counted in writes.rates],
        "rate_rooms": [counted.room for counted in writes.rates],
        "measure": writes.measure,
        "block": writes.block,
        "in_history": writes.in_history,
    }
    if address is not None:
        id_ = keys.address_id(address)
        names += [keys.address(id_), keys.history(id_), keys.suppressed, keys.due, keys.disputed]
        disputed = int(given.disputed_until.timestamp()) if given.disputed_until else 0
        asked |= {"address": id_, "domain": writes.domain, "version": given.version, "disputed": disputed}
        asked |= _state(writes.state) if writes.state else {}
        if writes.state and (writes.state.was_bouncing or writes.state.bouncing):
            names.append(keys.bouncing)
            asked["bouncing"] = {"key": len(names), "was": writes.state.was_bouncing, "is": writes.state.bouncing}
    if report_id.entry:
        names.append(keys.intake)
        asked |= {"entry": report_id.entry, "group": INTAKE_GROUP, "intake": len(names)}
    if writes.doubtful:
        names.append(keys.unknowns(writes.domain))
        asked |= {"unknowns": len(names), "wave_s": int(WAVE.total_seconds())}
    arguments = _encode(asked), _encode(writes.event), writes.unrecognised or b"", _encode(FIELDS_OF_ROOMS)
    return pack("EVALSHA", SHA, len(names), *names, *arguments)


class Written(NamedTuple):
    """What came of a commit: the size of the address's wave, and the rooms that had no place for a counter."""

    wave: int
    overflowed: tuple[Room, ...]


def outcome(reply: Reply) -> tuple[str, AddressState | Written | None]:
    """Return the script's word, with ``stale`` the present state, with ``committed`` what came of it.

    Raises ValueError.
    """
    if not isinstance(reply, list) or not reply:
        raise ValueError(f"the commit script answered {reply!r}")
    word = text(reply[0])
    if word == "committed" and isinstance(reply[1], int):
        return word, Written(reply[1], tuple(map(Room, texts(reply[2:]))))
    if word != "stale":
        return word, None
    return word, from_fields(fields(reply[2:]), disputed_until(text(reply[1])))


def disputed_until(score: str) -> datetime | None:
    """Return until when a domain is disputed, as its score says; None where it is not, or no time is written there."""
    until = whole(score)
    return datetime.fromtimestamp(until, UTC) if until and until <= LAST_S else None


def _encode(value: object) -> bytes:
    """Return compact JSON; a lone surrogate, which a broken message may hold and UTF-8 cannot carry, becomes ``?``."""
    return _JSON.encode(value).encode("utf-8", "replace")


def _state(writes: StateWrites) -> dict[str, object]:
    return {
        "state": _flat(writes.fields),
        "ttl_s": writes.ttl_s or 0,
        "suppressed": writes.suppressed,
        "due": writes.due or 0,
    }


def _flat(pairs: Mapping[str, str]) -> list[str]:
    return list(chain.from_iterable(pairs.items()))
