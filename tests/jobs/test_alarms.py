"""The health of the sender: blocks by provider, rates, and the alarms that they raise and clear."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from hashlib import sha1
from typing import Any

import pytest
from structlog.testing import capture_logs

from bounced.core.contract.event_words import sentence
from bounced.core.contract.hourly_counters import MAX_FIELDS, Quota
from bounced.core.contract.times import hour
from bounced.core.meaning.classify import classify_reply
from bounced.core.return_path import Directory
from bounced.core.state import Evidence, EvidenceType, ReportId, Unattributed
from bounced.core.terms import Action, Category, Envelope, Kind, Origin, Verdict
from bounced.edges.redis import script
from bounced.edges.redis.hook_streams import HookStreams
from bounced.edges.redis.overview import Overview
from bounced.edges.watch.metrics.meter import Meter
from bounced.jobs import AlarmUpdater, IntakeReader
from bounced.ports import StoreUnavailable

from .conftest import Bench


def bell(bench: Bench) -> AlarmUpdater:
    """Return another worker's."""
    return AlarmUpdater(bench.present, bench.job_store())


async def sent(bench: Bench, count: int, campaign: str = "spring", domain: str = "") -> None:
    """Let the sender tell how much it sent."""
    evidence = Evidence(
        EvidenceType.SENT, bench.clock.now, Origin.INTAKE, campaign=campaign, count=count, domain=domain
    )
    await bench.pipeline.commit(ReportId("main", "", "sent"), None, evidence)


async def fail(bench: Bench, count: int, category: Category = Category.MAILBOX_UNKNOWN, **facts: Any) -> None:
    """Let so many messages of the campaign fail, each to another recipient."""
    kind = Kind.COMPLAINT if category is Category.COMPLAINT else Kind.BOUNCE
    facts = {"campaign": "spring", "kind": kind, **facts}
    first = next(bench.numbers)
    for number in range(count):
        await bench.fails(category, f"{first}-{number}@{number}.example", **facts)


async def alarms(bench: Bench) -> dict[str, str]:
    """Return the level of each alarm that stands, after a round."""
    await bell(bench).round()
    return {scope: json.loads(alarm)["level"] for scope, alarm in (await bench.job_store().standing("main")).items()}


@pytest.mark.parametrize(
    ("category", "failures", "level"),
    [
        (Category.MAILBOX_UNKNOWN, 19, None),
        (Category.MAILBOX_UNKNOWN, 20, "warn"),
        (Category.MAILBOX_UNKNOWN, 50, "pause"),
        (Category.COMPLAINT, 0, None),
        (Category.COMPLAINT, 1, "warn"),
        (Category.COMPLAINT, 3, "pause"),
    ],
)
async def test_the_thresholds(bench: Bench, category: Category, failures: int, level: str | None) -> None:
    """Of a thousand sent: 2 % and 5 % hard, 0.1 % and 0.3 % complaints."""
    await sent(bench, 1000)
    await fail(bench, failures, category)
    assert await alarms(bench) == ({"list": level, "campaign:spring": level} if level else {})


async def test_under_500_sent_nothing_is_said(bench: Bench) -> None:
    """Five of 499 are chance."""
    await sent(bench, 499)
    await fail(bench, 30)
    assert await alarms(bench) == {}


async def test_a_domain_has_its_own_rate(bench: Bench) -> None:
    """Where the sender tells what it sent to it."""
    await sent(bench, 5000, campaign="", domain="company.example")
    for number in range(99):
        await bench.fails(Category.MAILBOX_UNKNOWN, f"{number}@company.example")
    assert await alarms(bench) == {}
    await bench.fails(Category.MAILBOX_UNKNOWN, "99@company.example")
    assert await alarms(bench) == {"list": "warn", "domain:company.example": "warn"}


async def test_distinct_paths_only(bench: Bench) -> None:
    """What one recipient's server says twenty times is said once."""
    await sent(bench, 1000)
    for _ in range(20):
        await fail(bench, 1, path="one")
    assert await alarms(bench) == {}


async def test_a_path_counts_once_for_each_measure(bench: Bench) -> None:
    """Refused for good and called spam are two things; twenty reports are still taken in."""
    await sent(bench, 1000)
    for category in [Category.MAILBOX_UNKNOWN] * 10 + [Category.COMPLAINT] * 10:
        await fail(bench, 1, category, path="one")
    (counts,) = await bench.job_store().counts("main", bench.clock.now, 1)
    assert counts["rate:hard:list"] == counts["rate:complaint:list"] == 1
    assert counts["type:report"] == 20


async def test_what_says_nothing_about_the_sender(bench: Bench) -> None:
    """Delays, full mailboxes, forgeries, other recipients."""
    await sent(bench, 1000)
    await fail(bench, 60, kind=Kind.DELAYED)
    await fail(bench, 60, Category.MAILBOX_FULL)
    await fail(bench, 60, trusted=False)
    await fail(bench, 60, names_recipient=False)
    assert await alarms(bench) == {}


async def test_an_alarm_is_told_once_and_clears_itself(bench: Bench) -> None:
    """However many workers watch: raised, worse, over."""
    await sent(bench, 1000)
    await fail(bench, 20)
    await asyncio.gather(*(bell(bench).round() for _ in range(4)))
    await bell(bench).round()
    bench.clock.forward(hours=2)
    await fail(bench, 30)
    await asyncio.gather(*(bell(bench).round() for _ in range(4)))
    bench.clock.forward(hours=25)
    await asyncio.gather(*(bell(bench).round() for _ in range(4)))
    told = [event["level"] for event in await bench.events("alarm") if event["scope"] == "campaign:spring"]
    assert told == ["warn", "pause", "clear"]
    assert await bench.job_store().standing("main") == {}


async def test_an_alarm_keeps_its_figures_up_to_date(bench: Bench) -> None:
    """What a sender reads is what is so; since when it stands does not change."""
    await sent(bench, 1000)
    await fail(bench, 20)
    await bell(bench).round()
    bench.clock.forward(minutes=10)
    await fail(bench, 5)
    await bell(bench).round()
    alarm = json.loads((await bench.job_store().standing("main"))["list"])
    assert (alarm["sent"], alarm["hard"], alarm["since"]) == (1000, 25, "2026-03-02T12:00:00Z")


async def test_a_complaint_without_our_return_path_is_an_event_and_an_alarm(bench: Bench) -> None:
    """Nobody can be suppressed for it; somebody should look."""
    evidence = Evidence(
        EvidenceType.REPORT,
        bench.clock.now,
        Origin.SMTP,
        kind=Kind.COMPLAINT,
        verdict=Verdict(Category.COMPLAINT, "feedback.abuse", "kind"),
        trusted=False,
        unattributed=Unattributed({"provider": "yahoo"}, known=True),
    )
    await bench.pipeline.commit(ReportId("main", "fbl", "1"), None, evidence)
    others = replace(evidence, unattributed=Unattributed({"provider": "isp.example"}, known=False))
    await bench.pipeline.commit(ReportId("main", "fbl", "2"), None, others)
    await bench.pipeline.commit(ReportId("main", "fbl", "3"), None, evidence)
    with capture_logs() as logs:
        assert await alarms(bench) == {"feedback": "warn"}
    (raised,) = (line for line in logs if line["event"] == "alarm.raised")
    assert raised["providers"] == "yahoo 2, isp.example 1"
    standing = json.loads((await bench.job_store().standing("main"))["feedback"])
    assert (standing["complaints"], standing["providers"]) == (3, {"yahoo": 2, "isp.example": 1})
    (told,) = await bench.events("alarm")
    assert "feedback: warn, complaints that name nobody: 3, by yahoo 2, isp.example 1" in sentence(told, str)
    assert len(await bench.events("report")) == 3
    bench.clock.forward(hours=25)
    assert await alarms(bench) == {}


async def test_a_webhook_that_delivers_nothing_raises_an_alarm(bench: Bench) -> None:
    """While it is stopped, or events are kept; it is told once, says why, and is cleared when somebody resumed it."""
    bench.settings(hooks=("crm", "other"))
    streams = HookStreams(bench.store, "main", "crm", undelivered_max=10)
    await streams.next(1, bench.clock.now)
    assert await alarms(bench) == {}
    await streams.stop("410 Gone", bench.clock.now)
    with capture_logs() as logs:
        assert await alarms(bench) == {"hook:crm": "warn"}
    await bench.ask(
        "XADD", bench.keys.undelivered("crm"), "*", "type", "transition", "stream", "events", "entry", "1-1"
    )
    assert await alarms(bench) == {"hook:crm": "warn"}
    standing = json.loads((await bench.job_store().standing("main"))["hook:crm"])
    assert standing["reason"] == "stopped, set aside"
    (raised,) = (line for line in logs if line["event"] == "alarm.raised")
    assert (raised["scope"], raised["reason"]) == ("hook:crm", "stopped")
    await streams.resume()
    assert await alarms(bench) == {}
    told = await bench.events("alarm")
    assert [event["level"] for event in told] == ["warn", "clear"]
    assert "hook:crm: warn, stopped" in sentence(told[0], str)


async def test_the_alarm_of_a_webhook_ends_with_the_webhook(bench: Bench) -> None:
    """It is taken out of the configuration; and one that cannot be looked at keeps no other alarm from being raised."""
    bench.settings(hooks=("crm",))
    await HookStreams(bench.store, "main", "crm", undelivered_max=10).stop("410 Gone", bench.clock.now)
    assert await alarms(bench) == {"hook:crm": "warn"}
    await bench.ask("DEL", bench.keys.hook("crm"))
    await bench.ask("SET", bench.keys.hook("crm"), "by mistake")
    await sent(bench, 1000)
    await fail(bench, 50)
    with pytest.raises(StoreUnavailable, match="WRONGTYPE"):
        await alarms(bench)
    assert {"list", "campaign:spring"} <= (await bench.job_store().standing("main")).keys()
    bench.settings(hooks=())
    assert "hook:crm" not in await alarms(bench)


async def test_an_alarm_that_cannot_be_read_is_replaced(bench: Bench) -> None:
    """Somebody else wrote it."""
    await bench.ask("HSET", bench.keys.alarms, "list", "red")
    assert await alarms(bench) == {}


async def test_a_block_names_provider_category_sending_address_and_sample(bench: Bench) -> None:
    """Enough to know whom to ask about which of our machines."""
    verdict = Verdict(
        Category.REPUTATION_BLOCK,
        "microsoft.banned",
        "diagnostic",
        Action.FAILED,
        "5.7.606",
        "550",
        "company-example.mail.protection.outlook.com",
        "550 5.7.606 Access denied, banned sending IP [192.0.2.25]",
    )
    await bench.fails(Category.REPUTATION_BLOCK, "someone@company.example", verdict=verdict)
    (block,) = await bench.stream(bench.keys.blocks)
    assert block["provider"] == "microsoft"
    assert block["category"] == "reputation_block"
    assert block["sending_ip"] == "192.0.2.25"
    assert block["diagnostic"] == verdict.diagnostic
    (counts,) = await bench.job_store().counts("main", bench.clock.now, 1)
    assert counts["provider:microsoft:reputation_block"] == 1


UNUSUAL_RATE = (
    "421-4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your IP address [192.0.2.25]. "
    "To protect our users from spam, mail sent from your IP address has been temporarily rate limited. For more "
    "information, go to https://support.google.com/mail/?p=UnsolicitedRateLimitError to review our Bulk Email Senders "
    "Guidelines. 00721157ae682-b - gsmtp"
)


async def told_by(bench: Bench, reply: str) -> dict[str, int]:
    """Let the sender's own MTA be refused, and return what is counted."""
    verdict = classify_reply(reply, bench.pipeline.rules)._replace(remote_mta="gmail-smtp-in.l.google.com")
    facts: dict[str, Any] = {"type": EvidenceType.REJECTED, "kind": None, "campaign": "spring", "verdict": verdict}
    await bench.fails(verdict.category, "someone@company.example", **facts)
    (counts,) = await bench.job_store().counts("main", bench.clock.now, 1)
    return dict(counts)


async def test_a_rate_limit_refuses_the_sender_and_is_kept_whole(bench: Bench) -> None:
    """Gmail's 4.7.28: the provider, the sending address, all words and the link; the category and class stay."""
    counts = await told_by(bench, UNUSUAL_RATE)
    (block,) = await bench.stream(bench.keys.blocks)
    assert (block["provider"], block["sending_ip"], block["words"]) == ("google", "192.0.2.25", UNUSUAL_RATE)
    assert (block["category"], block["class"]) == ("rate_limited", "transient")
    assert counts["provider:google:rate_limited"] == counts["campaign:spring:block"] == 1
    assert counts["class:transient"] == 1
    assert all("words" not in event for event in await bench.events())


@pytest.mark.parametrize(
    ("reply", "refuses"),
    [
        ("450 4.2.1 The user you are trying to contact is receiving mail too quickly. Please resend later", False),
        ("550 5.2.122 The recipient's per hour message receive limit from specific sender exceeded", False),
        ("421 4.2.1 Connection refused - OXSUS0001_139", True),
        ("452 4.3.2 Connection rate limit exceeded", True),
        ("421 Try again later, please, as noted in RL000001", True),
        ("450 4.7.1 <someone@company.example>: Recipient address rejected: Greylisted", False),
    ],
)
async def test_whose_rate_is_limited(bench: Bench, reply: str, *, refuses: bool) -> None:
    """A mailbox that gets too much mail of anybody says nothing about the sender; neither does greylisting."""
    counts = await told_by(bench, reply)
    assert len(await bench.stream(bench.keys.blocks)) == refuses
    assert any(name.startswith("provider:") for name in counts) is refuses


async def test_a_list_without_addresses_keeps_none_in_the_words_of_a_refusal(hashed_bench: Bench) -> None:
    """The server may name the recipient anywhere."""
    await told_by(hashed_bench, f"{UNUSUAL_RATE} to <someone@company.example> for someone")
    (block,) = await hashed_bench.stream(hashed_bench.keys.blocks)
    assert "someone" not in block["words"]
    assert "UnsolicitedRateLimitError" in block["words"]


RUBBISH = ("inf", "nan", "-inf", "1e999", "9" * 400, "", "many", "0x10", "\u0661", "-5")


async def test_counters_of_rubbish_stop_nothing(bench: Bench) -> None:
    """Neither the commits that count on, nor the alarms, nor what people look at."""
    key = bench.keys.counts(hour(bench.clock.now))
    await bench.ask(
        "HSET", key, *(word for n, text in enumerate(RUBBISH) for word in (f"rate:hard:campaign:{n}", text))
    )
    for counter in ("type:report", "rate:hard:list", "class:hard", "domain:company.example:mailbox_unknown"):
        await bench.ask("HSET", key, counter, "inf")
    await bench.ask("HSET", bench.keys.bouncing, "inf", "1", "21000", "nan", "99999", "-2", "99998", "5")
    await sent(bench, 1000)
    await fail(bench, 60)
    await bench.fails(Category.MAILBOX_UNKNOWN)
    assert await alarms(bench) == {"list": "pause", "campaign:spring": "pause"}
    overview = Overview(bench.store, "main", bench.keys)
    ((_, counts),) = await overview.counts(bench.clock.now, 1)
    assert counts["rate:hard:list"] == counts["type:report"] == counts["class:hard"] == 61
    assert not [name for name in counts if name.startswith("rate:hard:campaign:") and name[-1].isdigit()]
    assert (await overview.sizes(bench.clock.now)).bouncing == 3
    assert await bench.job_store().usual_unknowns("main", "company.example", bench.clock.now + timedelta(hours=2)) > 0


@pytest.mark.parametrize("standing", ["[" * 100_000, '{"level":"red"}', "null", '{"level":[]}'])
async def test_an_alarm_of_rubbish_is_replaced(bench: Bench, standing: str) -> None:
    """Somebody else wrote it, as deep as it may be."""
    await bench.ask("HSET", bench.keys.alarms, "list", standing)
    assert await alarms(bench) == {}


@pytest.mark.parametrize(
    ("crowd", "quota"), [(45, 30), pytest.param(10_500, None, marks=[pytest.mark.soak, pytest.mark.timeout(300)])]
)
async def test_a_crowd_of_domains_hides_neither_a_campaign_nor_the_list(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, crowd: int, quota: int | None
) -> None:
    """Recipients choose their domains; what a sender has to hear of its own mail cannot be crowded out by them."""
    if quota:
        leave_fields(monkeypatch, domains=quota, campaigns=quota, providers=quota, unsigned=quota)
    meter = Meter()
    bench.store._observer = meter
    await fail_at_once(bench, crowd, campaign="")
    await sent(bench, crowd * 100)
    await sent(bench, 500, campaign="bad", domain="late.example")
    await fail_at_once(bench, 60, campaign="bad", category=Category.MAILBOX_UNKNOWN)
    assert (await alarms(bench))["campaign:bad"] == "pause"
    (counts,) = await bench.job_store().counts("main", bench.clock.now, 1)
    hard = crowd + 60
    assert counts["rate:hard:list"] == counts["class:hard"] == counts["category:mailbox_unknown"] == hard
    assert counts["rate:sent:list"] == crowd * 100 + 500
    assert counts["transition:active:suppressed"] == hard
    domains = [name for name in counts if ":domain:" in name or name.startswith("domain:")]
    assert len(domains) == (quota or 10_000)
    assert counts["~other:domains"] == 2 * hard + 500 - len(domains)
    assert f'["bounced_counters_overflowed", "main", "domains", {2 * hard + 1 - len(domains)}]' in meter.take().decode()


async def test_campaigns_crowd_out_no_figure_of_the_list_either(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tag can hold many values, and a sender may name a campaign for each message."""
    leave_fields(monkeypatch, campaigns=10)
    for number in range(30):
        await sent(bench, 100, campaign=f"campaign-{number}")
    await fail(bench, 100)
    assert await alarms(bench) == {"list": "warn"}
    (counts,) = await bench.job_store().counts("main", bench.clock.now, 1)
    assert len([name for name in counts if "campaign:" in name]) == 10
    assert counts["~other:campaigns"] == 20 * 100 + 2 * 100
    assert len([name for name in counts if name.startswith("domain:")]) == 100


async def test_what_nobody_signed_takes_no_place_of_what_was(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody can send a report to an unsigned path, and name in it whom he likes."""
    leave_fields(monkeypatch, unsigned=10)
    await fail(bench, 30, trusted=False, campaign="forged")
    (counts,) = await bench.job_store().counts("main", bench.clock.now, 1)
    assert counts["campaign:forged:hard"] == counts["class:hard"] == 30
    assert counts["~other:unsigned"] == 30 - 9
    await fail(bench, 5)
    (counts,) = await bench.job_store().counts("main", bench.clock.now, 1)
    assert "~other:domains" not in counts
    assert counts["rate:hard:campaign:spring"] == 5


async def test_an_hour_that_an_older_version_began_is_counted_on(bench: Bench) -> None:
    """Fields stay where they were; the cap of that version does not hold any more."""
    key = bench.keys.counts(hour(bench.clock.now))
    old = [word for n in range(9_999) for word in (f"domain:{n}.example:policy", 1)]
    await bench.ask("HSET", key, *old, "~other", 7, "rate:sent:list", 900)
    await fail(bench, 50, campaign="spring")
    await sent(bench, 100)
    assert await alarms(bench) == {"list": "pause"}
    (counts,) = await bench.job_store().counts("main", bench.clock.now, 1)
    assert counts["rate:sent:list"] == 1000
    assert counts["domain:1.example:policy"] == 1
    assert await bench.ask("TTL", key) > 0


def leave_fields(monkeypatch: pytest.MonkeyPatch, **fields: int) -> None:
    """Give some quotas so many fields of an hour only."""
    most = MAX_FIELDS | {Quota(quota): number for quota, number in fields.items()}
    source = script.source({**script.CONSTANTS, "MAX_FIELDS": most})
    monkeypatch.setattr(script, "SOURCE", source)
    monkeypatch.setattr(script, "SHA", sha1(source, usedforsecurity=False).hexdigest())


async def fail_at_once(bench: Bench, count: int, category: Category = Category.MAILBOX_UNKNOWN, **facts: Any) -> None:
    """Let so many messages fail, each at another domain, as fast as the store takes them."""
    first = next(bench.numbers)
    for begin in range(0, count, 500):
        together = (
            bench.fails(category, f"x@{first}-{n}.example", **facts) for n in range(begin, min(begin + 500, count))
        )
        await asyncio.gather(*together)


DSN = """From: MAILER-DAEMON@mx.company.example
Subject: failure
Message-ID: <{number}@mx.company.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.company.example

Final-Recipient: rfc822; {recipient}
Action: {action}
Remote-MTA: dns; {server}
Status: {status}
Diagnostic-Code: smtp; {reply}

--b--
"""
UNKNOWN = {
    "action": "failed",
    "status": "5.1.1",
    "server": "mx.company.example",
    "reply": "550 5.1.1 Recipient address rejected: User unknown",
}


async def bounce(bench: Bench, number: int, tag: str, said: Mapping[str, str] = UNKNOWN) -> None:
    """Let a bounce come back to a return path that was made with a tag."""
    recipient, paths = f"user{number}@{number}.example", bench.pipeline.directory["main"]
    path = paths.encode(recipient, issued=bench.clock.now.date(), tag=tag)
    content = DSN.format(number=number, recipient=recipient, **said).replace("\n", "\r\n").encode()
    destination = await bench.pipeline.admit(path)
    await bench.pipeline.process(destination, Envelope("192.0.2.1", "", path, content, bench.clock.now))


@pytest.mark.parametrize("told", ["spring", "Spring sale"])
async def test_a_campaign_has_one_name_whoever_tells_of_it(bench: Bench, told: str) -> None:
    """Bounces by the tag, what was sent and refused by the tag or the name: one rate, and so an alarm."""
    paths = replace(bench.pipeline.directory["main"], tags={"spring": "Spring sale"})
    bench.pipeline = replace(bench.pipeline, directory=Directory((paths,)))
    at = int(bench.clock.now.timestamp())
    await bench.ask("XADD", bench.keys.intake, "*", "type", "sent", "at", at, "count", 500, "campaign", told)
    for number in range(10):
        fields = ("address", f"refused{number}@{number}.example", "reply", "550 5.1.1 User unknown")
        await bench.ask("XADD", bench.keys.intake, "*", "type", "rejected", "at", at, "campaign", told, *fields)
    await IntakeReader(bench.present, bench.job_store()).round()
    for number in range(15):
        await bounce(bench, number, "spring")
    assert await alarms(bench) == {"campaign:Spring sale": "pause", "list": "pause"}
    alarm = json.loads((await bench.job_store().standing("main"))["campaign:Spring sale"])
    assert (alarm["sent"], alarm["hard"]) == (500, 25)


@pytest.mark.parametrize("action", ["delayed", "failed"])
async def test_a_notice_of_a_rate_limit_is_a_refusal_too(bench: Bench, action: str) -> None:
    """The sender's MTA still tries, or has given up; the mailbox is not to blame."""
    said = {"action": action, "status": "4.7.28", "server": "gmail-smtp-in.l.google.com", "reply": UNUSUAL_RATE}
    await bounce(bench, 1, "spring", said)
    (block,) = await bench.stream(bench.keys.blocks)
    assert (block["provider"], block["action"], block["sending_ip"]) == ("google", action, "192.0.2.25")
    assert "UnsolicitedRateLimitError" in block["words"]
    assert not (await bench.state("user1@1.example")).state.on_suppression_list
