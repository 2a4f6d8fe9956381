"""The naive peer: what one writes in an afternoon with aiosmtpd, email, flufl.bounce and a Redis pipeline per message.

python -m benchmarks.naive --redis URL [--port 0] [--processes 1] [--certificate PEM]; prints its port when it listens.
"""

import argparse
import asyncio
import os
import socket
import ssl
from email import message_from_bytes

from aiosmtpd.smtp import SMTP, Envelope, Session
from flufl.bounce import all_failures
from redis.asyncio import Redis

from benchmarks.piped import queue


class NaiveHandler:
    """Suppresses whatever flufl.bounce calls a permanent failure."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Parse, write, acknowledge."""
        assert isinstance(envelope.content, bytes)
        temporary, permanent = all_failures(message_from_bytes(envelope.content))
        async with self._redis.pipeline(transaction=True) as pipe:
            queue(pipe, envelope.rcpt_tos[0], temporary, permanent)
            await pipe.execute()
        return "250 OK"


async def serve(listening: socket.socket, url: str, context: ssl.SSLContext | None) -> None:
    """Take mail until killed."""
    handler = NaiveHandler(Redis.from_url(url))
    loop = asyncio.get_running_loop()
    await loop.create_server(
        lambda: SMTP(handler, hostname="naive.example", enable_SMTPUTF8=True, tls_context=context, loop=loop),
        sock=listening,
        backlog=1024,
    )
    await asyncio.Event().wait()


def main() -> None:
    """Listen, fork as often as asked, serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--redis", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--certificate")
    arguments = parser.parse_args()
    context = None
    if arguments.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(arguments.certificate)
    listening = socket.create_server(("127.0.0.1", arguments.port), backlog=1024)
    print(listening.getsockname()[1], flush=True)
    for _ in range(arguments.processes - 1):
        if not os.fork():
            break
    asyncio.run(serve(listening, arguments.redis, context))


if __name__ == "__main__":
    main()
