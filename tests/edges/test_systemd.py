"""What the daemon and systemd say to each other, over real sockets."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from fcntl import F_DUPFD_CLOEXEC, fcntl
from pathlib import Path

import pytest

from bounced.edges.systemd import Notifier

TAKE_OVER = """
import os, sys
for descriptor, place in zip(map(int, sys.argv[1].split(",")), (3, 4)):
    os.dup2(descriptor, place)
os.environ["LISTEN_PID"] = str(os.getpid() + int(sys.argv[2]))
from bounced.edges.systemd import listen_fds
for name, sockets in listen_fds().items():
    for each in sockets:
        print(name, each.getsockname()[1], each.getblocking(), os.get_inheritable(each.fileno()))
print("again", listen_fds(), [name for name in os.environ if name.startswith("LISTEN_")])
"""


@pytest.fixture
def listening() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two sockets that somebody opened for us, on ports that the kernel chose, well above descriptor 4."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        first, second = (socket.socket(fileno=fcntl(opened, F_DUPFD_CLOEXEC, 10)) for opened in (one, other))
        with first, second:
            yield first, second


def take_over(sockets: tuple[socket.socket, socket.socket], names: str, *, other_process: bool = False) -> list[str]:
    """Return what a process says that was given sockets as systemd gives them."""
    descriptors = [opened.fileno() for opened in sockets]
    done = subprocess.run(
        [sys.executable, "-c", TAKE_OVER, ",".join(map(str, descriptors)), str(int(other_process))],
        pass_fds=descriptors,
        env={**os.environ, "LISTEN_FDS": "2", "LISTEN_FDNAMES": names},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_sockets_are_taken_over_by_their_names(listening: tuple[socket.socket, socket.socket]) -> None:
    """FileDescriptorName= says what a socket is for."""
    first, second = (opened.getsockname()[1] for opened in listening)
    assert take_over(listening, "smtp:listener0")[:2] == [
        f"smtp {first} False False",
        f"listener0 {second} False False",
    ]


def test_sockets_without_a_name_of_their_own_are_for_smtp(listening: tuple[socket.socket, socket.socket]) -> None:
    """Systemd calls them after their unit, or unknown."""
    names = [line.split()[0] for line in take_over(listening, "bounced.socket:unknown")]
    assert names == ["smtp", "smtp", "again"]


def test_sockets_are_taken_over_once_and_not_by_children(listening: tuple[socket.socket, socket.socket]) -> None:
    """The environment is cleared, the descriptors are closed in whatever the daemon starts."""
    assert take_over(listening, "smtp:smtp")[-1] == "again {} []"


def test_sockets_meant_for_another_process_are_left_alone(listening: tuple[socket.socket, socket.socket]) -> None:
    """LISTEN_PID names somebody else: descriptor 3 may be anything."""
    assert take_over(listening, "smtp:smtp", other_process=True) == ["again {} []"]


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Return a service manager's end: a Unix datagram socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(tmp_path / "notify"))
        receiver.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield receiver


def test_the_service_manager_hears_what_is_so(manager: socket.socket) -> None:
    """One datagram a fact. (sd_notify(3))"""
    notifier = Notifier()
    notifier.ready()
    notifier.watchdog()
    notifier.stopping()
    assert [manager.recv(100) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]


def test_a_reload_is_announced_with_its_time(manager: socket.socket) -> None:
    """MONOTONIC_USEC tells this reload from an earlier one."""
    Notifier().reloading()
    assert re.fullmatch(rb"RELOADING=1\nMONOTONIC_USEC=\d+", manager.recv(100))


def test_an_abstract_socket_is_named_with_an_at_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    """As containers do."""
    name = f"bounced-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(f"\0{name}")
        receiver.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        Notifier().ready()
        assert receiver.recv(100) == b"READY=1"


def test_without_a_service_manager_nothing_is_said_and_nothing_breaks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """On a terminal, and where the manager's socket is gone."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    Notifier().ready()
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    Notifier().ready()
