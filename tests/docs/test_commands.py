"""Commands in the documentation are run, page by page, beside a demonstration.

They are every `$` line of a `console` block, and each line of an `sh` block that is a command of ours.
"""

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
from tests.support.shell_lines import PAGES, PROJECT, Block, blocks

MESSAGE = PROJECT / "bounced/demo/messages/unknown_user.eml"
FURTHER = """
[rules]
files = ["own.toml"]

[lists.newsletter]
domains = ["news.example.com"]
keys = [{ id = "n", file = "a.key" }]
"""
"""What pages take for granted: rules of one's own, a list for a newsletter; and tokens, in the section of the web."""
EXPORT = "address,state,category\nalice@example.org,suppressed,mailbox_unknown\n"
NOT_HERE: Mapping[str, str] = {
    "bounced check-config --quiet && systemctl restart bounced": "tests/acceptance/test_systemd.py",
    "bounced export --json --list main > /var/backups/bounced/main.jsonl": (
        "the folder is root's; tests/installation/test_machines.py runs it, tests/cli/test_exchange.py exports"
    ),
    "bounced import /var/backups/bounced/main.jsonl --list main": "likewise",
    "bounced recover --since 2026-05-01T06:00 --provider yahoo"
    ' --reason "Yahoo called everybody unknown, ticket 4711"': "it asks at a terminal: tests/cli/test_recover.py",
    "bounced unknown --add 1 --category rate_limited": "it asks at a terminal: tests/cli/test_unknown.py",
    "bounced web login": "it prints on a terminal only: tests/web/test_people.py",
    "bounced web &": "tests/acceptance/test_web.py",
}
"""Lines that are not run here, and where they are, or why not."""


def bounced_lines(block: Block) -> list[str]:
    """Return the lines of a block for a shell that are commands of ours, as they stand."""
    return [line for line in block.text.splitlines() if line.strip().startswith("bounced ")]


def typed(page: Path) -> list[str]:
    """Return the command lines of a page that are run here."""
    found: list[str] = []
    for block in blocks(page):
        found += block.text.splitlines() if block.language == "console" else bounced_lines(block)
    bare = (re.sub(r"\s+# .*", "", line).strip() for line in found)
    return [line for line in bare if line and line not in NOT_HERE]


PAGES_HERE = [page for page in PAGES if page.name != "questions.md" and typed(page)]
"""Those with commands; docs/questions.md has tests/acceptance/test_questions.py."""


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a demonstration that has been played, with a message at hand."""
    folder = tmp_path_factory.mktemp("demo")
    ports = ["--port", "0", "--web-port", "0"]  # two that begin at once would want the same
    command = [sys.executable, "-m", "bounced", "demo", "--once", "--folder", str(folder), *ports]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    shutil.copy(MESSAGE, folder / "bounce.eml")
    (folder / "own.toml").touch()
    (folder / "suppressed.csv").write_text(EXPORT)
    configuration = folder / "bounced.toml"
    text = configuration.read_text().replace("[web.private]", f'[web.private]\ntokens_file = "{folder}/tokens.toml"')
    configuration.write_text(text + FURTHER)
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def setting(demonstration: Path) -> AsyncIterator[Mapping[str, str]]:
    """Return the environment of a machine on which the server of the demonstration runs, as beside a daemon."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    async with EmbeddedServer(demonstration / "data"):
        yield {"PATH": path, "BOUNCED_CONFIG": str(demonstration / "bounced.toml"), "HOME": str(demonstration)}


@pytest.mark.parametrize("page", PAGES_HERE, ids=lambda page: page.name)
def test_the_commands_of_a_page_do_what_it_says(page: Path, setting: Mapping[str, str]) -> None:
    """Each ends with 0, or with 1 where the answer may be no, and says nothing about errors of usage."""
    for command in typed(page):
        if re.search(r"\bjq ", command) and not shutil.which("jq"):
            continue
        result = subprocess.run(
            ["sh", "-c", command],
            cwd=setting["HOME"],
            env=dict(setting),
            input="an example password\n",
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
    assert {"operate.md", "api.md"} <= {page.name for page in PAGES_HERE}
    lines = {
        re.sub(r"\s+# .*", "", line).strip()
        for page in PAGES
        for block in blocks(page)
        for line in block.text.splitlines()
    }
    assert sorted(set(NOT_HERE) - lines) == []


def test_every_event_of_the_log_is_explained() -> None:
    """Whoever reads the log finds the name in operate.md."""
    manual = (PROJECT / "docs/operate.md").read_text("utf-8")
    assert [event for event in Event if f"`{event}`" not in manual] == []
