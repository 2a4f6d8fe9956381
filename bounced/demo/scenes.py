"""Six bounces that look alike at first sight, and what each means."""

import json
import secrets
import smtplib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from importlib import resources

from bounced.core.return_path import ReturnPaths

PLAYED_AT_HOST = "mail.mailbox.example"

_ON_ITS_WAY = timedelta(seconds=3)
"""How long before the notice the message was sent that it is about."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One bounce: the file of its message, the address it is about, and whether its return path is forged."""

    message: str
    address: str
    forged: bool = False

    def content(self, return_path: str, at: datetime | None = None) -> bytes:
        """Return the message as an MTA would send it at a time, by default now; the files hold no date of their own."""
        text = resources.files("bounced.demo").joinpath("messages", f"{self.message}.eml").read_text("utf-8")
        at = (at or datetime.now(UTC)).astimezone(UTC)
        facts = {
            "return_path": return_path,
            "recipient": self.address,
            "run": secrets.token_hex(4),
            "at": _date(at),
            "sent": _date(at - _ON_ITS_WAY),
            "unix": str(int(at.timestamp())),
            "stamp": f"{at:%Y%m%d%H%M%S}",
        }
        for name, value in facts.items():
            text = text.replace(f"{{{{{name}}}}}", value)
        return text.replace("\n", "\r\n").encode()


SCENES = (
    Scene("unknown_user", "alice@mailbox.example"),
    Scene("full_mailbox", "bob@mailbox.example"),
    Scene("spam_block", "carol@mailbox.example"),
    Scene("delayed", "dave@mailbox.example"),
    Scene("complaint", "erin@mailbox.example"),
    Scene("unknown_user", "frank@mailbox.example", forged=True),
)


SAMPLES = tuple(dict.fromkeys(scene.message for scene in SCENES))
"""What a newcomer may send, by the names of the messages."""


def sample(message: str) -> Scene:
    """Return a bounce about somebody who was never heard of."""
    return Scene(message, f"newcomer-{secrets.token_hex(3)}@mailbox.example")


@dataclass(frozen=True, slots=True)
class PlayedScene:
    """A scene and its result: the SMTP reply, and the newest entry of the address's history, if there is one."""

    scene: Scene
    reply: str
    entry: dict[str, str]

    def cells(self) -> tuple[str, ...]:
        """Return the row of the table: to whom, what was said, category, what followed, may it be mailed."""
        entry, name = self.entry, self.scene.address.partition("@")[0]
        if self.scene.forged:
            return name, "the return path has one character changed", "", f"{self.reply[:3]}, refused", "yes"
        listed = entry.get("after") in ("held", "suppressed")
        said = (entry.get("diagnostic") or entry.get("kind", "")).replace(f"<{self.scene.address}>: ", "")
        followed = f"{entry.get('before')} -> {entry.get('after')} ({entry.get('reason', '').replace('_', ' ')})"
        return name, said, entry.get("category", ""), followed, "no" if listed else "yes"


def return_path(scene: Scene, paths: ReturnPaths, today: date) -> str:
    """Return the return path that the sender used, or that a forger makes of it."""
    genuine = paths.encode(scene.address, issued=today, tag="issue42")
    if not scene.forged:
        return genuine
    at = len(paths.prefix) + 10
    return genuine[:at] + ("a" if genuine[at] != "a" else "b") + genuine[at + 1 :]


def send(scene: Scene, path: str, host: str, port: int) -> str:
    """Send a scene's message by SMTP, with the null reverse-path, and return the reply that decided."""
    with smtplib.SMTP(host, port, local_hostname=PLAYED_AT_HOST, timeout=10) as client:
        client.ehlo()
        client.mail("")
        code, text = client.rcpt(path)
        if code == 250:  # noqa: PLR2004 - RFC 5321 section 4.2.3
            code, text = client.data(scene.content(path))
    return f"{code} {text.decode(errors='replace')}"


def newest(history: list[str]) -> dict[str, str]:
    """Return the newest entry of an address's history."""
    return dict(json.loads(history[0])) if history else {}


def _date(at: datetime) -> str:
    """Return a date of a header field without its zone, which each MTA writes in its own way."""
    return format_datetime(at).rpartition(" ")[0]
