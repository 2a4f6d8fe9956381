"""The ports: does somebody answer, is it us, could we listen?"""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Iterator

from bounced.config import Config
from bounced.config.fields import TcpAddress, UnixAddress
from bounced.edges.judge.finding import Finding, error, ok, skipped, warning
from bounced.edges.sockets import CannotListen, open_socket

ANSWER_S = 5.0


def examine_host_name(config: Config) -> Iterator[Finding]:
    """Yield what is to be done where the greeting does not name the MX."""
    if config.host_name is None:
        yield warning(
            "host_name", f"not set: the greeting names {socket.gethostname()}", "Set host_name to the name of the MX."
        )


async def examine_ports(config: Config, *, may_listen: bool = True) -> AsyncIterator[Finding]:
    """Yield how each address is on which SMTP or LMTP should be spoken.

    Where nobody answers it is tried whether the daemon could listen there, if it ``may_listen``.
    """
    addresses = [*config.smtp.listen, *(listener.address for listener in config.listeners if not listener.proxy_from)]
    for address in addresses:
        yield await examine_port(address, config.host_name or socket.gethostname(), may_listen=may_listen)


async def examine_port(address: TcpAddress | UnixAddress, host_name: str, *, may_listen: bool = True) -> Finding:
    """Return whether the daemon, or somebody else, answers at an address, and else whether it could listen there."""
    subject = f"port {address}"
    try:
        async with asyncio.timeout(ANSWER_S):
            greeting = await _greeting(address)
    except TimeoutError:
        return warning(subject, f"somebody listens and says nothing within {ANSWER_S:.0f} s", "See who: ss -ltnp")
    except OSError:
        return _free(subject, address) if may_listen else skipped(subject, "nobody answers on this host")
    if greeting.split()[1:2] == [host_name]:
        return ok(subject, f"answers: {greeting}")
    advice = f"The daemon greets with {host_name} (host_name). Is it another MTA? See: ss -ltnp"
    return warning(subject, f"answers: {greeting or 'nothing'}", advice)


async def _greeting(address: TcpAddress | UnixAddress) -> str:
    if isinstance(address, UnixAddress):
        reader, writer = await asyncio.open_unix_connection(address.path)
    else:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address.host, address.host)  # noqa: S104 - compared, not bound
        reader, writer = await asyncio.open_connection(host, address.port)
    try:
        return (await reader.readline()).decode("ascii", "replace").strip()
    finally:
        writer.close()


def _free(subject: str, address: TcpAddress | UnixAddress) -> Finding:
    if isinstance(address, UnixAddress):
        return ok(subject, "nobody listens: the daemon does not run")
    try:
        open_socket(address).close()
    except CannotListen as reason:
        cause = reason.__cause__
        if isinstance(cause, OSError) and cause.errno in (errno.EACCES, errno.EPERM):
            return ok(subject, "nobody listens; systemd opens it for the daemon (bounced.socket)")
        return error(subject, str(reason), "See who holds it: ss -ltnp. Or change smtp.listen.")
    return ok(subject, "nobody listens, the daemon could")
