"""What every store does.  (docs/contract.md, section 1)"""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from bounced.core.contract.hourly_counters import MAX_FIELDS, Quota
from bounced.core.contract.writes import past_events
from bounced.core.state import NOTHING_KNOWN, AddressState, Evidence, Transition
from bounced.core.terms import Action, Kind, State, Verdict
from bounced.ports import Decide
from tests.support.events import recent_events

from .conftest import Bench
from .reports import ALICE, AT, BOUNCE, HOUR, SPAM_BLOCK, UNKNOWN_USER, count, hold, ignore, release, report, suppress


async def test_an_address_nobody_reported_is_active(bench: Bench) -> None:
    """Nothing is stored for the good majority."""
    assert await bench.store.load("main", ALICE) == NOTHING_KNOWN


async def test_a_commit_writes_what_was_decided(bench: Bench) -> None:
    """The state comes back as the policy made it, one version on."""
    committed = await bench.store.commit(report(), ALICE, suppress())
    assert committed.transition is not None
    assert await bench.store.load("main", ALICE) == replace(committed.transition.after, version=1)


async def test_a_suppressed_address_is_in_the_set(bench: Bench) -> None:
    """What senders ask is one SISMEMBER."""
    await bench.store.commit(report(), ALICE, suppress())
    assert await bench.inside.suppressed() == {ALICE}


async def test_the_same_report_twice_changes_state_once(bench: Bench) -> None:
    """A resend is a duplicate with the same event id, and writes nothing."""
    first = await bench.store.commit(report(), ALICE, count())
    again = await bench.store.commit(report(), ALICE, count())
    assert (first.duplicate, again.duplicate) == (False, True)
    assert first.event_id == again.event_id
    assert (await bench.store.load("main", ALICE)).version == 1
    assert (await bench.inside.counts(HOUR))["type:report"] == 1


async def test_another_report_for_the_same_path_counts(bench: Bench) -> None:
    """A digest stands for one report, not for its path."""
    await bench.store.commit(report(1), ALICE, count())
    await bench.store.commit(report(2), ALICE, count())
    assert (await bench.store.load("main", ALICE)).version == 2


async def test_the_twenty_first_report_for_a_path_is_dropped(bench: Bench) -> None:
    """The holder of one return path cannot fill the store."""
    for number in range(20):
        assert not (await bench.store.commit(report(number), ALICE, count())).duplicate
    assert (await bench.store.commit(report(20), ALICE, count())).duplicate
    assert (await bench.store.load("main", ALICE)).version == 20
    assert not (await bench.store.commit(report(20, path="another"), ALICE, count())).duplicate


@pytest.mark.parametrize("verdict", [UNKNOWN_USER, SPAM_BLOCK])
async def test_twenty_warnings_of_a_delay_do_not_hide_the_failure(bench: Bench, verdict: Verdict) -> None:
    """The first failure of a path is counted whatever came before it; a second one is dropped."""
    warning = replace(BOUNCE, kind=Kind.DELAYED, verdict=UNKNOWN_USER._replace(action=Action.DELAYED))
    for number in range(20):
        await bench.store.commit(report(number), ALICE, count(warning))
    assert (await bench.store.commit(report(20), ALICE, count(warning))).duplicate
    failure = count(replace(BOUNCE, verdict=verdict))
    assert not (await bench.store.commit(report(21), ALICE, failure)).duplicate
    assert (await bench.store.commit(report(21), ALICE, failure)).duplicate
    assert (await bench.store.commit(report(22), ALICE, failure)).duplicate
    assert (await bench.store.load("main", ALICE)).version == 21


async def test_decide_is_asked_again_about_the_state_that_stands(bench: Bench) -> None:
    """The empty state may be tried first; the decision that counts is about the real one."""
    await bench.store.commit(report(1), ALICE, suppress())
    given: list[AddressState] = []

    def decide(state: AddressState) -> Transition:
        given.append(state)
        return count()(state)

    committed = await bench.store.commit(report(2), ALICE, decide)
    assert given[-1].state is State.SUPPRESSED
    assert committed.transition is not None
    assert committed.transition.before == given[-1]


async def test_decide_knows_that_the_domain_is_disputed(bench: Bench) -> None:
    """A domain whose word is not believed changes what a bounce means."""
    until = AT + timedelta(hours=3)
    await bench.inside.dispute("example.org", until)
    committed = await bench.store.commit(report(), ALICE, suppress())
    assert committed.transition is not None
    assert committed.transition.before.disputed_until == until
    assert (await bench.store.load("main", ALICE)).disputed_until == until


async def test_a_held_address_is_due_at_its_time(bench: Bench) -> None:
    """It is off the list until then, and not found a second earlier."""
    await bench.store.commit(report(), ALICE, hold(days=30))
    assert await bench.inside.suppressed() == {ALICE}
    assert await bench.store.due("main", AT + timedelta(days=30, seconds=-1), 10) == []
    assert await bench.store.due("main", AT + timedelta(days=30), 10) == [ALICE]


async def test_due_addresses_come_oldest_first_and_no_more_than_asked_for(bench: Bench) -> None:
    """A daemon that was down for a week catches up in pieces."""
    for days, address in ((3, "c@example.org"), (1, "a@example.org"), (2, "b@example.org")):
        await bench.store.commit(report(path=address), address, hold(days))
    assert await bench.store.due("main", AT + timedelta(days=9), 2) == ["a@example.org", "b@example.org"]


async def test_suppressing_a_held_address_takes_it_off_the_due_list(bench: Bench) -> None:
    """Nobody releases what was suppressed meanwhile."""
    await bench.store.commit(report(1), ALICE, hold())
    await bench.store.commit(report(2), ALICE, suppress())
    assert await bench.store.due("main", AT + timedelta(days=999), 10) == []
    assert await bench.inside.suppressed() == {ALICE}


async def test_a_released_address_leaves_nothing_but_its_history(bench: Bench) -> None:
    """Nothing known is nothing stored; the version goes on, so that no late decision can slip in."""
    await bench.store.commit(report(1), ALICE, suppress())
    await bench.store.commit(report(2), ALICE, release)
    assert await bench.inside.suppressed() == set()
    assert await bench.store.load("main", ALICE) == AddressState(version=2)
    assert len(await bench.store.history("main", ALICE)) == 2


async def test_an_address_can_bounce_again_after_its_release(bench: Bench) -> None:
    """What was left behind is no obstacle."""
    for number, decide in enumerate((suppress(), release, count())):
        await bench.store.commit(report(number), ALICE, decide)
    state = await bench.store.load("main", ALICE)
    assert (state.state, state.version) == (State.BOUNCING, 3)


async def test_a_report_that_changes_nothing_is_still_told_and_remembered(bench: Bench) -> None:
    """The event and the digest are written, the state is not."""
    await bench.store.commit(report(), ALICE, ignore)
    assert await bench.store.load("main", ALICE) == NOTHING_KNOWN
    assert [event["type"] for event in await recent_events(bench.store, "main", 9)] == ["report"]
    assert (await bench.store.commit(report(), ALICE, ignore)).duplicate


async def test_a_change_of_state_is_an_event_of_its_own(bench: Bench) -> None:
    """One entry for the verdict, one for what followed, under one id."""
    committed = await bench.store.commit(report(), ALICE, suppress())
    transition, verdict = await recent_events(bench.store, "main", 9)
    assert (verdict["type"], transition["type"]) == ("report", "transition")
    assert verdict["id"] == transition["id"] == committed.event_id
    assert (transition["before"], transition["after"], transition["reason"]) == ("active", "suppressed", "hard")


async def test_history_keeps_the_last_eight_newest_first(bench: Bench) -> None:
    """Enough to see why, small enough to keep for everybody."""
    for number in range(10):
        evidence = replace(BOUNCE, note=f"number {number}")
        await bench.store.commit(report(number), ALICE, count(evidence))
    entries = [json.loads(entry) for entry in await bench.store.history("main", ALICE)]
    assert [entry["note"] for entry in entries] == [f"number {number}" for number in range(9, 1, -1)]


async def test_of_long_events_the_history_keeps_fewer(bench: Bench) -> None:
    """The newest ones, as many as fit into 6 KiB."""
    words = UNKNOWN_USER._replace(diagnostic="ö" * 200)
    long = replace(BOUNCE, note="ä" * 200, reporting_mta="é" * 200, verdict=words)
    for number in range(8):
        await bench.store.commit(report(number), ALICE, count(replace(long, peer=f"192.0.2.{number}")))
    entries = await bench.store.history("main", ALICE)
    octets = [len(entry.encode()) for entry in entries]
    assert sum(octets) <= 6 * 1024 < sum(octets) + octets[0]
    newest = [f"192.0.2.{7 - place}" for place in range(len(entries))]
    assert [json.loads(entry)["peer"] for entry in entries] == newest


@pytest.mark.parametrize("address", [ALICE, "jösé@example.org", "a/b@example.org", '"a\\"b"@example.org'])
async def test_an_event_of_the_history_is_told_with_the_address_of_its_key(bench: Bench, address: str) -> None:
    """The entry leaves it out; it is told in its place, as in the streams."""
    await bench.store.commit(report(), address, suppress())
    history = await bench.store.history("main", address)
    assert '"' in address or "address" not in json.loads(history[0])
    (told,) = past_events(history, address)
    (event, _) = await recent_events(bench.store, "main", 9)
    assert list(told.items()) == list(event.items())


async def test_a_forged_report_leaves_no_history(bench: Bench) -> None:
    """Nobody fills the store with addresses by inventing them."""
    await bench.store.commit(report(), ALICE, _unmoved(replace(BOUNCE, trusted=False)))
    assert await bench.store.history("main", ALICE) == []
    assert len(await recent_events(bench.store, "main", 9)) == 1


async def test_the_hour_is_counted_by_category_class_domain_and_campaign(bench: Bench) -> None:
    """What `stats` and the alarms are made of."""
    await bench.store.commit(report(1), ALICE, suppress())
    await bench.store.commit(report(2), "bob@example.org", ignore)
    counts = await bench.inside.counts(HOUR)
    assert counts["category:mailbox_unknown"] == 2
    assert counts["class:hard"] == 2
    assert counts["domain:example.org:mailbox_unknown"] == 2
    assert counts["campaign:spring:hard"] == 2
    assert counts["transition:active:suppressed"] == 1


async def test_the_counters_of_an_hour_are_limited(bench: Bench) -> None:
    """A flood of invented domains and campaigns ends in their `~other`; the list's own counters always have a place."""
    reports, at_once = 5_100, 300
    for first in range(0, reports, at_once):
        commits = (
            bench.store.commit(
                report(path=str(number)), f"x@{number}.example", _unmoved(replace(BOUNCE, campaign=f"{number}"))
            )
            for number in range(first, first + at_once)
        )
        await asyncio.gather(*commits)
    counts = await bench.inside.counts(HOUR)
    names = [name for name in counts if not name.startswith("~")]
    assert len([name for name in names if "domain:" in name]) == MAX_FIELDS[Quota.DOMAINS] == 10_000
    assert len([name for name in names if "campaign:" in name]) == MAX_FIELDS[Quota.CAMPAIGNS] == 4_000
    assert counts["~other:domains"] == 2 * reports - 10_000
    assert counts["~other:campaigns"] == 2 * reports - 4_000
    assert counts["type:report"] == counts["class:hard"] == counts["rate:hard:list"] == reports
    before = await bench.inside.counts(HOUR)
    later = _unmoved(replace(BOUNCE, verdict=SPAM_BLOCK, campaign="late"))
    await bench.store.commit(report(path="late"), "x@late.example", later)
    after = await bench.inside.counts(HOUR)
    assert {name for name in after if name not in before} == {
        "category:reputation_block",
        "class:block",
        "provider:late.example:reputation_block",
        "~fields:providers",
    }


async def test_a_block_is_told_to_the_sender(bench: Bench) -> None:
    """It is about the sender, not the address, and stands in a stream of its own."""
    await bench.store.commit(report(), ALICE, _unmoved(replace(BOUNCE, verdict=SPAM_BLOCK)))
    (block,) = await bench.inside.blocks()
    assert (block["category"], block["address"]) == ("reputation_block", ALICE)


@pytest.mark.parametrize("content", [b"no idea what this is\r\n", bytes(range(256))])
async def test_a_message_nobody_understood_is_kept_as_it_came(bench: Bench, content: bytes) -> None:
    """Any octets, to be classified again by better rules."""
    await bench.store.commit(report(), ALICE, _unmoved(replace(BOUNCE, content=content)))
    assert await bench.inside.unrecognised() == [content]


async def test_of_a_large_message_the_first_32_kib_are_kept(bench: Bench) -> None:
    """Enough for any reason, too little to fill the memory."""
    await bench.store.commit(report(), ALICE, _unmoved(replace(BOUNCE, content=b"x" * 100_000)))
    assert [len(content) for content in await bench.inside.unrecognised()] == [32 * 1024]


async def test_a_report_about_no_address_is_told_counted_and_remembered(bench: Bench) -> None:
    """Mail to postmaster, a complaint without a path: an event, nothing else."""
    committed = await bench.store.commit(report(), None, ignore)
    (event,) = await recent_events(bench.store, "main", 9)
    assert event["id"] == committed.event_id
    assert "address" not in event
    assert (await bench.inside.counts(HOUR))["type:report"] == 1
    assert (await bench.store.commit(report(), None, ignore)).duplicate


async def test_an_operators_word_counts_each_time(bench: Bench) -> None:
    """A decision without a path is not remembered: saying it twice writes it twice."""
    for _ in range(2):
        assert not (await bench.store.commit(report(path=""), ALICE, suppress())).duplicate


async def test_text_that_no_utf8_can_carry_is_written_all_the_same(bench: Bench) -> None:
    """A stray surrogate from a broken message must not lose the bounce."""
    await bench.store.commit(report(), ALICE, suppress(replace(BOUNCE, note="caf\udce9")))
    assert await bench.inside.suppressed() == {ALICE}


async def test_a_registered_token_is_found(bench: Bench) -> None:
    """Its fields as the sender wrote them."""
    await bench.inside.register("abc", {"recipient": ALICE})
    assert await bench.store.token("main", "abc") == {"recipient": ALICE}
    assert await bench.store.token("main", "abd") is None


def _unmoved(evidence: Evidence) -> Decide:
    def decide(before: AddressState) -> Transition:
        return Transition(evidence, before, before, "nothing")

    return decide


async def test_a_report_that_an_older_version_counted_under_another_digest_is_a_duplicate(bench: Bench):
    """The older form is asked for and never written."""
    counted = report(1)
    await bench.store.commit(counted, ALICE, count())
    again = replace(report(2), other_digests=(report(3).digest, counted.digest))
    assert (await bench.store.commit(again, ALICE, count())).duplicate
    assert (await bench.store.load("main", ALICE)).version == 1
    fresh = replace(report(4), other_digests=(report(5).digest,))
    assert not (await bench.store.commit(fresh, ALICE, count())).duplicate
    assert (await bench.store.commit(report(4), ALICE, count())).duplicate
    assert not (await bench.store.commit(report(5), ALICE, count())).duplicate


async def test_a_change_that_is_one_of_many_is_told_once_and_apart(bench: Bench) -> None:
    """By what followed, in `bulk`; state, history and counters are those of any change."""
    await bench.store.commit(report(1), ALICE, count())
    before = await bench.inside.events()
    assert [event["type"] for event in before] == ["report", "transition"]
    many = replace(BOUNCE, bulk=True, actor="lena")
    committed = await bench.store.commit(report(2), ALICE, suppress(many))
    assert committed.transition is not None
    assert await bench.inside.events() == before
    (told,) = await bench.inside.bulk()
    assert (told["type"], told["after"], told["actor"], told["id"]) == (
        "transition",
        "suppressed",
        "lena",
        committed.event_id,
    )
    assert (await bench.inside.counts(HOUR))["transition:bouncing:suppressed"] == 1
    assert "transition" in (await bench.store.history("main", ALICE))[0]
    assert await bench.inside.suppressed() == {ALICE}
