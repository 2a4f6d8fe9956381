"""The benchmark of lists measures commands that did what it says."""

import csv
import json
import sys
from subprocess import CalledProcessError

import pytest

from benchmarks import lists

ROWS = 120


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Return what runs the benchmark with these words, and returns the lines that it prints."""

    def run(*words: str) -> list[str]:
        monkeypatch.setattr(sys, "argv", ["lists", *words])
        lists.main()
        return capsys.readouterr().out.splitlines()

    return run


def test_each_step_that_is_asked_for_is_a_line_for_each_number_of_rows(printed):
    """With its name in words and six figures."""
    lines = printed("--rows", "10", "20", "--only", "export")
    told = lists.STEPS["export"][0]
    assert [line.partition("  ")[0] for line in lines] == ["10 rows", told, "20 rows", told, lists.GOALS]
    assert {len(line[48:].split()) for line in lines[1:4:2]} == {6}


async def test_all_steps_read_and_write_every_row(tmp_path):
    """The second import and that of our own export find nothing new; keyed hashes stand for as many addresses."""
    lists.prepared(tmp_path, ROWS)
    told = []
    async for step, took in lists.measured(tmp_path):
        assert took.command > 0
        assert took.peak_mb > 0
        told.append((step, (tmp_path / "told.txt").read_text()))
    said = dict(told)
    facts = {step: dict(line.rsplit(maxsplit=1) for line in said[step].splitlines()) for step in _imports()}
    new, old = ({"rows": str(ROWS), "suppressed": each} for each in (str(ROWS), "0"))
    assert [{name: facts[step][name] for name in new} for step in _imports()] == [new, old, old, new]
    with (tmp_path / lists.EXPORTED).open() as table:
        exported = {row["address"] for row in csv.DictReader(table)}
    assert len(exported) == ROWS
    assert {json.loads(line)["address"] for line in said[lists.STEPS["json"][0]].splitlines()} == exported


async def test_a_command_that_fails_is_not_measured(tmp_path):
    """An import of a file that is not there took no time at all."""
    lists.prepared(tmp_path, 0)
    with pytest.raises(CalledProcessError):
        [each async for each in lists.measured(tmp_path, ["own"])]


def _imports() -> list[str]:
    return [lists.STEPS[step][0] for step in ("import", "again", "own", "hashed")]
