"""`bounced status` on real daemons: well, without a daemon, with a full Redis, after a reload and after an edit."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from bounced.edges.redis.embedded import Folder
from bounced.edges.version import Build
from tests.support.daemon import Daemon, unknown_user


@pytest.fixture(scope="module")
def lasting(lasting_daemons: Callable[..., Daemon]) -> Daemon:
    """Return a running daemon with one worker, whose file is what it has loaded."""
    daemon = lasting_daemons().start()
    _reload(daemon)
    return daemon


def _reload(daemon: Daemon, event: str = "service.reloaded") -> None:
    daemon.send_signal(signal.SIGHUP)
    daemon.wait_for(event)


def _status(daemon: Daemon) -> tuple[int, dict[str, Any]]:
    done = daemon.command("status", "--json")
    assert not done.stderr
    return done.returncode, json.loads(done.stdout)


def test_all_is_well(lasting: Daemon) -> None:
    """Exit code 0; the running daemon tells its workers, lists and keys, and never a secret."""
    code, told = _status(lasting)
    assert (code, told["faults"]) == (0, [])
    daemon = told["daemon"]
    build = Build(daemon["version"])
    assert (build.commit, build.changed) == (daemon["commit"], daemon["changed"])
    assert f"{build}, process {daemon['pid']} of " in lasting.command("status").stdout
    assert daemon["workers"] == {"wanted": 1, "ready": 1, "silent": 0, "deaths": 0}
    assert (daemon["loaded"]["lists"], daemon["loaded"]["keys"]) == (["main"], {"main/a": "signing"})
    assert (lasting.folder / "a.key").read_text() not in json.dumps(told)
    assert sum(told["hosts"].values()) == 1
    assert told["redis"][0]["policy"] == "noeviction"
    assert lasting.command("status").stdout.splitlines()[0].endswith("UTC: YES")


def test_a_full_redis_is_told_by_all_and_each_bounce_comes_again(lasting: Daemon) -> None:
    """The bounce hears 451; status says why in a line and what to do; doctor says the same; both exit with 1."""
    path = lasting.return_path("bert@mailbox.example")
    with Redis(unix_socket_path=str(Folder(lasting.folder / "data").socket)) as server:
        server.config_set("maxmemory", "1")
        try:
            assert lasting.send(path, unknown_user("bert@mailbox.example", path))[0] == 451
            code, told = _status(lasting)
            doctor = lasting.command("doctor", "--no-dns", "--json")
        finally:
            server.config_set("maxmemory", "0")
    assert code == doctor.returncode == 1
    assert any("Redis takes no commits" in fault for fault in told["faults"])
    assert "maxmemory" in told["advice"][0]
    findings = {each["subject"]: each["outcome"] for each in map(json.loads, doctor.stdout.splitlines())}
    assert findings["Redis commits"] == findings["Redis memory"] == "error"
    assert _status(lasting)[0] == 0


def test_a_reload_tells_what_came_and_went_and_an_edit_that_was_not_loaded_shows(lasting: Daemon) -> None:
    """In the log and in status; a reload that is refused changes nothing and says so."""
    good = lasting.config_file.read_text()
    (lasting.folder / "b.key").touch(mode=0o600)
    (lasting.folder / "b.key").write_text("another secret, long enough")
    lasting.write_config('status = "verify"\n[[lists.main.keys]]\nid = "b"\nfile = "b.key"\n')
    edited = _status(lasting)[1]["daemon"]["loaded"]
    assert edited["changed_on_disk"] == [str(lasting.config_file)]
    lasting.send_signal(signal.SIGHUP)
    changes = lasting.wait_for("configuration.loaded")["changes"]
    assert changes == ["key added: main/b", "key changed: main/a (signing -> verify)"]
    lasting.wait_for("service.reloaded")
    lasting.config_file.write_text("[smtp\n")
    _reload(lasting, "reload.failed")
    lasting.config_file.write_text(good)
    reload = _status(lasting)[1]["daemon"]["reload"]
    assert reload["changes"] == changes
    assert "bounced.toml" in reload["errors"][0]
    _reload(lasting)


def test_what_failed_in_the_intake_is_shown_with_its_error(lasting: Daemon) -> None:
    """The latest errors, so that whoever wrote the entry can be told."""
    with Redis(unix_socket_path=str(Folder(lasting.folder / "data").socket)) as server:
        server.xadd("bounced:{main}:intake", {"type": "nonsense", "at": "1"})
    lasting.wait_for("intake.failed")
    (list_,) = _status(lasting)[1]["lists"]
    assert list_["sizes"]["streams"]["intake-failed"] == 1
    assert "nonsense" in list_["intake_failures"][0]["error"]


def test_without_a_daemon_it_says_where_it_looked(daemons: Callable[..., Daemon]) -> None:
    """Exit code 1: nobody takes in mail, neither here nor anywhere that Redis knows of."""
    daemon = daemons()
    code, told = _status(daemon)
    assert code == 1
    assert told["daemon"] is None
    assert str(daemon.folder / "data/status.sock") in told["tried"][0]
    assert "systemctl" in told["advice"][-1]


def test_without_redis_the_exit_code_is_3(daemons: Callable[..., Daemon], tmp_path: Path) -> None:
    """As docs/contract.md has it; the server is named, and what to do."""
    code, told = _status(daemons(url=f"unix://{tmp_path}/nobody"))
    assert code == 3
    assert told["advice"]


def test_a_daemon_killed_a_moment_ago_takes_no_mail(daemons: Callable[..., Daemon]) -> None:
    """Nobody listens at its socket: status counts none of its workers."""
    daemon = daemons().start(start_new_session=True)
    daemon.kill()
    code, told = _status(daemon)
    assert (code, told["hosts"], told["daemon"]) == (1, {}, None)
