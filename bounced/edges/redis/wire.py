"""Commands as the bytes that Redis reads, and replies as the values that it answers."""

from collections.abc import Callable, Sequence
from typing import cast

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ResponseError

Argument = str | bytes | int
Reply = bytes | int | None | list["Reply"] | ResponseError


def pack(*arguments: Argument) -> bytes:
    """Return one command in the Redis protocol.  Raises UnicodeEncodeError for what UTF-8 cannot carry."""
    return _pack(arguments)


def pack_in_python(arguments: tuple[Argument, ...]) -> bytes:
    """Do what hiredis does five times faster, where that is not installed."""
    parts = [b"*%d\r\n" % len(arguments)]
    for argument in arguments:
        octets = argument if isinstance(argument, bytes) else str(argument).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(octets), octets))
    return b"".join(parts)


_pack: Callable[[tuple[Argument, ...]], bytes]
try:
    import hiredis
except ImportError:
    _pack = pack_in_python
else:
    _pack = cast("Callable[[tuple[Argument, ...]], bytes]", hiredis.pack_command)


async def call(connection: AbstractConnection, *arguments: Argument) -> Reply:
    """Send one command and return its reply.  Raises RedisError."""
    await connection.send_packed_command(pack(*arguments), check_health=False)
    reply: Reply = await connection.read_response()
    return reply


async def read(connection: AbstractConnection) -> Reply:
    """Return the next reply, an error reply as a value: those behind it must be read too.  Raises ConnectionError."""
    try:
        reply: Reply = await connection.read_response()
    except ResponseError as error:
        return error
    return reply


def is_wrong_type(error: BaseException | None) -> bool:
    """Return whether a server has refused a command because its key holds a value of another type."""
    return isinstance(error, ResponseError) and str(error).startswith("WRONGTYPE")


_GLOB = str.maketrans({character: f"\\{character}" for character in "*?[]\\^"})


def in_glob(text: str) -> str:
    """Return a text as it stands in a pattern of Redis, where each character means itself."""
    return text.translate(_GLOB)


def text(reply: Reply) -> str:
    """Return a bulk or simple string's text."""
    assert isinstance(reply, bytes)
    return reply.decode("utf-8", "replace")


def texts(reply: Reply | Sequence[Reply]) -> list[str]:
    """Return the text of each element of an array of strings."""
    assert isinstance(reply, list)
    return [element.decode("utf-8", "replace") for element in cast("list[bytes]", reply)]


def fields(reply: Reply | Sequence[Reply]) -> dict[str, str]:
    """Return a flat array of names and values as a mapping."""
    pairs = iter(texts(reply))
    return dict(zip(pairs, pairs, strict=True))
