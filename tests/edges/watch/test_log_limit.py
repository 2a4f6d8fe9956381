"""Lines that come by the thousand: few are written, and what is left out is known."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import structlog

from bounced.edges.watch.log_limit import LogLimit
from tests.support.daemon import Daemon, unknown_user

LINES = 3
WINDOW_S = 60.0


class Desk:
    """A log with a limit, and a clock that the test moves.  ``written`` is what stands in it."""

    def __init__(self, window_s: float = WINDOW_S, clock: Callable[[], float] | None = None) -> None:
        self.now = 0.0
        self.written: list[dict[str, Any]] = []
        self.grown = asyncio.Event()
        self.limit = LogLimit(
            ("path.refused", "store.failed", "store.recovered"),
            lambda method, event: self._say(method, dict(event)),
            by_reason=("path.refused",),
            lines=LINES,
            window_s=window_s,
            clock=clock or (lambda: self.now),
        )

    def say(self, event: str, **facts: Any) -> None:
        """Log a line."""
        self._say("info", {"event": event, **facts})

    def _say(self, method: str, event: dict[str, Any]) -> None:
        try:
            self.written.append(dict(self.limit(None, method, event)))
        except structlog.DropEvent:
            return
        self.grown.set()

    def total(self, event: str) -> int:
        """Return how often something happened, as the log says."""
        return sum(1 + line.get("left_out", 0) for line in self.written if line["event"] == event)


def test_of_many_lines_the_first_are_written_and_the_last_with_a_count_of_the_others() -> None:
    """When the minute is over, the next line brings what was left out before it."""
    desk = Desk()
    for number in range(1000):
        desk.say("path.refused", reason="tampered", number=number)
    assert [line["number"] for line in desk.written] == [0, 1, 2]
    desk.now = WINDOW_S
    desk.say("path.refused", reason="tampered", number=1000)
    assert [(line["number"], line.get("left_out")) for line in desk.written[3:]] == [(999, 996), (1000, None)]
    assert desk.total("path.refused") == 1001


def test_many_of_one_kind_hide_no_other() -> None:
    """Events are bounded each by itself, and those with a reason by their reason."""
    desk = Desk()
    for _ in range(100):
        desk.say("path.refused", reason="tampered")
    desk.say("path.refused", reason="expired")
    desk.say("store.failed", reason="gone")
    assert [line.get("reason") for line in desk.written[LINES:]] == ["expired", "gone"]


def test_a_reason_in_free_words_makes_no_kind() -> None:
    """An error's text may differ each time."""
    desk = Desk()
    for number in range(100):
        desk.say("store.failed", reason=f"127.0.0.1:{number}: Connection refused")
    assert len(desk.written) == LINES


def test_the_end_of_a_flood_is_known() -> None:
    """After many failures and recoveries, the last of each says how it stands."""
    desk = Desk()
    for number in range(50):
        desk.say("store.failed", number=number)
        desk.say("store.recovered", number=number)
    desk.limit.flush()
    assert [(line["event"], line["number"]) for line in desk.written[-2:]] == [
        ("store.failed", 49),
        ("store.recovered", 49),
    ]
    assert desk.total("store.failed") == desk.total("store.recovered") == 50


def test_other_lines_are_never_left_out() -> None:
    """Each report has its line."""
    desk = Desk()
    for _ in range(100):
        desk.say("report.committed")
    assert len(desk.written) == 100


def test_lines_that_are_few_stand_as_they_were() -> None:
    """Without a count, minute after minute."""
    desk = Desk()
    for _ in range(10):
        for _ in range(LINES):
            desk.say("path.refused", reason="tampered")
        desk.now += WINDOW_S
    assert len(desk.written) == 10 * LINES
    assert not any("left_out" in line for line in desk.written)


async def test_the_loop_says_what_was_left_out_when_nothing_follows() -> None:
    """A flood that stops is told to its end."""
    desk = Desk(0.05, asyncio.get_running_loop().time)
    for _ in range(10):
        desk.say("path.refused", reason="tampered")
    desk.grown.clear()
    await asyncio.wait_for(desk.grown.wait(), 10)
    assert desk.written[-1]["left_out"] == 6
    assert desk.total("path.refused") == 10


@pytest.fixture
def daemon(tmp_path):
    """Return a daemon that takes many errors."""
    running = Daemon(tmp_path, further="[limits]\nerrors_per_session = 1000\n").start()
    yield running
    running.stop()


def test_a_flood_of_wrong_paths_is_a_few_lines_of_the_daemons(daemon: Daemon) -> None:
    """What is left out is said when the daemon stops; lines and counts add up to what was refused."""
    good = daemon.return_path("anna@mailbox.example")
    with daemon.session() as client:
        for number in range(60):
            client.mail("")
            assert client.rcpt(f"b-{number:0>18}==anna=mailbox.example@bounce.example.com")[0] == 550
            client.rset()
    assert daemon.send(good, unknown_user("anna@mailbox.example", good))[0] == 250
    assert daemon.stop() == 0
    lines = [event for event in daemon.events if event["event"] == "path.refused"]
    kinds = Counter(line["reason"] for line in lines)
    assert max(kinds.values()) <= 21
    assert sum(1 + line.get("left_out", 0) for line in lines) == 60
    assert any(event["event"] == "report.committed" for event in daemon.events)
