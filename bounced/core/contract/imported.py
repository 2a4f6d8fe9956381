"""What the stream `bulk` tells of an address that an import changed.

The events of an import have most of their fields in common, or from the states that are written with them.  So a batch
has an ``event_form`` for many addresses, and bulk.lua fills in what each address has of its own.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from bounced.core.contract.event_types import TRANSITION
from bounced.core.contract.keys import Keyspace
from bounced.core.contract.state_hash import without_addresses
from bounced.core.contract.times import stamp
from bounced.core.contract.writes import EVENT_FIELDS
from bounced.core.escape import escaped
from bounced.core.limits import MAX_ACTOR_CHARS
from bounced.core.state import event_id
from bounced.core.terms import Origin

REASON = "imported"


class Import(NamedTuple):
    """Who imports, and when."""

    at: datetime
    actor: str


def event_form(keys: Keyspace, by: Import, places: Mapping[str, int]) -> list[str | int]:
    """Return names and values of the fields of an event, in their order, one after the other.

    ``places`` says where an address has its own: ``id``, ``address``, ``before``, and the fields of its new state that
    are not empty.  The value of these is the place.  An event has no empty fields, and calls the new ``state`` `after`.
    """
    actor = escaped(by.actor, MAX_ACTOR_CHARS)
    values: dict[str, str | int] = {
        **places,
        "at": stamp(by.at),
        "after": places["state"],
        "reason": REASON,
        "origin": Origin.OPERATOR,
        "actor": without_addresses(actor) if keys.pepper is not None else actor,
    }
    form: list[str | int] = ["type", TRANSITION]
    for name in EVENT_FIELDS:
        if value := values.get(name):
            form += name, value
    return form


def imported_event_id(keys: Keyspace, id_: str, version: int) -> str:
    """Return the id of the event of an address, in the form that keys carry, whose state becomes this version."""
    return event_id(keys.list_, "", f"import {id_} {version}")
