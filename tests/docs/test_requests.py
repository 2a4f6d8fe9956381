"""The lines for curl and redis-cli on README, docs/api.md and docs/web.md ask a real `bounced web` and a real Redis."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.daemon import WAIT_S, Daemon, port_of
from tests.support.programs import find
from tests.support.redis_server import redis_server
from tests.support.shell_lines import PROJECT, blocks

ALICE = "alice@example.org"
PRIVATE = "http://127.0.0.1:9027"
WEB = '[web.private]\nlisten = "127.0.0.1:0"\ntokens_file = "tokens.toml"\n'
LEFT_OUT = {
    "curl -N": "it does not end: tests/web/test_events.py follows the same events",
    "TOKEN=$(bounced web token add": "it was added before, and the application has said that it knows it",
    "bounced web &": "it runs already",
    "/opt/bounced/bin/pip install": "it is installed already",
}
"""How lines begin that are not run, and why."""
MESSAGE = PROJECT / "bounced/demo/messages/unknown_user.eml"

pytestmark = pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="needs curl and jq")


@dataclass(frozen=True)
class Site:
    """Where a reader is: a folder with the configuration, a token, and the ports of Redis and of `bounced web`."""

    folder: Path
    token: str
    redis: int
    web: int


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return a Redis and a `bounced web` that know a token; alice is suppressed."""
    folder = tmp_path_factory.mktemp("requests")
    with redis_server(folder) as port:
        daemon = Daemon(folder, url=f"redis://127.0.0.1:{port}/0", further=WEB)
        assert daemon.command("suppress", ALICE, "--reason", "asked by phone").returncode == 0
        shutil.copy(MESSAGE, folder / "bounce.eml")
        command = [sys.executable, "-m", "bounced", "web", "--config", str(daemon.config_file)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=folder) as web:
            assert web.stderr is not None
            log = map(json.loads, web.stderr)
            try:
                started = next(event for event in log if event["event"] == "service.started")
                added = daemon.command(
                    "web", "token", "add", "crm", "--list", "main", "--right", "check", "--right", "read"
                )
                next(event for event in log if event["event"] == "access.changed")
                yield Site(folder, added.stdout.strip(), port, port_of(started))
            finally:
                web.terminate()
                web.stderr.read()


def told(site: Site, page: str, begin: str) -> str:
    """Return what the first block of a page prints in which a line begins so."""
    texts = [block.text.splitlines() for block in blocks(PROJECT / page)]
    lines = next(text for text in texts if any(line.startswith(begin) for line in text))
    script = "\n".join(line for line in lines if not line.startswith(tuple(LEFT_OUT)))
    script = script.replace(PRIVATE, f"http://127.0.0.1:{site.web}").replace(
        "redis-cli ", f"redis-cli -p {site.redis} "
    )
    programs = Path(find("redis", "redis-cli") or sys.executable).parent
    environment = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}", "TOKEN": site.token}
    done = subprocess.run(
        ["sh", "-euc", script],
        cwd=site.folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_readme_asks_the_api(site: Site) -> None:
    """With a token that may check."""
    assert json.loads(told(site, "README.md", "curl -H"))["suppressed"] == [ALICE]


@pytest.mark.skipif(find("redis", "redis-cli") is None, reason="redis-cli is not here: tests/install-programs")
def test_readme_asks_redis(site: Site) -> None:
    """The one question before each mail."""
    assert told(site, "README.md", "redis-cli SISMEMBER") == "1\n"


def test_the_page_about_the_api_checks_and_explains(site: Site) -> None:
    """The addresses come one a line; what the message means comes as JSON."""
    suppressed, _, explained = told(site, "docs/api.md", "URL=").partition("\n")
    assert suppressed == ALICE
    assert json.loads(explained)


def test_the_page_about_the_web_application_checks(site: Site) -> None:
    """The same request."""
    assert json.loads(told(site, "docs/web.md", "bounced web &"))["suppressed"] == [ALICE]


def test_lines_that_are_left_out_are_on_a_page() -> None:
    """Else the reason is for nothing."""
    pages = [block.text for page in ("docs/api.md", "docs/web.md") for block in blocks(PROJECT / page)]
    lines = "\n".join(pages).splitlines()
    assert [begin for begin in LEFT_OUT if not any(line.startswith(begin) for line in lines)] == []
