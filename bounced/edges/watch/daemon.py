"""Asks the running daemon of this host for its status: by the socket in its data folder, else by `http.listen`."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from bounced.config import Config
from bounced.config.fields import TcpAddress, UnixAddress
from bounced.edges.watch import status

ANSWER_S = 8.0
MAX_ANSWER_BYTES = 1024 * 1024
ANY_HOST = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound


@dataclass(frozen=True, slots=True)
class Told:
    """What the daemon answered, None where none did; ``tried`` says where it was looked for, and what was found.

    ``is_gone`` where no daemon runs on this host: nobody listens at its socket, or it has none.
    """

    record: dict[str, Any] | None
    tried: tuple[str, ...]
    is_gone: bool = False


async def ask(config: Config) -> Told:
    """Return what the daemon tells."""
    tried, gone = [], False
    place = config.redis.data_dir / status.SOCKET_NAME
    try:
        with status.address(config.redis.data_dir) as at:
            return Told(await _get(at), (str(place),))
    except (OSError, TimeoutError, ValueError) as error:
        tried.append(f"{place}: {_words(error)}")
        gone = isinstance(error, ConnectionRefusedError | FileNotFoundError)
    if config.http.listen is not None:
        try:
            return Told(await _get(config.http.listen), (*tried, str(config.http.listen)))
        except (OSError, TimeoutError, ValueError) as error:
            tried.append(f"{config.http.listen}: {_words(error)}")
    return Told(None, tuple(tried), gone)


async def _get(at: TcpAddress | UnixAddress) -> dict[str, Any]:
    """Return the page.  Raises OSError, TimeoutError, ValueError."""
    async with asyncio.timeout(ANSWER_S):
        if isinstance(at, UnixAddress):
            reader, writer = await asyncio.open_unix_connection(at.path)
        else:
            reader, writer = await asyncio.open_connection(ANY_HOST.get(at.host, at.host), at.port)
        try:
            writer.write(f"GET {status.PATH} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            head, _, body = (await reader.read(-1))[:MAX_ANSWER_BYTES].partition(b"\r\n\r\n")
        finally:
            writer.close()
    if head.split(b" ", 2)[1:2] != [b"200"]:
        raise ValueError(f"it answers, but not as this version does: {head[:40].decode('latin-1')!r}")
    record = json.loads(body)
    if not isinstance(record, dict):
        raise ValueError("it answers, but not as a daemon does")  # noqa: TRY004 - a value that came over a socket
    return record


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or f"no answer within {ANSWER_S:.0f} s"
