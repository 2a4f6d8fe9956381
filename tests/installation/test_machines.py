"""docs/install.md and docs/operate.md, word by word, on a bare Debian 12 that boots, while a mail server goes on."""

import re
import time
from collections.abc import Iterator

import pytest

from tests.support.installation import build_wheel
from tests.support.machine import installed_by_hand, why_not
from tests.support.site import GOAL_S, Site, next_release, version_of

EXPOSURE = 1.5
CONFIGURATION = "/etc/bounced/bounced.toml"
NEXT = "9.0.0"
INSTALLED = """/opt/bounced/bin/python -c 'import importlib.metadata as of; print(of.version("bounced-mx"))'"""
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

pytestmark = [pytest.mark.soak, pytest.mark.skipif(bool(why_not()), reason=why_not())]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return a machine that was installed by the page's own commands, under a mail server that sends to it."""
    folder = tmp_path_factory.mktemp("machine") / "shared"
    folder.mkdir()
    wheel = build_wheel(folder)
    next_release(wheel, NEXT)
    with installed_by_hand(folder) as machine:
        machine.run(OFFLINE)
        began = time.monotonic()
        site = Site(machine, folder.parent)
        for step in STEPS:
            site.follow("install.md", f"## {step}", VERSION=version_of(wheel))
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
    assert {said for said, _ in site.replies()[before:]} == {"250"}
    assert site.missing() == set()


def test_an_upgrade_and_the_way_back_refuse_no_connection(site: Site) -> None:
    """Each release runs; the socket stays open meanwhile."""
    before = len(site.replies())
    first = site.machine.run(INSTALLED).strip()
    for version in (NEXT, first):
        site.follow("install.md", "## Upgrade and roll back", 0, VERSION=version)
        assert site.machine.run(INSTALLED).strip() == version
        status = site.machine.run("bounced status")
        assert all(part in status for part in version.split("+g"))  # the release and the commit
        site.goes_on()
    assert {said for said, _ in site.replies()[before:]} <= {"250", "421"}, "421: the session comes again"
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


def test_an_export_alone_brings_back_the_list(site: Site) -> None:
    """Redis is empty, and the host knew the one before."""
    machine = site.machine
    before = site.acknowledged()
    machine.run("bounced export --json --list main >/var/backups/bounced/main.jsonl")
    site.follow("operate.md", "### Restore", 0)
    site.lost |= site.acknowledged() - before
    machine.run("valkey-cli FLUSHALL")
    site.follow("operate.md", "### Restore", 4, 3)
    machine.run("bounced status")
    site.goes_on()
    assert before - site.known() - site.lost == set()
    assert site.missing() == set()


def test_a_release_by_mistake_is_undone_by_the_page(site: Site) -> None:
    """What an export from before has as suppressed is suppressed again."""
    machine = site.machine
    suppressed = "valkey-cli SISMEMBER 'bounced:{main}:suppressed' $(jq -r .address before.jsonl)"
    machine.run("apt-get install --yes jq; bounced export --json --list main | head -n 1 >before.jsonl")
    machine.run("bounced release $(jq -r .address before.jsonl) --reason 'a wrong one'")
    assert machine.run(suppressed) == "0\n"
    site.follow("operate.md", "### A release by mistake")
    assert machine.run(suppressed) == "1\n"


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
