"""Every report that came in whole ends once: committed, a duplicate, or deferred for a reason.  Each end is told."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from bounced.core.state import NOTHING_KNOWN, Evidence, EvidenceType, Transition
from bounced.core.terms import Destination, Envelope, Origin
from bounced.edges.smtp import Door, Gate, SessionSettings
from bounced.edges.watch.door_log import DoorLog
from bounced.edges.watch.metrics.meter import Meter
from bounced.edges.watch.watched import WatchedReceiver
from bounced.opening import now
from bounced.ports import Committed, StoreTimedOut
from tests.support.door import HOSTNAME, WAIT_S, OpenDoor, Peer, RecordingObserver, ScriptedReceiver, loopback

ENDS = {
    "report.committed": "bounced_reports",
    "report.duplicated": "bounced_duplicates",
    "report.deferred": "bounced_deferred",
}


class Receiver(ScriptedReceiver):
    """Commits a message for ``b-new``, and has no answer in time for one for ``b-slow``."""

    async def process(self, destination: Destination, envelope: Envelope) -> Committed:
        committed = await super().process(destination, envelope)
        if envelope.forward_path.startswith("b-slow"):
            raise StoreTimedOut("no answer in time")
        if not envelope.forward_path.startswith("b-new"):
            return committed
        evidence = Evidence(EvidenceType.REPORT, envelope.received_at, Origin.SMTP)
        return Committed(committed.event_id, Transition(evidence, NOTHING_KNOWN, NOTHING_KNOWN, "belongs_to_nobody"))


@asynccontextmanager
async def watched_door(meter: Meter, *, held: bool = False) -> AsyncIterator[OpenDoor]:
    """Open a door that counts and logs as the daemon's does."""
    receiver, gate, listening = Receiver(held=held), Gate(SessionSettings(HOSTNAME).limits), loopback()
    door = Door(WatchedReceiver(lambda: receiver, meter), SessionSettings(HOSTNAME), gate, DoorLog(meter), now)
    await door.start([listening])
    opened = OpenDoor(door, receiver, RecordingObserver(), gate, listening.getsockname())
    try:
        yield opened
    finally:
        receiver.release.set()
        for peer in opened.peers:
            await peer.close()
        await door.drain(WAIT_S)


async def begun(opened: OpenDoor, path: str) -> Peer:
    """Bring a message as far as the pipeline."""
    peer = await opened.greeted()
    await peer.begin(f"{path}@bounce.example")
    peer.send("x\r\n.\r\n")
    async with asyncio.timeout(WAIT_S):
        await opened.receiver.begun.wait()
    return peer


def ends(logs: Iterable[Mapping[str, Any]], meter: Meter) -> Counter[tuple[str, str]]:
    """Return the ends in the log, each with its reason; the metrics have to say the same."""
    told = Counter((line["event"], line.get("reason", "")) for line in logs if line["event"] in ENDS)
    counted = Counter[tuple[str, str]]()
    for name, *labels, value in map(json.loads, meter.take().splitlines()):
        for event, metric in ENDS.items():
            if name == metric:
                counted[event, labels[1] if event == "report.deferred" else ""] += value
    assert {(event, reason if event == "report.deferred" else ""): n for (event, reason), n in told.items()} == counted
    return told


@pytest.mark.parametrize(
    ("path", "reply", "end"),
    [
        ("b-new", "250", ("report.committed", "belongs_to_nobody")),
        ("b-again", "250", ("report.duplicated", "")),
        ("b-frozen", "451", ("report.deferred", "store_unavailable")),
        ("b-slow", "451", ("report.deferred", "store_timeout")),
        ("b-broken", "451", ("report.deferred", "fault")),
    ],
)
async def test_what_the_pipeline_says_is_the_end(path: str, reply: str, end: tuple[str, str]) -> None:
    """The peer hears it, the log and the metrics tell it, once."""
    meter = Meter()
    with capture_logs() as logs:
        async with watched_door(meter) as opened:
            peer = await begun(opened, path)
            assert (await peer.reply()).startswith(reply)
    assert ends(logs, meter) == {end: 1}


async def test_the_deadline_of_the_door_is_an_end() -> None:
    """The pipeline took longer than a peer waits, whatever for."""
    meter = Meter()
    with capture_logs() as logs:
        async with watched_door(meter, held=True) as opened:
            peer = await begun(opened, "b-new")
            opened.sweep_after(60)
            assert (await peer.reply()).startswith("451")
    assert ends(logs, meter) == {("report.deferred", "deadline"): 1}


async def test_a_shutdown_that_cannot_wait_is_an_end() -> None:
    """What is cut off after the drain is told like any other."""
    meter = Meter()
    with capture_logs() as logs:
        async with watched_door(meter, held=True) as opened:
            peer = await begun(opened, "b-new")
            assert not await opened.door.drain(0.01)
            assert b"250" not in await peer.end()
    assert ends(logs, meter) == {("report.deferred", "shutdown"): 1}


@pytest.mark.parametrize(
    ("path", "end"),
    [
        ("b-new", ("report.committed", "belongs_to_nobody")),
        ("b-frozen", ("report.deferred", "store_unavailable")),
    ],
)
async def test_a_peer_that_is_gone_meanwhile_changes_no_end(path: str, end: tuple[str, str]) -> None:
    """The commit runs to its end, and that is what is told."""
    meter = Meter()
    with capture_logs() as logs:
        async with watched_door(meter, held=True) as opened:
            peer = await begun(opened, path)
            await peer.vanish()
            opened.receiver.release.set()
            await opened.emptied()
    assert ends(logs, meter) == {end: 1}


@pytest.mark.parametrize("sent", ["x\r\n", "x\r\n.\r"])
async def test_a_message_that_did_not_come_in_whole_is_no_report(sent: str) -> None:
    """Nothing was received, so nothing ends."""
    meter = Meter()
    with capture_logs() as logs:
        async with watched_door(meter) as opened:
            peer = await opened.greeted()
            await peer.begin("b-new@bounce.example")
            peer.send(sent)
            await peer.vanish()
            await opened.emptied()
    assert ends(logs, meter) == Counter()
