"""Whatever a peer or a sender writes into any field, what is stored of it is text that does nothing."""

from collections.abc import AsyncIterator

import pytest

from bounced.core.terms import Category, Envelope
from bounced.edges.redis.wire import text
from bounced.jobs import AlarmUpdater, IntakeReader

from .conftest import ALICE, Bench

HOSTILE = "\x1b]0;owned\x07\x00\x7f\u202e\x9b31m\u2028\u200b=cmd"
FIELDS = ("reporting-mta", "remote-mta", "diagnostic-code", "status", "action", "final-recipient", "feedback-type")
REPORT = """\
From: MAILER-DAEMON@mail.example.net
Message-ID: <{message_id}@mail.example.net>
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=x

--x
Content-Type: text/plain; charset=utf-8

It did not work. {text}
--x
Content-Type: message/global-delivery-status

Reporting-MTA: dns; mail.example.net{reporting-mta}

Final-Recipient: utf-8; alice@company.example{final-recipient}
Action: failed{action}
Status: 5.1.1{status}
Remote-MTA: dns; mx.company.example{remote-mta}
Diagnostic-Code: smtp; 550 5.1.1 no such user{diagnostic-code}

--x--
"""
COMPLAINT = """\
From: fbl@mail.example.net
Message-ID: <fbl@mail.example.net>
Content-Type: multipart/report; report-type=feedback-report; boundary=x

--x
Content-Type: message/feedback-report

Feedback-Type: abuse{hostile}
User-Agent: {hostile}/1
Reporting-MTA: dns; {hostile}

--x
Content-Type: text/rfc822-headers

Subject: {hostile}

--x--
"""


async def stored(bench: Bench) -> AsyncIterator[str]:
    """Yield every key and every value of the list but messages that are kept as they came."""
    _, keys = await bench.ask("SCAN", 0, "MATCH", f"{bench.keys.prefix}:*", "COUNT", 1_000_000)
    for key in map(text, keys):
        yield key
        match text(await bench.ask("TYPE", key)):
            case "hash":
                values = [word for pair in (await bench.ask("HGETALL", key)).items() for word in pair]
            case "set":
                values = list(await bench.ask("SMEMBERS", key))
            case "zset":
                values = [member for member, _ in await bench.ask("ZRANGE", key, 0, -1, "WITHSCORES")]
            case "list":
                values = await bench.ask("LRANGE", key, 0, -1)
            case "stream":
                entries = await bench.ask("XRANGE", key, "-", "+")
                values = [v for _, fields in entries for name, v in fields.items() if name != b"content"]
            case other:
                pytest.fail(f"a key of type {other}")
        for value in values:
            yield text(value)


async def take_in(bench: Bench, content: str) -> None:
    """Hand one message in, as a door does."""
    paths = bench.pipeline.directory["main"]
    path = paths.encode(ALICE, issued=bench.clock.now.date())
    destination = await bench.pipeline.admit(path)
    octets = content.replace("\n", "\r\n").encode()
    await bench.pipeline.process(destination, Envelope(HOSTILE, HOSTILE, path, octets, bench.clock.now))


@pytest.mark.parametrize("field", FIELDS)
async def test_what_a_report_says_is_stored_as_text_that_does_nothing(bench: Bench, field: str) -> None:
    """The state, the events, the history, the counters: no control, no escape sequence, no character that is unseen."""
    told = dict.fromkeys((*FIELDS, "text"), "") | {field: HOSTILE, "message_id": HOSTILE[:-4]}
    await take_in(bench, REPORT.format_map(told))
    await take_in(bench, COMPLAINT.format(hostile=HOSTILE))
    assert len(await bench.events("report")) == 2
    assert [value async for value in stored(bench) if not value.isprintable()] == []


async def test_what_a_sender_tells_is_stored_as_text_that_does_nothing(bench: Bench) -> None:
    """Names of campaigns become counters and alarms."""
    bench.settings(intake_may_release=True)
    at = int(bench.clock.now.timestamp())
    for type_ in ("rejected", "complained", "sent", "suppress"):
        told = {"type": type_, "at": at, "address": ALICE, "campaign": HOSTILE * 10, "reason": HOSTILE, "count": 1000}
        told |= {"reply": f"550 5.1.1 no such user {HOSTILE}", "mta": HOSTILE, "id": HOSTILE, "actor": HOSTILE}
        await bench.ask("XADD", bench.keys.intake, "*", *(word for pair in told.items() for word in pair))
    await IntakeReader(bench.present, bench.job_store()).round()
    for number in range(60):
        await bench.fails(Category.MAILBOX_UNKNOWN, f"{number}@company.example", campaign=HOSTILE * 10)
    await AlarmUpdater(bench.present, bench.job_store()).round()
    assert [scope for scope in await bench.job_store().standing("main") if scope.startswith("campaign:")]
    assert await bench.stream(bench.keys.intake_failed) == []
    assert [value async for value in stored(bench) if not value.isprintable()] == []
