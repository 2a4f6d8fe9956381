"""Lines as Postfix writes them, of messages with return paths of ours."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from bounced.core.return_path import Keyring, ReturnPaths, SigningKey

SECRET = b"a secret of the tests' list, long enough"
DOMAIN = "bounce.example.com"
PATHS = ReturnPaths("main", (DOMAIN,), Keyring(SigningKey("a", SECRET)))
UNKNOWN = "550 5.1.1 <{address}>: Recipient address rejected: User unknown in virtual mailbox table"


@dataclass(slots=True)
class PostfixLog:
    """Writes what Postfix logs.  ``at`` is the time of the next line."""

    at: datetime
    paths: ReturnPaths = PATHS
    messages: int = 0

    def path(self, address: str, tag: str = "news") -> str:
        """Return a return path for an address."""
        return self.paths.encode(address, issued=self.issued, tag=tag)

    @property
    def issued(self) -> date:
        """On which day messages were sent."""
        return self.at.date()

    def message(self, address: str, *outcome: str, sender: str | None = None) -> Iterator[str]:
        """Yield the lines of one message: it is taken in, something becomes of it, it is removed."""
        self.messages += 1
        queue_id = f"{self.messages:010X}"
        path = self.path(address) if sender is None else sender
        yield self.line("qmgr", f"{queue_id}: from=<{path}>, size=1234, nrcpt=1 (queue active)")
        for each in outcome:
            yield self.line("smtp", f"{queue_id}: to=<{address}>, {each}")
        yield self.line("qmgr", f"{queue_id}: removed")

    def delivered(self, address: str, sender: str | None = None) -> Iterator[str]:
        """Yield the lines of a message that was delivered."""
        return self.message(
            address, self.outcome(address, "2.0.0", "sent (250 2.0.0 Ok: queued as 4F1)"), sender=sender
        )

    def rejected(self, address: str, sender: str | None = None) -> Iterator[str]:
        """Yield the lines of a message whose recipient is not known."""
        server = f"mx.{address.rpartition('@')[2]}[192.0.2.25]"
        said = f"host {server} said: {UNKNOWN.format(address=address)} (in reply to RCPT TO command)"
        return self.message(address, self.outcome(address, "5.1.1", f"bounced ({said})"), sender=sender)

    def outcome(self, address: str, dsn: str, status: str) -> str:
        """Return what became of a message."""
        server = f"mx.{address.rpartition('@')[2]}[192.0.2.25]:25"
        return f"relay={server}, delay=0.5, delays=0.1/0/0.2/0.2, dsn={dsn}, status={status}"

    def line(self, daemon: str, text: str) -> str:
        """Return one line; a millisecond later comes the next one."""
        self.at += timedelta(milliseconds=1)
        return f"{self.at.astimezone(UTC).isoformat(timespec='microseconds')} mx1 postfix/{daemon}[4711]: {text}\n"
