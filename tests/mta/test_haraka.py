"""A real Haraka tells bounced what became of its mail, by the plugin of config/examples."""

import asyncio
import os
import smtplib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.daemon import WAIT_S, Daemon
from tests.support.mta import HARAKA_TELLING, running
from tests.support.programs import FOLDER
from tests.support.redis_server import redis_server

EXAMPLES = Path(__file__).parents[2] / "config" / "examples" / "haraka"
ALICE, BOB = "alice@example.org", "bob@example.org"
INTAKE = "bounced:{main}:intake"
NO_SUCH_USER = "550 5.1.1 <alice@example.org>: Recipient address rejected: User unknown in virtual mailbox table"
ACCEPTED = 250

pytestmark = [
    pytest.mark.skipif(
        HARAKA_TELLING.find() is None or not (FOLDER / "haraka/usr/lib/node_modules/redis").is_dir(),
        reason="Haraka is not here: tests/install-programs",
    ),
    pytest.mark.skipif(os.geteuid() != 0, reason="an MTA of its own needs root"),
]


class NextHop:
    """The recipients' server: it knows Bob, and not Alice."""

    def __init__(self) -> None:
        self.notices: asyncio.Queue[bytes] = asyncio.Queue()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address == ALICE:
            return NO_SUCH_USER
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if envelope.rcpt_tos[0].endswith("@bounce.example.com"):
            assert isinstance(envelope.content, bytes)
            await self.notices.put(envelope.content)
        return "250 2.0.0 OK"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[int]:
    """Give the port of a Redis."""
    with redis_server(tmp_path) as port:
        yield port


def send(port: int, path: str, recipient: str) -> None:
    """Send a message through Haraka."""
    with smtplib.SMTP("127.0.0.1", port, "app.sender.example", WAIT_S) as client:
        client.ehlo()
        client.mail(path)
        client.rcpt(recipient)
        code, text = client.data(b"From: news@example.com\r\nSubject: November\r\n\r\nHello!\r\n")
        assert code == ACCEPTED, text


async def told(client: Any, count: int) -> list[dict[str, str]]:
    """Wait for entries of the intake, and return them without their time."""
    found: list[dict[str, str]] = []
    last = "0"
    async with asyncio.timeout(WAIT_S):
        while len(found) < count:
            for _, entries in await client.xread({INTAKE: last}, block=1000):
                last = entries[-1][0]
                found += [{name: value for name, value in fields.items() if name != "at"} for _, fields in entries]
    return found


async def test_haraka_tells_of_deliveries_and_refusals(server, tmp_path):
    """With the reply, its server and its stage; the notice that Haraka sends as well changes nothing more."""
    daemon = Daemon(tmp_path, url=f"redis://127.0.0.1:{server}/0")
    paths = {address: daemon.return_path(address) for address in (ALICE, BOB)}
    hop, home = NextHop(), tmp_path / "mta"
    home.mkdir()
    shown = {"PLUGIN": (EXAMPLES / "bounced.js").read_text(), "REDIS": server}
    loop = asyncio.get_running_loop()
    client: Any  # redis-py's answers are unions of what all its clients return
    async with (
        redis.asyncio.Redis(port=server, decode_responses=True) as client,
        await loop.create_server(lambda: SMTP(hop, hostname="mx"), "127.0.0.1", 0) as listening,
    ):
        next_hop = listening.sockets[0].getsockname()[1]
        with running(HARAKA_TELLING, home, DAEMON=next_hop, REFUSER=next_hop, **shown) as port:
            for address, path in paths.items():
                await asyncio.to_thread(send, port, path, address)
            entries = await told(client, 2)
            notice = await asyncio.wait_for(hop.notices.get(), WAIT_S)
        assert sorted(entries, key=lambda entry: entry["address"]) == [
            {
                "type": "rejected",
                "address": ALICE,
                "return_path": paths[ALICE],
                "action": "failed",
                "reply": NO_SUCH_USER,
                "mta": "127.0.0.1",
                "stage": "RCPT",
            },
            {"type": "delivered", "address": BOB, "return_path": paths[BOB], "mta": "127.0.0.1"},
        ]
        await asyncio.to_thread(daemon.start)
        try:
            assert (await asyncio.to_thread(daemon.send, paths[ALICE], notice))[0] == ACCEPTED
            async with asyncio.timeout(WAIT_S):
                while await client.xlen(INTAKE):  # noqa: ASYNC110 - nothing tells when the last entry is read
                    await asyncio.sleep(0.05)
            events = [fields for _, fields in await client.xrange("bounced:{main}:events")]
            assert await client.smembers("bounced:{main}:suppressed") == {ALICE}
            types = [event["type"] for event in events if event.get("address") == ALICE]
            assert (types.count("transition"), types[0]) == (1, "rejected")
        finally:
            await asyncio.to_thread(daemon.stop)
