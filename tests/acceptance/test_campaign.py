"""A new user's first campaign: a thousand recipients by smtplib, bounces come back, the next run is right."""

import asyncio
import re
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

import pytest
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
    messages: dict[str, bytes] = field(default_factory=dict)

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
        assert isinstance(envelope.content, bytes)
        self.messages[envelope.rcpt_tos[0]] = envelope.content
        return "250 OK"


@asynccontextmanager
async def listening(relay: Relay) -> AsyncIterator[str]:
    """Give the address of an MTA."""
    loop = asyncio.get_running_loop()
    async with await loop.create_server(lambda: SMTP(relay, hostname="relay"), "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def run_campaign(folder: Path, relay: Relay, redis_url: str) -> str:
    """Run the script as its user would, and return what it prints."""
    async with listening(relay) as address:
        code, printed, _ = await run_script(folder, RECIPIENTS, address, redis_url)
    assert code == 0
    return printed


async def run_script(
    folder: Path, recipients: list[str], address: str, redis_url: str, *more: str
) -> tuple[int | None, str, str]:
    """Run the script, and return its exit code and what it prints to standard output and error."""
    (folder / "recipients.txt").write_text("\n".join(recipients))
    (folder / "message.eml").write_text(MESSAGE)
    key = ("--key", "a.key", "--key-id", "a", "--bounce-domain", "bounce.example.com")
    where = ("--redis", redis_url, "--smtp", address, "--tag", "nov")
    command = (str(SCRIPT), "recipients.txt", "message.eml", *key, *where, *more)
    script = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=folder, stdout=PIPE, stderr=PIPE)
    printed, complained = await script.communicate()
    return script.returncode, printed.decode().strip(), complained.decode().strip()


def unsubscribe_path(relay: Relay, recipient: str) -> str:
    """Return the address in the List-Unsubscribe of the one message to a recipient."""
    (field,) = re.findall(rb"^List-Unsubscribe: (.*?)\r\n(?! )", relay.messages[recipient], re.MULTILINE | re.DOTALL)
    (found,) = re.findall(r"<mailto:([^?>]+)", field.decode())
    return unquote(found)


async def test_the_second_run_leaves_out_whoever_bounced_or_left_after_the_first(daemons):
    """Each message has paths of its own, and what the MTA refused is told to the daemon."""
    daemon = daemons().start()
    redis_url = f"unix://{daemon.folder}/data/server.sock"
    first, second = Relay(), Relay()
    assert await run_campaign(daemon.folder, first, redis_url) == "990 sent, 10 refused, 0 suppressed"
    assert len(set(first.return_paths.values())) == 990
    assert unsubscribe_path(first, "user1@example1.org").startswith("u-a")
    with daemon.session() as session:
        session.mail("user1@example1.org")
        assert session.rcpt(unsubscribe_path(first, "user1@example1.org"))[0] == 250
        assert session.data(b"Subject: unsubscribe\r\n\r\n")[0] == 250

    with daemon.session() as session:
        for recipient in GONE:
            path = first.return_paths[recipient]
            assert send(session, path, unknown_user(recipient, path))[0] == 250

    assert (await run_campaign(daemon.folder, second, redis_url)).startswith("890 sent, ")
    assert first.return_paths.keys() - second.return_paths.keys() == {*GONE, "user1@example1.org"}
    with Redis(unix_socket_path=f"{daemon.folder}/data/server.sock", decode_responses=True) as redis:
        assert redis.hget(f"bounced:{{main}}:address:{GONE[0]}", "campaign") == "nov"


class Unwilling:
    """An MTA that treats the second message in its own way: with a reply at one stage, or by hanging up there."""

    def __init__(self, stage: str, reply: str) -> None:
        self._stage = stage
        self._reply = reply
        self.taken: list[str] = []
        self._messages = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hold the dialogue with one client."""
        recipient = ""
        if await self._answered("connect", "220 relay", writer):
            async for line in reader:
                verb, _, argument = line.decode().strip().partition(" ")
                verb = verb.upper()
                self._messages += verb == "MAIL"
                if verb == "MAIL" and recipient:
                    break  # a message is under way: RSET or its content has to come first
                if verb in ("RCPT", "RSET"):
                    recipient = argument.partition("<")[2].partition(">")[0]
                usual = {"DATA": "354 go on", "QUIT": "221 bye"}.get(verb, "250 OK")
                if not await self._answered(verb, usual, writer):
                    break
                if verb == "DATA" and (self._stage, self._messages) != ("DATA", 2):
                    await reader.readuntil(b"\r\n.\r\n")
                    if not await self._answered("content", "250 OK", writer):
                        break
                    if (self._stage, self._messages) != ("content", 2):
                        self.taken.append(recipient)
                    recipient = ""
        writer.close()

    async def _answered(self, stage: str, usual: str, writer: asyncio.StreamWriter) -> bool:
        """Answer, and return whether the connection goes on."""
        reply = self._reply if (stage, self._messages) == (self._stage, 2) else usual
        if reply:
            writer.write(f"{reply}\r\n".encode())
            await writer.drain()
        return bool(reply) and not reply.startswith(("221", "421"))


NAMES = [f"{name}@example.net" for name in ("alice", "bob", "carol")]


@dataclass
class Bench:
    """A list of this test's own, and a folder to run the script in."""

    folder: Path
    redis_url: str
    list_: str

    async def mail(self, relay: Unwilling, recipients: list[str], *, once: bool = False) -> tuple[int | None, str, str]:
        """Run the script, and return its exit code and what it prints; ``once`` lets only one connection in."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if once:
                server.close()
            await relay.serve(reader, writer)

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            return await run_script(self.folder, recipients, address, self.redis_url, "--list", self.list_)
        finally:
            server.close()

    def told(self) -> list[tuple[str, str, str]]:
        """Return what was told to the daemon: the type, whom it is about, and the reply or count."""
        return [(e["type"], e.get("address", ""), e.get("reply") or e.get("count", "")) for e in self.entries()]

    def entries(self) -> list[dict[str, str]]:
        """Return the entries that were written for the daemon."""
        with Redis.from_url(self.redis_url, decode_responses=True) as redis:
            return [fields for _, fields in redis.xrange(f"bounced:{{{self.list_}}}:intake")]


@pytest.fixture
def bench(tmp_path: Path, redis_url: str, key_prefix: str) -> Bench:
    """Return a list that only this test uses."""
    (tmp_path / "a.key").write_text("a secret for tests only, long enough")
    return Bench(tmp_path, redis_url, key_prefix)


@pytest.mark.parametrize("stage", ["RCPT", "DATA", "content"])
@pytest.mark.parametrize("reply", ["550 5.1.1 no such user", "554 5.7.1 looks like spam"])
async def test_a_recipient_who_is_refused_for_good_is_told_and_the_next_is_mailed(
    stage: str, reply: str, bench: Bench
) -> None:
    """At whatever stage the refusal comes."""
    relay = Unwilling(stage, reply)
    assert await bench.mail(relay, NAMES) == (0, "2 sent, 1 refused, 0 suppressed", "")
    assert relay.taken == [NAMES[0], NAMES[2]]
    assert bench.told() == [("rejected", NAMES[1], reply), ("sent", "", "2")]
    refusal = bench.entries()[0]
    assert (refusal["mta"], refusal["stage"]) == ("127.0.0.1", "rcpt" if stage == "RCPT" else "data")


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "content"])
@pytest.mark.parametrize("reply", ["451 4.3.0 try again", "421 4.3.2 shutting down", ""], ids=["451", "421", "hang-up"])
async def test_a_recipient_who_was_not_refused_for_good_is_left_and_the_next_is_mailed(
    stage: str, reply: str, bench: Bench
) -> None:
    """Over a new connection where the old one was ended or lost; nothing is told against the recipient."""
    relay = Unwilling(stage, reply)
    code, printed, complained = await bench.mail(relay, NAMES)
    assert (code, printed) == (1, "2 sent, 0 refused, 0 suppressed")
    assert complained.startswith(f"{NAMES[1]}: left, ")
    assert relay.taken == [NAMES[0], NAMES[2]]
    assert bench.told() == [("sent", "", "2")]


async def test_a_refused_sender_says_nothing_about_the_recipient(bench: Bench) -> None:
    """It is ours that the MTA does not like."""
    code, printed, complained = await bench.mail(Unwilling("MAIL", "553 5.7.1 not your domain"), NAMES)
    assert (code, printed) == (1, "2 sent, 0 refused, 0 suppressed")
    assert complained.startswith(f"{NAMES[1]}: left, (553, ")
    assert bench.told() == [("sent", "", "2")]


async def test_what_is_no_address_is_left(bench: Bench) -> None:
    """One bad line does not end a campaign."""
    code, printed, complained = await bench.mail(Unwilling("", ""), [NAMES[0], "nobody", NAMES[2]])
    assert (code, printed) == (1, "2 sent, 0 refused, 0 suppressed")
    assert complained.startswith("nobody: left, ")


async def test_an_mta_that_went_away_leaves_all_others(bench: Bench) -> None:
    """Who was sent is told, and everybody else is named."""
    recipients = [*NAMES, *(f"user{number}@example.net" for number in range(5))]
    code, printed, complained = await bench.mail(Unwilling("MAIL", ""), recipients, once=True)
    assert (code, printed) == (1, "1 sent, 0 refused, 0 suppressed")
    assert [line.partition(":")[0] for line in complained.splitlines()] == recipients[1:]
    assert complained.count("the MTA cannot be reached") == 3
    assert bench.told() == [("sent", "", "1")]


class Suppressing(Unwilling):
    """An MTA during whose first message somebody else is suppressed."""

    def __init__(self, bench: Bench, address: str) -> None:
        super().__init__("", "")
        self._bench = bench
        self._address = address

    async def _answered(self, stage: str, usual: str, writer: asyncio.StreamWriter) -> bool:
        if stage == "content":
            with Redis.from_url(self._bench.redis_url) as redis:
                redis.sadd(f"bounced:{{{self._bench.list_}}}:suppressed", self._address)
        return await super()._answered(stage, usual, writer)


async def test_who_is_suppressed_while_the_campaign_runs_is_not_mailed(bench: Bench) -> None:
    """The list is asked just before each message."""
    relay = Suppressing(bench, NAMES[2])
    assert await bench.mail(relay, NAMES) == (0, "2 sent, 0 refused, 1 suppressed", "")
    assert relay.taken == NAMES[:2]


async def test_nobody_is_mailed_while_redis_does_not_answer(bench: Bench) -> None:
    """Everybody is named, and after three attempts Redis is not asked again."""
    nowhere = Bench(bench.folder, f"unix://{bench.folder}/nowhere.sock", bench.list_)
    relay = Unwilling("", "")
    recipients = [f"user{number}@example.net" for number in range(5)]
    code, printed, complained = await nowhere.mail(relay, recipients)
    assert (code, printed) == (1, "0 sent, 0 refused, 0 suppressed")
    assert [line.partition(":")[0] for line in complained.splitlines()] == recipients
    assert complained.count("Redis does not answer") == 2
    assert relay.taken == []
