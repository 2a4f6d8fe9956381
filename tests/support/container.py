"""A machine of its own: Debian 12 with a real systemd, in a container without a network but its own loopback.

Its root is what tests/install-programs makes; whatever a test writes there is gone with the container.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.programs import in_private_root, private_root

ENVIRONMENT = "/opt/bounced"
WAIT_S = 60.0
NAMESPACES = ("--mount", "--uts", "--ipc", "--net", "--pid")
INSIDE = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
CGROUPS = Path("/sys/fs/cgroup")

APART = """
for procs do mkdir "${procs%/*}" && echo $$ >"$procs" || exit 1; shift; [ "$1" != -- ] || break; done
shift
exec "$@"
"""
"""Enters control groups of its own: systemd ends whatever it finds in its groups."""


def why_not() -> str:
    """Return why no container can be started here; empty where one can."""
    if os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("nsenter"):
        return "a container needs root, unshare and nsenter"
    if not all(map(private_root, ("nspawn", "container", "environment"))):
        return "there is no root for a container: tests/install-programs"
    return ""


class Container:
    """A container that runs.  Commands in it are run as its root."""

    def __init__(self, init: int, process: subprocess.Popen[bytes]) -> None:
        self.wait = process.wait
        self._enter = ("nsenter", f"--target={init}", *NAMESPACES, "--root", "--wd", "--")

    def run(self, script: str, *, code: int | None = 0, stdin: str = "", timeout_s: float = WAIT_S) -> str:
        """Run a shell script to its end; give what it says.  It must end with a code; None is any."""
        done = subprocess.run(
            [*self._enter, "sh", "-euc", script],
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
            check=False,
            env=INSIDE,
        )
        assert code is None or done.returncode == code, f"{script}\nended with {done.returncode}: {done.stdout}"
        return done.stdout

    @contextmanager
    def running(self, *command: str) -> Iterator[subprocess.Popen[str]]:
        """Begin a command; give its process with pipes to it and from it.  In the end it is killed."""
        pipe = subprocess.PIPE
        with subprocess.Popen([*self._enter, *command], stdin=pipe, stdout=pipe, text=True, env=INSIDE) as process:
            try:
                yield process
            finally:
                process.kill()

    def until(self, satisfied: Callable[[], bool], what: str) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + WAIT_S
        while not satisfied():
            assert time.monotonic() < deadline, f"{what}: not within {WAIT_S:.0f} s"
            time.sleep(0.05)  # nothing tells when systemd is done


@contextmanager
def booted(folder: Path, *, bare: bool = False) -> Iterator[Container]:
    """Boot a container that has ``folder`` at /mnt; give it when systemd is ready.  A bare one lacks /opt/bounced."""
    with started(
        folder,
        f"--directory={private_root('container')}",
        "--private-network",
        "--volatile=overlay",
        *(() if bare else (f"--overlay={private_root('environment')}::{ENVIRONMENT}",)),
    ) as container:
        yield container


@contextmanager
def started(
    folder: Path, *options: str, before: Sequence[str] = (), outside: Sequence[str] = ()
) -> Iterator[Container]:
    """Boot a container that systemd-nspawn's options describe; ``folder`` is at /mnt, and has its console.

    Two commands take the next one as their arguments: ``outside`` runs first, ``before`` among the container's mounts.
    """
    name = f"bounced-test-{os.getpid()}"
    hierarchies = [
        each for each in (CGROUPS / "systemd", CGROUPS / "unified", CGROUPS) if (each / "cgroup.procs").exists()
    ]
    groups = [each / name for each in hierarchies]
    command = [
        *("sh", "-c", APART, "sh", *(str(each / "cgroup.procs") for each in groups), "--", *before),
        *("systemd-nspawn", "--quiet", "--boot", f"--machine={name}", "--register=no", "--keep-unit"),
        *(*options, f"--bind-ro={folder}:/mnt", "--console=pipe"),
        *("systemd.unit=multi-user.target", "systemd.mask=systemd-logind.service", "systemd.mask=getty.target"),
    ]
    with (folder / "console").open("wb") as console:
        process = subprocess.Popen(
            [*outside, *in_private_root("nspawn", *command)], stdin=subprocess.DEVNULL, stdout=console, stderr=console
        )
    try:
        container = Container(_init(process, folder / "console"), process)
        state = container.run("systemctl is-system-running --wait", code=None).strip()
        assert state in {"running", "degraded"}, state
        yield container
    finally:
        _end(process, groups)


def _init(process: subprocess.Popen[bytes], console: Path) -> int:
    """Return the process id of the container's systemd, as soon as it answers."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline and process.poll() is None:
        for nspawn in _children(process.pid):
            for init in _children(nspawn):
                if Path(f"/proc/{init}/root/run/systemd/private").is_socket():
                    return init
        time.sleep(0.05)  # nothing tells when a foreign program is ready
    raise AssertionError(f"no container: {console.read_text(errors='replace')}")


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _end(process: subprocess.Popen[bytes], groups: list[Path]) -> None:
    """Kill the first process of the outer namespace of processes, and with it all; remove the control groups."""
    for child in _children(process.pid):
        os.kill(child, 9)
    process.wait(WAIT_S)
    for group in groups:
        for each in sorted(group.rglob("*/"), reverse=True):
            each.rmdir()
        group.rmdir()
