"""A worker of version 0.1.0, as far as it writes: it counts one failure, in that version's own words.

It shares nothing with the code of today but the server: names of keys, fields of the state and the request to the
commit script are written out as that version had them, and the script is the file that is kept beside its dump.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from .portable import Client

DAY_S = 86_400
FIELDS = (
    "state", "category", "class", "since", "until", "holds", "bounces", "first_bounce_at", "last_bounce_at", "streaks",
    "last_released_at", "last_lifted_at", "last_delivered_at", "last_engaged_at", "delivery_pending_since", "status",
    "diagnostic", "reporting_mta", "campaign", "origin", "version",
)  # fmt: skip
"""What that version reads of a state, and so all that it writes back."""


@dataclass
class OldWorker:
    """One that goes on while newer ones run beside it."""

    redis: Client
    script: str
    prefix: str

    async def counts(self, list_: str, path: str, digest: str, address: str, at: datetime) -> str:
        """Count a soft failure under its threshold; return the script's word for what came of it."""
        key = f"{self.prefix}:{{{list_}}}:"
        while True:
            word = await self._ask(key, path, digest, address, at)
            if word != "stale":
                return word

    async def _ask(self, key: str, path: str, digest: str, address: str, at: datetime) -> str:
        held = {
            name.decode(): value.decode()
            for name, value in (await self.redis.hgetall(f"{key}address:{address}")).items()
        }
        state, version = _counted_once_more(held, at), int(held.get("version", 0))
        domain, stamp = address.rpartition("@")[2], _stamp(at)
        names = ["seen:" + path, "events", f"counts:{at:%Y%m%d%H}", "blocks", "unrecognised"]
        names += [f"address:{address}", f"history:{address}", "suppressed", "due", "disputed", "bouncing"]
        request = {
            "digest": digest,
            "seen_ttl_s": 40 * DAY_S,
            "at": int(at.timestamp()),
            "types": ["report"] if held else ["report", "transition"],
            "events_max": 1_000_000,
            "counters": ["type:report", "category:mailbox_full", "class:soft"],
            "count": 1,
            "rates": [],
            "measure": "failed",
            "block": False,
            "in_history": True,
            "address": address,
            "domain": domain,
            "version": version,
            "disputed": 0,
            "state": [word for pair in state.items() for word in pair],
            "ttl_s": 400 * DAY_S,
            "suppressed": False,
            "due": 0,
            "bouncing": {"key": len(names), "was": held.get("state") == "bouncing", "is": True},
        }
        before = held.get("state", "active")
        event = {
            "id": digest[:16],
            "at": stamp,
            "address": address,
            "kind": "bounce",
            "before": before,
            "after": "bouncing",
        }
        keys = [key + name for name in names]
        reply = await self.redis.eval(self.script, len(keys), *keys, json.dumps(request), json.dumps(event), "")
        return str(reply[0].decode())


def _counted_once_more(held: dict[str, str], at: datetime) -> dict[str, str]:
    """Return the fields of a state with one more soft failure."""
    known = {name: held[name] for name in FIELDS if name in held}
    streaks = dict(part.split(":", 1) for part in known.get("streaks", "").split())
    unix = str(int(at.timestamp()))
    count, first, _, holds, was_held = streaks.get("soft", f"0:{unix}:{unix}:0:0").split(":")
    streaks["soft"] = f"{int(count) + 1}:{first}:{unix}:{holds}:{was_held}"
    return known | {
        "state": "bouncing",
        "category": "mailbox_full",
        "class": "soft",
        "since": known.get("since", _stamp(at)),
        "bounces": str(int(count) + 1),
        "first_bounce_at": _stamp(datetime.fromtimestamp(int(first), UTC)),
        "last_bounce_at": _stamp(at),
        "streaks": " ".join(f"{class_}:{rest}" for class_, rest in streaks.items()),
        "version": str(int(known.get("version", 0)) + 1),
    }


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
