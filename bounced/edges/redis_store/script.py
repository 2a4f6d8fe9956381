"""The commit script: how it is asked, and what it answers."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha1
from importlib.resources import files
from itertools import chain

from redis.asyncio.connection import AbstractConnection

from bounced.core.keys import Keyspace
from bounced.core.record import DAY_S, StateWrites, Writes, from_fields
from bounced.core.state import AddressState, ReportId
from bounced.edges.redis_store.wire import Reply, call, fields, pack, text

SOURCE = files(__package__).joinpath("commit.lua").read_bytes()
SHA = sha1(SOURCE, usedforsecurity=False).hexdigest()

SEEN_TTL_S = 40 * DAY_S
"""A return path is accepted for 30 days, and a peer repeats what we did not acknowledge for some days more."""

_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


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
        "event": ["type", "", *_flat(writes.event)],
        "types": writes.event_types,
        "events_max": events_max,
        "counters": writes.counters,
        "block": writes.block,
    }
    if address is not None:
        id_ = keys.address_id(address)
        names += [keys.address(id_), keys.history(id_), keys.suppressed, keys.due, keys.disputed]
        disputed = int(given.disputed_until.timestamp()) if given.disputed_until else 0
        asked |= {"address": id_, "domain": writes.domain, "version": given.version, "disputed": disputed}
        asked |= _state(writes.state) if writes.state else {}
    return pack("EVALSHA", SHA, len(names), *names, _ENCODE(asked), writes.history or "", writes.unrecognised or b"")


def outcome(reply: Reply) -> tuple[str, AddressState | None]:
    """Return the script's word, and the present state if the word is ``stale``.  Raises ValueError."""
    if not isinstance(reply, list) or not reply:
        raise ValueError(f"the commit script answered {reply!r}")
    word = text(reply[0])
    if word != "stale":
        return word, None
    disputed = int(text(reply[1]))
    return word, from_fields(fields(reply[2:]), datetime.fromtimestamp(disputed, UTC) if disputed else None)


def _state(writes: StateWrites) -> dict[str, object]:
    return {
        "state": _flat(writes.fields),
        "ttl_s": writes.ttl_s or 0,
        "suppressed": writes.suppressed,
        "due": writes.due or 0,
    }


def _flat(pairs: Mapping[str, str]) -> list[str]:
    return list(chain.from_iterable(pairs.items()))
