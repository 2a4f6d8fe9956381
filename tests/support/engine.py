"""A machine of its own with podman: its containers, images and networks are gone with it, and touch nothing of ours.

Programs and images are those of tests/install-programs, so nothing is downloaded.  The processes are those of real
containers: crun's, with the namespaces, capabilities and mounts that compose.yaml asks for.  Left out are limits by
control groups, which a machine without cgroup v2 cannot give, and the timers of health checks, which systemd would run.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.programs import private_root

NAMESPACES = ("--mount", "--pid", "--net", "--cgroup")
BUILD_S, WAIT_S = 600.0, 90.0
BUILDER = "docker.io/library/python:3.13-trixie"
RUNTIME = "docker.io/library/python:3.13-slim-trixie"
VALKEY = "docker.io/valkey/valkey:8.1"
STAND_INS = f"""
tar --directory="$1" --exclude=./proc/* --exclude=./sys/* --create . | podman import --quiet - {RUNTIME} >/dev/null
podman tag {RUNTIME} {BUILDER}
podman build --quiet --isolation=chroot --tag={VALKEY} --file=- <<'END' "$2" >/dev/null
FROM {RUNTIME}
RUN ["install", "--directory", "--owner=999", "--group=999", "--mode=0700", "/data"]
WORKDIR /data
END
"""
"""Debian's Python and Valkey under the names that Containerfile and compose.yaml have."""

BOOT = """
mount --make-rprivate /
mount -t overlay -o "lowerdir=$1/usr:/usr" overlay /usr
mount -t overlay -o "lowerdir=$1/etc:/etc" overlay /etc
umount --recursive /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
mount -t tmpfs none /run
ip link set lo up
echo ready
exec cat
"""
CONTAINERS = """\
[containers]
cgroups = "disabled"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
network_config_dir = "{folder}/networks"
"""
STORAGE = """\
[storage]
driver = "overlay"
graphroot = "{folder}/storage"
runroot = "{folder}/run"
"""
OFFLINE = """\
[global]
no-index = true
find-links = /wheels
"""


def why_not() -> str:
    """Return why no container can be built here; empty where one can."""
    if os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("nsenter"):
        return "containers need root, unshare and nsenter"
    if not all(map(private_root, ("podman", "image", "wheels"))):
        return "there is no podman for the tests: tests/install-programs"
    return ""


class Engine:
    """A machine with podman that runs."""

    def __init__(self, init: int, folder: Path, programs: Path) -> None:
        self._enter = ("nsenter", f"--target={init}", *NAMESPACES, "--")
        self._environment = {
            "PATH": f"{programs}/compose/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "PYTHONPATH": f"{programs}/compose",
            "CONTAINERS_CONF": str(folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
            "HOME": str(folder),
            "LANG": "C.UTF-8",
        }

    def ended(self, *command: str, cwd: Path | None = None, wait_s: float = WAIT_S) -> subprocess.CompletedProcess[str]:
        """Run a command on this machine to its end, whichever that is."""
        return subprocess.run(
            [*self._enter, "env", f"--chdir={cwd or '/'}", *command],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=wait_s,
            check=False,
        )

    def run(self, *command: str, cwd: Path | None = None, wait_s: float = WAIT_S) -> str:
        """Run a command that has to succeed; return what it prints."""
        done = self.ended(*command, cwd=cwd, wait_s=wait_s)
        assert done.returncode == 0, f"{command} ended with {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout

    def until(self, satisfied: Callable[[], bool], what: str) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + WAIT_S
        while not satisfied():
            assert time.monotonic() < deadline, f"{what}: not within {WAIT_S:.0f} s"
            time.sleep(0.2)  # nothing tells when a container is ready


@contextmanager
def machine(folder: Path) -> Iterator[Engine]:
    """Start a machine whose files are in ``folder``; everything on it is killed in the end."""
    programs, image, wheels = map(private_root, ("podman", "image", "wheels"))
    assert programs
    assert image
    assert wheels
    for name in ("networks", "storage", "run", "empty"):
        (folder / name).mkdir()
    (folder / "containers.conf").write_text(CONTAINERS.format(folder=folder))
    (folder / "storage.conf").write_text(STORAGE.format(folder=folder))
    unshare = [
        "unshare",
        *NAMESPACES,
        "--fork",
        "--kill-child",
        "--mount-proc",
        "sh",
        "-euc",
        BOOT,
        "sh",
        str(programs),
    ]
    with subprocess.Popen(unshare, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            init = int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text())
            engine = Engine(init, folder, programs)
            engine.run("sh", "-euc", STAND_INS, "sh", str(image), str(folder / "empty"), wait_s=BUILD_S)
            yield engine
        finally:
            process.kill()  # its child goes with it, the first process of the machine, and so everything on it
            process.wait(WAIT_S)
            shutil.rmtree(folder / "storage", ignore_errors=True)  # images are large


def build(engine: Engine, folder: Path, context: Path, tag: str, *arguments: str) -> str:
    """Build the image of a checkout with the wheels at hand; return what was said."""
    offline = folder / "pip.conf"
    offline.write_text(OFFLINE)
    volumes = (f"--volume={private_root('wheels')}:/wheels:ro", f"--volume={offline}:/etc/pip.conf:ro")
    command = ("podman", "build", "--isolation=chroot", *volumes, f"--tag={tag}", *arguments, str(context))
    return engine.run(*command, wait_s=BUILD_S)
