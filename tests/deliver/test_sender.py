"""One request to a receiver: whom it may reach, what it proves, and what becomes of it when the receiver misbehaves."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bounced.config.hooks import Hook
from bounced.core.standard_webhooks import secret_of, signatures
from bounced.core.targets import target
from bounced.deliver.bodies import Message
from bounced.deliver.sender import Answer, Sender
from bounced.edges.host_names import resolved
from tests.support.certificate import write_certificate
from tests.support.receiver import OK, Request, answers, port_of, receiving, status

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
MESSAGE = Message("main_events_1-0", b'{"a":1}')
SECRETS = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_" + "QUJD" * 8)


@pytest.fixture
def hook(tmp_path: Path) -> Callable[..., Hook]:
    """Return what makes a hook, signed with both secrets."""
    files = []
    for number, secret in enumerate(SECRETS):
        files.append(tmp_path / f"{number}.secret")
        files[-1].write_text(f"{secret}\n")

    def make(url: str, **more: object) -> Hook:
        names = [str(file) for file in files]
        return Hook.model_validate({"name": "crm", "url": url, "secret_files": names, "request_s": 5.0, **more})

    return make


async def posted(hook: Hook, *, addresses: Sequence[str] = ("127.0.0.1",)) -> Answer:
    """Send a message where every name leads to these addresses."""

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return addresses

    sender = Sender(hook, resolve=resolve)
    try:
        return await sender.post(MESSAGE, NOW)
    finally:
        await sender.close()


def test_a_signature_is_that_of_the_specifications_libraries() -> None:
    """Their own example."""
    signed = signatures([secret_of(SECRETS[0])], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    "secret", ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_?", "whsec_" + "QUJD" * 30]
)
def test_what_is_no_secret_is_refused_and_not_repeated(secret: str) -> None:
    """24 to 64 octets in base64 behind whsec_."""
    with pytest.raises(ValueError, match=r"whsec_|octets") as refused:
        secret_of(secret)
    assert secret.removeprefix("whsec_") not in str(refused.value)


async def test_a_request_carries_what_the_specification_wants(hook: Callable[..., Hook]) -> None:
    """And a signature of each secret, so that a receiver may know either."""
    async with receiving() as crm:
        assert (await posted(hook(crm.url))).taken
        (request,) = crm.heard
        assert request.body == MESSAGE.body
        assert request.headers["webhook-id"] == MESSAGE.id
        assert request.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
        assert request.headers["webhook-signature"] == " ".join(
            signatures([secret_of(secret)], MESSAGE.id, int(NOW.timestamp()), MESSAGE.body) for secret in SECRETS
        )


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "127.8.8.8",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
        ),
        *("224.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1", "192.88.99.1", "::1", "::", "::127.0.0.1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "fe80::1"),
        *("fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1", "2001:db8::1", "2001::1", "64:ff9b:1::1"),
    ],
)
def test_an_address_that_is_not_public_is_refused_unless_it_is_named(address: str) -> None:
    """In whatever form it comes; naming the host or its network allows it."""
    assert target("crm.example.com", tls=True).refusal(address)
    assert not target("crm.example.com", tls=True, allow=["CRM.example.com"]).refusal(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_a_public_address_is_reached_by_https_alone(address: str) -> None:
    """Without TLS anybody on the way could read whom not to mail."""
    assert not target("crm.example.com", tls=True).refusal(address)
    assert target("crm.example.com", tls=False).refusal(address)


async def test_the_address_is_checked_that_is_connected_to(hook: Callable[..., Hook]) -> None:
    """Whatever the name led to when the configuration was read."""
    async with receiving() as crm:
        url = f"http://crm.example.com:{port_of(crm)}/hook"
        refused = await posted(hook(url))
        assert "127.0.0.1: a loopback address, which allow does not name" in refused.words
        assert crm.requests == 0
        assert (await posted(hook(url, allow=["crm.example.com"]))).taken
        assert (await posted(hook(url, allow=["127.0.0.0/8"]))).taken
        assert (await posted(hook(url, allow=["127.0.0.0/8"]), addresses=("10.0.0.1", "::1", "127.0.0.1"))).taken
        assert not (await posted(hook(url, allow=["127.0.0.0/8"]), addresses=())).taken


@pytest.mark.parametrize("host", ["a..example", f"{'a' * 70}.example"])
async def test_a_name_that_no_host_can_have_is_a_failure_like_any_other(host: str) -> None:
    """The resolver refuses it before it asks anybody."""
    with pytest.raises(OSError, match="no name of a host"):
        await resolved(host, 443)


async def test_a_name_whose_server_does_not_answer_delays_no_other_receiver(
    hook: Callable[..., Hook], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many requests wait for it: they share one look-up, which has a thread of its own."""
    asked, answered, look_up = list[str](), threading.Event(), socket.getaddrinfo

    def answer_late(host: str, *more: Any, **named: Any) -> Any:
        asked.append(host)
        if host == "silent.example":
            answered.wait()
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return look_up(host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", answer_late)
    async with receiving() as crm:
        silent = [Sender(hook(f"http://silent.example/{number}", request_s=60.0)) for number in range(20)]
        well = Sender(hook(crm.url.replace("127.0.0.1", "localhost")))
        try:
            waiting = [asyncio.create_task(each.post(MESSAGE, NOW)) for each in (*silent, *silent)]
            while len(asked) < len(silent):  # noqa: ASYNC110 - threads ask
                await asyncio.sleep(0.01)
            assert (await well.post(MESSAGE, NOW)).taken
            answered.set()
            assert all("Temporary failure" in answer.words for answer in await asyncio.gather(*waiting))
        finally:
            answered.set()
            await asyncio.gather(*(each.close() for each in (*silent, well)))
        assert asked.count("silent.example") == len(silent)


async def test_no_redirect_is_followed(hook: Callable[..., Hook]) -> None:
    """It could lead anywhere."""
    async with receiving() as other:
        for code in (301, 302, 303, 307, 308):
            async with receiving(answers(status(code, f"Location: {other.url}"))) as crm:
                answer = await posted(hook(crm.url))
                assert (answer.status, answer.taken) == (code, False)
        assert other.requests == 0


async def test_proxies_of_the_environment_are_not_asked(
    hook: Callable[..., Hook], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would be connected to in the receiver's place, unchecked."""
    async with receiving() as proxy, receiving() as crm:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert (await posted(hook(crm.url))).taken
        assert proxy.requests == 0


async def test_a_receiver_that_never_answers_costs_the_time_of_a_request(hook: Callable[..., Hook]) -> None:
    """So does one that sends octet after octet, or one interim response after the other."""
    never, drip = b"HTTP/1.1 ", b"HTTP/1.1 100 Continue\r\n\r\n"

    async def talk(part: bytes, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing():
                writer.write(part)
                await asyncio.sleep(0.01)
        finally:
            writer.transport.abort()

    for part in (b"", never[:1], drip):
        tasks = set[asyncio.Task[None]]()

        async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, part: bytes = part) -> None:
            tasks.add(asyncio.create_task(talk(part, writer)))  # noqa: B023 - awaited within the round

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        answer = await posted(hook(url, request_s=0.3))
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert answer.status is None
        assert answer.words == "no answer in 0.3 s" or "status line" in answer.words or "too" in answer.words.lower()


async def test_an_endless_answer_is_not_read(hook: Callable[..., Hook]) -> None:
    """The status decides; the connection is dropped."""
    length = 10 * 2**30
    sent = 0

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode())
        try:
            while sent < length:
                writer.write(bytes(2**16))
                await writer.drain()
                sent += 2**16
        except ConnectionError:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    answer = await posted(hook(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"))
    server.close()
    assert answer.taken
    assert sent < 2**26


async def test_a_connection_is_used_again_until_the_receiver_closes_it(hook: Callable[..., Hook]) -> None:
    """A closed one is noticed before it is used."""
    async with receiving() as crm:
        sender = Sender(hook(crm.url))
        for _ in range(5):
            assert (await sender.post(MESSAGE, NOW)).taken
        assert crm.connections == 1
        await crm.down()
        await crm.up()
        assert (await sender.post(MESSAGE, NOW)).taken
        assert crm.connections == 2
        await sender.close()


@pytest.mark.parametrize("more", [b"ok", status(200)], ids=["body behind 204", "second answer"])
async def test_what_comes_behind_an_answer_is_no_answer_to_the_next_request(
    hook: Callable[..., Hook], more: bytes
) -> None:
    """Else an event would count as taken, or as refused, before its receiver has said anything."""
    async with receiving(answers(OK + more, status(500))) as crm:
        sender = Sender(hook(crm.url))
        told = [(await sender.post(MESSAGE, NOW)).status for _ in range(2)]
        await sender.close()
    assert (told, crm.connections) == ([204, 500], 2)


async def test_a_certificate_is_checked(hook: Callable[..., Hook], tmp_path: Path) -> None:
    """Against the authorities of ca_file, else the system's, and for the name in the URL."""
    write_certificate(tmp_path, "crm.example.com")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "mx.pem", tmp_path / "mx.key")
    async with receiving(tls=context) as crm:
        own = {"ca_file": str(tmp_path / "mx.pem"), "allow": ["127.0.0.0/8"]}
        refused = await posted(hook(crm.url))
        assert "certificate verify failed" in refused.words
        refused = await posted(hook(f"https://other.example.com:{port_of(crm)}/", **own))
        assert "certificate verify failed" in refused.words
        assert crm.requests == 0


@pytest.mark.parametrize(
    ("fields", "pause_s"),
    [
        ("Retry-After: 30", 30.0),
        ("Retry-After: Sun, 29 Nov 2026 12:01:00 GMT", 60.0),
        ("Retry-After: Sun, 29 Nov 2026 11:00:00 GMT", 0.0),
        ("Retry-After: 99999999", 86_400.0),
        ("Retry-After: soon", None),
        ("Retry-After: Fri, 31 Dec 99999999999 23:59:59 GMT", None),
        ("X: y", None),
    ],
)
async def test_a_receiver_says_how_long_it_wants_to_be_left_alone(
    hook: Callable[..., Hook], fields: str, pause_s: float | None
) -> None:
    """In seconds or as a date, a day at most; with 429 and 503."""
    async with receiving(answers(status(429, fields), status(503, fields), status(500, fields))) as crm:
        assert [(await posted(hook(crm.url))).pause_s for _ in range(3)] == [pause_s, pause_s, None]


async def test_what_a_receiver_says_is_kept_without_addresses_and_control_characters(
    hook: Callable[..., Hook],
) -> None:
    """It may quote whom it was told of; it is shown on terminals."""

    async def answer(_request: Request) -> bytes:
        return status(400, body="no\x1b[2J alice@example.org here" + "x" * 1000)

    async with receiving(answer) as crm:
        words = (await posted(hook(crm.url))).words
        assert words.startswith("400 Told: no\\x1b[2J (address) here")
        assert len(words) <= 200


async def test_the_login_stands_in_the_header(hook: Callable[..., Hook], tmp_path: Path) -> None:
    """From a file, as Basic or Bearer."""
    (tmp_path / "login").write_text("user:pass\n")
    async with receiving(answers(OK)) as crm:
        for kind in ("basic", "bearer"):
            await posted(hook(crm.url, authorization=kind, authorization_file=str(tmp_path / "login")))
        told = [request.headers["authorization"] for request in crm.heard]
        assert told == ["Basic dXNlcjpwYXNz", "Bearer user:pass"]
