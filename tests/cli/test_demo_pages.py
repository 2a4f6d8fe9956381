"""The pages of the demonstration, the months that are in them, and what a newcomer sends."""

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from bounced.core.contract.times import moment
from bounced.demo.months import IMPORTED, three_months
from bounced.edges.memory_store import Holds

NOW = datetime(2001, 5, 10, 12, 30, 59, tzinfo=UTC)
PAGES = {
    "?since=90d": "mailbox unknown",
    "campaigns": "letter-",
    "providers": "google",
    "unknown/groups?since=365d": "gate keeper",
    "changes?since=90d": "telephoned: the mailbox works again",
}


@pytest.fixture(scope="module")
def holds() -> Holds:
    """Return what the invented list holds."""
    import asyncio  # noqa: PLC0415

    return asyncio.run(three_months(NOW))


def test_every_page_has_something_to_show(holds: Holds) -> None:
    """Categories, refusals by providers, messages not understood, who is disputed, decisions by people."""
    categories = Counter(event.get("category") for event in holds.events)
    assert len([name for name, count in categories.items() if name and count > 10]) >= 10
    assert {"google", "microsoft", "yahoo"} <= {block["provider"] for block in holds.blocks}
    assert len(holds.unrecognised) > 10
    assert "company-3.example" in holds.disputed
    assert {"mia", "noah"} <= {event.get("actor") for event in holds.events}


def test_events_stand_in_their_order_and_none_is_of_the_future(holds: Holds) -> None:
    """So each has a position in the stream that is its time."""
    times = [moment(event["at"]) for event in holds.events]
    assert all(at is not None and at <= NOW for at in times)
    assert times == sorted(times, key=lambda at: at or NOW)


def test_the_last_letter_went_to_an_old_file(holds: Holds) -> None:
    """So that there is an alarm, and somebody asks why."""
    hard = sum(count for counts in holds.counts.values() for name, count in counts.items() if name == LAST_HARD)
    assert hard >= IMPORTED


LAST_HARD = "rate:hard:campaign:letter-2001-05-10"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory):
    """Give the demonstration's folder, and the lines that it prints."""
    folder = tmp_path_factory.mktemp("demo") / "d"
    command = [sys.executable, "-m", "bounced", "demo", "--port", "0", "--web-port", "0", "--folder", str(folder)]
    without_screen = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=without_screen)
    try:
        yield folder, process
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        assert process.returncode == 0
        assert not (folder / "data/server.sock").exists()


def _read_until(process: subprocess.Popen[str], pattern: str) -> re.Match[str]:
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(pattern, line):
            return found
    raise AssertionError(f"nothing like {pattern} was printed")


def test_the_link_opens_pages_with_three_months_in_them(running: tuple[Path, subprocess.Popen[str]]) -> None:
    """It signs in once; then every page has something to show, and what a newcomer sends arrives."""
    folder, process = running
    link = _read_until(process, r"^http://127\.0\.0\.1:\d+/login/\S+$")[0]
    base = link.partition("/login/")[0]
    with httpx.Client(follow_redirects=True) as browser:
        assert browser.get(link).status_code == 200
        for path, words in PAGES.items():
            answer = browser.get(f"{base}/{path}")
            assert (path, answer.status_code) == (path, 200)
            assert words in answer.text
        assert httpx.get(link).status_code != 200
        _read_until(process, "^Up until Ctrl-C")
        command = [sys.executable, "-m", "bounced", "demo", "--folder", str(folder), "--send", "full_mailbox"]
        sent = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
        address = sent.partition(":")[0]
        assert "250 2.0.0 OK" in sent
        _read_until(process, rf"{address}  mailbox_full  bouncing")
        assert address in browser.get(f"{base}/live").text


def test_a_sample_needs_a_folder_in_which_a_demonstration_runs(tmp_path: Path) -> None:
    """Else it says what is missing."""
    for words, said in (((), "--folder says which"), (("--folder", str(tmp_path)), "bounced.toml")):
        command = [sys.executable, "-m", "bounced", "demo", "--send", "complaint", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode != 0
        assert said in done.stderr
