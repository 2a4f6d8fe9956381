"""The Debian package on a clean Debian 12, as docs/debian.md says: installed, upgraded, rolled back, removed."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import debian
from tests.support.container import Container, why_not
from tests.support.debian import CONFIGURATION, NEWER, page
from tests.support.installation import build_wheel
from tests.support.programs import in_private_root, private_root

UNITS = Path(__file__).parents[2] / "systemd"
DEB = Path(__file__).parents[2] / "deb"
UPGRADE = "export DEBIAN_FRONTEND=noninteractive; "

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(bool(why_not()), reason=why_not()),
    pytest.mark.skipif(not debian.PYTHON.exists(), reason="Debian's python3 is not here"),
]


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return the package, and the same one as a later version."""
    folder = tmp_path_factory.mktemp("packages")
    package = debian.build_package(folder)
    return package, debian.newer_package(package, tmp_path_factory.mktemp("newer")).rename(folder / "newer.deb")


@pytest.fixture
def machine(packages: tuple[Path, Path]) -> Iterator[Container]:
    """Return a machine with the package installed, and nothing more."""
    with debian.machine(packages[0].parent) as container:
        container.run(page("Install", packages[0]))
        yield container


@pytest.fixture
def running(machine: Container) -> Container:
    """Return a machine that takes mail."""
    debian.configure(machine)
    return machine


def test_lintian_finds_no_error(packages: tuple[Path, Path]) -> None:
    """But for what the package overrides, each with its reason."""
    if not private_root("lintian"):
        pytest.skip("lintian is not here: tests/install-programs")
    command = in_private_root("lintian", "lintian", "--allow-root", "--fail-on", "error", str(packages[0]))
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_second_build_gives_the_same_file(packages: tuple[Path, Path], tmp_path: Path) -> None:
    """Octet by octet: who doubts a package builds it again."""
    assert debian.build_package(tmp_path).read_bytes() == packages[0].read_bytes()


def test_nothing_runs_before_it_is_configured(machine: Container) -> None:
    """No port is open, no unit enabled; all of it is there, as the package has it, and the users too."""
    assert machine.run("dpkg --verify bounced") == ""
    assert "127.0.0.1:9027" not in machine.run("systemctl list-sockets --all")
    listed = machine.run("systemctl list-unit-files --no-legend 'bounced*'")
    assert {line.split()[0]: line.split()[1] for line in listed.splitlines()} == {
        unit.name: "disabled" for unit in UNITS.iterdir() if unit.suffix in {".service", ".socket"}
    }
    assert "disabled" in machine.run("systemctl is-enabled bounced.socket", code=None)
    assert machine.run("stat -c '%a %U %G' /etc/bounced") == "750 root bounced\n"
    machine.run("id bounced-web; id bounced-web-public; id bounced-deliver; id bounced-follow; bounced --version")
    assert "must" in machine.run("bounced check-config --quiet", code=2)


def test_all_modules_find_their_libraries_and_bash_the_commands(machine: Container) -> None:
    """Those that are compiled find the C library of this Debian; nothing is compiled again."""
    machine.run(
        "/usr/lib/bounced/bin/python3 -",
        stdin="import importlib, pkgutil, bounced\n"
        "for module in pkgutil.walk_packages(bounced.__path__, 'bounced.'):\n"
        "    importlib.import_module(module.name)\n",
    )
    assert machine.run("dpkg --verify bounced; find /usr/lib/bounced -newer /usr/bin/bounced -name '*.pyc'") == ""
    completion = "/usr/share/bash-completion/completions/bounced"
    assert "-F _bounced_completion bounced" in machine.run(f"bash -c '. {completion}; complete -p bounced'")


def test_configured_as_the_page_says_it_takes_mail_and_shows_it(running: Container) -> None:
    """From the package to a suppressed address; and each unit is as tight as when it is installed by hand."""
    with debian.sending(running) as told:
        pass
    acknowledged, others = told
    assert acknowledged
    assert others == []
    assert "suppressed" in running.run(f"bounced lookup {acknowledged[0]}", code=None)
    assert acknowledged[0] in running.run("bounced events")
    exposed = running.run("systemd-analyze security --no-pager bounced.service")
    found = re.search(r"Overall exposure level for bounced.service: ([\d.]+)", exposed)
    assert found
    assert float(found[1]) <= 1.5


def test_up_and_back_again_refuses_no_connection_and_loses_nothing(
    running: Container, packages: tuple[Path, Path]
) -> None:
    """A sender goes on all the while.  Edits of the configuration are kept, though its default is another one."""
    package, newer = packages
    edited = running.run(f"cat {CONFIGURATION}")
    with debian.sending(running) as told:
        pids = [_main_pid(running)]
        running.run(UPGRADE + page("Upgrade", newer).partition("\n")[0] + " -o Dpkg::Options::=--force-confold")
        assert NEWER in running.run("dpkg-query --show bounced")
        pids.append(_main_pid(running))
        running.run(UPGRADE + page("Roll back", package).replace("apt ", "apt -y -o Dpkg::Options::=--force-confold "))
        assert NEWER not in running.run("dpkg-query --show bounced")
        pids.append(_main_pid(running))
    acknowledged, others = told
    assert others == []
    assert len(set(pids)) == 3, "the daemon was not restarted"
    known = running.run("bounced export --json")
    assert [recipient for recipient in acknowledged if recipient not in known] == []
    assert running.run(f"cat {CONFIGURATION}") == edited


def test_a_configuration_that_the_new_version_refuses_leaves_the_old_daemon_at_work(
    running: Container, packages: tuple[Path, Path]
) -> None:
    """The command fails and says what to do; `dpkg --configure bounced` goes on when the file is mended."""
    before = _main_pid(running)
    with debian.sending(running) as told:
        running.run(f"cp -p {CONFIGURATION} /run/good.toml; printf '[limits]\nidle_s = 0\n' >>{CONFIGURATION}")
        upgrade = page("Upgrade", packages[1]).partition("\n")[0] + " -o Dpkg::Options::=--force-confold"
        said = running.run(UPGRADE + upgrade, code=100)
        assert "limits.idle_s must" in said
        assert "dpkg --configure bounced" in said
        assert _main_pid(running) == before
        running.run(f"cp -p /run/good.toml {CONFIGURATION}; dpkg --configure bounced")
        assert _main_pid(running) != before
    assert told[1] == []


def test_services_that_do_not_run_are_not_started_by_an_upgrade_and_those_that_run_get_the_new_program(
    running: Container, packages: tuple[Path, Path]
) -> None:
    """Instances of the follower of logs too."""
    running.run("touch /var/log/mail.log; chgrp adm /var/log/mail.log; chmod 640 /var/log/mail.log")
    running.run(f"printf '[follow.postfix]\nfiles = [\"/var/log/mail.log\"]\n' >>{CONFIGURATION}")
    running.run("systemctl enable --now bounced-follow@postfix")
    before = _main_pid(running, "bounced-follow@postfix")
    running.run(UPGRADE + f"apt install -o Dpkg::Options::=--force-confold /mnt/{packages[1].name}")
    assert _main_pid(running, "bounced-follow@postfix") not in {before, "0"}
    assert _main_pid(running, "bounced-web") == "0"
    assert "inactive" in running.run("systemctl is-active bounced-web.socket", code=None)


def test_who_installed_by_hand_moves_to_the_package_without_closing_port_25(packages: tuple[Path, Path]) -> None:
    """Units of /etc are gone, those of the package are enabled; the configuration and the data stay."""
    folder = packages[0].parent
    build_wheel(folder)
    with debian.machine(folder, bare=False) as container:
        container.run("/opt/bounced/bin/pip install --quiet --no-index --no-deps /mnt/*.whl")
        container.run("ln -s /opt/bounced/bin/bounced /usr/local/bin/; mkdir -p /etc/sysusers.d /etc/tmpfiles.d")
        for kind in ("sysusers.d", "tmpfiles.d", "systemd/system"):
            container.run(f"cp /opt/bounced/lib/{kind}/bounced* /etc/{kind}/")
        container.run("systemd-sysusers; systemd-tmpfiles --create bounced.conf; systemctl daemon-reload")
        container.run(f"cat >{CONFIGURATION}", stdin=(DEB / "bounced.toml").read_text())
        debian.configure(container, "/opt/bounced")
        edited = container.run(f"cat {CONFIGURATION}")
        with debian.sending(container, "/opt/bounced") as told:
            install, _, rest = page("From an installation by hand", packages[0]).partition("\n")
            assert "hides the unit of this package" in container.run(UPGRADE + install)
            container.run(rest)
            executed = container.run("systemctl show --property=ExecStart,FragmentPath bounced")
            assert "/usr/bin/bounced" in executed
            assert re.search(r"^FragmentPath=(/usr)?/lib/systemd/system/bounced\.service$", executed, re.MULTILINE)
        acknowledged, others = told
        assert others == []
        known = container.run("/usr/bin/bounced export --json")
        assert [recipient for recipient in acknowledged if recipient not in known] == []
        assert container.run(f"cat {CONFIGURATION}") == edited
        assert container.run("systemctl is-enabled bounced.socket bounced.service") == "enabled\nenabled\n"


def test_removed_it_is_off_and_purged_it_leaves_what_a_person_made(running: Container) -> None:
    """What stays is what docs/debian.md says: the keys, drop-ins, the users."""
    running.run("mkdir -p /etc/systemd/system/bounced.service.d; touch /etc/systemd/system/bounced.service.d/a.conf")
    running.run("touch /var/log/mail.log; systemctl enable bounced-follow@postfix bounced-web.socket")
    running.run(UPGRADE + "apt remove -y bounced")
    assert running.run("systemctl list-units --no-legend --state=active 'bounced*'") == ""
    assert running.run("find /etc/systemd -name 'bounced*' -type l") == ""
    running.run(
        f"test -e {CONFIGURATION}; test -d /var/lib/bounced; test ! -e /usr/bin/bounced; test ! -e /usr/lib/bounced"
    )
    said = running.run(UPGRADE + "apt purge -y bounced")
    assert "keys" in said
    found = running.run("find /etc /usr /var/lib -name '*bounced*'")
    assert sorted(found.split()) == [
        "/etc/bounced",
        "/etc/systemd/system/bounced.service.d",
    ]
    assert running.run("find /etc/bounced -type f") == "/etc/bounced/keys/a\n"
    running.run("id bounced")


def _main_pid(machine: Container, unit: str = "bounced") -> str:
    return machine.run(f"systemctl show --value --property=MainPID {unit}").strip()
