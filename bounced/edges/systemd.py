"""What systemd and the daemon say to each other: sockets handed over, readiness, the watchdog.  (sd_notify(3))"""

import os
import socket
from time import monotonic_ns

FIRST_DESCRIPTOR = 3
UNNAMED = ("unknown", "")
DEFAULT_NAME = "smtp"


def listen_fds() -> dict[str, list[socket.socket]]:
    """Return the sockets that systemd opened for this process, by FileDescriptorName.  (sd_listen_fds(3))

    Sockets without a name of their own are for SMTP.  Called once: the environment is cleared of them.
    """
    pid, count = os.environ.pop("LISTEN_PID", ""), os.environ.pop("LISTEN_FDS", "0")
    names = os.environ.pop("LISTEN_FDNAMES", "").split(":")
    if pid != str(os.getpid()):
        return {}
    given: dict[str, list[socket.socket]] = {}
    for number in range(int(count)):
        name = names[number] if number < len(names) else ""
        name = DEFAULT_NAME if name in UNNAMED or name.endswith(".socket") else name
        opened = socket.socket(fileno=FIRST_DESCRIPTOR + number)
        opened.setblocking(False)
        os.set_inheritable(opened.fileno(), False)
        given.setdefault(name, []).append(opened)
    return given


class Notifier:
    """Tells the service manager what is so; silent where none listens (NOTIFY_SOCKET)."""

    def __init__(self) -> None:
        address = os.environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address

    def ready(self) -> None:
        """Say that mail is taken in, or that a reload is over."""
        self._send("READY=1")

    def reloading(self) -> None:
        """Say that the configuration is read again."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Say that no more mail is taken in."""
        self._send("STOPPING=1")

    def watchdog(self) -> None:
        """Say that all is well."""
        self._send("WATCHDOG=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            try:
                sender.sendto(message.encode(), self._address)
            except OSError:
                return  # mail goes on without a service manager
