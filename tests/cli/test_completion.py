"""Shell completion, as operate.md sets it up."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

LIST = """
[lists.{name}]
domains = ["{name}.example.com"]
keys = [{{ id = "a", file = "a.key" }}]
"""


def _complete(shell: str, words: str, place: int) -> list[str]:
    settings = {"_BOUNCED_COMPLETE": f"{shell}_complete", "COMP_WORDS": words, "COMP_CWORD": str(place)}
    command = [sys.executable, "-c", "from bounced.__main__ import main; main()"]
    done = subprocess.run(command, env={**os.environ, **settings}, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


def test_commands_are_completed() -> None:
    """By their first letters, as one thing or as several."""
    assert _complete("bash", "bounced sup", 1) == ["suppress"]
    assert {"stats", "suppress"} <= set(_complete("bash", "bounced s", 1))


def test_completing_a_command_imports_none() -> None:
    """Whoever presses a key waits for it."""
    script = (
        "import sys, click; from bounced.cli.root import bounced; "
        "print([item.value for item in bounced.shell_complete(click.Context(bounced), 'sta')]); "
        "print([name for name in ('asyncio', 'pydantic', 'redis', 'rich') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "['status', 'stats']\n[]\n"


def test_the_daemons_own_command_is_not_offered() -> None:
    """``worker`` is for the supervisor."""
    assert "worker" not in _complete("bash", "bounced w", 1)


def test_options_and_subcommands_are_completed() -> None:
    """Also inside a group."""
    assert "--reason" in _complete("bash", "bounced release --r", 2)
    assert _complete("bash", "bounced return-path e", 2) == ["encode"]


@pytest.mark.parametrize("command", ["lookup", "erase", "export", "stats"])
def test_lists_are_completed_from_the_configuration(tmp_path: Path, command: str) -> None:
    """That of --config; its secrets need not be readable for it."""
    config = tmp_path / "bounced.toml"
    config.write_text("".join(LIST.format(name=name) for name in ("main", "news", "notices")))
    assert _complete("bash", f"bounced {command} --config {config} --list n", 5) == ["news", "notices"]


@pytest.mark.parametrize("text", ["no TOML", "[lists.main]", None])
def test_a_configuration_that_cannot_be_read_completes_nothing(tmp_path: Path, text: str | None) -> None:
    """And says nothing: it would stand in the middle of what is being typed."""
    config = tmp_path / "bounced.toml"
    if text is not None:
        config.write_text(text)
    assert _complete("bash", f"bounced lookup --config {config} --list n", 5) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_is_printed(shell: str) -> None:
    """What goes to the folder of completions."""
    done = subprocess.run(
        [sys.executable, "-c", "from bounced.__main__ import main; main()"],
        env={**os.environ, "_BOUNCED_COMPLETE": f"{shell}_source"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "_BOUNCED_COMPLETE" in done.stdout
