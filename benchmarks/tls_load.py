"""A load generator that speaks STARTTLS, which load.c does not: one process of asyncio connections.

python benchmarks/tls_load.py -p PORT -c CONNECTIONS -m MESSAGES_PER_CONNECTION -n MESSAGES -f CORPUS -R PATHS;
prints one JSON object with rate, done and failed.
"""

import argparse
import asyncio
import json
import ssl
import struct
from pathlib import Path
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
        self._begun = self.done = self.failed = 0

    async def keep_connected(self) -> None:
        """Open one connection after the other."""
        while self._begun < self._messages:
            try:
                async with asyncio.timeout(WAIT_S):
                    await self._connection()
            except (OSError, ValueError, EOFError):
                self.failed += 1

    async def _connection(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        await _reply(reader, "220")
        await _say(reader, writer, b"EHLO mx7.isp.example\r\n", "250")
        await _say(reader, writer, b"STARTTLS\r\n", "220")
        await writer.start_tls(self._context)
        extensions = await _say(reader, writer, b"EHLO mx7.isp.example\r\n", "250")
        for _ in range(self._per_connection):
            if self._begun >= self._messages:
                break
            number, self._begun = self._begun, self._begun + 1
            await self._message(reader, writer, number, pipelined="PIPELINING" in extensions)
            self.done += 1
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
        await _say(reader, writer, self._corpus[number % len(self._corpus)], "250")


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
    begun = perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(arguments.c):
            group.create_task(load.keep_connected())
    rate = load.done / (perf_counter() - begun)
    print(json.dumps({"rate": rate, "done": load.done, "failed": load.failed}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for name, kind in {"p": int, "c": int, "m": int, "n": int, "f": Path, "R": Path}.items():
        parser.add_argument(f"-{name}", type=kind, required=True)
    uvloop.run(run(parser.parse_args()))
