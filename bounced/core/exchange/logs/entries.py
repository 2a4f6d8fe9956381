"""What a log says of one message to one address, as an entry of the intake.  (docs/contract.md, section 2)"""

from hashlib import sha256

from bounced.core.contract.intake import MAX_ID_CHARACTERS
from bounced.core.exchange.hooks.heard import Entry, Unclear, cleaned
from bounced.core.limits import MAX_HOOK_EVENT_CHARS, MAX_REPLY_CHARS
from bounced.core.mailbox import MAX_DOMAIN_BYTES


def delivered(address: str, return_path: str, at: str, sent_at: str = "") -> Entry:
    """Return that the recipient's server took a message."""
    fields = {"type": "delivered", "address": address, "at": at, "return_path": return_path}
    if sent_at:
        fields["sent_at"] = sent_at
    return Entry(fields)


def rejected(
    address: str,
    return_path: str,
    at: str,
    id_: str,
    *,
    reply: str = "",
    mta: str = "",
    stage: str = "",
    category: str = "",
    sent_at: str = "",
) -> Entry:
    """Return that a message failed for good.  ``id_`` names the failure, ``mta`` and ``stage`` who said it and when."""
    fields = {
        "type": "rejected",
        "address": address,
        "at": at,
        "id": _bounded(id_),
        "reply": cleaned(reply, MAX_REPLY_CHARS),
        "mta": mta[:MAX_DOMAIN_BYTES],
        "stage": stage,
        "category": category,
        "action": "failed",
        "return_path": return_path,
        "sent_at": sent_at,
    }
    return Entry({name: text for name, text in fields.items() if text})


def unclear(line: str, why: str) -> Unclear:
    """Return a line that should say what became of a message, and is not understood."""
    return Unclear(cleaned(line, MAX_HOOK_EVENT_CHARS), why)


def _bounded(id_: str) -> str:
    named = cleaned(id_, 2 * MAX_ID_CHARACTERS)
    return named if len(named) <= MAX_ID_CHARACTERS else f"log:{sha256(id_.encode('utf-8', 'replace')).hexdigest()}"
