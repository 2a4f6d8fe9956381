"""The proof of Mailgun: an HMAC over time and token, which stand in the body.  (Securing Webhooks, 2026-11)

It does not cover the events.  Whoever has seen one request could send its time and token with other events.  So a token
is good for one body only, which is remembered for longer than its time is taken, and a list may want a secret in the
path beside it.
"""

import hmac
from dataclasses import dataclass

from bounced.core.exchange.hooks.events import Event, NotJson, json_value
from bounced.core.numbers import whole
from bounced.web.hooks.proof import Asked, NotProven, Proven, Trusted, is_one_of

TOLERANCE_S = 24 * 3600
"""How old a time may be: Mailgun repeats a request for eight hours."""
AHEAD_S = 300
MAX_BODY_BYTES = 256 * 1024
"""Of one event.  It has to be read before it is proven, so that nobody may let much be read."""


@dataclass(frozen=True, slots=True)
class Mailgun:
    """Signatures by any of the keys."""

    trusted: Trusted

    async def check(self, asked: Asked) -> Proven:
        """Return the body, and the token that is good for it alone.  Raises NotProven."""
        if len(asked.body) > MAX_BODY_BYTES:
            raise NotProven("too_long")
        try:
            signed = Event(json_value(asked.body)).inner("signature")
        except NotJson:
            raise NotProven("no_signature") from None
        at, token, given = signed.text("timestamp"), signed.text("token"), signed.text("signature").lower()
        text = f"{at}{token}".encode("utf-8", "replace")
        good = [hmac.digest(key, text, "sha256").hex().encode() for key in self.trusted.secrets]
        if not token or not is_one_of(given.encode("utf-8", "replace"), good):
            raise NotProven("bad_signature")
        made_at, now = whole(at), asked.now.timestamp()
        if made_at is None or not -TOLERANCE_S <= made_at - now <= AHEAD_S:
            raise NotProven("bad_time")
        return Proven(asked.body, once=token)
