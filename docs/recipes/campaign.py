"""Mail one message to many by smtplib: each with its own return path, a way to unsubscribe, outcomes told.

python campaign.py recipients.txt message.eml --key main.key --key-id a --bounce-domain bounce.example.com

It mails no suppressed address.  It asks the list just before each message, because a campaign may take hours.
Your MTA has to sign the header fields (docs/client.md).

It names on standard error each recipient who was neither mailed nor refused for good, with the reason.  The exit code
is then 1: run it again for those.  If a connection was lost, they may have got the message all the same.
"""

import argparse
import smtplib
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import NamedTuple

from redis.exceptions import RedisError

from bounced.client import BadAddress, Client, Keyring, MailFields, ReturnPaths, SigningKey

LINES_AS_THEY_ARE = policy.SMTP.clone(max_line_length=998)
"""Without this, Python makes encoded words of long header fields, and no mailbox provider shows a button for them."""
TIMEOUT_S = 300
MAX_VAIN = 3
"""After so many failed attempts in a row the MTA or Redis counts as away."""


class Mta:
    """An MTA.  We connect again if it ended the connection, as with 421, or if the connection was lost."""

    def __init__(self, host: str, port: int) -> None:
        self._where = host, port
        self._smtp: smtplib.SMTP | None = None
        self._vain = 0

    @property
    def name(self) -> str:
        """The host that replies, as the daemon is told."""
        return self._where[0]

    @property
    def away(self) -> bool:
        """Whether it could not be reached several times in a row."""
        return self._vain >= MAX_VAIN

    def send(self, message: EmailMessage, return_path: str, recipient: str) -> None:
        """Hand over a message.  Raises SMTPException, OSError."""
        if self._smtp is None or self._smtp.sock is None:
            self._vain += 1
            self._smtp = smtplib.SMTP(*self._where, timeout=TIMEOUT_S)
            self._vain = 0
        try:
            self._smtp.send_message(message, return_path, [recipient])
        except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused):
            self._begin_anew(self._smtp)
            raise
        except OSError:
            self._smtp.close()  # it may be in the middle of anything
            raise

    def _begin_anew(self, smtp: smtplib.SMTP) -> None:
        """Prepare for the next message after a reply; the MTA may have ended the connection with it."""
        try:
            smtp.rset()
        except OSError:
            smtp.close()

    def close(self) -> None:
        """End the connection.  It does no harm if the MTA ended it first."""
        if self._smtp is not None and self._smtp.sock is not None:
            try:
                self._smtp.quit()
            except OSError:
                self._smtp.close()


class Refusal(NamedTuple):
    """A refusal of a recipient for good: the reply, and the command that it answers."""

    reply: str
    stage: str


class Campaign:
    """One message to many, and what became of it."""

    def __init__(self, client: Client, mta: Mta, message: EmailMessage, tag: str) -> None:
        self._client = client
        self._mta = mta
        self._message = message
        self._tag = tag
        self._sent: Counter[str] = Counter()
        self._silent = 0
        self.outcomes: Counter[str] = Counter()
        self.left: dict[str, str] = {}

    def mail_all(self, recipients: Iterable[str]) -> None:
        """Mail all who are not suppressed.  Then tell the daemon how many were sent, also after an error."""
        try:
            for recipient in recipients:
                if reason := self._in_vain():
                    self.left[recipient] = reason
                else:
                    self._mail(recipient)
        finally:
            for domain, count in self._sent.items():
                tell(self._client.report_sent, count, campaign=self._tag, domain=domain)

    def _in_vain(self) -> str:
        """Return why no further mail is possible; empty while it is."""
        if self._mta.away:
            return "the MTA cannot be reached"
        return "Redis does not answer" if self._silent >= MAX_VAIN else ""

    def _mail(self, recipient: str) -> None:
        try:
            suppressed = self._client.is_suppressed(recipient)
            self._silent = 0
            if not suppressed:
                self._send(recipient)
        except RedisError as error:
            self._silent += 1
            self.left[recipient] = str(error) or type(error).__name__
        except (BadAddress, OSError) as error:
            if refusal := refusal_for_good(error):
                self.outcomes["refused"] += 1
                facts = {"mta": self._mta.name, "stage": refusal.stage, "campaign": self._tag}
                tell(self._client.report_rejected, recipient, refusal.reply, **facts)
            else:
                self.left[recipient] = str(error) or type(error).__name__
        else:
            self.outcomes["suppressed" if suppressed else "sent"] += 1

    def _send(self, recipient: str) -> None:
        return_path = self._client.return_path_for(recipient, tag=self._tag)
        fields = {"To": recipient, **self._client.headers_for(recipient, tag=self._tag)}
        for name, value in fields.items():
            del self._message[name]
            self._message[name] = value
        self._mta.send(self._message, return_path, recipient)
        self._sent[recipient.rpartition("@")[2]] += 1


def refusal_for_good(error: Exception) -> Refusal | None:
    """Return the refusal of the recipient for good, at RCPT or after DATA; None for any other error.

    A refusal of the sender says nothing about the recipient.  A refusal with 4yz can be tried again.
    """
    replies: list[tuple[int, bytes | str, str]] = []
    match error:
        case smtplib.SMTPRecipientsRefused(recipients=refused):
            replies = [(code, said, "rcpt") for code, said in refused.values()]
        case smtplib.SMTPDataError(smtp_code=code, smtp_error=said):
            replies = [(code, said, "data")]
    for_good = (each for each in replies if 500 <= each[0] < 600)  # noqa: PLR2004 - 5yz
    return next((Refusal(f"{code} {_text(said)}", stage) for code, said, stage in for_good), None)


def _text(said: bytes | str) -> str:
    return said if isinstance(said, str) else said.decode(errors="replace")


def tell(report: Callable[..., str], *facts: str | int, **more: str) -> None:
    """Tell the daemon.  A rejected message brings no bounce, and rates need the number of messages sent."""
    try:
        report(*facts, **more)
    except (RedisError, ValueError) as error:
        print(f"{report.__name__} {facts}: could not be told, {error}", file=sys.stderr)  # noqa: T201 - of a script


def main() -> None:
    """Read the arguments and mail."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipients", type=Path, help="one address a line")
    parser.add_argument("message", type=Path, help="the message, without To")
    parser.add_argument("--key", type=Path, required=True, help="file with the list's signing key")
    parser.add_argument("--key-id", required=True)
    parser.add_argument("--bounce-domain", required=True)
    parser.add_argument("--list", default="main", help="the list of this mail: newsletter, transactional, ...")
    parser.add_argument("--tag", default="", help="code of the campaign")
    parser.add_argument("--unsubscribe-url", default="", help="https address of the page that unsubscribes")
    parser.add_argument("--sender-id", default="", help="5 to 15 characters, your name in Feedback-ID")
    parser.add_argument("--redis", default="redis://127.0.0.1:6379/0")
    parser.add_argument("--smtp", default="127.0.0.1:25")
    options = parser.parse_args()

    key = SigningKey.from_file(options.key_id, options.key)
    return_paths = ReturnPaths(options.list, (options.bounce_domain,), Keyring(key))
    message = message_from_bytes(options.message.read_bytes(), EmailMessage, policy=LINES_AS_THEY_ARE)
    host, _, port = options.smtp.rpartition(":")
    mta = Mta(host, int(port))
    fields = MailFields(options.unsubscribe_url, sender_id=options.sender_id)
    with Client.from_url(options.redis, return_paths, mail_fields=fields) as client:
        campaign = Campaign(client, mta, message, options.tag)
        campaign.mail_all(options.recipients.read_text("utf-8").split())
    mta.close()
    print(", ".join(f"{campaign.outcomes[name]} {name}" for name in ("sent", "refused", "suppressed")))  # noqa: T201 - the answer of a script
    for recipient, reason in campaign.left.items():
        print(f"{recipient}: left, {reason}", file=sys.stderr)  # noqa: T201 - likewise
    sys.exit(1 if campaign.left else 0)


if __name__ == "__main__":
    main()
