"""Sockets say where they listen as the configuration says it, and by which doors mail comes in."""

import asyncio
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from bounced.config.fields import TcpAddress, UnixAddress
from bounced.config.model import Config, Listener, Smtp
from bounced.core.terms import Origin
from bounced.edges.sockets import CannotListen, accept, address_of, bind, open_socket
from bounced.service import doors

MORE_THAN_A_LOOP_KEEPS = 150
WAIT_S = 30


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


@pytest.mark.parametrize(("smtp", "lmtp"), [(True, False), (False, True), (True, True), (False, False)])
def test_a_door_is_open_where_it_has_a_socket(tmp_path: Path, *, smtp: bool, lmtp: bool) -> None:
    """Also without SMTP, for a daemon behind an MTA that speaks LMTP to it; a socket may also have been handed over."""
    listeners = (Listener(protocol="lmtp", address=UnixAddress(tmp_path / "lmtp")),) if lmtp else ()
    config = Config(smtp=Smtp(listen=(UnixAddress(tmp_path / "smtp"),) if smtp else ()), listeners=listeners)
    sockets = bind(config)
    assert doors(config, sockets) == (*[Origin.SMTP] * smtp, *[Origin.LMTP] * lmtp)
    handed_over = [] if smtp else [open_socket(UnixAddress(tmp_path / "given"))]
    assert Origin.SMTP in doors(config, {**sockets, "smtp": handed_over or sockets["smtp"]})
    for opened in (*handed_over, *(each for several in sockets.values() for each in several)):
        opened.close()


@pytest.mark.parametrize("unix", [True, False], ids=["unix", "tcp"])
async def test_a_socket_that_somebody_else_holds_too_listens_on_as_before(tmp_path: Path, *, unix: bool) -> None:
    """systemd, or another worker: whoever connects after our end is taken by the next, and none of many is refused."""
    address = UnixAddress(tmp_path / "smtp") if unix else TcpAddress("127.0.0.1", 0)
    with ExitStack() as peers, open_socket(address) as ours, ours.dup() as theirs:
        (await accept(asyncio.Protocol, ours)).close()
        ours.close()
        for _ in range(MORE_THAN_A_LOOP_KEEPS):
            peer = peers.enter_context(socket.socket(theirs.family))
            peer.settimeout(WAIT_S if theirs.family is socket.AF_INET else 0)
            peer.connect(theirs.getsockname())
