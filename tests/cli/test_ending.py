"""How the command ends when somebody or something else ends it."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bounced.cli import root
from bounced.cli.ending import ExitCode
from bounced.cli.root import CommandEntry, bounced

FULL = Path("/dev/full")

SHORT, LONG = ["--version"], ["check-config", "--example"]


def _bounced(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "bounced", *arguments]


@pytest.mark.skipif(not FULL.exists(), reason="a device that is always full is Linux'")
@pytest.mark.parametrize("arguments", [SHORT, LONG, ["--help"], ["check-config", "--json"]])
def test_a_full_disk_is_said_in_one_line_and_has_its_own_exit_code(arguments: list[str]) -> None:
    """Whether it shows while the command writes, or in what is left in buffers at its end."""
    with FULL.open("w") as full:
        done = subprocess.run(_bounced(*arguments), stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.stderr == "bounced: cannot write: No space left on device\n"
    assert done.returncode == ExitCode.UNWRITTEN


@pytest.mark.parametrize("arguments", [SHORT, LONG, ["check-config", "--json"]])
def test_a_pipe_that_nobody_reads_any_more_ends_a_command_quietly(arguments: list[str]) -> None:
    """As SIGPIPE would: not with 1, by which a script reads that the answer is no."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(_bounced(*arguments), stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert done.stderr == ""
    assert done.returncode == ExitCode.NOBODY_READS


def test_what_is_drawn_into_a_closed_pipe_ends_quietly_too(tmp_path: Path) -> None:
    """The library that draws has its own mind about closed pipes."""
    message = tmp_path / "bounce.eml"
    message.write_bytes(b"From: MAILER-DAEMON@example.org\n\n550 user unknown\n")
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(_bounced("explain", str(message)), stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (ExitCode.NOBODY_READS, b"")


@pytest.mark.parametrize("module", ["click", "bounced.cli.root", "bounced.cli.check_config", "pydantic"])
def test_ctrl_c_while_modules_are_imported_ends_a_command_quietly(module: str) -> None:
    """That is most of the first moments of a command."""
    script = f"""
import sys

class CtrlC:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            raise KeyboardInterrupt

sys.meta_path.insert(0, CtrlC())
sys.argv = ["bounced", "check-config", "--example"]
from bounced.__main__ import main
main()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (ExitCode.INTERRUPTED, "", "")


def test_ctrl_c_later_ends_a_command_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    """With 130, not 1, by which a script reads that the answer is no."""

    @click.command()
    def endless() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(root, "endless", endless, raising=False)
    monkeypatch.setattr(root, "COMMANDS", {"stats": CommandEntry("bounced.cli.root:endless", "Wait.")})
    result = CliRunner().invoke(bounced, ["stats"])
    assert (result.exit_code, result.output) == (ExitCode.INTERRUPTED, "")
