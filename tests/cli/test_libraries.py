"""An older library than we work with is named before it does harm, and nobody has to read a traceback for it."""

import re
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bounced.cli import libraries, root
from bounced.cli.libraries import LOWEST, too_old
from bounced.cli.root import CommandEntry, bounced

PROJECT = Path(__file__).parents[2]


def declared() -> Iterator[tuple[str, str]]:
    """Yield what pyproject.toml says of each library that runs with us."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    extras = project.get("optional-dependencies", {})
    for requirement in [*project["dependencies"], *(each for name in extras if name != "dev" for each in extras[name])]:
        if found := re.fullmatch(r"([\w.-]+)(?:\[\w+\])?>=([\d.]+)(?:,<[\d.]+)?", requirement):
            yield found[1], found[2]


def test_the_lowest_versions_are_those_that_pip_is_told() -> None:
    """In all three places."""
    constraints = dict(
        line.split("==") for line in (PROJECT / "tests/lowest.txt").read_text().splitlines() if not line.startswith("#")
    )
    assert dict(declared()) == dict(LOWEST)
    assert {name: libraries._numbers(version) for name, version in constraints.items()} == {
        name: libraries._numbers(version) for name, version in LOWEST.items()
    }


def test_what_is_installed_here_is_new_enough() -> None:
    """Else no other test says anything."""
    assert too_old() == ""


@pytest.fixture
def redis_7(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let redis-py be one that lacks what we use."""
    known = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "7.4.1" if name == "redis" else known(name))


@pytest.mark.usefixtures("redis_7")
def test_the_daemon_does_not_start_with_it() -> None:
    """It would answer 451 to everything."""
    result = CliRunner().invoke(bounced, ["run"])
    assert result.exit_code == 2
    assert "redis 7.4.1 (needs 8.0.1 or later)" in result.stderr
    assert "pip install --upgrade 'redis>=8.0.1'" in result.stderr


@pytest.mark.usefixtures("redis_7")
def test_a_command_that_cannot_be_imported_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where a library is too old, that; else the error as it came."""
    (tmp_path / "broken_command.py").write_text("raise TypeError('no signature found')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(root, "COMMANDS", {"broken": CommandEntry("broken_command:broken", "Is broken.")})
    result = CliRunner().invoke(bounced, ["broken"])
    assert result.exit_code == 2
    assert "redis 7.4.1" in result.stderr
    monkeypatch.undo()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(root, "COMMANDS", {"broken": CommandEntry("broken_command:broken", "Is broken.")})
    with pytest.raises(TypeError, match="no signature found"):
        bounced.get_command(click.Context(bounced), "broken")


@pytest.mark.parametrize(
    ("older", "newer"), [("7.4.1", "8.0.1"), ("8.0", "8.0.1"), ("2.7.4", "2.8"), ("1.1.20240601", "1.1.20240702")]
)
def test_versions_are_compared_by_their_numbers(older: str, newer: str) -> None:
    """Not as text."""
    assert libraries._numbers(older) < libraries._numbers(newer)
    assert libraries._numbers(newer) <= libraries._numbers(f"{newer}.0.post2")
