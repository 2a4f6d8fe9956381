"""What the stream `bulk` tells of an address that an import changed."""

from datetime import datetime
from typing import NamedTuple

from bounced.core.contract.event_types import TRANSITION
from bounced.core.contract.keys import Keyspace
from bounced.core.contract.state_hash import without_addresses
from bounced.core.contract.times import stamp
from bounced.core.contract.writes import EVENT_FIELDS
from bounced.core.escape import escaped
from bounced.core.limits import MAX_ACTOR_CHARS
from bounced.core.state import AddressState, ReportId
from bounced.core.terms import Origin

REASON = "imported"


class Import(NamedTuple):
    """Who imports, and when."""

    at: datetime
    actor: str


def imported_event(keys: Keyspace, by: Import, id_: str, before: AddressState, after: AddressState) -> dict[str, str]:
    """Return the transition of one address, in the form that keys carry; empty fields are left out.

    ``after`` has no address in its texts where the list keeps none.
    """
    actor = escaped(by.actor, MAX_ACTOR_CHARS)
    values = {
        "id": ReportId(keys.list_, "", f"import {id_} {before.version + 1}").event_id,
        "at": stamp(by.at),
        "address": id_,
        "category": after.category or "",
        "class": after.class_ or "",
        "status": after.status,
        "diagnostic": after.diagnostic,
        "campaign": after.campaign,
        "before": before.state,
        "after": after.state,
        "until": stamp(after.until),
        "reason": REASON,
        "origin": Origin.OPERATOR,
        "actor": without_addresses(actor) if keys.pepper is not None else actor,
        "reporting_mta": after.reporting_mta,
        "names_others": "true" if after.names_others else "",
        "shared_from": after.shared_from,
    }
    return {"type": TRANSITION, **{name: values[name] for name in EVENT_FIELDS if values.get(name)}}
