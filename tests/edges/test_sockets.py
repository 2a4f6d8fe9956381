"""Sockets say where they listen as the configuration says it."""

from pathlib import Path

import pytest

from bounced.config.fields import TcpAddress, UnixAddress
from bounced.edges.sockets import CannotListen, address_of, open_socket


@pytest.mark.parametrize(("host", "written"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")])
def test_a_tcp_socket_names_host_and_port(host: str, written: str) -> None:
    """The port is the one that the kernel chose."""
    try:
        opened = open_socket(TcpAddress(host, 0))
    except CannotListen:
        pytest.skip("this machine has no such address")
    with opened:
        assert address_of(opened) == f"{written}:{opened.getsockname()[1]}"


def test_a_unix_socket_names_its_path(tmp_path: Path) -> None:
    """As in smtp.listen."""
    with open_socket(UnixAddress(tmp_path / "smtp")) as opened:
        assert address_of(opened) == f"unix:{tmp_path}/smtp"
