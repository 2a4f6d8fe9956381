"""A real journald in a mount namespace of its own, and a journalctl that reads what it keeps; it needs root."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

JOURNALD = Path("/lib/systemd/systemd-journald")
CAN_RUN = os.geteuid() == 0 and JOURNALD.exists() and bool(shutil.which("unshare") and shutil.which("journalctl"))
ENTER = f"""
mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /var/log || exit 1
mkdir -p /run/systemd /run/log/journal
exec {JOURNALD}
"""
WAIT_S = 20.0


class Journald:
    """A running journald.  ``program`` is the folder with a journalctl for it."""

    def __init__(self, process: "subprocess.Popen[bytes]", program: Path) -> None:
        self._process = process
        self.program = program
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    @property
    def _root(self) -> Path:
        return Path(f"/proc/{self._process.pid}/root")

    def connect(self) -> None:
        """Wait until it takes entries, and write a journalctl that reads them."""
        self._socket.connect(str(self._root / "run/systemd/journal/socket"))
        real = shutil.which("journalctl")
        self.program.mkdir()
        program = self.program / "journalctl"
        program.write_text(f'#!/bin/sh\nexec {real} --directory={self._root}/run/log/journal "$@"\n')
        program.chmod(0o755)

    def write(self, message: str, program: str = "postfix/smtp", more: Mapping[str, str] = {}) -> None:
        """Write an entry as this user; ``more`` are fields, of which journald leaves out those that begin with "_"."""
        fields = {"MESSAGE": message, "SYSLOG_IDENTIFIER": program, **more}
        told = b"".join(_field(name, value.encode()) for name, value in fields.items())
        self._socket.send(told)

    def rotate(self) -> None:
        """Let it begin a new file."""
        self._process.send_signal(signal.SIGUSR2)

    def close(self) -> None:
        """End it."""
        self._socket.close()
        self._process.terminate()
        self._process.wait(WAIT_S)


def _field(name: str, value: bytes) -> bytes:
    """Return a field in journald's own protocol, with its length, since it may have lines."""
    return name.encode() + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"


@contextmanager
def running(folder: Path) -> Iterator[Journald]:
    """Give a journald."""
    with subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", ENTER], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        journald = Journald(process, folder / "bin")
        try:
            _until_it_listens(process)
            journald.connect()
            yield journald
        finally:
            journald.close()


def _until_it_listens(process: "subprocess.Popen[bytes]") -> None:
    """Look for its socket, which it makes when it is ready."""
    listening = Path(f"/proc/{process.pid}/root/run/systemd/journal/socket")
    while not listening.exists():
        assert process.poll() is None
