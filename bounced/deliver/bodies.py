"""What a receiver is sent of an event: the id that stays the same over retries, and the body."""

import json
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from bounced.core.contract.event_types import TRANSITION
from bounced.core.contract.hooks import Source
from bounced.core.contract.times import stamp
from bounced.core.terms import ON_SUPPRESSION_LIST, Class, State
from bounced.edges.redis.event_streams import StreamEvent, came_at

VERSION = 1
"""Of the body ``bounced``: what is added later leaves it as it is, what is renamed or removed counts it up."""

_TO_JSON = json.JSONEncoder(separators=(",", ":"))
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NO_BOUNCE = frozenset({"", Class.NONE})
_TOLD_TO_LISTMONK = ("category", "status", "diagnostic", "reporting_mta", "after", "until")


class Message(NamedTuple):
    """One request: ``id`` is the receiver's to know it again by."""

    id: str
    body: bytes


MakeBody = Callable[[str, StreamEvent], bytes | None]
"""Returns what is sent of an event of a list; None where nothing is."""


def message_id(list_: str, event: StreamEvent) -> str:
    """Return the id of an event: of its list, its stream and its entry."""
    return f"{list_}_{Source.BULK if event.bulk else Source.EVENTS}_{event.id}"


def bounced_body(list_: str, event: StreamEvent) -> bytes:
    """Return an event as `bounced events --json` prints it, in the frame that Standard Webhooks recommends."""
    return _json(
        {
            "version": VERSION,
            "type": event.fields.get("type", ""),
            "timestamp": event.fields.get("at") or stamp(came_at(event.id)),
            "data": {"list": list_, **event.record},
        }
    )


def listmonk_body(list_: str, event: StreamEvent) -> bytes | None:
    """Return what listmonk's ``POST /webhooks/bounce`` takes, for a failure that put an address onto the list.

    Who unsubscribed, and whom an operator suppressed, did not bounce.
    """
    held = event.fields
    class_ = held.get("class", "")
    if held.get("type") != TRANSITION or held.get("after") not in ON_SUPPRESSION_LIST or class_ in _NO_BOUNCE:
        return None
    campaign = held.get("campaign", "").lower()
    told = {"list": list_, **{name: held[name] for name in _TOLD_TO_LISTMONK if name in held}}
    return _json(
        {
            "email": held.get("address", ""),
            **({"campaign_uuid": campaign} if _UUID.fullmatch(campaign) else {}),
            "source": "bounced",
            "type": _listmonk_type(class_, held["after"]),
            "meta": _json(told).decode(),
        }
    )


def _listmonk_type(class_: str, after: str) -> str:
    """Return ``hard`` only for a proven failure that suppressed at once: listmonk blocks such an address for good."""
    if class_ == Class.COMPLAINT:
        return "complaint"
    return "hard" if class_ == Class.HARD and after == State.SUPPRESSED else "soft"


def _json(value: Mapping[str, object]) -> bytes:
    return _TO_JSON.encode(value).encode()


BODIES: Mapping[str, MakeBody] = MappingProxyType({"bounced": bounced_body, "listmonk": listmonk_body})
"""By their names in the configuration."""
