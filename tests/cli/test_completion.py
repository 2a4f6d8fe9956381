"""Shell completion, as operate.md sets it up."""

import os
import subprocess
import sys

import pytest


def _complete(shell: str, words: str, place: int) -> list[str]:
    settings = {"_BOUNCED_COMPLETE": f"{shell}_complete", "COMP_WORDS": words, "COMP_CWORD": str(place)}
    command = [sys.executable, "-c", "from bounced.__main__ import main; main()"]
    done = subprocess.run(command, env={**os.environ, **settings}, capture_output=True, text=True, check=True)
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


def test_commands_are_completed() -> None:
    """By their first letters, as one thing or as several."""
    assert _complete("bash", "bounced sup", 1) == ["suppress"]
    assert {"stats", "suppress"} <= set(_complete("bash", "bounced s", 1))


def test_the_daemons_own_command_is_not_offered() -> None:
    """``worker`` is for the supervisor."""
    assert _complete("bash", "bounced w", 1) == []


def test_options_and_subcommands_are_completed() -> None:
    """Also inside a group."""
    assert "--reason" in _complete("bash", "bounced release --r", 2)
    assert _complete("bash", "bounced return-path e", 2) == ["encode"]


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
