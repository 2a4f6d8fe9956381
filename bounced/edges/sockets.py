"""Listening sockets: bound from the configuration, or handed over by whoever started us."""

import asyncio
import errno
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bounced.config.fields import TcpAddress, UnixAddress
from bounced.config.model import Config

SMTP = "smtp"
"""The name of the sockets for `smtp.listen`; further listeners are called `listener0`, `listener1`, ..."""

BACKLOG = 1024
"""Connections that may wait for us, during a restart too; a loop would make it 100."""

_KEEPS_THE_PATH: Mapping[str, Any] = {"cleanup_socket": False} if sys.version_info >= (3, 13) else {}
"""From Python 3.13 on a loop that stops removes the path of a Unix socket, which systemd or another worker may hold."""

_WHAT_TO_DO = {
    errno.EADDRINUSE: "; see who does: ss -lntp",
    errno.EADDRNOTAVAIL: "; this machine has no such address",
    errno.EACCES: "; let bounced.socket open it, or take a port from 1024 on",
    errno.ENOENT: "; make the folder first",
}

Sockets = Mapping[str, Sequence[socket.socket]]


class CannotListen(Exception):  # noqa: N818 - says what is so
    """An address on which nobody can listen now: in use, not ours, or not allowed."""


def listener_name(number: int) -> str:
    """Return the name of the sockets of `listeners[number]`."""
    return f"listener{number}"


def bind(config: Config, given: Sockets | None = None) -> dict[str, list[socket.socket]]:
    """Return a socket for each configured address; those given replace the configured ones of their name.

    Raises CannotListen.
    """
    wanted = {SMTP: list(config.smtp.listen)}
    wanted |= {listener_name(number): [listener.address] for number, listener in enumerate(config.listeners)}
    bound = {name: list(sockets) for name, sockets in (given or {}).items()}
    for name, addresses in wanted.items():
        if name not in bound:
            bound[name] = [open_socket(address) for address in addresses]
    return bound


def open_socket(address: TcpAddress | UnixAddress) -> socket.socket:
    """Return a bound socket, listening from the start so that nobody is turned away.  Raises CannotListen."""
    try:
        return _unix(address.path) if isinstance(address, UnixAddress) else _tcp(address)
    except OSError as error:
        hint = _WHAT_TO_DO.get(error.errno or 0, "")
        raise CannotListen(f"cannot listen on {address}: {error.strerror or error}{hint}") from error


async def accept(make: Callable[[], asyncio.BaseProtocol], listening: socket.socket, **tls: Any) -> asyncio.Server:
    """Accept connections on a listening socket.  It goes on to listen without us when the server is closed."""
    loop = asyncio.get_running_loop()
    if listening.family is socket.AF_UNIX:
        return await loop.create_unix_server(make, sock=listening, backlog=BACKLOG, **_KEEPS_THE_PATH, **tls)
    return await loop.create_server(make, sock=listening, backlog=BACKLOG, **tls)


def address_of(opened: socket.socket) -> str:
    """Return where a socket listens, as the configuration writes it."""
    name = opened.getsockname()
    if opened.family == socket.AF_UNIX:
        return str(UnixAddress(Path(name)))
    return str(TcpAddress(host=name[0], port=name[1]))


def _tcp(address: TcpAddress) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind((address.host, address.port))
        opened.listen(BACKLOG)
    except OSError:
        opened.close()
        raise
    opened.setblocking(False)
    return opened


def _unix(path: Path) -> socket.socket:
    """Replace a socket that nobody answers on any more, never one that is alive."""
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.is_socket() and opened.connect_ex(str(path)) != 0:
            path.unlink()
            opened.close()
            opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        opened.bind(str(path))
        path.chmod(0o666)  # who may come is said by the folder's mode: an MTA is another user
        opened.listen(BACKLOG)
    except OSError:
        opened.close()
        raise
    opened.setblocking(False)
    return opened
