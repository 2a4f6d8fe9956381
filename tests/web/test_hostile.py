"""What a stranger, or a program gone wrong, can send: each gets its answer, and the others get theirs."""

import asyncio
import json
from contextlib import closing

import pytest

from bounced.web.connection import Places
from bounced.web.tokens import Right

from .conftest import Site, Start

PATIENCE_S = 20


async def say(port: int, octets: bytes, *, ends: bool = False) -> bytes:
    """Send octets, and return all that comes back until the connection is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with closing(writer):
        try:
            writer.write(octets)
            if ends:
                writer.write_eof()
            async with asyncio.timeout(PATIENCE_S):
                return await reader.read()
        except ConnectionError:
            return b""


def problem(answer: bytes) -> tuple[int, str]:
    """Return status and type of the first problem in an answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    document, _ = json.JSONDecoder().raw_decode(body.decode())
    return int(head.split()[1]), document["type"].removeprefix("urn:bounced:problem:")


HEAD = b"Host: localhost\r\nConnection: close\r\n"


@pytest.mark.parametrize(
    ("octets", "status", "kind"),
    [
        (b"EHLO mail.example.net\r\n", 400, "no-http"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "no-http"),
        (b"GET / HTTP/1.1\r\nbad header\r\n\r\n", 400, "no-http"),
        (b"GET / HTTP/1.1\r\n" + HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "no-http"),
        (b"POST / HTTP/1.1\r\n" + HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "no-http"),
        (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 421, "wrong-host"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + HEAD + b"\r\n", 421, "wrong-host"),
        (b"GET / HTTP/1.1\r\n" + HEAD + b"X: " + b"x" * 40_000 + b"\r\n\r\n", 431, "head-too-large"),
        (b"GET /" + b"a" * 40_000, 431, "head-too-large"),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 6_000, 431, "head-too-large"),
        (b"POST / HTTP/1.1\r\n" + HEAD + b"Content-Length: 99999999999\r\n\r\n", 413, "too-large"),
        (b"POST / HTTP/1.1\r\n" + HEAD + b"Content-Length: " + b"9" * 300 + b"\r\n\r\n", 400, "no-http"),
        (b"TRACE / HTTP/1.1\r\n" + HEAD + b"\r\n", 405, "method-not-allowed"),
        (b"GET http://evil.example/healthz HTTP/1.1\r\n" + HEAD + b"\r\n", 200, ""),
    ],
    ids=range(14),
)
async def test_each_mistake_has_its_answer(site: Site, octets: bytes, status: int, kind: str) -> None:
    """In one form, whoever finds it; then the connection is closed."""
    answer = await say(site.ports["private"], octets)
    if kind:
        assert problem(answer) == (status, kind)
    else:
        assert answer.startswith(b"HTTP/1.1 200")
    assert (await site.private.get("/healthz")).status_code == 200


async def test_a_body_without_a_length_is_counted_as_it_comes(start: Start) -> None:
    """Chunked, to a handler that reads it; what is beyond the limit is not kept."""
    async with start(private="max_body_bytes = 10000") as site:
        token = await site.token(Right.CHECK)
        head = f"POST /api/v1/lists/main/check HTTP/1.1\r\nAuthorization: Bearer {token}\r\n".encode() + HEAD
        head += b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        answer = await say(site.ports["private"], head + (b"1000\r\n" + b"x" * 4096 + b"\r\n") * 5)
        assert problem(answer) == (413, "too-large")


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
async def test_a_body_that_is_too_large_is_answered_after_all_of_it_came(site: Site, chunked: bool) -> None:
    """Most programs send everything before they read; they see the answer, and may ask again."""
    head, more = b"POST /api/v1/classify HTTP/1.1\r\nHost: localhost\r\n", 5 * 1024 * 1024
    head += f"Authorization: Bearer {await site.token(Right.CHECK)}\r\nContent-Type: application/json\r\n".encode()
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (more, b" " * more) if chunked else b" " * more
    head += b"Transfer-Encoding: chunked\r\n\r\n" if chunked else b"Content-Length: %d\r\n\r\n" % more
    answer = await say(site.ports["private"], head + body + b"GET /healthz HTTP/1.1\r\n" + HEAD + b"\r\n")
    assert problem(answer) == (413, "too-large")
    assert b"HTTP/1.1 200 OK" in answer


async def test_a_body_without_end_is_not_read_to_its_end(site: Site) -> None:
    """What is thrown away is bounded."""
    head = b"POST /api/v1/classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n\r\n"
    _, writer = await asyncio.open_connection("127.0.0.1", site.ports["private"])
    with closing(writer):
        writer.write(head)
        with pytest.raises(ConnectionError):
            await send_without_end(writer)


async def send_without_end(writer: asyncio.StreamWriter) -> None:
    """Send a hundred megabytes.  Raises ConnectionError where nobody takes them."""
    async with asyncio.timeout(PATIENCE_S):
        for _ in range(100):
            writer.write(b" " * 1_000_000)
            await writer.drain()


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"GET /healthz HTTP/1.1\r\nHost: loc",
        b"POST /api/v1/classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{",
    ],
    ids=["silent", "head", "body"],
)
async def test_a_request_has_to_come_in_time(start: Start, octets: bytes) -> None:
    """However it trickles: the deadline is that of the whole request."""
    async with start(private="request_s = 0.2") as site:
        answer = await say(site.ports["private"], octets)
        assert answer == b"" or b" 401 " in answer or problem(answer) == (408, "too-slow")
        assert (await site.private.get("/healthz")).status_code == 200


async def test_a_request_that_begins_behind_another_has_to_come_in_time(start: Start) -> None:
    """In one piece with the end of the one before it; nothing else would tell that somebody waits."""
    async with start(private="request_s = 0.2") as site:
        whole = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
        answer = await say(site.ports["private"], whole + whole[:20])
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert problem(answer[answer.index(b"HTTP/1.1 408") :]) == (408, "too-slow")


async def test_the_head_alone_is_answered_where_no_more_is_asked_for(site: Site) -> None:
    """HEAD, and behind it another request on the same connection."""
    octets = b"HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /healthz HTTP/1.1\r\n" + HEAD + b"\r\n"
    head, rest = (await say(site.ports["private"], octets)).split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert rest.startswith(b"HTTP/1.1 200 OK")
    assert rest.endswith(b"ok\n")


async def test_a_client_that_does_not_take_the_answer_is_left(start: Start) -> None:
    """What waits for it is thrown away."""
    async with start(private="request_s = 0.3\nidle_s = 0.3") as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.ports["private"], limit=1)
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # of a transport that reads and writes
        async with asyncio.timeout(PATIENCE_S):
            while not writer.is_closing() and not reader.at_eof():
                writer.write(b"GET /api/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 8)
                try:
                    await asyncio.wait_for(writer.drain(), 0.05)
                except (ConnectionError, TimeoutError):
                    break
            await site.serving._parts[0].listener.places.nobody.wait()
        writer.transport.abort()
        assert (await site.private.get("/healthz")).status_code == 200


async def test_a_crowd_that_asks_nothing_keeps_nobody_from_asking(start: Start) -> None:
    """Where all places are taken, whoever has been waited for the longest goes."""
    async with start(private="connections_total = 10") as site:
        crowd = [await asyncio.open_connection("127.0.0.1", site.ports["private"]) for _ in range(60)]
        for _, writer in crowd[::2]:
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: lo")
        assert (await site.private.get("/healthz")).status_code == 200
        assert len(site.serving._parts[0].listener.places.taken) <= 10
        for _, writer in crowd:
            writer.close()


async def test_a_crowd_that_takes_no_answer_keeps_nobody_from_asking(start: Start) -> None:
    """Whoever has not taken what we sent for the longest goes, as does whoever has not finished a request."""
    one = b"GET /api/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with start(private="connections_total = 5") as site:
        places = site.serving._parts[0].listener.places
        crowd = [await unread(site, one, places) for _ in range(5)]
        assert len(places.taken) == 5
        assert (await site.private.get("/healthz")).status_code == 200
        for writer in crowd:
            writer.transport.abort()


async def unread(site: Site, request: bytes, places: Places) -> asyncio.StreamWriter:
    """Return a connection that has asked so often, and read nothing, that an answer cannot be sent."""
    before = set(places.taken)
    _, writer = await asyncio.open_connection("127.0.0.1", site.ports["private"], limit=1)
    writer.transport.pause_reading()  # type: ignore[attr-defined]  # of a transport that reads and writes
    async with asyncio.timeout(PATIENCE_S):
        while not (new := places.taken - before):
            await site.public.get("/u/x")
        (connection,) = new
        while not connection.flow.write_paused:
            cycle: object = connection.cycle  # uvicorn declares that there always is one
            if cycle is None or connection.cycle.response_complete:
                writer.write(request)
            await site.public.get("/u/x")
        answers = connection.cycle
        writer.write(request)  # whose answer has to wait for room
        while connection.cycle is answers:
            await site.public.get("/u/x")
    return writer


async def test_requests_ahead_have_a_number(site: Site) -> None:
    """A thousand in one piece are not kept; a few are answered in their order."""
    one = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert (await say(site.ports["private"], one * 1000)).count(b"200 OK") < 1000
    few = one * 4 + b"GET /nothing HTTP/1.1\r\n" + HEAD + b"\r\n"
    answer = await say(site.ports["private"], few)
    assert (answer.count(b"200 OK"), answer.count(b"404 Not Found")) == (4, 1)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"[" * 100_000,
        b'{"addresses": "alice@example.org"}',
        b'{"addresses": [1]}',
        b'{"addresses": ["a@example.org"], "why": "yes"}',
        b'{"addresses": ["a@example.org"], "extra": 1}',
        b'{"addresses": ["\\ud800@example.org"]}',
        b'{"addresses": NaN}',
        b"\xff\xfe",
    ],
)
async def test_a_body_that_says_nothing_is_a_bad_request(site: Site, body: bytes) -> None:
    """Never a fault of ours."""
    token = await site.token(Right.CHECK)
    headers = {"content-type": "application/json"}
    answer = await site.ask(token, "POST", "/api/v1/lists/main/check", content=body, headers=headers)
    assert answer.status_code == 400


async def test_strange_addresses_are_no_addresses(site: Site) -> None:
    """They are named in the answer as JSON can carry them, and change nothing else in it."""
    strange = [
        "",
        "@",
        "a@",
        "\x00@example.org",
        "a\nb@example.org",
        "a@exa mple.org",
        "x" * 5000,
        "\u202ea@example.org",
    ]
    told = (await site.post(await site.token(Right.CHECK), "check", {"addresses": strange})).json()
    assert told["suppressed"] == []
    assert [each["address"] for each in told["invalid"]] == [each for each in strange if each != "\u202ea@example.org"]


@pytest.mark.parametrize(
    "sent", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
async def test_what_a_foreign_page_can_send_is_not_read(site: Site, sent: str) -> None:
    """A form of another site cannot make application/json."""
    token = await site.token(Right.CHECK)
    headers = {"content-type": sent}
    answer = await site.ask(token, "POST", "/api/v1/lists/main/check", content=b"{}", headers=headers)
    assert answer.status_code == 415


async def test_bombs_to_explain_hold_nobody_up(site: Site) -> None:
    """Each is read within bounds, in a thread; of one token only some wait; checks are answered meanwhile."""
    token = await site.token(Right.CHECK, rate=100_000)
    part = b"--x\r\nContent-Type: message/rfc822\r\n\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
    bomb = b"Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n\r\n" + part * 9_000
    asked = [
        site.ask(token, "POST", "/api/v1/explain", content=bomb, headers={"content-type": "message/rfc822"})
        for _ in range(30)
    ]
    check = site.post(token, "check", {"addresses": ["alice@example.org"]})
    *explained, checked = await asyncio.gather(*asked, check)
    assert {answer.status_code for answer in explained} <= {200, 503}
    assert checked.status_code == 200


async def test_redis_that_is_away_is_said_with_when_to_come_again(start: Start) -> None:
    """Nothing is answered as if it were known."""
    async with start(url="redis://127.0.0.1:1/0") as site:
        token = await site.token(*Right)
        asked = [
            site.post(token, "check", {"addresses": ["alice@example.org"]}),
            site.get(token, "addresses/alice%40example.org"),
            site.post(token, "suppress", {"address": "alice@example.org", "reason": "x"}),
            site.post(token, "report", {"entries": [{"type": "engaged", "address": "alice@example.org"}]}),
            site.get(token, "events"),
            site.private.get("/readyz"),
        ]
        for answer in await asyncio.gather(*asked):
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert (await site.private.get("/healthz")).status_code == 200


async def test_a_fault_of_ours_tells_nothing_of_itself(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log has it, under the id that the answer carries."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(site.store, "ping", broken)
    answer = await site.private.get("/readyz")
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:bounced:problem:internal")
    assert b"secret" not in answer.content
    assert answer.headers["x-request-id"]
