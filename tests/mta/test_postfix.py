"""A real Postfix asks the look-up server: what is suppressed is refused, what was released is delivered."""

import asyncio
import json
import os
import re
import smtplib
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.daemon import port_of
from tests.support.mta import POSTFIX_ASKING, running
from tests.support.ports import free_port

EXAMPLES = Path(__file__).parents[2] / "config" / "examples" / "postfix"
CAROL, DAVE = "carol@example.org", "dave@example.org"
CONFIG = """
[redis]
url = "embedded"
data_dir = "data"

[lookup]
listen = "127.0.0.1:0"

[lists.main]
domains = ["bounce.example.com"]
keys = [{ id = "k", file = "key" }]
"""
pytestmark = [
    pytest.mark.skipif(POSTFIX_ASKING.find() is None, reason="Postfix is not here: tests/install-programs"),
    pytest.mark.skipif(os.geteuid() != 0, reason="Postfix starts as root only"),
]


@dataclass
class NextHop:
    """The recipients' server: takes everything."""

    taken: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        await self.taken.put(envelope.rcpt_tos[0])
        return "250 OK"


@asynccontextmanager
async def listening(handler: NextHop) -> AsyncIterator[int]:
    """Give the port of a next hop."""
    loop = asyncio.get_running_loop()
    async with await loop.create_server(lambda: SMTP(handler, hostname="mx"), "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@contextmanager
def lookup_server(folder: Path) -> Iterator[int]:
    """Give the port of ``bounced lookup-server``."""
    command = [sys.executable, "-m", "bounced", "lookup-server", "--config", "bounced.toml"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=folder) as process:
        assert process.stderr is not None
        try:
            started = next(event for event in map(json.loads, process.stderr) if event["event"] == "service.started")
            yield port_of(started)
        finally:
            process.terminate()
            process.stderr.read()
    assert process.returncode == 0


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder that Postfix's unprivileged processes can reach, unlike pytest's."""
    with tempfile.TemporaryDirectory(prefix="bounced-postfix-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "bounced.toml").write_text(CONFIG)
        (folder / "key").touch(mode=0o600)
        (folder / "key").write_text("example secret, exactly 32 bytes\n")
        yield folder


def bounced(folder: Path, *words: str) -> None:
    """Run a command of ours."""
    command = [sys.executable, "-m", "bounced", *words, "--config", "bounced.toml"]
    subprocess.run(command, check=True, cwd=folder, capture_output=True)


def send(port: int, recipient: str) -> tuple[int, str]:
    """Send a message by SMTP and return the reply to RCPT, or to DATA where that is taken."""
    with smtplib.SMTP("127.0.0.1", port, local_hostname="app.example.com", timeout=20) as client:
        client.ehlo()
        client.mail("news@example.com")
        code, text = client.rcpt(recipient)
        if code == 250:
            code, text = client.data(b"Subject: November\r\n\r\nHello!\r\n")
        return code, text.decode()


def example(port: int) -> str:
    """Return the shipped main.cf, asking the look-up server at a port."""
    lines = (EXAMPLES / "main.cf").read_text().splitlines()
    shown = [line for line in lines if not line.startswith(("relay_", "lmtp_"))]
    return "\n".join(shown).replace("127.0.0.1:9026", f"127.0.0.1:{port}") + "\n"


async def test_mail_waits_while_the_look_up_server_is_away(folder):
    """With the reply that the example names."""
    shown = (EXAMPLES / "main.cf").read_text()
    away = free_port()
    with running(POSTFIX_ASKING, folder, NEXT_HOP=away, EXAMPLE=example(away)) as port:
        code, text = await asyncio.to_thread(send, port, DAVE)
    assert (code, text) == (451, f"4.3.5 <{DAVE}>: Recipient address rejected: Server configuration error")
    assert re.search(
        r'answers "451 4\.3\.5 <\.\.\.>: Recipient address rejected: Server\s+# configuration error"', shown
    )


async def test_a_suppressed_recipient_is_refused_and_delivered_to_again_after_release(folder):
    """As the example says: in the dialogue, by check_recipient_access."""
    bounced(folder, "suppress", CAROL, "--reason", "asked by phone")
    with lookup_server(folder) as asked:
        handler = NextHop()
        async with listening(handler) as next_hop:
            with running(POSTFIX_ASKING, folder, NEXT_HOP=next_hop, EXAMPLE=example(asked)) as port:
                code, text = await asyncio.to_thread(send, port, "Carol@Example.org")
                assert (code, "5.7.1" in text, "operator" in text) == (554, True, True)
                assert (await asyncio.to_thread(send, port, DAVE))[0] == 250
                assert await handler.taken.get() == DAVE
                await asyncio.to_thread(bounced, folder, "release", CAROL)
                assert (await asyncio.to_thread(send, port, CAROL))[0] == 250
                assert await handler.taken.get() == CAROL
