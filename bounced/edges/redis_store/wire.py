"""Commands as the bytes that Redis reads, and replies as the values that it answers."""

from collections.abc import Iterator, Sequence

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ResponseError

Argument = str | bytes | int
Reply = bytes | int | None | list["Reply"] | ResponseError


def pack(*arguments: Argument) -> bytes:
    """Return one command in the Redis protocol.  A lone surrogate, which UTF-8 cannot carry, becomes ``?``."""
    parts = [b"*%d\r\n" % len(arguments)]
    for argument in arguments:
        octets = argument if isinstance(argument, bytes) else str(argument).encode("utf-8", "replace")
        parts.append(b"$%d\r\n%b\r\n" % (len(octets), octets))
    return b"".join(parts)


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


def text(reply: Reply) -> str:
    """Return a bulk or simple string's text."""
    assert isinstance(reply, bytes)
    return reply.decode("utf-8", "replace")


def texts(reply: Reply) -> list[str]:
    """Return the text of each element of an array of strings."""
    assert isinstance(reply, list)
    return [text(element) for element in reply]


def fields(reply: Reply | Sequence[Reply]) -> dict[str, str]:
    """Return a flat array of names and values as a mapping."""
    assert isinstance(reply, list)
    pairs: Iterator[str] = map(text, reply)
    return dict(zip(pairs, pairs, strict=True))
