"""A Redis of its own for tests of foreign programs that speak to it."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from bounced.edges.redis.embedded.binary import find_server
from tests.support.ports import free_port

TRIES, PAUSE_S = 400, 0.05


@contextmanager
def redis_server(folder: Path) -> Iterator[int]:
    """Run a server that keeps nothing on disk; give its port."""
    port = free_port()
    command = [str(find_server()), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            with redis.Redis(port=port, retry=Retry(ConstantBackoff(PAUSE_S), TRIES)) as client:
                client.ping()
            yield port
        finally:
            process.kill()
