"""One event that nobody caused, sent to a webhook by hand: which addresses its host has, and what came of it."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from urllib.parse import urlsplit

from bounced.config.hooks import Hook
from bounced.core.contract.event_types import TRANSITION
from bounced.core.contract.times import stamp
from bounced.core.targets import target
from bounced.core.terms import Category, Class, State
from bounced.deliver.bodies import BODIES, Message
from bounced.deliver.sender import Answer, Sender
from bounced.edges.host_names import resolved
from bounced.edges.redis.event_streams import EMPTY, StreamEvent

TEST = "test"
"""The type of the event in our own body."""
NOBODY = "bounced-test@example.invalid"
"""Whom listmonk hears of: an address that no list can have."""
NOTE = "bounced hooks test"


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it.  ``looked_at`` has each address of the host, and why it may not be connected to."""

    message: Message
    looked_at: Sequence[tuple[str, str]]
    answer: Answer
    took_s: float


async def try_out(hook: Hook, list_: str, now: datetime) -> Trial:
    """Send a test event, signed and checked like any other.  Raises OSError, ValueError, SSLError for bad files."""
    parts = urlsplit(hook.url)
    assert parts.hostname is not None
    to, looked_at = target(parts.hostname, tls=parts.scheme == "https", allow=hook.allow), dict[str, str]()

    async def resolve(host: str, port: int) -> Sequence[str]:
        found = await resolved(host, port)
        looked_at.update({address: to.refusal(address) for address in found})
        return found

    message, sender = message_of_a_test(hook, list_, now), Sender(hook, resolve=resolve)
    began = monotonic()
    try:
        answer = await sender.post(message, now)
    finally:
        await sender.close()
    return Trial(message, tuple(looked_at.items()), answer, monotonic() - began)


def message_of_a_test(hook: Hook, list_: str, now: datetime) -> Message:
    """Return a message that no receiver takes for something that happened."""
    if hook.body == "listmonk":
        about = {"type": TRANSITION, "address": NOBODY, "category": Category.MAILBOX_FULL, "class": Class.SOFT}
        fields = {**about, "before": State.ACTIVE, "after": State.HELD, "at": stamp(now), "note": NOTE}
    else:
        fields = {"type": TEST, "at": stamp(now), "note": NOTE}
    body = BODIES[hook.body](list_, StreamEvent(EMPTY, fields))
    assert body is not None
    return Message(f"{list_}_test_{secrets.token_hex(8)}", body)
