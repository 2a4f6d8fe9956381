"""The recipes for Django do what they say, with the real Django and django-anymail, on a real server."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from redis import Redis

from bounced.core.return_path import Directory, Keyring, ReturnPaths, SigningKey
from bounced.core.terms import ReturnPath
from bounced.edges.redis.embedded import EmbeddedServer
from tests.support.programs import private_root

from .conftest import TIMEOUT_S

RECIPES, HERE = Path(__file__).parents[2] / "docs/recipes", Path(__file__).parent
ALICE, BOB, CAROL = "alice@example.org", "bob@example.net", "carol@example.org"
SECRET = "an example key, long enough"
AT = "2026-11-01T12:00:00Z"
REPLY = "smtp;550 5.1.1 no such user"

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """Return the environment in which Django and django-anymail can be imported beside bounced."""
    packages = private_root("anymail") or pytest.skip("django-anymail is not here: tests/install-programs")
    return {**os.environ, "PYTHONPATH": f"{packages}:{HERE.parents[1]}", "PYTHONWARNINGS": "ignore"}


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    """Return the URL of a server of this test's own."""
    async with EmbeddedServer(tmp_path / "server") as server:
        yield server.url


@pytest.fixture
def redis(url: str) -> Iterator[Redis]:
    """Return a client to prepare and to look; bob is suppressed."""
    with Redis.from_url(url, decode_responses=True) as redis:
        redis.sadd("bounced:{main}:suppressed", BOB)
        yield redis


@pytest.fixture
def ask(environment: dict[str, str], url: str) -> Ask:
    """Return what a project with django-anymail is asked to do, and gives what came of it."""

    def asked(**what: object) -> Any:
        command = [sys.executable, str(HERE / "check_anymail.py"), str(RECIPES), url]
        done = subprocess.run(
            command,
            input=json.dumps(what),
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return asked


def told(redis: Redis) -> list[dict[str, str]]:
    """Return what was told to the daemon."""
    entries: Any = redis.xrange("bounced:{main}:intake")
    return [fields for _, fields in entries]


async def test_whoever_is_suppressed_is_taken_off_a_message(redis: Redis, ask: Ask) -> None:
    """Of all three fields; a message that has nobody left is not sent, and no error."""
    messages = [
        {"to": [f"Alice <{ALICE}>", BOB], "cc": [f"Bob <{BOB.upper()}>"], "bcc": [CAROL, "no address"]},
        {"to": [BOB]},
        {"to": [ALICE]},
    ]
    said = await asyncio.to_thread(ask, send=messages)
    assert said["sent"] == [[1, [[f"Alice <{ALICE}>", CAROL]]], [0, []], [1, [[ALICE]]]]


async def test_webhooks_of_a_service_reach_the_intake(redis: Redis, ask: Ask) -> None:
    """Posted to anymail's own view: the server's reply, and when it happened."""
    events = [
        {"RecordType": "Bounce", "Type": "HardBounce", "Email": ALICE, "BouncedAt": AT, "Details": REPLY},
        {"RecordType": "SpamComplaint", "Type": "SpamComplaint", "Email": BOB, "BouncedAt": AT},
        {"RecordType": "Delivery", "Recipient": CAROL, "DeliveredAt": AT, "Details": "250 ok"},
        {"RecordType": "Click", "Recipient": CAROL, "ReceivedAt": AT, "OriginalLink": "https://example.com"},
        {
            "RecordType": "SubscriptionChange",
            "Recipient": CAROL,
            "ChangedAt": AT,
            "SuppressSending": True,
            "SuppressionReason": "ManualSuppression",
        },
    ]
    said = await asyncio.to_thread(ask, post=[["postmark", event] for event in events])
    assert said["posted"] == [200] * 5
    at = str(int(datetime.fromisoformat(AT).astimezone(UTC).timestamp()))
    assert told(redis) == [
        {"type": "rejected", "at": at, "address": ALICE, "reply": REPLY},
        {"type": "complained", "at": at, "address": BOB},
        {"type": "delivered", "at": at, "address": CAROL},
        {"type": "engaged", "at": at, "address": CAROL},
        {"type": "unsubscribed", "at": at, "address": CAROL},
    ]


async def test_a_webhook_without_the_secret_is_refused(redis: Redis, ask: Ask) -> None:
    """Whoever can post a complaint can suppress any address."""
    complaint = {"RecordType": "SpamComplaint", "Type": "SpamComplaint", "Email": ALICE, "BouncedAt": AT}
    said = await asyncio.to_thread(ask, post=[["postmark", complaint, "service:guessed"]])
    assert said["posted"] == [400]
    assert told(redis) == []


async def test_a_failure_without_a_reply_is_no_proof(redis: Redis, ask: Ask) -> None:
    """Postmark's description of each hard bounce names an unknown user as an example."""
    example = "The server was unable to deliver your message (ex: unknown user, mailbox not found)."
    bounce = {"RecordType": "Bounce", "Type": "HardBounce", "Email": ALICE, "BouncedAt": AT, "Description": example}
    await asyncio.to_thread(ask, post=[["postmark", bounce]])
    (entry,) = told(redis)
    assert (entry["type"], entry["reply"]) == ("rejected", "no server's reply was given")


async def test_what_does_not_suppress_an_address_is_not_told(redis: Redis, ask: Ask) -> None:
    """What was not sent, what may be about somebody else, and what only looks like a complaint."""
    several = {"complaint": {"complainedRecipients": [{"emailAddress": ALICE}, {"emailAddress": CAROL}]}}
    one = {"complaint": {"complainedRecipients": [{"emailAddress": ALICE}]}}
    filtered = {"RecordType": "Bounce", "Type": "SpamNotification", "Email": ALICE, "BouncedAt": AT}
    unsent = {"RecordType": "Bounce", "Type": "Blocked", "Email": ALICE, "BouncedAt": AT, "Details": REPLY}
    opened = {"RecordType": "Open", "Recipient": ALICE, "ReceivedAt": AT}
    events: list[dict[str, Any]] = [
        {"event_type": "complained", "recipient": ALICE, "esp_event": several, "description": "abuse"},
        {"event_type": "complained", "recipient": ALICE, "esp_event": one, "description": "not-spam"},
        {"event_type": "complained", "recipient": ALICE, "esp_event": {"data": {"to": [ALICE, CAROL]}}},
        {"event_type": "unsubscribed", "recipient": ALICE, "esp_event": {"event": "group_unsubscribe"}},
        {"event_type": "bounced", "recipient": None, "esp_event": {}, "mta_response": REPLY},
        {"event_type": "bounced", "recipient": "no address", "esp_event": {}, "mta_response": REPLY},
        {"event_type": "deferred", "recipient": ALICE, "esp_event": {}, "mta_response": "451 later"},
    ]
    said = await asyncio.to_thread(ask, post=[["postmark", each] for each in (filtered, unsent, opened)], hear=events)
    assert said["posted"] == [200] * 3
    assert told(redis) == []


async def test_a_complaint_that_names_one_recipient_is_told(redis: Redis, ask: Ask) -> None:
    """As Amazon SES hands it on for a message to one recipient."""
    one = {"complaint": {"complainedRecipients": [{"emailAddress": ALICE}]}}
    event = {"event_type": "complained", "recipient": ALICE, "esp_event": one, "description": "abuse"}
    await asyncio.to_thread(ask, hear=[event])
    assert [(entry["type"], entry["address"]) for entry in told(redis)] == [("complained", ALICE)]


class Relay:
    """The sender's own MTA, and what it took."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        self.taken.append(envelope)
        return "250 OK"


async def test_the_backend_sends_to_each_with_a_return_path_of_its_own(
    environment: dict[str, str], url: str, redis: Redis, tmp_path: Path
) -> None:
    """Whoever is suppressed gets nothing; all others see the same From, To and Cc, and nobody sees Bcc."""
    (key := tmp_path / "bounced.key").write_text(SECRET)
    relay, loop = Relay(), asyncio.get_running_loop()
    async with await loop.create_server(lambda: SMTP(relay, hostname="relay"), "127.0.0.1", 0) as server:
        port = str(server.sockets[0].getsockname()[1])
        command = [sys.executable, str(HERE / "check_django_backend.py"), str(RECIPES), url, str(key), port]
        done = await asyncio.create_subprocess_exec(*command, env=environment, stdout=subprocess.PIPE)
        printed, _ = await asyncio.wait_for(done.communicate(), TIMEOUT_S)
    assert (done.returncode, printed) == (0, b"3\n")
    assert [envelope.rcpt_tos for envelope in relay.taken] == [[ALICE], [CAROL], ["hidden@example.org"]]
    paths = ReturnPaths("main", ("bounce.example.com",), Keyring(SigningKey("a", SECRET.encode())))
    for envelope in relay.taken:
        made_for = Directory((paths,)).decode(envelope.mail_from or "", today=datetime.now(UTC).date())
        assert isinstance(made_for, ReturnPath)
        assert [made_for.recipient] == envelope.rcpt_tos
        header = (envelope.original_content or b"").partition(b"\r\n\r\n")[0].decode()
        fields = {name: text.strip() for name, _, text in (line.partition(":") for line in header.splitlines())}
        assert fields["From"] == "News <news@example.com>"
        assert (fields["To"], fields["Cc"]) == (f"Alice <{ALICE}>, {BOB}", CAROL)
        assert fields["List-Unsubscribe"].startswith("<mailto:u-"), "in one line, and not as an encoded word"
        assert fields["Feedback-ID"].startswith("nov:main:")
        assert "hidden" not in fields["To"] + fields["Cc"]
        assert "Bcc" not in fields
