"""The unit files are sound, tight, and say what the daemon does."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bounced.workers import HEARTBEAT_S, STOP_S

UNITS = Path(__file__).parents[2] / "systemd"
INSTALLED = "/opt/bounced/bin/bounced"
FOLLOWER = "bounced-follow@postfix.service"
"""An instance: a template alone is no unit."""
SERVICES = (
    "bounced.service",
    "bounced-deliver.service",
    FOLLOWER,
    "bounced-lookup.service",
    "bounced-web.service",
    "bounced-web-public.service",
)
SOCKETS = ("bounced.socket", "bounced-web.socket", "bounced-web-public.socket")
EXPOSURE = re.compile(
    r"Overall exposure level for bounced(?:-deliver|-follow@postfix|-lookup|-web|-web-public)?\.service: (\d+\.\d)"
)

needs_systemd_analyze = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not here")


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """Return a folder with the units as they are after an installation into this very environment."""
    for name in (*SERVICES, *SOCKETS):
        text = (UNITS / name.replace("@postfix", "@")).read_text("utf-8")
        program = Path(sys.executable).parent / "bounced"
        (tmp_path / name).write_text(text.replace(INSTALLED, str(program)), "utf-8")
    return tmp_path


def analyze(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Return what systemd-analyze has to say."""
    return subprocess.run(
        ["systemd-analyze", *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


@needs_systemd_analyze
def test_systemd_has_nothing_to_complain_of(units: Path) -> None:
    """No unknown key, no program that is not there."""
    done = analyze(units, "verify", "--man=no", *(f"./{name}" for name in (*SERVICES, *SOCKETS)))
    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd_analyze
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_exposed_no_more_than_promised(units: Path, service: str) -> None:
    """At most 1.5 of 10, as the goals say."""
    done = analyze(units, "security", "--offline=true", "--no-pager", f"./{service}")
    assert done.stderr == ""
    found = EXPOSURE.search(done.stdout)
    assert found is not None
    assert float(found[1]) <= 1.5


def test_the_service_needs_no_privilege_for_port_25() -> None:
    """The socket unit has the port; the service has no capability at all."""
    service, socket = ((UNITS / name).read_text("utf-8") for name in ("bounced.service", "bounced.socket"))
    assert "\nCapabilityBoundingSet=\n" in service
    assert "\nUser=bounced\n" in service
    assert "\nListenStream=0.0.0.0:25\nListenStream=[::]:25\n" in socket


def test_nothing_makes_systemd_give_the_service_up() -> None:
    """It would close the socket with it; tests/acceptance/test_systemd.py shows it where a container boots."""
    service = (UNITS / "bounced.service").read_text("utf-8")
    assert "\nStartLimitIntervalSec=0\n" in service
    assert "\nRestart=on-failure\n" in service
    assert "RestartPreventExitStatus" not in service


def test_sockets_carry_the_name_under_which_the_daemon_takes_them() -> None:
    """See bounced.edges.sockets: sockets called smtp replace smtp.listen."""
    assert "\nFileDescriptorName=smtp\n" in (UNITS / "bounced.socket").read_text("utf-8")


def test_systemd_waits_longer_than_the_daemon_drains() -> None:
    """Otherwise a stop would cut commits that are in flight."""
    found = re.search(r"^TimeoutStopSec=(\d+)$", (UNITS / "bounced.service").read_text("utf-8"), re.MULTILINE)
    assert found is not None
    assert int(found[1]) >= STOP_S + 5


def test_reports_to_systemd_come_more_often_than_the_watchdog_bites() -> None:
    """At least twice in its time. (sd_watchdog_enabled(3))"""
    found = re.search(r"^WatchdogSec=(\d+)$", (UNITS / "bounced.service").read_text("utf-8"), re.MULTILINE)
    assert found is not None
    assert int(found[1]) > 2 * HEARTBEAT_S
