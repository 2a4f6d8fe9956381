"""What clients of HTTP can play on a server and its other clients: none of it changes what anybody is answered."""

import asyncio
import json
from contextlib import closing
from typing import Any

import pytest
from structlog.testing import capture_logs

from bounced.web.tokens import Right
from bounced.web.unsubscribe.handlers import EVEN_S

from .conftest import Site, Start
from .test_hostile import HEAD, PATIENCE_S, problem, say

CHECK = b'{"addresses": ["alice@example.org"]}'
JSON_TYPE = {"content-type": "application/json"}


def check_of(*fields: bytes, then: bytes) -> bytes:
    """Return a request to check with these header fields and this body."""
    head = [b"POST /api/v1/lists/main/check HTTP/1.1", b"Host: localhost", b"Content-Type: application/json", *fields]
    return b"\r\n".join([*head, b"", then])


def chunked(body: bytes, *trailers: bytes) -> bytes:
    """Return a body in one chunk, with trailer fields."""
    return b"%x\r\n%b\r\n0\r\n" % (len(body), body) + b"".join(each + b"\r\n" for each in trailers) + b"\r\n"


async def test_a_trailer_field_is_no_header_field(site: Site) -> None:
    """Neither a token, nor a second host, nor what only a proxy may say."""
    bearer = f"Authorization: Bearer {await site.token(Right.CHECK)}".encode()
    closes = b"GET /healthz HTTP/1.1\r\n" + HEAD + b"\r\n"
    late = check_of(b"Transfer-Encoding: chunked", then=chunked(CHECK, bearer)) + closes
    assert problem(await say(site.ports["private"], late)) == (401, "no-token")
    twice = check_of(bearer, b"Transfer-Encoding: chunked", then=chunked(CHECK, b"Host: other.example")) + closes
    assert (await say(site.ports["private"], twice)).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("endless", [b"X: y\r\n", b"y"], ids=["fields", "a value"])
async def test_trailers_without_end_are_not_kept(site: Site, endless: bytes) -> None:
    """They have the size of a head at most, then the connection is closed."""
    _, writer = await asyncio.open_connection("127.0.0.1", site.ports["public"])
    with closing(writer):
        writer.write(b"POST /u/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ")
        with pytest.raises(ConnectionError):
            await send_without_end(writer, endless * 10_000)


async def send_without_end(writer: asyncio.StreamWriter, piece: bytes) -> None:
    """Send a piece a thousand times.  Raises ConnectionError where nobody takes them."""
    async with asyncio.timeout(PATIENCE_S):
        for _ in range(1000):
            writer.write(piece)
            await writer.drain()


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket"])
async def test_another_protocol_is_not_begun_and_the_request_is_answered(site: Site, protocol: bytes) -> None:
    """With its body, and so is the next one: Java's own client offers h2c with each first request."""
    bearer = f"Authorization: Bearer {await site.token(Right.CHECK)}".encode()
    offer = (bearer, b"Connection: Upgrade", b"Upgrade: " + protocol)
    asked = check_of(*offer, b"Content-Length: %d" % len(CHECK), then=CHECK)
    asked += check_of(*offer, b"Transfer-Encoding: chunked", then=chunked(CHECK))
    answer = await say(site.ports["private"], asked + b"GET /healthz HTTP/1.1\r\n" + HEAD + b"\r\n")
    assert (answer.count(b"HTTP/1.1 200 OK"), answer.count(b'"checked":1')) == (3, 2)


async def test_many_offers_in_one_piece_are_requests_ahead(site: Site) -> None:
    """As few of them are kept as of others."""
    one = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    assert (await say(site.ports["private"], one * 3000)).count(b"200 OK") < 3000
    assert (await site.private.get("/healthz")).status_code == 200


async def test_whoever_leaves_in_the_middle_is_no_fault_of_ours(site: Site) -> None:
    """The log has the request, and no fault: strangers could otherwise wake somebody up."""
    (listener,) = (part.listener for part in site.serving._parts if part.desk.name == "public")
    with capture_logs() as logged:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.ports["public"])
        head = b"POST /u/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n"
        writer.write(head)
        async with asyncio.timeout(PATIENCE_S):
            assert await reader.readline() == b"HTTP/1.1 100 Continue\r\n"
            writer.transport.abort()
            await asyncio.gather(*listener._state.tasks)
    assert [(line["event"], line["status"]) for line in logged] == [("request.answered", 0)]


async def test_mistakes_have_their_price(site: Site) -> None:
    """A hundred thousand in one body are counted and not listed, and whoever sent them waits."""
    token = await site.token(Right.CHECK, rate=10)
    body = json.dumps({"addresses": [], **{f"{number:x}": 1 for number in range(90_000)}})
    answer = await site.ask(token, "POST", "/api/v1/lists/main/check", content=body, headers=JSON_TYPE)
    assert (answer.status_code, answer.json()["detail"]) == (400, "The body has 90000 mistakes.")
    assert (await site.post(token, "check", json.loads(CHECK))).status_code == 429


@pytest.mark.parametrize(
    "asked",
    [
        {"path": "suppressed", "cursor": str(2**64)},
        {"path": "events", "after": f"{2**64}-0.0-0"},
        {"path": "events", "after": f"0-0.0-{2**64 - 1}"},
    ],
    ids=["page", "milliseconds", "number"],
)
async def test_a_cursor_beyond_the_last_is_bad(site: Site, asked: dict[str, Any]) -> None:
    """It is the program's mistake: Redis is not away."""
    answer = await site.get(await site.token(Right.READ), **asked)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:bounced:problem:bad-cursor")


async def test_the_head_of_a_stream_ends(site: Site) -> None:
    """HEAD has no body, so nothing is followed."""
    token = await site.token(Right.READ)
    headers = {"authorization": f"Bearer {token}", "accept": "text/event-stream"}
    answer = await site.private.head("/api/v1/lists/main/events", headers=headers)
    assert (answer.status_code, site.desk.streams) == (200, 0)


async def test_an_address_is_not_taken_from_another_place_of_the_path(site: Site) -> None:
    """Who encodes the step before it is not told of an address that nobody asked for."""
    headers = {"authorization": f"Bearer {await site.token(Right.READ)}"}
    answer = await site.private.get("/api/v1/lists/main/%61ddresses/alice@example.org", headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:bounced:problem:bad-address")


async def test_a_check_of_slow_addresses_lets_others_in_between(site: Site) -> None:
    """Letters beyond ASCII take longer than anything else of a check."""
    token, turns = await site.token(Right.CHECK), 0
    addresses = [f"ü{number}@exämple{number}.org" for number in range(5000)]
    asked = asyncio.ensure_future(site.post(token, "check", {"addresses": addresses}))
    while not asked.done():
        await asyncio.sleep(0)
        turns += 1
    assert asked.result().json()["checked"] == 5000
    assert turns > 20


async def test_good_links_and_bad_ones_are_answered_after_the_same_time(start: Start) -> None:
    """Each answer waits for the next beat, which comes later than what is written."""
    async with start(public='base_url = "https://mail.example.com"') as site:
        made = await site.post(await site.token(Right.REPORT), "return-path", {"address": "alice@example.org"})
        good = made.json()["headers"]["List-Unsubscribe"].split(">")[0].removeprefix("<https://mail.example.com")
        for path in (good, good[:-1], "/u/x"):
            answer = await site.public.post(path, data={"List-Unsubscribe": "One-Click"})
            assert answer.status_code == 200
            assert answer.elapsed.total_seconds() >= EVEN_S


async def test_one_token_does_not_follow_in_the_place_of_others(start: Start) -> None:
    """It has half of the places; the rest is for the others."""
    async with start(private="streams_total = 4") as site:
        greedy, other = await site.token(Right.READ), await site.token(Right.READ, name="other")
        asked = b"GET /api/v1/lists/main/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
        lines, writers = list[bytes](), list[asyncio.StreamWriter]()
        for token in [greedy] * 8 + [other]:
            reader, writer = await asyncio.open_connection("127.0.0.1", site.ports["private"])
            writers.append(writer)
            writer.write(asked + f"Authorization: Bearer {token}\r\n\r\n".encode())
            lines.append(await asyncio.wait_for(reader.readline(), PATIENCE_S))
        assert (sum(b" 200 " in line for line in lines[:8]), lines[8]) == (2, b"HTTP/1.1 200 OK\r\n")
        assert site.desk.streams == 3
        for writer in writers:
            writer.close()


async def test_a_connection_that_goes_tells_the_request_that_is_being_answered(start: Start) -> None:
    """Though others wait behind it: to write then would be logged as a fault of ours."""
    async with start() as site:
        token = await site.token(Right.READ)
        follows = b"GET /api/v1/lists/main/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
        follows += f"Authorization: Bearer {token}\r\n\r\n".encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", site.ports["private"])
        with closing(writer):
            writer.write(follows + b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert await asyncio.wait_for(reader.readline(), PATIENCE_S) == b"HTTP/1.1 200 OK\r\n"
            (connection,) = site.serving._parts[0].listener.places.taken
            answered = connection._answered
            connection.leave()
            assert answered is not None
            assert answered.disconnected
