"""The main job as its users meet it: real process, real SMTP, real Redis."""

import asyncio
import json
import os
import signal
from contextlib import contextmanager
from time import monotonic

import pytest
import redis

from bounced.edges.redis.embedded import EmbeddedServer
from tests.support.daemon import WAIT_S, unknown_user
from tests.support.golden import differing

ALICE = "alice@example.org"


@contextmanager
def redis_of(daemon):
    """Look into the embedded server."""
    client = redis.Redis(unix_socket_path=str(daemon.folder / "data" / "server.sock"), decode_responses=True)
    with client:
        yield client


def test_a_bounce_becomes_a_suppressed_address_that_lookup_explains_and_release_takes_back(daemons):
    """Each step is an entry in the stream of events."""
    daemon = daemons().start()
    encoded = daemon.command("return-path", "encode", ALICE, "--json")
    path = json.loads(encoded.stdout)["return_path"]

    code, reply = daemon.send(path, unknown_user(ALICE, path))
    assert code == 250
    event_id = reply.split()[-1]

    looked_up = daemon.command("lookup", ALICE, "--json")
    story = json.loads(looked_up.stdout)
    assert (looked_up.returncode, story["state"], story["category"]) == (0, "suppressed", "mailbox_unknown")
    assert story["history"][-1]["id"] == event_id
    assert "User unknown" in story["diagnostic"]

    with redis_of(daemon) as inside:
        assert inside.sismember("bounced:{main}:suppressed", ALICE)
        assert daemon.command("release", ALICE, "--reason", "she wrote to us").returncode == 0
        assert not inside.sismember("bounced:{main}:suppressed", ALICE)
        entries = [fields for _, fields in inside.xrange("bounced:{main}:events")]
    steps = [(entry["type"], entry.get("before"), entry.get("after")) for entry in entries if entry["address"] == ALICE]
    assert ("transition", "active", "suppressed") in steps
    assert ("transition", "suppressed", "active") in steps
    assert any(entry.get("note") == "she wrote to us" for entry in entries)

    daemon.stop()
    log = "".join(f"{json.dumps(event)}\n" for event in daemon.events)
    assert differing("run", f"$ bounced run\n{log}", daemon.folder) == ""


def test_the_same_message_twice_changes_state_once(daemons):
    """The second gets the same answer and the same event id."""
    daemon = daemons().start()
    path = daemon.return_path(ALICE)
    message = unknown_user(ALICE, path)
    assert daemon.send(path, message) == daemon.send(path, message)
    with redis_of(daemon) as inside:
        types = [fields["type"] for _, fields in inside.xrange("bounced:{main}:events")]
    assert sorted(types) == ["report", "transition"]


def test_a_changed_character_in_the_return_path_is_refused(daemons):
    """Nobody but the holder of the key can make one."""
    daemon = daemons().start()
    path = daemon.return_path(ALICE)
    forged = path[:8] + ("a" if path[8] != "a" else "b") + path[9:]
    assert daemon.send(forged, unknown_user(ALICE, forged))[0] == 550
    assert daemon.send(path.replace("bounce.example.com", "example.net"), b"")[0] == 550
    assert daemon.command("lookup", ALICE).returncode == 1


def test_with_redis_frozen_a_bounce_gets_451_in_time_and_counts_once_when_it_comes_again(daemons):
    """Its script may run after all, later: then the resend is a duplicate."""
    daemon = daemons().start()
    path = daemon.return_path(ALICE)
    message = unknown_user(ALICE, path)
    with redis_of(daemon) as inside:
        server = inside.info("server")["process_id"]
    os.kill(server, signal.SIGSTOP)
    try:
        assert refused_in_time(daemon, path, message)
    finally:
        os.kill(server, signal.SIGCONT)
    assert send_until_taken(daemon, path, message)
    with redis_of(daemon) as inside:
        assert counted(inside) == 1


async def test_with_redis_stopped_a_bounce_gets_451_in_time_and_counts_once_when_redis_is_back(daemons, tmp_path):
    """The sender's queue is our spool."""
    data = tmp_path / "elsewhere"
    async with EmbeddedServer(data) as server:
        daemon = await asyncio.to_thread(daemons(url=server.url).start)
        path = daemon.return_path(ALICE)
    message = unknown_user(ALICE, path)
    assert await asyncio.to_thread(refused_in_time, daemon, path, message)
    async with EmbeddedServer(data) as server:
        assert await asyncio.to_thread(send_until_taken, daemon, path, message)
        with redis.Redis.from_url(server.url, decode_responses=True) as inside:
            assert counted(inside) == 1


@pytest.mark.parametrize(("timeout_s", "least_s", "most_s"), [(1.0, 0.8, 4.0), (5.0, 4.0, 9.0)])
def test_the_operator_says_how_long_a_peer_waits_for_a_commit(daemons, timeout_s, least_s, most_s):
    """With a Redis that answers nothing, a peer hears 451 after about ``redis.timeout_s``, and the log says why."""
    daemon = daemons()
    written = daemon.config_file.read_text()
    daemon.config_file.write_text(written.replace("[redis]\n", f"[redis]\ntimeout_s = {timeout_s}\n"))
    daemon.start()
    path = daemon.return_path(ALICE)
    with redis_of(daemon) as inside:
        server = inside.info("server")["process_id"]
    os.kill(server, signal.SIGSTOP)
    try:
        begun = monotonic()
        assert refused_in_time(daemon, path, unknown_user(ALICE, path), within_s=most_s)
        assert monotonic() - begun >= least_s
    finally:
        os.kill(server, signal.SIGCONT)
    daemon.stop()
    (deferred,) = (event for event in daemon.events if event["event"] == "report.deferred")
    assert deferred["reason"] in ("store_timeout", "deadline")  # the latter behind a command of a job


def refused_in_time(daemon, path, message, within_s=5):
    """Send a message and tell whether it got 451 in time."""
    with daemon.session() as client:
        client.mail("")
        assert client.rcpt(path)[0] == 250
        begun = monotonic()
        return client.data(message)[0] == 451 and monotonic() - begun < within_s


def send_until_taken(daemon, path, message):
    """Come again as a queue does, until the message is taken."""
    deadline = monotonic() + WAIT_S
    while monotonic() < deadline:
        if daemon.send(path, message)[0] == 250:
            return True
    return False


def counted(inside):
    """Return how many reports were counted for the address, both by its events and by its state."""
    reports = [fields for _, fields in inside.xrange("bounced:{main}:events") if fields["type"] == "report"]
    assert inside.hget(f"bounced:{{main}}:address:{ALICE}", "bounces") == str(len(reports))
    return len(reports)
