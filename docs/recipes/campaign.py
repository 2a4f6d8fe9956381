"""Mail one message to many by smtplib: each with its own return path, nobody who is suppressed, outcomes told.

python campaign.py recipients.txt message.eml --key main.key --key-id a --bounce-domain bounce.example.com
"""

import argparse
import smtplib
from collections import Counter
from collections.abc import Iterable
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from bounced.client import Client, Keyring, ReturnPaths, SigningKey


def mail_all(
    client: Client, smtp: smtplib.SMTP, message: EmailMessage, recipients: Iterable[str], tag: str
) -> Counter[str]:
    """Return how many were sent, refused, and suppressed."""
    recipients = list(recipients)
    suppressed = client.suppressed_among(recipients)
    outcomes = Counter(suppressed=len(suppressed))
    sent: Counter[str] = Counter()
    for recipient in recipients:
        if recipient in suppressed:
            continue
        del message["To"]
        message["To"] = recipient
        try:
            smtp.send_message(message, client.return_path_for(recipient, tag=tag), [recipient])
        except smtplib.SMTPRecipientsRefused as refused:
            code, text = refused.recipients[recipient]
            client.report_rejected(recipient, f"{code} {text.decode(errors='replace')}", campaign=tag)
            outcomes["refused"] += 1
        else:
            outcomes["sent"] += 1
            sent[recipient.rpartition("@")[2]] += 1
    for domain, count in sent.items():
        client.report_sent(count, campaign=tag, domain=domain)
    return outcomes


def main() -> None:
    """Read the arguments and mail."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipients", type=Path, help="one address a line")
    parser.add_argument("message", type=Path, help="the message, without To")
    parser.add_argument("--key", type=Path, required=True, help="file with the list's signing key")
    parser.add_argument("--key-id", required=True)
    parser.add_argument("--bounce-domain", required=True)
    parser.add_argument("--list", default="main")
    parser.add_argument("--tag", default="", help="code of the campaign")
    parser.add_argument("--redis", default="redis://127.0.0.1:6379/0")
    parser.add_argument("--smtp", default="127.0.0.1:25")
    options = parser.parse_args()

    key = SigningKey.from_file(options.key_id, options.key)
    return_paths = ReturnPaths(options.list, (options.bounce_domain,), Keyring(key))
    message = message_from_bytes(options.message.read_bytes(), EmailMessage, policy=policy.SMTP)
    host, _, port = options.smtp.rpartition(":")
    with Client.from_url(options.redis, return_paths) as client, smtplib.SMTP(host, int(port)) as smtp:
        outcomes = mail_all(client, smtp, message, options.recipients.read_text("utf-8").split(), options.tag)
    print(", ".join(f"{outcomes[name]} {name}" for name in ("sent", "refused", "suppressed")))  # noqa: T201 - the answer of a script


if __name__ == "__main__":
    main()
