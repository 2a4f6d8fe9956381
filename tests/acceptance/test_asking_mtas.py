"""Real MTAs that ask, as config/examples say: a suppressed recipient is refused, and taken again after release."""

import json
import os
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

import pytest

from bounced.edges.redis.embedded.binary import find_server
from tests.support.daemon import WAIT_S, Daemon
from tests.support.mta import EXIM_ASKING, HARAKA_ASKING, Mta, running
from tests.support.ports import free_port
from tests.support.programs import FOLDER

EXAMPLES = Path(__file__).parents[2] / "config" / "examples"
RECIPE = EXAMPLES.parents[1] / "docs" / "recipes" / "bounced.mjs"
SIGN = """[sign]
recipe = {recipe}
key_file = {folder}/a.key
key_id = a
list = main
bounce_domain = bounce.example.com
unsubscribe_url = https://mail.example.com
sender_id = example-news
"""
RECIPIENT = "Someone@Mailbox.example"
ACCEPTED, REFUSED = 250, 550
DEFERRED_BY_EXIM, DEFERRED_BY_HARAKA = 451, 450
UNASKED = (DEFERRED_BY_EXIM, b"4.3.0 suppression list cannot be asked")
HARAKA_GIVES_UP_S = 30.0
"""On a plugin that does not answer, by default."""
LOOKUP_SERVER = (sys.executable, "-m", "bounced", "lookup-server", "--config")

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root and unshare to run an MTA"
)


def test_exim_asks_the_lookup_server(daemons: Callable[..., Daemon], tmp_path: Path) -> None:
    """By readsocket, the way for an Exim without Redis."""
    with _exim_asking(daemons, tmp_path) as (daemon, port, lookup):
        daemon.start()
        daemon.command("suppress", RECIPIENT, "--reason", "asked by phone")
        with _answering([*LOOKUP_SERVER, str(daemon.config_file)], lookup):
            assert _asked(port) == (REFUSED, b"5.7.1 recipient is on the suppression list")
            assert daemon.command("release", RECIPIENT, "--reason", "asked again").returncode == 0
            assert _asked(port)[0] == ACCEPTED


def test_exim_defers_while_the_lookup_server_is_away_or_hangs(daemons: Callable[..., Daemon], tmp_path: Path) -> None:
    """Within its time-out; the sender's queue keeps the mail."""
    with _exim_asking(daemons, tmp_path) as (_, port, lookup):
        assert _asked(port) == UNASKED
        with socket.create_server(("127.0.0.1", lookup)):
            assert _asked(port) == UNASKED


@pytest.mark.parametrize(("setting", "answer"), [("defer", DEFERRED_BY_EXIM), ("deliver", ACCEPTED)])
def test_exim_does_as_the_lookup_server_says_while_redis_is_away(
    daemons: Callable[..., Daemon], tmp_path: Path, setting: str, answer: int
) -> None:
    """By lookup.when_unavailable: try again later, or deliver all the same."""
    further = {"url": f"redis://127.0.0.1:{free_port()}/0", "when_unavailable": setting}
    with (
        _exim_asking(daemons, tmp_path, **further) as (daemon, port, lookup),
        _answering([*LOOKUP_SERVER, str(daemon.config_file)], lookup),
    ):
        assert _asked(port)[0] == answer


@contextmanager
def _exim_asking(
    daemons: Callable[..., Daemon], folder: Path, when_unavailable: str = "deliver", **settings: str
) -> Iterator[tuple[Daemon, int, int]]:
    """Run Exim with the example; give a daemon to command, Exim's port, and the one that it asks."""
    _needs(EXIM_ASKING)
    lookup = free_port()
    further = f'[lookup]\nlisten = "127.0.0.1:{lookup}"\nwhen_unavailable = "{when_unavailable}"\n'
    daemon = daemons(further=further, **settings)
    (example,) = _paragraphs("exim.conf", "warn", containing="readsocket")
    example = example.replace("127.0.0.1:9026", f"127.0.0.1:{lookup}")
    with running(EXIM_ASKING, _home(folder), EXAMPLE=example) as port:
        yield daemon, port, lookup


def test_haraka_asks_redis(daemons: Callable[..., Daemon], tmp_path: Path) -> None:
    """By the plugin; while Redis is away mail goes out, and it is asked again when it is back."""
    with _haraka_asking(daemons, tmp_path) as (daemon, port, server, redis):
        assert _asked(port)[0] == ACCEPTED
        with _answering(server, redis):
            assert daemon.command("suppress", RECIPIENT, "--reason", "asked by phone").returncode == 0
            _until(lambda: _asked(port) == (REFUSED, b"5.7.1 recipient is on the suppression list"))
            assert daemon.command("release", RECIPIENT, "--reason", "asked again").returncode == 0
            assert _asked(port)[0] == ACCEPTED


@pytest.mark.parametrize(("fail", "answer"), [("open", ACCEPTED), ("closed", DEFERRED_BY_HARAKA)])
def test_haraka_does_not_wait_for_a_redis_that_hangs(
    daemons: Callable[..., Daemon], tmp_path: Path, fail: str, answer: int
) -> None:
    """It answers in a few seconds, as the setting says, and asks again when Redis goes on."""
    with _haraka_asking(daemons, tmp_path, fail) as (daemon, port, server, redis), _answering(server, redis) as process:
        daemon.command("suppress", RECIPIENT, "--reason", "asked by phone")
        _until(lambda: _asked(port)[0] == REFUSED)
        process.send_signal(signal.SIGSTOP)
        begun = time.monotonic()
        assert _asked(port)[0] == answer
        assert time.monotonic() - begun < HARAKA_GIVES_UP_S / 2
        process.send_signal(signal.SIGCONT)
        _until(lambda: _asked(port)[0] == REFUSED)


def test_haraka_gives_a_message_its_return_path_and_header_fields(
    daemons: Callable[..., Daemon], tmp_path: Path
) -> None:
    """By the plugin and the recipe for Node; the daemon reads whom each path was made for."""
    with _haraka_asking(daemons, tmp_path, sign=True) as (daemon, port, server, redis), _answering(server, redis):
        daemon.start()
        with smtplib.SMTP("127.0.0.1", port, "app.sender.example", WAIT_S) as client:
            client.ehlo()
            client.mail("shop@sender.example")
            client.rcpt(RECIPIENT)
            code, text = client.data(b"From: shop@sender.example\r\nX-Campaign: nov\r\nFeedback-ID: x\r\n\r\nNews.\r\n")
        assert code == ACCEPTED, text
        sent = json.loads(text[text.index(b"{") : text.rindex(b"}") + 1])
        header = dict(sent["header"])
        assert ("X-Campaign" in header, header["Feedback-ID"]) == (False, "nov:main::example-news")
        (path,) = re.findall("<mailto:([^?>]+)", header["List-Unsubscribe"])
        for found in (sent["from"].strip("<>"), unquote(path), unquote(header["CFBL-Feedback-ID"])):
            read = json.loads(daemon.command("return-path", "decode", found, "--json").stdout)
            assert (read["recipient"], read["tag"]) == (RECIPIENT.lower(), "nov")


@contextmanager
def _haraka_asking(
    daemons: Callable[..., Daemon], folder: Path, fail: str = "open", *, sign: bool = False
) -> Iterator[tuple[Daemon, int, list[str], int]]:
    """Run Haraka with the plugin; give a daemon to command, Haraka's port, a Redis to start, and its port."""
    _needs(HARAKA_ASKING)
    if not (FOLDER / "haraka/usr/lib/node_modules/redis").is_dir():
        pytest.skip("the plugin needs the package redis of npm beside Haraka")
    redis, home = free_port(), _home(folder)
    daemon = daemons(url=f"redis://127.0.0.1:{redis}/0")
    server = [str(find_server()), *f"--port {redis} --appendonly yes --appendfsync always --dir {folder}".split()]
    plugin = (EXAMPLES / "haraka" / "bounced.js").read_text()
    loader = (EXAMPLES / "haraka" / "recipe.js").read_text()
    section = SIGN.format(folder=daemon.folder, recipe=RECIPE) if sign else ""
    with running(HARAKA_ASKING, home, REDIS=redis, PLUGIN=plugin, LOADER=loader, FAIL=fail, SIGN=section) as port:
        yield daemon, port, server, redis


def _needs(mta: Mta) -> None:
    if not mta.find():
        pytest.skip(f"{mta} is not here: tests/install-programs")


def _home(folder: Path) -> Path:
    home = folder / "mta"
    home.mkdir()
    return home


def _paragraphs(name: str, first: str, *, containing: str) -> list[str]:
    """Return those parts of an example, between empty and commented lines, that begin with a word."""
    lines = (EXAMPLES / name).read_text().splitlines()
    text = "\n".join("" if line.startswith("#") else line for line in lines)
    return [part for part in text.split("\n\n") if part.strip().startswith(first) and containing in part]


def _asked(port: int) -> tuple[int, bytes]:
    """Return what an MTA answers to RCPT."""
    with smtplib.SMTP("127.0.0.1", port, "app.sender.example", WAIT_S) as client:
        client.ehlo()
        client.mail("shop@sender.example")
        return client.rcpt(RECIPIENT)


@contextmanager
def _answering(command: list[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until it is no longer needed."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _until(lambda: _listens(port))
        yield process
    finally:
        process.kill()
        process.wait(WAIT_S)


def _until(satisfied: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not satisfied():
        assert time.monotonic() < deadline
        time.sleep(0.05)  # nothing tells when a foreign program is ready


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
