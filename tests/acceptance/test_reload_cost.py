"""What a reload costs those who are being served, and what stays of the rules that it replaces."""

import asyncio
import gc
import signal
import time
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest

from bounced import rules
from bounced.config import load
from bounced.service import Worker
from tests.support.daemon import WAIT_S, Daemon

HELD_S = 0.05
TRIES = 5


async def test_a_reload_does_not_hold_the_loop(redis_url: str, key_prefix: str, tmp_path: Path) -> None:
    """Rules are compiled by another thread: the loop's own has no 50 ms to work between two turns.

    Its processor time is what counts, since a busy machine lets any thread wait.  It waits for the other one no longer
    than for 48 patterns, which RE2 compiles in one go of some milliseconds.
    """
    daemon = Daemon(tmp_path, url=redis_url, prefix=key_prefix)
    config = load(daemon.config_file)
    async with Worker.running(config, {}) as worker:
        assert min([await _longest_hold_s(worker.reload(config)) for _ in range(TRIES)]) < HELD_S


async def _longest_hold_s(reload) -> float:
    """Return the longest that the loop's thread worked without serving anybody else while a reload ran."""
    task = asyncio.ensure_future(reload)
    longest, last = 0.0, time.thread_time()
    while not task.done():
        await asyncio.sleep(0)
        now = time.thread_time()
        longest, last = max(longest, now - last), now
    await task
    return longest


async def test_a_reload_keeps_nothing_of_the_rules_before_it(redis_url: str, key_prefix: str, tmp_path: Path) -> None:
    """Not those of the start either: with the texts that they were asked about they are tens of megabytes."""
    daemon = Daemon(tmp_path, url=redis_url, prefix=key_prefix)
    config = load(daemon.config_file)
    async with Worker.running(config, {}) as worker:
        for _ in range(2):
            before = weakref.ref(worker.present().rules._in_words)
            await worker.reload(config)
            async with asyncio.timeout(WAIT_S):
                while before() is not None:  # noqa: ASYNC110 - a job may be in the midst of a round
                    await asyncio.sleep(0.01)


def test_rules_that_nobody_uses_are_gone_at_once() -> None:
    """The collector comes rarely to a worker: what waits for it is megabytes for each reload."""
    gc.disable()
    try:
        rule_set = rules.load()
        searched = weakref.ref(rule_set._in_words)
        rule_set._in_words.matching("550 5.1.1 user unknown")
        del rule_set
        assert searched() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("times", [12, pytest.param(200, marks=pytest.mark.soak)])
def test_memory_is_flat_over_many_reloads(daemons: Callable[..., Daemon], times: int) -> None:
    """A worker needs after the last reload what it needed after the second, but for a few megabytes."""
    daemon = daemons().start()
    for _ in range(2):
        _reload(daemon)
    before = _memory_mb(daemon)
    for _ in range(times):
        _reload(daemon)
    assert _memory_mb(daemon) - before < 8


def _reload(daemon: Daemon) -> None:
    daemon.send_signal(signal.SIGHUP)
    daemon.wait_for("service.reloaded")


def _memory_mb(daemon: Daemon) -> float:
    (pid,) = [event["pid"] for event in daemon.events if event["event"] == "worker.started"]
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmRSS:"))
