"""What Amazon SES, SendGrid, SparkPost, Brevo and Mailjet post, made after the fields of their documentation."""

import time
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.amazon import posted

Json = Any
AT, SENT_AT = 1772449000, "2026-03-02T10:50:00.000Z"
ISO_AT = "2026-03-02T10:56:40.000Z"
SENDGRID_KEY = ec.generate_private_key(ec.SECP256R1())
SENDGRID_SECRET = b64encode(
    SENDGRID_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
).decode()


def by_sns(body: bytes, secret: str) -> tuple[bytes, Mapping[str, str]]:
    """Let SNS post a body; with a secret it is somebody else who signs."""
    return posted(body.decode(), at=datetime.now(UTC), key=_stranger() if secret else None), {
        "content-type": "text/plain"
    }


def by_ecdsa(body: bytes, secret: str) -> tuple[bytes, Mapping[str, str]]:
    """Sign as SendGrid does, now."""
    key = SENDGRID_KEY if secret == SENDGRID_SECRET else ec.generate_private_key(ec.SECP256R1())
    at = str(int(time.time()))
    name = "x-twilio-email-event-webhook"
    signature = b64encode(key.sign(at.encode() + body, ec.ECDSA(SHA256()))).decode()
    return body, {f"{name}-signature": signature, f"{name}-timestamp": at}


@cache
def _stranger() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def ses(name: str, address: str, number: int, reply: str = "", path: str = "") -> Json:
    """Return an event that SES publishes."""
    kind, *further = name.split("/")
    mail = {
        "timestamp": SENT_AT,
        "source": "news@example.com",
        "messageId": f"message-{number}",
        "destination": [address],
        "headers": [{"name": "X-Bounced-Path", "value": path}] if path else [],
        "tags": {"campaign": ["spring"]},
    }
    told: dict[str, Any] = {"eventType": kind, "mail": mail}
    inner: dict[str, Any] = {"timestamp": ISO_AT, "feedbackId": f"feedback-{number}"}
    match kind:
        case "Bounce":
            recipient = {"emailAddress": address, "status": "5.0.0"}
            recipient |= {"diagnosticCode": f"smtp; {reply}"} if reply else {}
            inner |= {"bounceType": further[0], "bounceSubType": further[1] if further[1:] else "Novel"}
            told["bounce"] = inner | {"bouncedRecipients": [recipient], "remoteMtaIp": "192.0.2.1"}
        case "Complaint":
            inner["complainedRecipients"] = [{"emailAddress": address}]
            inner["complaintFeedbackType"] = further[0] if further else "abuse"
            inner["complaintSubType"] = "OnAccountSuppressionList" if further == ["OnAccountSuppressionList"] else None
            told["complaint"] = inner
        case "Subscription":
            told["subscription"] = inner | {"newTopicPreferences": {"unsubscribeAll": bool(further)}}
        case "Delivery":
            told["delivery"] = inner | {"recipients": [address], "smtpResponse": "250 ok"}
        case _:
            told[kind.lower()] = inner
    return told


def sendgrid(name: str, address: str, number: int, reply: str = "", path: str = "") -> Json:
    """Return an event of SendGrid."""
    kind, _, further = name.partition("/")
    told: dict[str, Any] = {
        "event": "bounce" if kind in ("blocked", "expired") else kind,
        "email": address,
        "timestamp": AT,
        "sg_event_id": f"event-{number}",
        "sg_message_id": f"message-{number}",
        "category": ["spring"],
        **({"bounced_path": path} if path else {}),
    }
    if told["event"] == "bounce":
        told |= {"type": kind, "status": "5.0.0", "reason": reply, "bounce_classification": further or "Unclassified"}
    elif further == "machine":
        told["sg_machine_open"] = True
    return told


def sparkpost(name: str, address: str, number: int, reply: str = "", path: str = "") -> Json:
    """Return an event of SparkPost."""
    if name == "empty batch":
        return {"msys": {}}
    kind, _, further = name.partition("/")
    told: dict[str, Any] = {
        "type": kind,
        "event_id": f"event-{number}",
        "timestamp": str(AT),
        "rcpt_to": address,
        "raw_rcpt_to": address,
        "campaign_id": "spring",
        "injection_time": SENT_AT,
        "rcpt_meta": {"bounced_path": path} if path else {},
    }
    match kind:
        case "bounce":
            told |= {"bounce_class": further or "999", "raw_reason": reply, "ip_address": "192.0.2.1"}
        case "spam_complaint":
            told["fbtype"] = further or "abuse"
        case "open":
            told["is_prefetched"] = bool(further)
    return {"msys": {"message_event": told}}


def brevo(name: str, address: str, number: int, reply: str = "", path: str = "") -> Json:
    """Return an event of Brevo."""
    told = {
        "event": name,
        "email": address,
        "id": 7,
        "ts_event": AT,
        "message-id": f"<{number}@relay.example.com>",
        "tags": ["spring"],
        "X-Mailin-custom": f"shop:7|bounced_path:{path}" if path else "",
    }
    return told | ({"reason": reply} if reply else {})


def mailjet(name: str, address: str, number: int, reply: str = "", path: str = "") -> Json:
    """Return an event of Mailjet."""
    kind, _, error = name.partition("/")
    told: dict[str, Any] = {
        "event": kind,
        "time": AT,
        "email": address,
        "MessageID": 19421777835146490 + number,
        "customcampaign": "spring",
        "CustomID": "",
        "Payload": f'{{"bounced_path":"{path}"}}' if path else "",
    }
    if kind == "bounce":
        told |= {"hard_bounce": True, "error_related_to": "recipient", "error": error, "comment": reply}
    return told
