"""One failure counts once, whoever tells of it: a service's event, the same again, and the bounce that comes later."""

from datetime import date, timedelta
from itertools import permutations
from typing import Any

import pytest

from bounced.core.state import AddressState
from bounced.core.terms import Class, Envelope, ReturnPath, State
from bounced.jobs import IntakeReader

from .conftest import ALICE, Bench

UNKNOWN = f"550 5.1.1 <{ALICE}>: Recipient address rejected: User unknown"
FULL = "552 5.2.2 mailbox full"
LATER = timedelta(hours=25)
NOTICE = """\
From: MAILER-DAEMON@mx.example.net
To: {path}
Message-ID: <notice@mx.example.net>
Content-Type: multipart/report; report-type=delivery-status; boundary="b"
MIME-Version: 1.0

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; {recipient}
Action: failed
Status: {status}
Remote-MTA: dns; mx.company.example
Diagnostic-Code: smtp; {reply}

--b--
"""


def path_of(bench: Bench, issued: date) -> str:
    """Return the return path of mail to Alice."""
    return bench.pipeline.directory["main"].encode(ALICE, issued=issued, tag="spring")


async def bounces(bench: Bench, path: str, reply: str) -> None:
    """Let the bounce come in now."""
    text = NOTICE.format(path=path, recipient=ALICE, status=reply.split()[1], reply=reply)
    destination = await bench.pipeline.admit(path)
    assert isinstance(destination, ReturnPath)
    content = text.replace("\n", "\r\n").encode()
    await bench.pipeline.process(destination, Envelope("192.0.2.1", "", path, content, bench.clock.now))


async def told(bench: Bench, **fields: object) -> None:
    """Let an event come in and be committed."""
    given = {"type": "rejected", "id": "event-1", "at": bench.clock.now.isoformat(), "address": ALICE, **fields}
    await bench.ask("XADD", bench.keys.intake, "*", *(word for item in given.items() if item[1] for word in item))
    await IntakeReader(bench.present, bench.job_store()).round()
    assert await bench.ask("XLEN", bench.keys.intake) == 0


async def failures(bench: Bench) -> dict[Class, int]:
    """Return how many failures of each class count against Alice."""
    return {class_: streak.count for class_, streak in (await bench.state()).streaks.items()}


@pytest.mark.parametrize("reply", [UNKNOWN, FULL])
@pytest.mark.parametrize("order", list(permutations(("event", "bounce", "event again"))))
@pytest.mark.parametrize("apart", [timedelta(minutes=1), LATER])
async def test_an_event_with_the_return_path_and_its_bounce_are_one_failure(
    bench: Bench, reply: str, order: tuple[str, ...], apart: timedelta
) -> None:
    """In any order, also 25 hours apart: the path is that of one message.  Both stand in the events."""
    path, happened_at = path_of(bench, bench.clock.now.date()), bench.clock.now
    for what in order:
        if what == "bounce":
            await bounces(bench, path, reply)
        else:
            await told(bench, reply=reply, action="failed", return_path=path, at=happened_at.isoformat())
        bench.clock.forward(seconds=apart.total_seconds())
    assert sum((await failures(bench)).values()) == 1
    assert len(await bench.events("rejected")) == 1
    assert len(await bench.events("report")) == 1


@pytest.mark.parametrize("order", list(permutations(("event", "bounce"))))
@pytest.mark.parametrize("days_in_the_queue", [0, 3])
async def test_an_event_without_it_and_its_bounce_are_one_failure(
    bench: Bench, order: tuple[str, ...], days_in_the_queue: int
) -> None:
    """It says when the message was handed over; the path of the bounce has that day."""
    sent_at = bench.clock.now
    path = path_of(bench, sent_at.date())
    bench.clock.forward(days=days_in_the_queue)
    for what in order:
        if what == "bounce":
            await bounces(bench, path, FULL)
        else:
            await told(bench, reply=FULL, sent_at=sent_at.isoformat())
        bench.clock.forward(hours=25)
    assert await failures(bench) == {Class.SOFT: 1}


async def test_an_event_that_comes_late_is_judged_by_the_time_it_names(bench: Bench) -> None:
    """A service repeats a request for days.  Where no time of sending is known, that of the failure tells as much."""
    happened_at, path = bench.clock.now, path_of(bench, bench.clock.now.date())
    await bounces(bench, path, FULL)
    bench.clock.forward(days=2)
    await told(bench, reply=FULL, at=happened_at.isoformat())
    assert await failures(bench) == {Class.SOFT: 1}


async def test_another_message_is_another_failure(bench: Bench) -> None:
    """By a path of its own, or another time of sending."""
    for _ in range(2):
        await told(bench, reply=FULL, return_path=path_of(bench, bench.clock.now.date()), id=str(bench.clock.now))
        bench.clock.forward(hours=25)
    await told(bench, reply=FULL, sent_at=bench.clock.now.isoformat(), id="event-3")
    assert await failures(bench) == {Class.SOFT: 3}


async def test_rates_count_a_message_once(bench: Bench) -> None:
    """The campaign has one failure, which came as an event and as a bounce."""
    path = path_of(bench, bench.clock.now.date())
    await told(bench, reply=UNKNOWN, return_path=path)
    await bounces(bench, path, UNKNOWN)
    (counts,) = await bench.job_store().counts("main", bench.clock.now, 1)
    assert counts["rate:hard:campaign:spring"] == 1


async def test_the_return_path_names_recipient_day_and_campaign(bench: Bench) -> None:
    """Whoever posts it need say nothing else; a service may have no room for the @ and what follows."""
    await told(bench, address="", reply=UNKNOWN, return_path=path_of(bench, bench.clock.now.date()))
    state = await bench.state()
    assert (state.state, state.campaign) == (State.SUPPRESSED, "spring")
    local_part = path_of(bench, bench.clock.now.date()).partition("@")[0]
    await told(bench, type="unsubscribed", id="event-2", address="", reply="", return_path=local_part)
    assert (await bench.state()).state is State.SUPPRESSED


async def test_the_path_of_somebody_else_says_nothing(bench: Bench) -> None:
    """The service names the recipient of its event; a path of all recipients of a call is nobody's."""
    other = bench.pipeline.directory["main"].encode("bob@company.example", issued=bench.clock.now.date())
    await told(bench, reply=UNKNOWN, return_path=other)
    assert (await bench.state()).state is State.SUPPRESSED
    assert (await bench.store.load("main", "bob@company.example")) == AddressState()


@pytest.mark.parametrize("path", ["b-nothing@bounce.example.com", "x" * 5000, "bounce@mg.example.com"])
async def test_what_is_no_path_of_ours_says_nothing(bench: Bench, path: str) -> None:
    """The event counts as one without it; without an address as well it is nobody's."""
    await told(bench, reply=UNKNOWN, return_path=path)
    assert (await bench.state()).state is State.SUPPRESSED
    await told(bench, address="", id="event-2", reply=UNKNOWN, return_path=path)
    assert await bench.ask("XLEN", bench.keys.intake_failed) == 1


async def test_clicks_do_not_use_up_the_reports_of_a_path(bench: Bench) -> None:
    """Twenty reports are taken for a path; a bounce after a hundred clicks is one of them."""
    path = path_of(bench, bench.clock.now.date())
    for number in range(100):
        await told(bench, type="engaged", id=f"click-{number}", return_path=path)
    await bounces(bench, path, UNKNOWN)
    assert (await bench.state()).state is State.SUPPRESSED


@pytest.mark.parametrize(
    ("fields", "category", "class_", "action"),
    [
        ({"category": "mailbox_unknown"}, "mailbox_unknown", "soft", "failed"),
        ({"category": "mailbox_unknown", "reply": UNKNOWN}, "mailbox_unknown", "hard", "failed"),
        ({"category": "mailbox_unknown", "reply": FULL}, "mailbox_full", "soft", "failed"),
        ({"category": "spam_content", "reply": "it failed"}, "spam_content", "block", "failed"),
        ({"category": "mailbox_full", "action": "delayed"}, "mailbox_full", "soft", "delayed"),
        ({"category": "undetermined"}, "undetermined", "undetermined", "failed"),
        ({"reply": "452 4.2.2 mailbox full"}, "mailbox_full", "soft", "delayed"),
        ({"reply": "452 4.2.2 mailbox full", "action": "failed"}, "mailbox_full", "soft", "failed"),
        ({"reply": UNKNOWN, "action": "delayed"}, "mailbox_unknown", "hard", "delayed"),
    ],
)
async def test_a_name_is_the_last_resort_and_proves_nothing(
    bench: Bench, fields: dict[str, Any], category: str, class_: str, action: str
) -> None:
    """The reply comes first.  A hard name counts as soft; and who sends knows whether it has given up."""
    await told(bench, **fields)
    (event,) = await bench.events("rejected")
    assert (event["category"], event["class"], event["action"]) == (category, class_, action)
    assert ("doubt" in event) is (category == "mailbox_unknown" and class_ == "soft")


async def test_names_alone_never_suppress_at_once(bench: Bench) -> None:
    """Whatever a service calls a failure, an address is held before it is suppressed."""
    states = set()
    for number in range(3):
        await told(bench, category="mailbox_unknown", id=f"event-{number}", sent_at=bench.clock.now.isoformat())
        states.add((await bench.state()).state)
        bench.clock.forward(days=6)
    assert State.SUPPRESSED not in states


@pytest.mark.parametrize(
    "fields",
    [
        {"category": "complaint"},
        {"category": "nonsense"},
        {"category": "mailbox_full", "action": "relayed"},
        {"category": "mailbox_full", "sent_at": "yesterday"},
        {},
    ],
)
async def test_what_an_entry_may_not_say(bench: Bench, fields: dict[str, str]) -> None:
    """It goes to those that failed, with the reason."""
    await told(bench, **fields)
    assert await bench.ask("XLEN", bench.keys.intake_failed) == 1
    assert (await bench.state()).category is None
