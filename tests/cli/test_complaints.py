"""``bounced complaints``, upon what the one path wrote into a real server."""

import json
from pathlib import Path

import pytest

from bounced.demo.scenes import Scene
from bounced.opening import now

from .conftest import Call

NOBODY = b"Delivered-To: fbl@bounce.example.com\r\n"


@pytest.fixture
def complained(call: Call, tmp_path: Path) -> Call:
    """Return what runs a command, after three complaints: one of ours, two that name nobody."""
    made = call("return-path", "encode", "erin@gmail.com", "--date", now().date().isoformat())
    path = made.stdout.strip()
    scene = Scene("complaint", "erin@gmail.com")
    files = {
        "ours": b"Delivered-To: " + path.encode() + b"\r\n" + scene.content(path),
        "nobody": NOBODY + scene.content("b-forged@elsewhere.example"),
        "again": NOBODY + scene.content("b-forged@elsewhere.example"),
    }
    for name, content in files.items():
        (tmp_path / f"{name}.eml").write_bytes(content)
        assert call("ingest", str(tmp_path / f"{name}.eml")).exit_code == 0
    return call


def test_providers_and_domains_stand_in_the_records(complained: Call) -> None:
    """With the share that names nobody, and nothing about the recipient."""
    result = complained("complaints", "--json")
    provider, domain = map(json.loads, result.stdout.splitlines())
    assert (provider["provider"], provider["attributed"], provider["unattributed"]) == ("google", 1, 2)
    assert sum(hour["unattributed"] for hour in provider["hours"].values()) == 2
    assert (domain["provider"], domain["count"]) == ("google", 2)
    assert "erin" not in result.stdout


def test_a_pipe_gets_two_tables(complained: Call) -> None:
    """A header each, and the share as people say it."""
    lines = complained("complaints").stdout.splitlines()
    assert lines[0].split("\t") == ["provider", "complaints", "name nobody", "share"]
    assert lines[1].split("\t") == ["google", "3", "2", "67%"]
    assert lines[3].split("\t")[:3] == ["from", "return path", "provider"]


def test_80_columns_are_enough_for_the_tables(complained: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal, with bars and a course over time."""
    for name, value in {"FORCE_COLOR": "1", "TERM": "dumb", "COLUMNS": "80", "LINES": "25"}.items():
        monkeypatch.setenv(name, value)
    shown = complained("complaints").stdout
    assert max(map(len, shown.splitlines())) <= 80
    assert "over time" in shown
    assert "google" in shown


def test_stats_tell_them_apart(complained: Call) -> None:
    """They stand among the complaints, and once more by themselves."""
    rows = [line.split("\t") for line in complained("stats").stdout.splitlines()]
    assert ["complaint", "complaint", "3"] in rows
    assert ["(complaints that name nobody)", "complaint", "2"] in rows


def test_where_there_were_none_nothing_is_shown(call: Call) -> None:
    """And that is no error."""
    assert call("complaints", "--json").stdout == ""
    assert call("complaints").exit_code == 0
