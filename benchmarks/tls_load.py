"""A load generator that speaks STARTTLS where load.c cannot be built with OpenSSL: one process of asyncio connections.

python benchmarks/tls_load.py -p PORT -c CONNECTIONS -m MESSAGES_PER_CONNECTION -n MESSAGES -f CORPUS -R PATHS
                              [-S SECONDS]

It prints one JSON object like that of load.c.  asyncio cannot take up the session of an earlier connection.
"""

import argparse
import asyncio
import json
import ssl
import struct
from contextlib import suppress
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from time import perf_counter

import uvloop

WAIT_S = 60.0


class Load:
    """So many connections at a time until so many messages are sent."""

    def __init__(self, port: int, per_connection: int, messages: int, corpus: list[bytes], paths: list[str]) -> None:
        self._port, self._per_connection, self._messages = port, per_connection, messages
        self._corpus, self._paths = corpus, paths
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.check_hostname, self._context.verify_mode = False, ssl.CERT_NONE
        self.begun = self.done = self.failed = self.handshakes = 0
        self.latencies: list[float] = []

    async def keep_connected(self) -> None:
        """Open one connection after the other; each is for one message at least."""
        while self.begun < self._messages:
            try:
                async with asyncio.timeout(WAIT_S):
                    await self._connection(self._next())
            except (OSError, ValueError, EOFError):
                self.failed += 1

    def _next(self) -> int:
        self.begun += 1
        return self.begun - 1

    async def _connection(self, number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        await _reply(reader, "220")
        await _say(reader, writer, b"EHLO mx7.isp.example\r\n", "250")
        await _say(reader, writer, b"STARTTLS\r\n", "220")
        await writer.start_tls(self._context)
        self.handshakes += 1
        extensions = await _say(reader, writer, b"EHLO mx7.isp.example\r\n", "250")
        for left in reversed(range(self._per_connection)):
            await self._message(reader, writer, number, pipelined="PIPELINING" in extensions)
            self.done += 1
            if not left or self.begun >= self._messages:
                break
            number = self._next()
        with suppress(OSError, ValueError, EOFError):
            await _say(reader, writer, b"QUIT\r\n", "221")
        writer.close()

    async def _message(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int, *, pipelined: bool
    ) -> None:
        commands = [b"MAIL FROM:<>\r\n", f"RCPT TO:<{self._paths[number]}>\r\n".encode(), b"DATA\r\n"]
        codes = ["250", "250", "354"]
        if pipelined:
            writer.write(b"".join(commands))
            for code in codes:
                await _reply(reader, code)
        else:
            for command, code in zip(commands, codes, strict=True):
                await _say(reader, writer, command, code)
        writer.write(self._corpus[number % len(self._corpus)])
        dot_at = perf_counter()
        await _reply(reader, "250")
        self.latencies.append(perf_counter() - dot_at)


async def _say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, octets: bytes, code: str) -> str:
    writer.write(octets)
    return await _reply(reader, code)


async def _reply(reader: asyncio.StreamReader, code: str) -> str:
    """Return a whole reply.  Raises ValueError for another code."""
    lines = []
    while True:
        line = (await reader.readuntil(b"\n")).decode()
        lines.append(line)
        if not line.startswith(code):
            raise ValueError(line)
        if line[3] != "-":
            return "".join(lines)


def read_corpus(file: Path) -> list[bytes]:
    """Return the messages that mkcorpus.py packed."""
    octets, messages, at = file.read_bytes(), [], 0
    while at < len(octets):
        (length,) = struct.unpack_from("<I", octets, at)
        messages.append(octets[at + 4 : at + 4 + length])
        at += 4 + length
    return messages


async def run(arguments: argparse.Namespace) -> None:
    """Print what was measured."""
    load = Load(arguments.p, arguments.m, arguments.n, read_corpus(arguments.f), arguments.R.read_text().splitlines())
    began = perf_counter()
    try:
        async with asyncio.timeout(arguments.S), asyncio.TaskGroup() as group:
            for _ in range(arguments.c):
                group.create_task(load.keep_connected())
    except TimeoutError:
        pass  # what is under way counts neither way
    seconds = perf_counter() - began
    used, latencies = getrusage(RUSAGE_SELF), sorted(load.latencies) or [0.0]
    at = {"dot_p50": 0.5, "dot_p99": 0.99}
    found = {
        "rate": load.done / seconds,
        "done": load.done,
        "failed": load.failed,
        "unfinished": load.begun - load.done - load.failed,
        "seconds": seconds,
        "generator_cpu_s": used.ru_utime + used.ru_stime,
        **{name: 1e3 * latencies[int((len(latencies) - 1) * share)] for name, share in at.items()},
        "handshakes": load.handshakes,
        "resumed": 0,  # asyncio has no way to take a session up
    }
    print(json.dumps(found))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for name, kind in {"p": int, "c": int, "m": int, "n": int, "f": Path, "R": Path}.items():
        parser.add_argument(f"-{name}", type=kind, required=True)
    parser.add_argument("-S", type=float, default=WAIT_S)
    uvloop.run(run(parser.parse_args()))
