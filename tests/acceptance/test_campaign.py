"""A new user's first campaign: a thousand recipients by smtplib, bounces come back, the next run is right."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session
from redis import Redis

from tests.support.daemon import send, unknown_user

SCRIPT = Path(__file__).parents[2] / "docs" / "recipes" / "campaign.py"
RECIPIENTS = [f"user{n}@example{n % 7}.org" for n in range(990)] + [f"nobody{n}@example.net" for n in range(10)]
GONE = RECIPIENTS[:990:10]
MESSAGE = "From: news@example.com\nSubject: November\n\nHello!\n"


@dataclass
class Relay:
    """The sender's own MTA: it knows that there is no nobody, and takes the rest."""

    return_paths: dict[str, str] = field(default_factory=dict)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("nobody"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - likewise
        assert envelope.mail_from is not None
        self.return_paths[envelope.rcpt_tos[0]] = envelope.mail_from
        return "250 OK"


@asynccontextmanager
async def listening(relay: Relay) -> AsyncIterator[str]:
    """Give the address of an MTA."""
    loop = asyncio.get_running_loop()
    async with await loop.create_server(lambda: SMTP(relay, hostname="relay"), "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def run_campaign(folder: Path, relay: Relay, redis_url: str) -> str:
    """Run the script as its user would, and return what it prints."""
    (folder / "recipients.txt").write_text("\n".join(RECIPIENTS))
    (folder / "message.eml").write_text(MESSAGE)
    key = ("--key", "a.key", "--key-id", "a", "--bounce-domain", "bounce.example.com")
    async with listening(relay) as address:
        where = ("--redis", redis_url, "--smtp", address, "--tag", "nov")
        command = (str(SCRIPT), "recipients.txt", "message.eml", *key, *where)
        script = await asyncio.create_subprocess_exec(
            sys.executable, *command, cwd=folder, stdout=asyncio.subprocess.PIPE
        )
        printed, _ = await script.communicate()
    assert script.returncode == 0
    return printed.decode().strip()


async def test_the_second_run_leaves_out_whoever_bounced_in_the_first(daemons):
    """Each message has a return path of its own, and what the MTA refused is told to the daemon."""
    daemon = daemons().start()
    redis_url = f"unix://{daemon.folder}/data/server.sock"
    first, second = Relay(), Relay()
    assert await run_campaign(daemon.folder, first, redis_url) == "990 sent, 10 refused, 0 suppressed"
    assert len(set(first.return_paths.values())) == 990

    with daemon.session() as session:
        for recipient in GONE:
            path = first.return_paths[recipient]
            assert send(session, path, unknown_user(recipient, path))[0] == 250

    assert (await run_campaign(daemon.folder, second, redis_url)).startswith("891 sent, ")
    assert first.return_paths.keys() - second.return_paths.keys() == set(GONE)
    with Redis(unix_socket_path=f"{daemon.folder}/data/server.sock", decode_responses=True) as redis:
        assert redis.hget(f"bounced:{{main}}:address:{GONE[0]}", "campaign") == "nov"
