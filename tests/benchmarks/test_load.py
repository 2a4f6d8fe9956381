"""The load generators send each message once, encrypt where asked, and say truly what became of it."""

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from benchmarks import generator
from benchmarks.figures import Shape
from benchmarks.generator import Generator
from benchmarks.tls_load import read_corpus
from tests.support.certificate import write_certificate

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler is here")

COUNT, CONNECTIONS, EACH = 60, 5, 3
PLAIN = Shape("plain", CONNECTIONS, EACH)
ENCRYPTED = replace(PLAIN, tls=True)
LONGEST_S = 30.0
Answer = Callable[[int], Awaitable[str]]


@dataclass
class Server:
    """What a server was sent: the forward path, the content, whether it was encrypted."""

    answer: Answer
    port: int = 0
    taken: list[tuple[str, bytes, bool]] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.original_content, bytes)
        self.taken.append((envelope.rcpt_tos[0], envelope.original_content, session.ssl is not None))
        return await self.answer(len(self.taken))


async def take(_number: int) -> str:
    """Take every message."""
    return "250 OK"


@pytest.fixture
def context(tmp_path: Path) -> ssl.SSLContext:
    """Return the TLS of a server, which issues tickets and counts the sessions that come of them."""
    write_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "mx.pem", tmp_path / "mx.key")
    return context


@asynccontextmanager
async def listening(context: ssl.SSLContext | None = None, answer: Answer = take) -> AsyncIterator[Server]:
    """Give a server in this process."""
    loop, server = asyncio.get_running_loop(), Server(answer)
    made = await loop.create_server(lambda: SMTP(server, hostname="mx", tls_context=context), "127.0.0.1", 0)
    async with made:
        server.port = made.sockets[0].getsockname()[1]
        yield server


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Generator:
    """Return the generator as the benchmark builds it here."""
    return generator.build(tmp_path_factory.mktemp("load"))


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Awaitable[dict[str, Any]]]:
    """Return what puts a load on a server of this process."""
    paths = tmp_path / "paths.txt"
    paths.write_text("".join(f"b+{number}@bounce.example.com\n" for number in range(COUNT)))

    async def call(
        load: Generator, server: Server, shape: Shape, longest_s: float = LONGEST_S, count: int = COUNT
    ) -> dict[str, Any]:
        return await asyncio.to_thread(load.put, server.port, shape, count, paths, longest_s)

    return call


def in_python(load: Generator) -> Generator:
    """Return what encrypts where OpenSSL's headers are missing."""
    return replace(load, tls=False)


def both(load: Generator) -> list[Generator]:
    """Return each generator that encrypts here."""
    return [in_python(load), *([load] if load.tls else [])]


def wire(content: bytes) -> bytes:
    """Return a message as it goes over the wire."""
    return b"".join(b"." * line.startswith(b".") + line for line in content.splitlines(keepends=True)) + b".\r\n"


async def test_each_message_is_sent_once_with_a_path_of_its_own(built, put):
    """As it was packed, from the first to the last."""
    async with listening() as server:
        said = await put(built, server, PLAIN)
    corpus = read_corpus(built.corpus)
    assert (said["done"], said["failed"], said["unfinished"]) == (COUNT, 0, 0)
    assert said["connections"] >= COUNT // EACH
    assert sorted((path, wire(content)) for path, content, _ in server.taken) == sorted(
        (f"b+{number}@bounce.example.com", corpus[number % len(corpus)]) for number in range(COUNT)
    )
    assert not any(encrypted for _, _, encrypted in server.taken)
    assert 0 < said["dot_p50"] <= said["dot_p99"]


async def test_tls_is_spoken_for_every_message(built, put, context):
    """By the generator in C and by the one in Python; no session is taken up again."""
    for load in both(built):
        async with listening(context) as server:
            said = await put(load, server, ENCRYPTED)
        assert (said["done"], said["failed"], said["unfinished"], said["resumed"]) == (COUNT, 0, 0, 0)
        assert sorted(path for path, _, _ in server.taken) == sorted(
            f"b+{number}@bounce.example.com" for number in range(COUNT)
        )
        assert all(encrypted for _, _, encrypted in server.taken)
        assert said["handshakes"] >= COUNT // EACH
        assert 0 < said["dot_p50"] <= said["dot_p99"]
    assert context.session_stats()["hits"] == 0


async def test_sessions_are_taken_up_again_where_asked(built, put, context):
    """The server counts as many as the generator says: all but those that began when there was no ticket yet."""
    if not built.tls:
        pytest.skip("load.c cannot be built with OpenSSL here: tests/install-programs libssl")
    async with listening(context) as server:
        said = await put(replace(built, tickets=True), server, ENCRYPTED)
    assert said["handshakes"] == said["connections"]
    assert said["handshakes"] - CONNECTIONS <= said["resumed"] < said["handshakes"]
    assert context.session_stats()["hits"] == said["resumed"]


async def test_a_refused_message_counts_as_failed(built, put, context):
    """And is no part of the rate."""

    async def refuse(number: int) -> str:
        return "451 later" if number % 2 else "250 OK"

    for load, shape in [(built, PLAIN), *((each, replace(ENCRYPTED, per_connection=1)) for each in both(built))]:
        async with listening(context, refuse) as server:
            said = await put(load, server, shape)
        assert (said["done"], said["failed"]) == (COUNT // 2, COUNT // 2)
        assert said["rate"] == pytest.approx(COUNT / 2 / said["seconds"], rel=0.01)


async def test_a_server_that_offers_no_tls_fails_every_message(built, put):
    """Nothing is sent in the clear instead."""
    for load in both(built):
        async with listening() as server:
            said = await put(load, server, ENCRYPTED)
        assert (said["done"], server.taken) == (0, [])
        assert said["failed"] == COUNT


async def test_what_is_under_way_at_the_end_of_the_time_counts_neither_way(built, put):
    """Such as what a server that hangs was sent."""
    over = asyncio.Event()

    async def hang(_number: int) -> str:
        await over.wait()
        return "250 OK"

    async with listening(answer=hang) as server:
        said = await put(built, server, PLAIN, longest_s=0.2)
        over.set()
    assert (said["done"], said["failed"], said["unfinished"]) == (0, 0, CONNECTIONS)


def test_the_generator_says_how_it_encrypts(built, tmp_path, monkeypatch):
    """Where it cannot be built with OpenSSL it is built without, and says what is missing."""
    assert ("load.c with OpenSSL" in built.tls_note) == built.tls
    monkeypatch.setattr(generator, "_with_tls", lambda: [["-DWITH_TLS", "-lnosuchlibrary"]])
    without = generator.build(tmp_path)
    assert not without.tls
    assert "tests/install-programs libssl" in without.tls_note
    assert without.program.exists()


def test_messages_of_further_folders_are_sent_too(built, tmp_path):
    """Of the size that is asked for, with a recipient that failed; the tests' own are always there."""
    folder = tmp_path / "further"
    folder.mkdir()
    report = b"Subject: further\n\nFinal-Recipient: rfc822; a@b.example\n" + b"x" * 70 + b"\n"
    (folder / "good.eml").write_bytes(report + b"of more words\n" * 100)
    (folder / "short.eml").write_bytes(report)
    more = generator.build(tmp_path, corpora=[folder])
    packed, own = read_corpus(more.corpus), read_corpus(built.corpus)
    assert packed[: len(own)] == own
    assert [message.partition(b"\r\n")[0] for message in packed[len(own) :]] == [b"Subject: further"]
    assert more.messages.startswith(f"{len(packed)} messages, mean ")
