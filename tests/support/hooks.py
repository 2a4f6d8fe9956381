"""What services post, made after the fields that their documentation names, and proven with keys of the test."""

import hmac
import json
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from bounced.web.hooks.standard_webhooks import signature
from tests.support import hosted
from tests.support.amazon import TOPIC

SECRET = "a secret of the tests, long enough"
KEY = b"a key of the tests, 32 octets ok"
WHSEC = f"whsec_{b64encode(KEY).decode()}"
UNKNOWN = "550 5.1.1 <{address}>: Recipient address rejected: User unknown in virtual mailbox table"
FULL = "552 5.2.2 mailbox full"

Json = Any


@dataclass(frozen=True)
class Posted:
    """A request: its body and header fields."""

    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Sample:
    """How a service speaks.

    ``event`` makes one event of a name in the service's table, about an address, with a number of its own and perhaps
    a reply and a return path.  ``prove`` makes the request of a body, by a key or secret.  ``secret`` is what stands in
    the file; in its place ``topics`` are believed.
    """

    secret: str
    event: Callable[..., Json]
    prove: Callable[[bytes, str], Posted]
    batches: bool = False
    topics: tuple[str, ...] = ()

    def posted(self, *events: Json, secret: str = "", raw: bytes = b"") -> Posted:
        """Return a request with these events."""
        value = list(events) if self.batches and len(events) != 1 else events[0] if events else None
        return self.prove(raw or json.dumps(value).encode(), secret or self.secret)


def by_basic(body: bytes, secret: str) -> Posted:
    """Prove by a shared secret in Basic."""
    pair = b64encode(f"hooks:{secret}".encode()).decode()
    return Posted(body, {"authorization": f"Basic {pair}", "content-type": "application/json"})


def by_bearer(body: bytes, secret: str) -> Posted:
    """Prove by a shared secret in Bearer."""
    return Posted(body, {"authorization": f"Bearer {secret}", "content-type": "application/json"})


def by_standard_webhooks(prefix: str) -> Callable[[bytes, str], Posted]:
    """Return how to prove by Standard Webhooks, now."""

    def prove(body: bytes, secret: str) -> Posted:
        key = KEY if secret == WHSEC else sha256(secret.encode()).digest()
        at = int(time.time())
        signed = signature(key, "msg_1", at, body)
        fields = {"id": "msg_1", "timestamp": str(at), "signature": signed}
        return Posted(body, {f"{prefix}-{name}": value for name, value in fields.items()})

    return prove


def by_mailgun(body: bytes, secret: str) -> Posted:
    """Put a signature beside the event; the token is made of it, as if it were random."""
    at, token = str(int(time.time())), sha256(body).hexdigest()[:50]
    signed = hmac.digest(secret.encode(), f"{at}{token}".encode(), "sha256").hex()
    value = json.loads(body)
    whole = {"signature": {"timestamp": at, "token": token, "signature": signed}, **(value or {})}
    return Posted(json.dumps(whole).encode(), {"content-type": "application/json"})


def postmark(name: str, address: str, number: int, reply: str = "", path: str = "") -> Json:
    """Return an event of Postmark."""
    kind, *further = name.split("/")
    told: dict[str, Any] = {"RecordType": kind, "MessageID": f"message-{number}", "ServerID": 7, "Tag": "spring"}
    told["Metadata"] = {"bounced_path": path} if path else {}
    at = "2026-03-02T10:53:34.4160711Z"
    match kind:
        case "Bounce":
            told |= {"ID": number, "Type": further[0], "Email": address, "BouncedAt": at, "Inactive": True}
            told["Details"] = f"smtp;{reply}" if reply else ""
        case "SpamComplaint":
            told |= {"ID": number, "Type": "SpamComplaint", "Email": address, "BouncedAt": at}
        case "SubscriptionChange":
            reason, *origin = further
            lifted = reason == "Reactivated"
            told |= {"Recipient": address, "ChangedAt": at, "SuppressSending": not lifted}
            told |= {"SuppressionReason": None if lifted else reason, "Origin": origin[0] if origin else "Recipient"}
        case _:
            told |= {"Recipient": address, "DeliveredAt" if kind == "Delivery" else "ReceivedAt": at}
    return told


def kumomta(name: str, address: str, number: int, reply: str = "", path: str = "") -> Json:
    """Return a log record of KumoMTA."""
    code, _, content = (reply or "0 ").partition(" ")
    status, words = (content.split(" ", 1) if content[1:2] == "." else ("", content)) if reply else ("", "")
    told: dict[str, Any] = {
        "type": name,
        "id": f"spool{number}",
        "sender": path or "news@example.com",
        "recipient": address,
        "queue": "spring:tenant@company.example",
        "created": 1772448000,
        "timestamp": 1772449000,
        "num_attempts": 1,
        "peer_address": {"name": "mx.company.example.", "addr": "192.0.2.1"},
        "response": {"code": int(code), "content": words, "command": "RCPT TO"},
        "headers": {},
        "meta": {},
        "bounce_classification": "Uncategorized",
    }
    if status:
        told["response"]["enhanced_code"] = dict(
            zip(("class", "subject", "detail"), map(int, status.split(".")), strict=True)
        )
    if name == "Feedback":
        told["feedback_report"] = {"feedback_type": "abuse", "original_mail_from": path, "original_rcpt_to": [address]}
    if name in ("Feedback", "OOB"):
        told |= {"sender": "", "recipient": path or "bounces@example.com"}
    return told


def mailgun(name: str, address: str, number: int, reply: str = "", path: str = "") -> Json:
    """Return an event of Mailgun."""
    event, *further = name.split("/")
    data: dict[str, Any] = {
        "event": event,
        "id": f"event-{number}",
        "timestamp": 1772449000.25,
        "recipient": address,
        "tags": ["spring"],
        "envelope": {"sender": "bounce@mg.example.com", "targets": address, "transport": "smtp"},
        "user-variables": {"bounced_path": path} if path else {},
        "message": {"headers": {"message-id": f"{number}@mg.example.com"}},
    }
    if event == "failed":
        code = int(reply[:3]) if reply else 0
        data |= {"severity": further[0], "reason": further[1] if further[1:] else "generic"}
        data["delivery-status"] = {"code": code, "message": reply, "mx-host": "mx.company.example", "attempt-no": 1}
    elif further == ["bot"]:
        data["client-info"] = {"bot": "apple"}
    return {"event-data": data}


def resend(name: str, address: str, number: int, reply: str = "", path: str = "") -> Json:
    """Return an event of Resend."""
    type_, *further = name.split("/")
    data: dict[str, Any] = {
        "email_id": f"email-{number}",
        "created_at": "2026-03-02T10:50:00.000Z",
        "from": "News <news@example.com>",
        "to": [address],
        "subject": "News",
        "tags": {"campaign": "spring"},
        "headers": [{"name": "X-Bounced-Path", "value": path}] if path else [],
    }
    if type_ == "email.bounced":
        kind, sub = further or ("Permanent", "General")
        data["bounce"] = {"message": "It bounced.", "type": kind, "subType": sub}
        data["bounce"] |= {"diagnosticCode": [f"smtp; {reply}"]} if reply else {}
    return {"type": type_, "created_at": "2026-03-02T10:53:34.416Z", "data": data}


def generic(name: str, address: str, number: int, reply: str = "", path: str = "") -> Json:
    """Return an event of a program of one's own."""
    told: dict[str, Any] = {"type": name, "address": address, "id": f"event-{number}", "at": 1772449000}
    told |= {"campaign": "spring"} | ({"return_path": path} if path else {})
    if name == "rejected":
        told |= {"reply": reply} if reply else {"category": "mailbox_full", "action": "failed"}
    return told


SAMPLES: Mapping[str, Sample] = {
    "brevo": Sample(SECRET, hosted.brevo, by_basic, batches=True),
    "generic": Sample(WHSEC, generic, by_standard_webhooks("webhook"), batches=True),
    "kumomta": Sample(SECRET, kumomta, by_bearer, batches=True),
    "mailgun": Sample(SECRET, mailgun, by_mailgun),
    "mailjet": Sample(SECRET, hosted.mailjet, by_basic, batches=True),
    "postmark": Sample(SECRET, postmark, by_basic),
    "resend": Sample(WHSEC, resend, by_standard_webhooks("svix")),
    "sendgrid": Sample(
        hosted.SENDGRID_SECRET, hosted.sendgrid, lambda *given: Posted(*hosted.by_ecdsa(*given)), batches=True
    ),
    "ses": Sample("", hosted.ses, lambda *given: Posted(*hosted.by_sns(*given)), topics=(TOPIC,)),
    "sparkpost": Sample(SECRET, hosted.sparkpost, by_bearer, batches=True),
}
"""By the service's name."""

REFUSES: Mapping[str, str] = {
    "brevo": "hard_bounce",
    "generic": "rejected",
    "kumomta": "Bounce",
    "mailgun": "failed/permanent",
    "mailjet": "bounce/user unknown",
    "postmark": "Bounce/HardBounce",
    "resend": "email.bounced",
    "sendgrid": "bounce/Invalid Address",
    "ses": "Bounce/Permanent/General",
    "sparkpost": "bounce/10",
}
"""The event by which each says that a server refused a message for good."""
