"""How the command ends when somebody or something else ends it."""

import subprocess
import sys
from pathlib import Path

import pytest

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
    assert done.returncode == 4
