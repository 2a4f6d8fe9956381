"""The real daemon with a name server that never answers."""

import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.daemon import Daemon

STOPS_S = 10.0
"""How long the daemon may take to stop, by docs/operate.md."""
DNS_PORT = 53

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root and unshare for a resolv.conf of its own"
)


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """Return a name server's socket, at an address of this test, that is never read before the test asks."""
    with socket.socket(type=socket.SOCK_DGRAM) as opened:
        opened.bind((f"127.53.{os.getpid() >> 8 & 255}.{os.getpid() & 255 or 1}", DNS_PORT))
        yield opened


def test_the_daemon_stops_while_a_look_up_hangs(
    daemons: Callable[..., Daemon], silent: socket.socket, tmp_path: Path
) -> None:
    """Neither the workers nor the parent wait for the system's resolver, which takes 10 s for each name at least."""
    resolver = tmp_path / "resolv.conf"
    resolver.write_text(f"nameserver {silent.getsockname()[0]}\n")
    mounts = f'mount --make-rprivate / && mount --bind {resolver} /etc/resolv.conf && exec "$@"'
    daemon = daemons(url="redis://valkey.example:6379/0", workers=2)
    hasty = daemon.config_file.read_text().replace("[redis]\n", "[redis]\ntimeout_s = 1\n")
    daemon.config_file.write_text(hasty)
    daemon.start(within=["unshare", "--mount", "sh", "-c", mounts, "sh"])
    assert b"valkey" in silent.recv(512)
    began = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - began < STOPS_S
    assert [event["event"] for event in daemon.events].count("service.stopped") == 2
    assert not any(event["event"] in {"drain.timed_out", "library.warned"} for event in daemon.events)
