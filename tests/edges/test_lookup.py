"""What MTAs are answered, over a real socket; with the real postmap where Postfix is installed."""

import asyncio
import os
from contextlib import asynccontextmanager

import pytest

from bounced.core.mailbox import normalise
from bounced.core.terms import Category
from bounced.edges import lookup
from bounced.edges.lookup import LookupLimits, LookupServer, Suppressed, Unavailable, WhenUnavailable, netstring
from bounced.explain import explain_reply
from tests.support.mta import POSTFIX
from tests.support.programs import in_private_root

CAROL = "carol@example.org"
FOUND = Suppressed(Category.MAILBOX_UNKNOWN, "2026-11-21")
DEFERRED = b"action=DEFER_IF_PERMIT 4.3.0 request too long\n\n"
TOLD = "5.7.1 recipient is on the suppression list: mailbox_unknown since 2026-11-21"


@pytest.mark.parametrize("words", [TOLD, f"554 {TOLD}"])
def test_what_an_mta_was_told_changes_nothing_when_it_comes_back_in_a_notice(words):
    """A notice for a recipient who is on the list says nothing new about the address."""
    (finding,) = explain_reply(words).findings
    assert finding.verdict.category is Category.ALREADY_SUPPRESSED


async def only_carol(address):
    """Answer as a list on which only carol stands."""
    return FOUND if normalise(address) == CAROL else None


async def nobody(_address):
    """Answer as an empty list."""
    return


async def unreachable(_address):
    """Answer as a list in a Redis that is away."""
    raise Unavailable("gone")


@asynccontextmanager
async def listening(when_unavailable=WhenUnavailable.DELIVER, limits=lookup.DEFAULT_LIMITS, **lists):
    """Give the port of a server for these lists, the first of which is asked by default."""
    lists = lists or {"main": only_carol, "brand": nobody}
    answering = LookupServer(lists, next(iter(lists)), when_unavailable, limits)
    server = await asyncio.start_server(answering.serve, "127.0.0.1", 0, limit=16 * 1024)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def say(port, octets):
    """Send octets, and return all that comes back before the server has nothing more to say."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(octets)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (f"access {CAROL}", f"OK REJECT {TOLD}"),
        ("access Carol@EXAMPLE.org", f"OK REJECT {TOLD}"),
        (f"transport {CAROL}", f"OK error:{TOLD}"),
        ("access dave@example.org", "NOTFOUND "),
        ("access example.org", "NOTFOUND "),
        ("access carol@", "NOTFOUND "),
        ("access carol@[", "NOTFOUND "),
        (f"access/brand {CAROL}", "NOTFOUND "),
        (f"access/elsewhere {CAROL}", "PERM no map 'access/elsewhere'"),
        (f"nonsense {CAROL}", "PERM no map 'nonsense'"),
    ],
)
async def test_socketmap(request_, answer):
    """Whole addresses are looked up in the list that the map names."""
    async with listening() as port:
        assert await say(port, netstring(request_)) == netstring(answer)


async def test_many_requests_on_one_connection():
    """Postfix keeps its connections."""
    async with listening() as port:
        asked = netstring(f"access {CAROL}") + netstring("access dave@example.org")
        assert await say(port, asked) == netstring(f"OK REJECT {TOLD}") + netstring("NOTFOUND ")


@pytest.mark.parametrize(
    ("attributes", "action"),
    [
        (f"recipient={CAROL}", f"REJECT {TOLD}"),
        ("recipient=dave@example.org", "DUNNO"),
        ("recipient=", "DUNNO"),
        (f"recipient={CAROL}\npolicy_context=brand", "DUNNO"),
        (f"recipient={CAROL}\npolicy_context=elsewhere", "WARN no suppression list 'elsewhere'"),
    ],
)
async def test_policy(attributes, action):
    """The recipient decides, in the list that policy_context names."""
    async with listening() as port:
        asked = f"request=smtpd_access_policy\nprotocol_state=RCPT\n{attributes}\n\n".encode()
        assert await say(port, asked) == f"action={action}\n\n".encode()


@pytest.mark.parametrize(
    ("when_unavailable", "socketmap", "policy"),
    [
        (WhenUnavailable.DELIVER, "NOTFOUND ", "DUNNO"),
        (WhenUnavailable.DEFER, "TEMP Redis cannot be asked", "DEFER_IF_PERMIT 4.3.0 suppression list cannot be asked"),
    ],
)
async def test_while_redis_is_away(when_unavailable, socketmap, policy):
    """Fail open or fail closed, as configured."""
    async with listening(when_unavailable, main=unreachable) as port:
        assert await say(port, netstring(f"access {CAROL}")) == netstring(socketmap)
        asked = f"request=x\nrecipient={CAROL}\n\n".encode()
        assert await say(port, asked) == f"action={policy}\n\n".encode()


@pytest.mark.parametrize(
    "rubbish",
    [
        b"\r\n\r\n",
        b"5:abcdefgh",
        b"12",
        b"GET / HTTP/1.1\r\n\r\n",
        b"a" * 40_000,
        b"\xff",
        b"5_0:" + b"x" * 50 + b",",
    ],
)
async def test_what_nobody_understands_ends_the_connection(rubbish):
    """Without an answer and without harm to others."""
    async with listening() as port:
        assert await say(port, rubbish) == b""
        assert await say(port, netstring(f"access {CAROL}")) == netstring(f"OK REJECT {TOLD}")


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (b"9999999999:x,", netstring("TEMP request too long")),
        (b"16385:x", netstring("TEMP request too long")),
        (b"1" * 5_000 + b":", netstring("TEMP request too long")),
        (b"request=x\n" * 101, DEFERRED),
        (f"recipient={CAROL}\n".encode() + b"x=" + b"1" * 8_000 + b"\ny=" + b"1" * 8_400 + b"\n", DEFERRED),
        (b"x=1\n" * 200, DEFERRED),
    ],
    ids=["length", "just too long", "digits", "attributes of one name", "octets", "attributes"],
)
async def test_what_is_larger_than_any_request_puts_the_mail_off(request_, answer):
    """Nobody is told to deliver, also where the operator said so for a Redis that is away; others are served."""
    async with listening() as port:
        assert await say(port, request_) == answer
        assert await say(port, netstring(f"access {CAROL}")) == netstring(f"OK REJECT {TOLD}")


async def test_the_client_that_was_silent_the_longest_makes_room():
    """Its MTA connects anew; whoever asked since keeps its connection."""
    async with listening(limits=LookupLimits(connections=3)) as port:
        first, second, third = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        for client in (second, third, first):
            await _asked(client)
        fourth = await asyncio.open_connection("127.0.0.1", port)
        await _asked(fourth)
        assert await _ended(second)
        for client in (first, third, fourth):
            await _asked(client)
        for _, writer in (first, second, third, fourth):
            writer.close()


async def test_a_flood_of_connections_that_ask_nothing_keeps_nobody_from_asking():
    """Neither silent ones, nor those that never finish their request; and only so many are kept."""
    async with listening(limits=LookupLimits(connections=10)) as port:
        crowd = [await asyncio.open_connection("127.0.0.1", port) for _ in range(50)]
        for _, writer in crowd[::2]:
            writer.write(b"request=smtpd")
        client = await asyncio.open_connection("127.0.0.1", port)
        await _asked(client)
        for each in crowd[:40]:
            assert await _ended(each)
        for _, writer in (client, *crowd):
            writer.close()


async def test_clients_that_wait_for_us_are_not_sent_away():
    """Where all of them do, the new one loses its connection without an answer, which puts its mail off."""
    asked, answered = asyncio.Event(), asyncio.Event()

    async def slow(_address):
        asked.set()
        await answered.wait()

    async with listening(limits=LookupLimits(connections=1), main=slow) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(netstring(f"access {CAROL}"))
        await asked.wait()
        late = await asyncio.open_connection("127.0.0.1", port)
        assert await _ended(late)
        answered.set()
        assert await reader.readexactly(len(netstring("NOTFOUND "))) == netstring("NOTFOUND ")
        writer.close()
        late[1].close()


async def test_a_redis_that_hangs_is_one_that_cannot_be_asked():
    """After ``answer_s``, which is ``redis.timeout_s``."""

    async def hanging(_address):
        await asyncio.Event().wait()

    async with listening(WhenUnavailable.DEFER, LookupLimits(answer_s=0.05), main=hanging) as port:
        assert await say(port, netstring(f"access {CAROL}")) == netstring("TEMP Redis cannot be asked")


async def test_a_silent_client_is_sent_away():
    """After ``idle_s``."""
    async with listening(limits=LookupLimits(idle_s=0.05)) as port:
        client = await asyncio.open_connection("127.0.0.1", port)
        assert await _ended(client)
        client[1].close()


@pytest.mark.parametrize("begun", [b"12:acc", b"12", b"request=smtpd_acc", b"recipient=carol@example.org\n"])
async def test_a_request_has_to_come_in_time(begun, monkeypatch):
    """However it trickles: the deadline is that of the request."""
    monkeypatch.setattr(lookup, "REQUEST_S", 0.05)
    async with listening() as port:
        client = await asyncio.open_connection("127.0.0.1", port)
        client[1].write(begun)
        assert await _ended(client)
        client[1].close()


async def _asked(client):
    """Ask on an open connection and be answered."""
    reader, writer = client
    answer = netstring(f"OK REJECT {TOLD}")
    writer.write(netstring(f"access {CAROL}"))
    async with asyncio.timeout(10):
        assert await reader.readexactly(len(answer)) == answer


async def _ended(client):
    """Tell whether the server closes a connection without a word."""
    async with asyncio.timeout(10):
        try:
            return await client[0].read() == b""
        except ConnectionError:
            return True


@pytest.mark.skipif(POSTFIX.find() is None or os.geteuid() != 0, reason="Postfix is not here: tests/install-programs")
@pytest.mark.parametrize(("key", "value"), [(CAROL, f"REJECT {TOLD}"), ("dave@example.org", "")])
async def test_postfix_understands_the_answers(key, value, tmp_path):
    """As the real postmap -q asks."""
    (tmp_path / "main.cf").write_text("mail_owner = daemon\nsetgid_group = mail\n")  # users of every machine
    ask = in_private_root("postfix", "/usr/sbin/postmap", "-c", str(tmp_path), "-q", key)
    async with listening() as port:
        asked = await asyncio.create_subprocess_exec(
            *ask, f"socketmap:inet:127.0.0.1:{port}:access", stdout=asyncio.subprocess.PIPE
        )
        answer, _ = await asked.communicate()
    assert answer.decode().strip() == value
