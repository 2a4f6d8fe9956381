"""The image is built, and docs/container.md is followed, by a real podman: its commands are read from the page."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.support.engine import Engine, build, machine, why_not

PROJECT = Path(__file__).parents[2]
PAGE = PROJECT / "docs/container.md"
REASON = why_not()
pytestmark = [pytest.mark.soak, pytest.mark.skipif(bool(REASON), reason=REASON)]

IMAGE = "localhost/bounced"
DAEMON, WEB, VALKEY = (f"bounced_{service}_1" for service in ("bounced", "web", "valkey"))
SAID = "7.8.9.dev1"
SIGN_IN = """
import sys
from http.cookiejar import CookieJar
from urllib.request import HTTPCookieProcessor, build_opener
browser = build_opener(HTTPCookieProcessor(CookieJar()))
browser.open(sys.argv[1])
print(browser.open("http://localhost:9027/").read().decode())
"""
ASK = """
import smtplib, sys
with smtplib.SMTP("127.0.0.1", int(sys.argv[3]), "mail.example.net", timeout=60) as client:
    client.ehlo()
    client.mail("")
    print(client.rcpt(sys.argv[1])[0], client.data(open(sys.argv[2], "rb").read())[0])
"""
CONFINED = """
import os, re
status = dict(re.findall(r"^(\\w+):\\s+(.*)$", open("/proc/1/status").read(), re.M))
try:
    open("/etc/written", "w")
    root = "writable"
except OSError as error:
    root = error.strerror
print(status["Uid"].split()[0], int(status["CapEff"], 16), int(status["CapBnd"], 16), status["NoNewPrivs"], root)
"""


def blocks(title: str) -> list[str]:
    """Return the blocks of commands in a section of the page, for podman and podman-compose."""
    text = PAGE.read_text("utf-8").partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    found = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert found, title
    return [block.replace("docker compose", "podman-compose").replace("docker run", "podman run") for block in found]


def section(title: str) -> list[str]:
    """Return the commands in the first block of a section."""
    return blocks(title)[0].splitlines()


class Stack:
    """What compose.yaml runs, in a checkout on a machine of its own."""

    def __init__(self, engine: Engine, checkout: Path) -> None:
        self.engine = engine
        self.checkout = checkout

    def sh(self, script: str) -> str:
        """Run lines of a shell in the checkout; return what they print."""
        return self.engine.run("sh", "-euc", script, cwd=self.checkout)

    def up(self) -> None:
        """Start everything, as the page says, and wait until it is healthy."""
        self.sh(section("Two commands")[0])
        for name in (VALKEY, DAEMON, WEB):
            self.engine.until(partial(self.is_healthy, name), f"{name} is healthy")

    def is_healthy(self, name: str) -> bool:
        """Ask as the health check of a container asks."""
        return self.engine.ended("podman", "healthcheck", "run", name).returncode == 0

    def command(self, *words: str, service: str = "bounced") -> str:
        """Run a command of ours in a service."""
        return self.engine.run("podman-compose", "exec", "-T", service, "bounced", *words, cwd=self.checkout)

    def state(self, address: str) -> str:
        """Return the state of an address on the list."""
        done = self.engine.ended("podman", "exec", DAEMON, "bounced", "lookup", address, "--json")
        return str(json.loads(done.stdout.splitlines()[0])["state"])

    def ask(self, path: str, port: int = 2525) -> list[int]:
        """Send a bounce to a return path; return the replies to RCPT and to the content."""
        bounce = str(PROJECT / "config/examples/bounce.eml")
        return [int(code) for code in self.engine.run(sys.executable, "-c", ASK, path, bounce, str(port)).split()]

    def brings(self, path: str, port: int = 2525) -> bool:
        """Bring a bounce as a mail server does: again after a 451, such as while the engine learns Valkey's name."""
        replies = self.ask(path, port)
        assert replies in ([250, 250], [250, 451]), replies
        return replies == [250, 250]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Return what the page's first command starts, in a fresh clone of what is committed here."""
    folder = tmp_path_factory.mktemp("engine")
    checkout = folder / "bounced"
    subprocess.run(["git", "clone", "--quiet", PROJECT, checkout], check=True)
    with machine(folder) as engine:
        build(engine, folder, checkout, IMAGE)
        stack = Stack(engine, checkout)
        stack.up()
        yield stack


def test_the_link_of_the_second_command_shows_the_pages(stack: Stack) -> None:
    """The overview of the list, by the address at which compose.yaml publishes it."""
    (link,) = re.findall(r"http://localhost:9027/login/[\w-]+", stack.sh(section("Two commands")[1]))
    page = stack.engine.run(sys.executable, "-c", SIGN_IN, link)
    assert "<title>Overview" in page
    assert "Mail is taken in" in page


def test_a_bounce_by_smtp_suppresses_its_recipient(stack: Stack) -> None:
    """Line by line as the page sends it; doctor has nothing against it but what no laptop has."""
    *lines, doctor = section("Send a bounce")
    said = stack.sh("\n".join(lines))
    assert "suppressed" in said
    assert stack.state("alice@example.org") == "suppressed"
    done = stack.engine.ended("sh", "-euc", doctor, cwd=stack.checkout)
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(("name", "user"), [(DAEMON, 10001), (WEB, 10001), (VALKEY, 999)])
def test_nothing_runs_as_root_or_may_become_it(stack: Stack, name: str, user: int) -> None:
    """No capability, none to be had, and a root that cannot be written."""
    told = stack.engine.run("podman", "exec", name, "python3", "-c", CONFINED).strip()
    assert told == f"{user} 0 0 1 Read-only file system"


def test_the_log_is_json(stack: Stack) -> None:
    """On standard error, a line for each event."""
    done = stack.engine.ended("podman", "logs", DAEMON)
    assert [line for line in done.stderr.splitlines() if not line.startswith("{")] == []
    events = [json.loads(line)["event"] for line in done.stderr.splitlines()]
    assert "service.started" in events
    assert done.stdout == ""


def test_the_image_tells_the_version_of_the_checkout(stack: Stack) -> None:
    """As a wheel of the same commit has it."""
    version = [sys.executable, "-m", "hatchling", "version"]
    built = subprocess.run(version, cwd=stack.checkout, capture_output=True, text=True, check=True).stdout.strip()
    said = stack.command("--version")
    assert all(part in said for part in built.split("+g"))  # the release and the commit


def test_the_key_can_be_read_and_a_second_one_made(stack: Stack) -> None:
    """As the page says: for the sending software, and to replace the first one."""
    (read,) = section("Keys")
    first = stack.sh(read)
    assert re.fullmatch(r"[\w+/]{43}=\n", first)
    stack.sh("podman-compose exec -T bounced bounced return-path new-key /var/lib/bounced/keys/b")
    assert stack.sh(read.replace("keys/a", "keys/b")) != first


def test_while_valkey_is_gone_mail_is_deferred_and_health_says_so(stack: Stack) -> None:
    """And with it back, the same message is taken in."""
    path = stack.command("return-path", "encode", "bob@example.org").strip()
    stack.engine.run("podman", "kill", "--signal", "KILL", VALKEY)
    assert 451 in stack.ask(path)
    stack.engine.until(lambda: not stack.is_healthy(DAEMON), "the daemon is not healthy")
    stack.engine.run("podman", "start", VALKEY)
    stack.engine.until(lambda: stack.is_healthy(DAEMON), "the daemon is healthy again")
    stack.engine.until(lambda: stack.ask(path) == [250, 250], "the message is taken in when it comes again")
    assert stack.state("alice@example.org") == "suppressed"


@pytest.mark.parametrize("name", [WEB, DAEMON])
def test_sigterm_ends_a_container_in_time(stack: Stack, name: str) -> None:
    """By itself, with exit code 0: after ten seconds the engine kills what is left, which ends with 137."""
    stack.engine.run("podman", "stop", "--time", "10", name)
    assert stack.engine.run("podman", "inspect", "--format", "{{.State.ExitCode}}", name).strip() == "0"
    stack.engine.run("podman", "start", name)
    stack.engine.until(lambda: stack.is_healthy(name), f"{name} is healthy again")


def test_new_containers_go_on_with_the_old_volumes(stack: Stack) -> None:
    """What was suppressed stays so, and a return path of before brings its bounce home."""
    path = stack.command("return-path", "encode", "carol@example.org").strip()
    stack.sh("podman-compose down")
    assert stack.engine.run("podman", "ps", "--all", "--quiet") == ""
    stack.up()
    assert stack.state("alice@example.org") == "suppressed"
    stack.engine.until(partial(stack.brings, path), "the bounce is taken")


def test_what_the_page_backs_up_is_the_list_and_the_key(stack: Stack) -> None:
    """The export names who is suppressed; the key is the one that signs."""
    stack.sh("\n".join(section("Back up")))
    assert "alice@example.org" in (stack.checkout / "local/backup/suppressed.csv").read_text()
    assert (stack.checkout / "local/backup/a.key").read_text() == stack.sh(section("Keys")[0])


def test_the_copy_of_valkey_s_volume_brings_everything_back(stack: Stack) -> None:
    """What came after the copy is gone, what was in it is there."""
    export, copy, restore = blocks("Back up")
    stack.sh(export + copy)
    stack.engine.until(lambda: stack.is_healthy(DAEMON), "the daemon is healthy again")
    stack.command("suppress", "eve@example.org", "--reason", "after the copy")
    assert stack.state("eve@example.org") == "suppressed"
    stack.sh(restore)
    stack.engine.until(lambda: stack.is_healthy(DAEMON), "the daemon is healthy with the copy")
    assert stack.state("alice@example.org") == "suppressed"
    assert stack.state("eve@example.org") == "active"


def test_a_key_that_was_brought_is_not_replaced(stack: Stack) -> None:
    """By the page's command; the service that makes keys finds it and leaves it alone."""
    (bring,) = re.findall(r"^docker compose run --rm -T --no-deps .*$", PAGE.read_text("utf-8"), re.MULTILINE)
    (stack.checkout / "local/backup/a.key").write_text("a secret that came from elsewhere\n")
    stack.sh(bring.replace("docker compose", "podman-compose"))
    stack.sh("podman-compose down")
    stack.up()
    assert stack.sh(section("Keys")[0]) == "a secret that came from elsewhere\n"


def test_a_configuration_of_ones_own_takes_mail_at_port_25(stack: Stack) -> None:
    """Copied and named in .env as the page says; with a mistake in it, the page's command says which."""
    text = PAGE.read_text("utf-8").partition("\n## For real mail\n")[2]
    copy, settings = (
        re.sub("^   ", "", block, flags=re.MULTILINE)
        for block in re.findall(r"```(?:sh)?\n(.*?)   ```", text, re.DOTALL)[:2]
    )
    stack.sh(copy)
    (stack.checkout / ".env").write_text(settings)
    own = stack.checkout / "local/bounced.toml"
    good = own.read_text().replace("bounce.example.com", "bounce.example.net")
    own.write_text(good.replace("durability", "durabilty"))
    (check,) = re.findall(r"`docker compose (run --rm bounced check-config --quiet)`", text)
    told = stack.engine.ended("podman-compose", *check.split(), cwd=stack.checkout)
    assert told.returncode == 2
    assert "redis.durabilty must be a known key" in told.stdout + told.stderr
    own.write_text(good)
    stack.up()
    path = stack.command("return-path", "encode", "dave@example.org").strip()
    assert path.endswith("@bounce.example.net")
    stack.engine.until(partial(stack.brings, path, 25), "the bounce is taken at port 25")


def test_the_version_can_be_said_where_there_is_no_git(stack: Stack, tmp_path: Path) -> None:
    """Of an archive without .git, with the argument that BOUNCED_VERSION becomes."""
    archive = tmp_path / "bounced.tar"
    subprocess.run(["git", "archive", f"--output={archive}", "HEAD"], cwd=stack.checkout, check=True)
    bare = tmp_path / "bounced"
    bare.mkdir()
    subprocess.run(["tar", "-xf", archive, "-C", bare], check=True)
    build(stack.engine, tmp_path, bare, "localhost/bounced:said", f"--build-arg=VERSION={SAID}")
    told = stack.engine.run("podman", "run", "--rm", "--network=none", "localhost/bounced:said", "--version")
    project = tomllib.loads((bare / "pyproject.toml").read_text("utf-8"))["project"]
    assert project.get("version", SAID) in told
