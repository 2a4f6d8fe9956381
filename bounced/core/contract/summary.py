"""The event that tells once of something a person did to many addresses, or to a whole list."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from bounced.core.contract.keys import Keyspace
from bounced.core.contract.state_hash import without_addresses
from bounced.core.contract.times import stamp
from bounced.core.escape import escaped
from bounced.core.limits import MAX_ACTOR_CHARS
from bounced.core.terms import Origin


class Summary(StrEnum):
    """What was done."""

    RECOVERED = "addresses.recovered"
    RELEASED = "addresses.released"
    SUPPRESSED = "addresses.suppressed"
    IMPORTED = "addresses.imported"
    RECLASSIFIED = "addresses.reclassified"
    ERASED = "address.erased"
    ACCEPTED = "redis.accepted"


def summary_event(
    keys: Keyspace,
    type_: Summary,
    at: datetime,
    actor: str,
    *,
    note: str = "",
    filters: str = "",
    counts: Mapping[str, int] | None = None,
) -> dict[str, str]:
    """Return the event's fields, empty ones left out; no address stands in them where the list keeps none.

    ``note`` is the reason in a person's words, ``filters`` say how the addresses were chosen, ``counts`` how many.
    """
    words = {"actor": escaped(actor, MAX_ACTOR_CHARS), "note": escaped(note), "filters": escaped(filters)}
    if keys.pepper is not None:
        words = {name: without_addresses(text) for name, text in words.items()}
    event = {"type": type_, "at": stamp(at), **{name: str(count) for name, count in (counts or {}).items()}}
    event |= {"note": words["note"], "filters": words["filters"], "origin": Origin.OPERATOR, "actor": words["actor"]}
    return {name: value for name, value in event.items() if value}
