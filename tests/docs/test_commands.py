"""Commands in the documentation are run: every `$` line of a `console` block, page by page, beside a demonstration."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
import pytest_asyncio

from bounced.edges.redis.embedded import EmbeddedServer
from bounced.edges.watch.log import Event

PROJECT = Path(__file__).parents[2]
PAGES = sorted([PROJECT / "README.md", *(PROJECT / "docs").glob("*.md")])
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
MESSAGE = PROJECT / "bounced/demo/messages/unknown_user.eml"


def commands(page: Path) -> list[str]:
    """Return the command lines of a page."""
    blocks = BLOCK.findall(page.read_text("utf-8"))
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line.startswith("$ ")]


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a demonstration that has been played, with a message at hand."""
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "bounced", "demo", "--once", "--folder", str(folder)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    shutil.copy(MESSAGE, folder / "bounce.eml")
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def setting(demonstration: Path) -> AsyncIterator[Mapping[str, str]]:
    """Return the environment of a machine on which the server of the demonstration runs, as beside a daemon."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    async with EmbeddedServer(demonstration / "data"):
        yield {"PATH": path, "BOUNCED_CONFIG": str(demonstration / "bounced.toml"), "HOME": str(demonstration)}


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=lambda page: page.name)
def test_the_commands_of_a_page_do_what_it_says(page: Path, setting: Mapping[str, str]) -> None:
    """Each ends with 0, or with 1 where the answer may be no, and says nothing about errors of usage."""
    for command in commands(page):
        if command.startswith("jq ") and not shutil.which("jq"):
            continue
        result = subprocess.run(
            ["sh", "-c", command],
            cwd=setting["HOME"],
            env=dict(setting),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert result.returncode in (0, 1), f"{command}\n{result.stdout}{result.stderr}"
        assert "Traceback" not in result.stderr
        assert "Error" not in result.stderr, command


def test_pages_with_commands_are_found() -> None:
    """The test above tests something."""
    assert {"operate.md"} <= {page.name for page in PAGES if commands(page)}


def test_every_event_of_the_log_is_explained() -> None:
    """Whoever reads the log finds the name in operate.md."""
    manual = (PROJECT / "docs/operate.md").read_text("utf-8")
    assert [event for event in Event if f"`{event}`" not in manual] == []
