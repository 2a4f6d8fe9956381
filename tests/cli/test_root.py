"""The command as a whole: what it offers, and what its exit codes say."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from bounced.cli import root
from bounced.cli.root import COMMANDS, CommandEntry, bounced
from bounced.edges.version import running
from bounced.ports import StoreUnavailable

OFFERED = [name for name, entry in COMMANDS.items() if entry.summary]


def test_help_shows_every_command_but_those_of_the_daemon_itself() -> None:
    """A newcomer reads this first."""
    result = CliRunner().invoke(bounced, ["--help"])
    assert result.exit_code == 0
    assert all(f"\n  {name} " in result.output for name in OFFERED)
    assert "worker" not in result.output


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_of_the_overview_is_there_and_explains_itself(name: str) -> None:
    """The overview is not imported from the commands, so that it is quick."""
    command = bounced.get_command(click.Context(bounced), name)
    assert command is not None
    assert command.get_short_help_str().endswith((".", "..."))


@pytest.mark.parametrize("name", sorted({*OFFERED} - {"return-path", "hooks", "demo", "explain"}))
def test_every_command_takes_a_configuration(name: str) -> None:
    """All but ``demo`` and ``explain``, which need none; ``return-path`` and ``hooks`` leave it to subcommands."""
    command = bounced.get_command(click.Context(bounced), name)
    assert command is not None
    assert "--config" in {option for parameter in command.params for option in parameter.opts}


def test_the_overview_imports_no_command() -> None:
    """What takes long to import is imported by whoever needs it."""
    heavy = ("aiosmtpd", "asyncio", "pydantic", "redis", "rich")
    script = f"import sys, bounced.cli.root; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_an_unknown_command_is_a_usage_error() -> None:
    """Exit code 2."""
    assert CliRunner().invoke(bounced, ["bounce"]).exit_code == 2


def test_a_store_that_cannot_be_reached_has_its_own_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """A script can tell "no" from "nobody knows"."""

    @click.command()
    def unlucky() -> None:
        raise StoreUnavailable("connection refused")

    monkeypatch.setattr(root, "unlucky", unlucky, raising=False)
    monkeypatch.setattr(root, "COMMANDS", {"lookup": CommandEntry("bounced.cli.root:unlucky", "Fail.")})
    result = CliRunner().invoke(bounced, ["lookup"])
    assert result.exit_code == 3
    assert result.stderr.startswith("bounced: Redis cannot be reached: connection refused\n")
    assert "bounced doctor" in result.stderr


def test_the_module_is_the_command() -> None:
    """``python -m bounced`` where the script is not on the path."""
    done = subprocess.run([sys.executable, "-m", "bounced", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"bounced {running()}\n"


def _imported(command: str) -> str:
    line = [sys.executable, "-X", "importtime", "-m", "bounced", command, "--help"]
    return subprocess.run(line, capture_output=True, text=True, check=True).stderr


@pytest.mark.parametrize("command", ["run", "worker", "deliver", "lookup-server"])
def test_a_daemon_has_no_library_for_terminals_in_memory(command: str) -> None:
    """Rich and Pygments take five megabytes of each process, and a tenth of its start."""
    told = _imported(command)
    assert "bounced.edges.watch.log" in told
    assert "rich.console" not in told
    assert "pygments" not in told


@pytest.mark.parametrize("command", ["deliver", "lookup", "events", "stats", "alarms", "hooks"])
def test_a_command_that_asks_redis_alone_imports_nothing_that_takes_in_mail(command: str) -> None:
    """That would be a hundred modules more."""
    told = _imported(command)
    assert "bounced.opening" in told
    assert "bounced.service" not in told
    assert "bounced.core.meaning.classify" not in told
