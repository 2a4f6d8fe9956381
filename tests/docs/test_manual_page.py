"""The manual page shows every command, and roff has nothing to complain of."""

import shutil
import subprocess
from pathlib import Path

import pytest

from bounced.cli.root import COMMANDS

PAGE = Path(__file__).parents[2] / "docs/bounced.1"


def test_every_command_has_its_section() -> None:
    """Those that users call; not the daemon's own."""
    text = PAGE.read_text("utf-8")
    offered = [name for name, entry in COMMANDS.items() if entry.summary]
    assert [name for name in offered if f".SS bounced {name.replace('-', chr(92) + '-')} " not in text] == []


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_roff_reads_it_without_warnings() -> None:
    """Neither unknown requests nor lines that cannot be filled."""
    groff = ["groff", "-man", "-Tutf8", "-ww", "-z", str(PAGE)]
    assert subprocess.run(groff, capture_output=True, text=True, check=True).stderr == ""


def test_every_command_shows_an_example() -> None:
    """``--help`` teaches: each command's help, or that of its subcommands, has a command line to copy."""
    text = PAGE.read_text("utf-8").replace("\\-", "-")
    sections = text.partition(".SH COMMANDS")[2].split(".SS bounced ")[1:]
    without = [section.partition("[")[0].strip() for section in sections if "\nbounced " not in section]
    assert without == ["return-path"]  # its subcommands have theirs
