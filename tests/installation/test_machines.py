"""docs/install.md and docs/operate.md, word by word, on a bare Debian 12 that boots, while a mail server goes on."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.installation import PROJECT, build_wheel
from tests.support.machine import Machine, installed_by_hand, why_not
from tests.support.pages import blocks

GOAL_S = 600.0
EXPOSURE = 1.5
CONFIGURATION = "/etc/bounced/bounced.toml"
NEXT = "9.0.0"
OLD_SERVER, NEW_SERVER = "127.0.0.1", "127.0.0.2"
STEPS = ("1. The program", "2. Redis or Valkey", "3. User, folders, units", "4. Key and configuration", "5. Start")
OFFLINE = r"printf '[global]\nno-index = true\nfind-links = /srv/wheels\n' >/etc/pip.conf; cp /mnt/*.whl /usr/local/src"

NEW_PEPPER = "(umask 027; openssl rand -base64 32 >/etc/bounced/pepper; chgrp bounced /etc/bounced/pepper)"
HASHED = """
[lists.hashed]
domains = ["hashed.example.com"]
address_form = "hmac"
pepper_file = "pepper"
keys = [{ id = "h", file = "keys/a" }]
"""
SECOND = f"""
sed -e 's/^bind .*/bind {NEW_SERVER}/' -e 's/-server\\./-new./' -e 's/^dir .*/dir \\/var\\/lib\\/valkey\\/new/' \\
  /etc/valkey/valkey.conf >/etc/valkey/valkey-new.conf
install -d -o valkey -g valkey /var/lib/valkey/new
chown valkey:valkey /etc/valkey/valkey-new.conf
systemctl enable --now valkey-server@new
"""
"""A second server, as Debian's template of a unit has it."""

SENDER = """\
import itertools, smtplib, sys, time
from datetime import UTC, datetime
from bounced.client import Keyring, ReturnPaths, SigningKey
from bounced.demo.scenes import Scene

key, diary, mark = sys.argv[1:]
paths = ReturnPaths("main", ("bounce.example.com",), Keyring(SigningKey.from_file("a", key)))

def attempt(recipient):
    path = paths.encode(recipient, issued=datetime.now(UTC).date())
    try:
        with smtplib.SMTP("127.0.0.1", 25, "mail.example.net", timeout=60) as client:
            client.ehlo()
            client.mail("")
            code = client.rcpt(path)[0]
            return client.data(Scene("unknown_user", recipient).content(path))[0] if code == 250 else code
    except smtplib.SMTPServerDisconnected:
        return -1
    except OSError:
        return 0

with open(diary, "a", buffering=1) as says:
    for number in itertools.count():
        recipient = f"{mark}{number}@box{number}.example"
        while (code := attempt(recipient)) != 250:
            says.write(f"{code} {recipient}\\n")
            time.sleep(0.2)  # until its queue runs again
        says.write(f"250 {recipient}\\n")
        time.sleep(0.02)  # two cores have to do something else too
"""

pytestmark = [pytest.mark.soak, pytest.mark.skipif(bool(why_not()), reason=why_not())]


class Site:
    """A machine that was installed by the page, and what a mail server outside of it has heard from it."""

    def __init__(self, machine: Machine, folder: Path, took_s: float) -> None:
        self.machine, self.took_s = machine, took_s
        self.lost: set[str] = set()
        """What a test gave up on purpose."""
        self._diary = folder / "diary"
        self._diary.touch()

    def follow(self, page: str, heading: str, *which: int, **words: str) -> str:
        """Run the blocks of commands below a heading of a page, all or some, with other words for its own."""
        taken = blocks(page, heading)
        said = ""
        for block in [taken[each] for each in which] or taken:
            script = re.sub("|".join(words) or "$^", lambda match: words[match[0]], block)
            said += self.machine.run(script, timeout_s=GOAL_S)
        return said

    def replies(self) -> list[tuple[int, str]]:
        """Return every reply that the mail server had, and about whom it told."""
        lines = self._diary.read_text().splitlines()
        return [(int(code), recipient) for code, _, recipient in (line.partition(" ") for line in lines)]

    def acknowledged(self) -> set[str]:
        """Return about whom a bounce was answered with 250."""
        return {recipient for code, recipient in self.replies() if code == 250}

    def known(self) -> set[str]:
        """Return whom Redis knows."""
        return {json.loads(line)["address"] for line in self.machine.run("bounced export --json").splitlines()}

    def missing(self) -> set[str]:
        """Return about whom a bounce was acknowledged and lost."""
        acknowledged = self.acknowledged()
        return acknowledged - self.known() - self.lost

    def goes_on(self) -> None:
        """Wait until some more bounces are acknowledged."""
        enough = len(self.acknowledged()) + 10
        self.machine.until(lambda: len(self.acknowledged()) >= enough, "bounces are acknowledged")

    @contextmanager
    def sending(self, key: Path, mark: str) -> Iterator[None]:
        """Have a mail server outside send bounces, each until it is acknowledged."""
        words = [*self.machine.beside, sys.executable, "-c", SENDER, str(key), str(self._diary), mark]
        with subprocess.Popen(words) as sender:
            try:
                yield
            finally:
                assert sender.poll() is None, "the mail server ended"
                sender.kill()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return a machine that was installed by the page's own commands, under a mail server that sends to it."""
    folder = tmp_path_factory.mktemp("machine") / "shared"
    folder.mkdir()
    wheel = build_wheel(folder)
    _next_release(folder)
    with installed_by_hand(folder) as machine:
        machine.run(OFFLINE)
        began = time.monotonic()
        site = Site(machine, folder.parent, 0)
        for step in STEPS:
            site.follow("install.md", f"## {step}", VERSION=wheel.name.split("-")[1])
        machine.run("useradd myapp")
        site.follow("install.md", "## 6. The key for what sends")
        key = folder.parent / "key"
        key.write_text(machine.run("cat /etc/myapp/bounced.key"))
        with site.sending(key, "a"):
            site.goes_on()
            site.took_s = time.monotonic() - began
            yield site


def test_an_installation_by_the_page_takes_mail_within_ten_minutes(site: Site) -> None:
    """From nothing but Debian; doctor finds no error, and the service is as tight as it is said to be."""
    assert site.took_s < GOAL_S
    assert "error" not in site.machine.run("bounced doctor")
    said = site.machine.run("systemd-analyze security --no-pager bounced.service")
    assert float(re.findall(r"exposure level for bounced.service: ([\d.]+)", said)[0]) <= EXPOSURE
    assert site.machine.run("bounced return-path encode you@example.org").startswith("b-")
    assert site.missing() == set()


def test_a_reload_turns_nobody_away_whether_the_configuration_is_good_broken_or_mended(site: Site) -> None:
    """A broken one is refused and changes nothing."""
    before = len(site.replies())
    machine = site.machine
    machine.run("systemctl reload bounced")
    site.goes_on()
    machine.run(f"cp {CONFIGURATION} /root/good.toml; printf '[limits]\nidle_s = 0\n' >>{CONFIGURATION}")
    machine.run("systemctl reload bounced", code=1)
    assert "idle_s must" in machine.run("journalctl -u bounced -n 30 -o cat")
    site.goes_on()
    machine.run(f"cp /root/good.toml {CONFIGURATION}")
    machine.run("systemctl reload bounced")
    site.goes_on()
    assert {code for code, _ in site.replies()[before:]} == {250}
    assert site.missing() == set()


def test_an_upgrade_and_the_way_back_refuse_no_connection(site: Site) -> None:
    """Each release runs; the socket stays open meanwhile."""
    before = len(site.replies())
    first = site.machine.run("bounced --version").split()[-1]
    for version in (NEXT, first):
        site.follow("install.md", "## Upgrade and roll back", VERSION=version)
        assert site.machine.run("bounced --version").split()[-1] == version
        assert re.search(rf"^daemon +{version},", site.machine.run("bounced status"), re.MULTILINE)
        site.goes_on()
    assert 0 not in {code for code, _ in site.replies()[before:]}
    assert site.missing() == set()


def test_a_backup_brings_back_the_list_the_keys_and_the_pepper(site: Site) -> None:
    """Everything is gone but the backup; what came after the backup is lost, and nothing else."""
    machine = site.machine
    machine.run(NEW_PEPPER)
    machine.run(f"cat >>{CONFIGURATION}", stdin=HASHED)
    machine.run(
        "systemctl reload bounced; bounced suppress hidden@mailbox.example --list hashed --reason 'asked by phone'"
    )
    site.goes_on()
    before = site.acknowledged()
    site.follow("operate.md", "### Back up")
    site.goes_on()
    site.follow("operate.md", "### Restore", 0)
    site.lost |= site.acknowledged() - before
    machine.run("systemctl stop valkey-server; rm -r /etc/bounced /etc/credstore /var/lib/bounced /var/lib/valkey/*")

    site.follow("operate.md", "### Restore", 1, 2, 3)
    site.goes_on()
    assert before - site.known() == set()
    assert "suppressed" in machine.run("bounced lookup hidden@mailbox.example --list hashed")
    assert "store.replaced" not in machine.run("journalctl -u bounced -b -o cat")
    machine.run("systemctl restart valkey-server; bounced status")
    assert site.missing() == set()
    machine.run(f"{NEW_PEPPER}; systemctl reload bounced")
    assert "suppressed" not in machine.run("bounced lookup hidden@mailbox.example --list hashed", code=1)


def test_a_release_by_mistake_is_undone_by_the_page(site: Site) -> None:
    """What an export from before has as suppressed is suppressed again."""
    machine = site.machine
    machine.run("apt-get install --yes jq")
    machine.run("bounced export --json --list main | head -n 1 >before.jsonl")
    machine.run("bounced release $(jq -r .address before.jsonl) --reason 'a wrong one'")
    assert "active" in machine.run("bounced lookup $(jq -r .address before.jsonl)", code=None)
    site.follow("operate.md", "### A release by mistake")
    assert "suppressed" in machine.run("bounced lookup $(jq -r .address before.jsonl)")


def test_moving_to_another_redis_loses_nothing(site: Site) -> None:
    """The old server is down after that, and stays so."""
    machine = site.machine
    machine.run(SECOND)
    site.follow("operate.md", "### Move to another Redis", *range(6), OLD=OLD_SERVER, NEW=NEW_SERVER)
    site.goes_on()
    assert machine.run("systemctl is-active valkey-server", code=3) == "inactive\n"
    assert "store.replaced" not in machine.run("journalctl -u bounced -b -o cat")
    assert site.missing() == set()


@pytest.mark.parametrize("ends", ["reboot", "lose_power"])
def test_a_boot_brings_everything_back(site: Site, ends: str) -> None:
    """Whether somebody asked for it or the power failed: it takes in mail by itself, and nothing is lost."""
    getattr(site.machine, ends)()
    site.goes_on()
    site.machine.run("bounced status")
    assert site.missing() == set()


def _next_release(folder: Path) -> None:
    """Build the wheel of a later version: the same program, as nothing else is released yet."""
    source = folder.with_name("source")
    shutil.copytree(PROJECT, source, ignore=shutil.ignore_patterns(".*", "tests", "node_modules", "dist"))
    project = source / "pyproject.toml"
    project.write_text(
        re.sub(r'^version = ".*"', f'version = "{NEXT}"', project.read_text("utf-8"), flags=re.MULTILINE)
    )
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)],
        cwd=source,
        capture_output=True,
        check=True,
    )
