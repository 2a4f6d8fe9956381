"""Stopping is socket and service: with the service alone, the next bounce starts the daemon as it was."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PAGES = [PROJECT / "README.md", *(PROJECT / "docs").glob("*.md"), *(PROJECT / "bounced").rglob("*.py")]
COMMAND = re.compile(r"systemctl (?:\S+ )*?(stop|disable)((?: [\w@.-]+)+)")


def stopped() -> list[tuple[str, set[str], str]]:
    """Return each command that stops something of ours: where it stands, the units, and what the page goes on with."""
    found = []
    for page in PAGES:
        text = page.read_text("utf-8")
        for command in COMMAND.finditer(text):
            units = {unit for unit in command[2].split() if unit.startswith("bounced")}
            if units & {"bounced", "bounced.service", "bounced.socket"}:
                found.append((page.name, units, text[command.end() : command.end() + 40]))
    return found


@pytest.mark.parametrize(("page", "units", "goes_on"), stopped())
def test_the_socket_is_stopped_with_the_service(page: str, units: set[str], goes_on: str) -> None:
    """Except where a page says that the service alone is not enough."""
    assert {"bounced.socket", "bounced.service"} <= units or "stops the service alone" in goes_on, page


def test_there_are_such_commands() -> None:
    """The test above tests something."""
    assert [page for page, _, _ in stopped()].count("operate.md") >= 3
