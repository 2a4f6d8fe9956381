"""What docs/api.md shows works as it stands: in each language that is here."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bounced.web.tokens import Right
from tests.support.programs import in_private_root, private_root

from .conftest import ALL_RIGHTS, Site

PAGE = Path(__file__).parents[2] / "docs/api.md"
ASKED = ["alice@example.org", "bob@example.org", "no address"]
NOT_TO_MAIL = ["alice@example.org", "no address"]
CALLS = {
    "python": "import sys\nprint(json.dumps(not_to_mail(sys.argv[1], sys.argv[2], sys.argv[3:])))",
    "js": "const [url, token, ...asked] = process.argv.slice(1);"
    "notToMail(url, token, asked).then((found) => console.log(JSON.stringify(found)));",
    "php": "echo json_encode(notToMail($argv[1], $argv[2], array_slice($argv, 3)));",
}
PROGRAMS = {"python": [sys.executable, "-c"], "js": ["node", "-e"], "php": ["php", "-r"]}


def program(language: str) -> list[str]:
    """Return how a language is started: as it is installed, else as tests/install-programs unpacks it."""
    started = PROGRAMS[language]
    if shutil.which(started[0]):
        return started
    if language == "php" and private_root("php") and os.geteuid() == 0:
        return in_private_root("php", "php.default", "-r")
    return pytest.skip(f"{started[0]} is not here")


def blocks(language: str) -> list[str]:
    """Return what the page shows in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


async def run(*command: str) -> str:
    """Run a program beside the application, and return what it prints."""
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


@pytest.mark.parametrize("language", PROGRAMS)
async def test_the_examples_ask_and_are_answered(site: Site, language: str) -> None:
    """Who must not be mailed is what they return."""
    command = program(language)
    await site.post(await site.token(*ALL_RIGHTS, name="op"), "suppress", {"address": ASKED[0], "reason": "a test"})
    token, url = await site.token(Right.CHECK), f"http://127.0.0.1:{site.ports['private']}"
    told = await run(*command, blocks(language)[0] + CALLS[language], url, token, *ASKED)
    assert json.loads(told) == NOT_TO_MAIL


async def test_the_example_follows_events(site: Site) -> None:
    """From the place that it kept, so it hears what happened before it began."""
    token = await site.token(*ALL_RIGHTS, name="op")
    place = (await site.get(token, "events?after=end")).json()["next"]
    await site.post(token, "suppress", {"address": ASKED[0], "reason": "a test"})
    call = "import sys\nlast, event = next(follow(*sys.argv[1:]))\nprint(event['address'], bool(last))"
    url = f"http://127.0.0.1:{site.ports['private']}"
    assert await run(*PROGRAMS["python"], blocks("python")[1] + call, url, token, place) == f"{ASKED[0]} True\n"


@pytest.mark.skipif(not shutil.which("curl") or not shutil.which("jq"), reason="curl or jq is not here")
async def test_curl_asks_and_is_answered(site: Site) -> None:
    """The command line of the page, with the token and the address of this application."""
    await site.post(await site.token(*ALL_RIGHTS, name="op"), "suppress", {"address": ASKED[0], "reason": "a test"})
    (command,) = re.findall(
        r"^(curl --fail-with-body .*?\.invalid\[\]\.address')$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    given = f"TOKEN={await site.token(Right.CHECK)}; URL=http://127.0.0.1:{site.ports['private']}; "
    assert (await run("sh", "-c", given + command)).split() == [ASKED[0]]


def test_every_word_of_a_problem_is_on_the_page() -> None:
    """Programs compare them, so they are told; pages say what is wrong in words alone."""
    text = PAGE.read_text("utf-8") + PAGE.with_name("hooks.md").read_text("utf-8")
    folder, of_pages = Path(__file__).parents[2] / "bounced/web", {"pages", "recoveries.py"}
    sources = "\n".join(file.read_text("utf-8") for file in folder.rglob("*.py") if not of_pages & set(file.parts))
    words = set(re.findall(r'(?:bad_request\(|HTTPStatus\.[A-Z_]+,)\s*"([a-z-]+)"', sources))
    assert {"bad-address", "key-used", "too-slow"} <= words
    assert {word for word in words if f"`{word}`" not in text} == set()
