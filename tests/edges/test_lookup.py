"""What MTAs are answered, over a real socket; with the real postmap where Postfix is installed."""

import asyncio
import shutil
from contextlib import asynccontextmanager

import pytest

from bounced.core.mailbox import normalise
from bounced.core.terms import Category
from bounced.edges.lookup import LookupServer, Suppressed, Unavailable, WhenUnavailable, netstring

CAROL = "carol@example.org"
FOUND = Suppressed(Category.MAILBOX_UNKNOWN, "2026-11-21")
TOLD = "5.7.1 recipient is on the suppression list: mailbox_unknown since 2026-11-21"


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
async def listening(when_unavailable=WhenUnavailable.DELIVER, **lists):
    """Give the port of a server for these lists, the first of which is asked by default."""
    lists = lists or {"main": only_carol, "brand": nobody}
    server = await asyncio.start_server(
        LookupServer(lists, next(iter(lists)), when_unavailable).serve, "127.0.0.1", 0, limit=16 * 1024
    )
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
        b"9999999999:x,",
        b"5:abcdefgh",
        b"12",
        b"GET / HTTP/1.1\r\n\r\n",
        b"a" * 40_000,
        b"x=1\n" * 200,
        b"\xff",
    ],
)
async def test_what_nobody_understands_ends_the_connection(rubbish):
    """Without an answer and without harm to others."""
    async with listening() as port:
        assert await say(port, rubbish) == b""
        assert await say(port, netstring(f"access {CAROL}")) == netstring(f"OK REJECT {TOLD}")


@pytest.mark.skipif(shutil.which("postmap") is None, reason="Postfix is not installed")
@pytest.mark.parametrize(("key", "value"), [(CAROL, f"REJECT {TOLD}"), ("dave@example.org", "")])
async def test_postfix_understands_the_answers(key, value):
    """As the real postmap -q asks."""
    async with listening() as port:
        asked = await asyncio.create_subprocess_exec(
            "postmap", "-q", key, f"socketmap:inet:127.0.0.1:{port}:access", stdout=asyncio.subprocess.PIPE
        )
        answer, _ = await asked.communicate()
    assert answer.decode().strip() == value
