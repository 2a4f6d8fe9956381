"""kill -9, again and again, at any moment: nothing that was acknowledged is lost, nothing counts twice."""

import contextlib
import json
import os
import random
import signal
import smtplib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import redis

from tests.support.daemon import GOOD, WAIT_S, Daemon, unknown_user

KILLS = 8
SENDERS = 3
VANISHING = 0.05
RETRY_S = 0.05
"""A queue comes again after a while: one that hammers takes the processor from the daemon that starts."""


@dataclass
class Senders:
    """Mail queues that send bounces, each about another address, and come again until they are told 250.

    One in twenty clients vanishes after the final dot, without hearing the reply.
    """

    daemon: Daemon
    total: int
    acknowledged: set[str] = field(default_factory=set)
    progress: threading.Condition = field(default_factory=threading.Condition)
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    over: threading.Event = field(default_factory=threading.Event)

    def start(self) -> list[threading.Thread]:
        """Begin to send."""
        threads = [threading.Thread(target=self._send_all, args=(n,), daemon=True) for n in range(SENDERS)]
        for thread in threads:
            thread.start()
        return threads

    def wait_for_more(self, count: int) -> None:
        """Return when so many more bounces were acknowledged, or all."""
        with self.progress:
            target = min(len(self.acknowledged) + count, self.total)
            assert self.progress.wait_for(lambda: len(self.acknowledged) >= target, WAIT_S)

    def _send_all(self, sender: int) -> None:
        """Send one bounce after the other until the test is over."""
        for number in range(sender, self.total, SENDERS):
            recipient = f"user{number}@sender{sender}.example"
            path = self.daemon.return_path(recipient)
            message = unknown_user(recipient, path)
            while not self._sent(path, message):
                self.over.wait(RETRY_S)
            with self.progress:
                self.acknowledged.add(recipient)
                self.progress.notify_all()
            if self.over.is_set():
                return

    def _sent(self, path: str, message: bytes) -> bool:
        with contextlib.suppress(OSError, smtplib.SMTPException):
            if self.chance.random() < VANISHING:
                self.daemon.send_and_vanish(path, message)
            else:
                return self.daemon.send(path, message)[0] == GOOD
        return False


@pytest.fixture
def daemon(daemons: Callable[..., Daemon]) -> Daemon:
    """Return a daemon in a session of its own, so that it can be killed with its workers."""
    return daemons(workers=2).start(start_new_session=True)


def kill_daemon(daemon: Daemon, _inside: redis.Redis) -> None:
    """Kill parent and workers, and start the daemon again; its server lives on and is adopted."""
    daemon.kill()
    daemon.start(start_new_session=True)


def kill_worker(daemon: Daemon, _inside: redis.Redis) -> None:
    """Kill one worker; the parent starts another."""
    pids = [event["pid"] for event in daemon.events if event["event"] == "worker.started"]
    os.kill(pids[-1], signal.SIGKILL)
    daemon.wait_for("service.started")


def kill_redis(_daemon: Daemon, inside: redis.Redis) -> None:
    """Kill the server; whoever uses it starts it again."""
    with contextlib.suppress(redis.ConnectionError):
        os.kill(inside.info("server")["process_id"], signal.SIGKILL)


def test_no_acknowledged_bounce_is_lost_or_counted_twice_whatever_is_killed(daemon):
    """Eight times: the daemon, one of its workers, or Redis."""
    senders, chance = Senders(daemon, total=100_000), random.Random(2)
    with redis_of(daemon) as inside:
        threads = senders.start()
        for number in range(KILLS):
            senders.wait_for_more(chance.randint(1, 8))
            (kill_redis, kill_worker, kill_redis, kill_daemon)[number % 4](daemon, inside)
        senders.wait_for_more(5)
        senders.over.set()
        assert_all_counted_once(senders, threads, inside)


def test_workers_whose_parent_was_killed_finish_and_go(daemons):
    """They notice by themselves, and make no noise about it."""
    daemon = daemons(workers=2).start()
    written = [json.loads(line)["event"] for line in daemon.kill_parent()]
    assert written.count("service.stopped") == 2


def test_a_worker_that_is_killed_before_it_reads_its_configuration_is_replaced(daemons):
    """What it left unread resets the socket pair; the daemon must not go down with it."""
    daemon = daemons()
    daemon.begin()
    os.kill(daemon.wait_for("worker.started")["pid"], signal.SIGKILL)
    daemon.wait_for("worker.died", status=-signal.SIGKILL)
    daemon.wait_for("service.started")
    assert daemon.stop() == 0


def test_a_daemon_that_is_stopped_while_its_workers_start_ends_in_order(daemons):
    """They have not read anything yet either."""
    daemon = daemons(workers=2)
    daemon.begin()
    daemon.wait_for("worker.started")
    assert daemon.stop() == 0


@pytest.mark.soak
def test_nothing_is_lost_or_counted_twice_of_a_hundred_thousand(daemon):
    """The daemon is killed some two seconds after it was started, Redis with every other time."""
    senders, chance = Senders(daemon, total=100_000), random.Random(3)
    with redis_of(daemon) as inside:
        threads = senders.start()
        while len(senders.acknowledged) < senders.total:
            senders.wait_for_more(chance.randint(300, 1500))
            kill_daemon(daemon, inside)
            if chance.random() < 1 / 2:
                kill_redis(daemon, inside)
        assert_all_counted_once(senders, threads, inside)


def assert_all_counted_once(senders, threads, inside):
    """See that every acknowledged bounce is on the list, and that each was counted once."""
    for thread in threads:
        thread.join(WAIT_S)
    suppressed = inside.smembers("bounced:{main}:suppressed")
    reports = [e["address"] for _, e in inside.xrange("bounced:{main}:events") if e["type"] == "report"]
    assert senders.acknowledged <= suppressed
    assert len(reports) == len(set(reports)), "each report is counted once"


def redis_of(daemon: Daemon) -> redis.Redis:
    """Look into the embedded server."""
    return redis.Redis(unix_socket_path=str(daemon.folder / "data" / "server.sock"), decode_responses=True)
