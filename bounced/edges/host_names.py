"""Looks up names of hosts in threads of its own, so that a name server that does not answer holds up nobody else."""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import ip_address
from threading import Thread


class HostNames:
    """Whoever asks for a name that is being looked up already waits for the same answer."""

    def __init__(self) -> None:
        self._looking: dict[str, asyncio.Task[Sequence[str]]] = {}

    async def addresses(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses of a host, at least one.  Raises OSError."""
        with suppress(ValueError):
            return [str(ip_address(host))]
        looking = self._looking.get(host)
        if looking is None:
            looking = self._looking[host] = asyncio.create_task(resolved(host, port))
            looking.add_done_callback(lambda _: self._looking.pop(host))
        return await asyncio.shield(looking)  # whoever waits no longer leaves it to the others


async def resolved(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host.  Raises OSError.

    In a thread of its own: a loop has a few threads for all names (uvloop two), and names whose servers do not answer
    would hold up every other name, and the end of the process.  No process waits for this thread when it ends.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Sequence[str]] = loop.create_future()

    def tell(found: Sequence[str] | OSError) -> None:
        if answer.done():
            return
        if isinstance(found, OSError):
            answer.set_exception(found)
        else:
            answer.set_result(found)

    def ask() -> None:
        found = _looked_up(host, port)
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(tell, found)

    try:
        Thread(target=ask, name=f"look up {host}", daemon=True).start()
    except RuntimeError as error:
        raise OSError(f"{host} could not be looked up: {error}") from error
    return await answer


def _looked_up(host: str, port: int) -> Sequence[str] | OSError:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label that is empty or too long
        return OSError(f"{host} is no name of a host: {error}")
    except OSError as error:
        return error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
