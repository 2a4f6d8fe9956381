"""``bounced events --follow`` and the charts, as they are seen on a running system."""

import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.support.daemon import Daemon, unknown_user


@pytest.fixture(scope="module")
def daemon(lasting_daemons: Callable[..., Daemon]) -> Daemon:
    """Return a running daemon."""
    return lasting_daemons().start()


def test_follow_shows_what_happens_and_ends_with_ctrl_c(daemon: Daemon) -> None:
    """Events from before come first, then each new one; SIGINT is no error."""
    _bounce(daemon, "anna@mailbox.example")
    command = [sys.executable, "-m", "bounced", "events", "--follow", "--json", "--config", str(daemon.config_file)]
    buffering = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=buffering
    ) as follower:
        assert follower.stdout is not None
        seen = json.loads(follower.stdout.readline())
        while seen["type"] != "transition":
            seen = json.loads(follower.stdout.readline())
        assert seen["address"] == "anna@mailbox.example"
        _bounce(daemon, "bert@mailbox.example")
        assert json.loads(follower.stdout.readline())["address"] == "bert@mailbox.example"
        follower.send_signal(2)
        follower.stdout.read()
        assert follower.wait(30) == 0


def test_a_terminal_gets_charts_and_a_pipe_does_not(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bars beside the figures; in a pipe the figures alone."""
    _bounce(daemon, "anna@mailbox.example")
    assert "█" not in daemon.command("stats").stdout
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    drawn = daemon.command("stats").stdout + daemon.command("top").stdout
    assert "█" in drawn
    assert "mailbox_unknown" in drawn
    assert "anna" not in drawn


def _bounce(daemon: Daemon, address: str) -> None:
    path = daemon.return_path(address)
    assert daemon.send(path, unknown_user(address, path))[0] == 250
