"""Who acts at the terminal: ``--as``, else the login name."""

import json
import os
import pwd
import re
from datetime import timedelta
from pathlib import Path

import pytest

from bounced.cli import address
from bounced.cli.acting import login_name
from bounced.opening import now

from .conftest import Call

ALICE = "alice@example.org"


def actor_of(call: Call, *words: str) -> str:
    """Return who is said to have suppressed an address."""
    assert call("suppress", ALICE, *words).exit_code == 0
    told = json.loads(call("lookup", ALICE, "--json").stdout)
    assert told["actor"] == told["history"][-1]["actor"]
    actor: str = told["actor"]
    return actor


def test_who_used_sudo_is_named_and_not_root(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless --as names somebody; in the state, the history, `lookup`, `events` and `export`."""
    monkeypatch.setenv("SUDO_USER", "olivia")
    assert actor_of(call) == "olivia"
    assert re.search("(?m)^done by +olivia$", call("lookup", ALICE).stdout)
    assert "by olivia" in call("events").stdout
    assert json.loads(call("export", "--json").stdout)["actor"] == "olivia"
    call("release", ALICE)
    assert actor_of(call, "--as", "lena") == "lena"


def test_who_suppresses_again_changes_one_address_less(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """The summary counts those whose state is another, however much later that is."""
    call("suppress", ALICE)
    later = now() + timedelta(minutes=1)
    monkeypatch.setattr(address, "now", lambda: later)
    call("suppress", ALICE, "bob@example.org", "--reason", "asked")
    (told,) = call("events", "--type", "addresses.suppressed", "--json").stdout.splitlines()
    assert json.loads(told)["addresses"] == "1"


@pytest.mark.parametrize("name", ["", "  "])
def test_an_actor_is_never_empty(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal it is the user, whatever the environment says."""
    monkeypatch.setenv("SUDO_USER", name)
    monkeypatch.setattr(os, "getlogin", _no_terminal)
    assert login_name() == pwd.getpwuid(os.getuid()).pw_name


def _no_terminal() -> str:
    raise OSError


def test_a_name_can_neither_control_a_terminal_nor_fill_a_stream(call: Call) -> None:
    """It is escaped and bounded."""
    actor = actor_of(call, "--as", "\x1b[2J" + "x" * 1000)
    assert actor.isprintable()
    assert len(actor) == 64


def test_an_export_keeps_who_suppressed_an_address_and_an_import_names_who_imported_it(
    call: Call, tmp_path: Path
) -> None:
    """What our own export says stays; what another file says has the importer's name."""
    call("suppress", ALICE, "--as", "lena")
    copy = tmp_path / "copy.csv"
    copy.write_text(call("export").stdout)
    other = tmp_path / "other.csv"
    other.write_text("address\nbob@example.org\n")
    assert call("erase", ALICE, "--as", "mia").exit_code == 0
    call("import", str(copy), "--as", "noa")
    call("import", str(other), "--category", "operator", "--as", "noa")
    rows = [json.loads(row) for row in call("export", "--json").stdout.splitlines()]
    assert {row["address"]: row["actor"] for row in rows} == {ALICE: "lena", "bob@example.org": "noa"}
    events = [json.loads(line) for line in call("events", "--json").stdout.splitlines()]
    assert [(each["type"], each["actor"]) for each in events] == [
        ("address.erased", "mia"),
        *[("transition", "noa"), ("addresses.imported", "noa")] * 2,
    ]


def test_an_erasure_does_not_name_the_address_even_as_the_actor(call: Call) -> None:
    """Somebody who erases itself."""
    call("suppress", ALICE, "--as", ALICE)
    call("erase", ALICE, "--as", ALICE)
    told = call("events", "--json").stdout
    assert "address.erased" in told
    assert ALICE not in told
