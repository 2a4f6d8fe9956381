"""A machine that is installed by hand: a bare Debian 12 with a disk and a network of its own, which outlive a reboot.

Its root is that of tests/install-programs, with a layer over it that keeps what is written.  It reaches nothing but
what is in its network: itself, and the programs that a test starts beside it.
"""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support import container
from tests.support.container import WAIT_S, started
from tests.support.programs import private_root

ON_A_DISK = """
mkdir -p "$2/kept" "$2/work" "$2/root"
mount -t overlay -o "lowerdir=$1,upperdir=$2/kept,workdir=$2/work" overlay "$2/root" || exit 1
shift 2
exec "$@"
"""
HOLD = "echo; read -r _"


def why_not() -> str:
    """Return why no such machine can be started here; empty where one can."""
    if reason := container.why_not():
        return reason
    return "" if all(map(private_root, ("machine", "packages"))) else "there is no bare Debian: tests/install-programs"


class Machine:
    """A machine that runs, or is between two runs."""

    def __init__(self, folder: Path, network: int, stack: ExitStack) -> None:
        self._stack = stack
        self._folder = folder
        self._disk = folder.with_name("disk")
        self.beside = ("nsenter", f"--net=/proc/{network}/ns/net")
        """The words that begin a command which shares the network, outside of the machine."""
        self._running = ExitStack()
        self.boot()

    def boot(self) -> None:
        """Start the machine, with what is on its disk."""
        self._running = self._stack.enter_context(ExitStack())
        self._container = self._running.enter_context(
            started(
                self._folder,
                f"--directory={self._disk}/root",
                f"--bind-ro={private_root('packages')}:/srv/wheels",
                "--capability=CAP_NET_ADMIN",  # systemd brings up the loopback device
                before=("sh", "-c", ON_A_DISK, "sh", str(private_root("machine")), str(self._disk)),
                outside=self.beside,
            )
        )
        self.run = self._container.run
        self.until = self._container.until

    def reboot(self) -> None:
        """Reboot as an administrator does."""
        self.run("systemctl --no-block reboot")
        self._container.wait(WAIT_S)
        self._running.close()
        self.boot()

    def lose_power(self) -> None:
        """End every process at once, and boot."""
        self._running.close()
        self.boot()


@contextmanager
def installed_by_hand(folder: Path) -> Iterator[Machine]:
    """Give a machine in which ``folder`` is at /mnt."""
    pipe = subprocess.PIPE
    with (
        subprocess.Popen(["unshare", "--net", "sh", "-c", HOLD], stdin=pipe, stdout=pipe) as network,
        ExitStack() as stack,
    ):
        assert network.stdout
        network.stdout.readline()
        yield Machine(folder, network.pid, stack)
