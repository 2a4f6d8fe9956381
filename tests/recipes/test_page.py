"""Each code block of docs/client.md does what the page says, on a real server.

The blocks about users are tried in tests/client/test_access.py, the one about replies in tests/client/test_classify.py.
"""

import asyncio
import json
import os
import re
import shutil
import smtplib
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from redis import Redis

from bounced.client import Keyring, ReturnPaths, SigningKey
from bounced.core.return_path import Directory
from bounced.core.terms import ReturnPath
from bounced.edges.redis.embedded import EmbeddedServer

from .conftest import TIMEOUT_S

ROOT = Path(__file__).parents[2]
RECIPES, FRAMES = ROOT / "docs" / "recipes", Path(__file__).parent / "page"
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", (ROOT / "docs" / "client.md").read_text(), re.DOTALL | re.MULTILINE)
SECRET = "an example key, long enough"
ALICE, BOB = "alice@example.org", "bob@example.net"
REFUSAL = {"reply": "550 5.1.1 no such user", "mta": "mx.example.net", "stage": "rcpt"}


@dataclass(frozen=True)
class Program:
    """What is laid out for the example of a language, and how it is run."""

    block: str
    frame: str
    recipe: str
    main: str
    arguments: tuple[str, ...]
    mark: str = "// EXAMPLE"
    more: dict[str, str] = field(default_factory=dict)


NODE = {"node_modules/redis/index.mjs": "redis.mjs"}
PROGRAMS = {
    "node": Program("js", "frame.mjs", "bounced.mjs", "main.mjs", ("main.mjs",), more=NODE),
    "php": Program("php", "frame.php", "Bounced.php", "main.php", ("main.php",)),
    "ruby": Program("ruby", "frame.rb", "bounced.rb", "main.rb", ("main.rb",), mark="# EXAMPLE"),
    "go": Program("go", "frame.go", "bounced/bounced.go", "main.go", ("run", ".")),
}


@dataclass
class Relay:
    """The sender's own MTA, and what it took."""

    taken: list[dict[str, Any]] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        header = (envelope.original_content or b"").partition(b"\r\n\r\n")[0].decode()
        names = dict(line.split(": ", 1) for line in re.sub(r"\r\n\s", " ", header).splitlines())
        self.taken.append({"from": envelope.mail_from, "to": envelope.rcpt_tos, "headers": names})
        return "250 OK"


@asynccontextmanager
async def listening(relay: Relay) -> AsyncIterator[str]:
    """Give the address of an MTA."""
    loop = asyncio.get_running_loop()
    async with await loop.create_server(lambda: SMTP(relay, hostname="relay"), "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    """Return the URL of a server of this test's own: the examples name the list main."""
    async with EmbeddedServer(tmp_path / "server") as server:
        yield server.url


@pytest.fixture
def redis(url: str) -> Iterator[Redis]:
    """Return a client to prepare and to look; bob is suppressed."""
    with Redis.from_url(url, decode_responses=True) as redis:
        redis.sadd("bounced:{main}:suppressed", BOB)
        yield redis


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """Return the file of the list's key."""
    (tmp_path / "bounced.key").write_text(SECRET)
    return tmp_path / "bounced.key"


def blocks(language: str) -> list[str]:
    """Return the blocks of a language."""
    return [text for name, text in BLOCKS if name == language]


def told(redis: Redis) -> list[dict[str, str]]:
    """Return what was told to the daemon since the last look, without the times."""
    entries: Any = redis.xrange("bounced:{main}:intake")
    redis.delete("bounced:{main}:intake")
    return [{name: value for name, value in fields.items() if name != "at"} for _, fields in entries]


def returns_to(path: str) -> str:
    """Return the recipient for whom a return path was made.

    Go asks the kernel for the day, also where the other programs of the tests are told a later one.
    """
    key = SigningKey("a", SECRET.encode())
    paths = ReturnPaths("main", ("bounce.example.com",), Keyring(key), max_age_days=1000)
    decoded = Directory((paths,)).decode(path, today=datetime.now(UTC).date())
    assert isinstance(decoded, ReturnPath)
    assert decoded.tag == "nov"
    return decoded.recipient


def test_every_block_of_the_page_is_run() -> None:
    """Whoever adds one says here how it is tried; the last two in Python are check_django_backend.py."""
    assert Counter(name for name, _ in BLOCKS) == Counter({"python": 5, "": 2, "js": 1, "php": 1, "ruby": 1, "go": 1})


async def test_the_first_example_mails_whoever_is_not_suppressed(url: str, redis: Redis, key: Path) -> None:
    """Each message has its own return path and header fields, and how many were sent is told."""
    example = blocks("python")[0].replace("/etc/myapp/bounced.key", str(key))
    relay, message = Relay(), EmailMessage()
    message["Subject"] = "November"

    def send(address: str) -> None:
        host, _, port = address.rpartition(":")
        with smtplib.SMTP(host, int(port)) as smtp:
            exec(_on(url, example), {"recipients": [ALICE, BOB], "message": message, "smtp": smtp})  # noqa: S102 - our own page

    async with listening(relay) as address:
        await asyncio.to_thread(send, address)
    (mail,) = relay.taken
    assert (returns_to(mail["from"]), mail["to"]) == (ALICE, [ALICE])
    assert "List-Unsubscribe" in mail["headers"]
    assert told(redis) == [{"type": "sent", "count": "1", "campaign": "nov"}]


def test_the_example_of_header_fields_names_the_page(url: str, key: Path) -> None:
    """And what else the sender says of itself."""
    paths = ReturnPaths("main", ("bounce.example.com",), Keyring(SigningKey.from_file("a", key)))
    names: dict[str, Any] = {"return_paths": paths}
    exec(_on(url, blocks("python")[1]), names)  # noqa: S102 - likewise
    with names["client"] as client:
        fields = client.headers_for(ALICE)
    assert fields["List-Unsubscribe"].startswith("<https://mail.example.com/u/")
    assert fields["Feedback-ID"].endswith(":example-news")


async def test_the_example_of_each_language_mails_whoever_is_not_suppressed(
    language: str, interpreter: list[str], url: str, redis: Redis, key: Path
) -> None:
    """It tells what was sent and refused, and asks about many; who is suppressed gets nothing."""
    relay = Relay()
    for recipient in (ALICE, BOB):
        async with listening(relay) as address:
            said = await _run(
                language, interpreter, key, {"RECIPIENT": recipient, "REDIS_SOCKET": url, "RELAY": address}
            )
        mails = relay.taken if language == "go" else said["sent"]
        assert said["left"] == 1
        sent = {"type": "sent", "count": "1", "campaign": "nov", "domain": "example.org"}
        rejected = {"type": "rejected", "address": recipient, **REFUSAL}
        assert told(redis) == ([sent, rejected] if recipient == ALICE else [rejected])
        assert [returns_to(mail["from"]) for mail in mails] == ([ALICE] if recipient == ALICE else [])
        assert all("List-Unsubscribe" in mail["headers"] for mail in mails)
        relay.taken.clear()


def test_the_commands_for_a_shell_are_answered(redis: Redis) -> None:
    """As whoever has nothing but Redis would send them."""
    (commands,) = (block for block in blocks("") if "XADD" in block)
    answers = [redis.execute_command(*line.split()) for line in commands.splitlines()]
    assert answers[:2] == [0, {}]
    assert told(redis) == [{"type": "engaged", "address": ALICE}]


def _on(url: str, example: str) -> str:
    assert '"redis://127.0.0.1:6379/0"' in example
    return example.replace('"redis://127.0.0.1:6379/0"', repr(url))


async def _run(language: str, interpreter: list[str], key: Path, environment: dict[str, str]) -> Any:
    """Return what an example prints in its frame."""
    program, folder = PROGRAMS[language], key.parent
    for place, source in {
        **{place: FRAMES / name for place, name in program.more.items()},
        program.recipe: RECIPES / Path(program.recipe).name,
    }.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, folder / place)
    (folder / "node_modules/redis").mkdir(parents=True, exist_ok=True)
    (folder / "node_modules/redis/package.json").write_text('{"name": "redis", "main": "index.mjs"}')
    (folder / "go.mod").write_text("module check\n\ngo 1.18\n")
    (example,) = blocks(program.block)
    example = example.replace("/etc/myapp/bounced.key", str(key))
    (folder / program.main).write_text((FRAMES / program.frame).read_text().replace(program.mark, example))
    environment["REDIS_SOCKET"] = environment["REDIS_SOCKET"].removeprefix("unix://")
    command = [*interpreter, *program.arguments]
    started = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env={**os.environ, **environment}, stdout=PIPE, stderr=PIPE
    )
    printed, complained = await asyncio.wait_for(started.communicate(), TIMEOUT_S)
    assert started.returncode == 0, complained.decode()
    return json.loads(printed)
