"""How many checks one process of `bounced web` answers: of one address each, and in batches of 10,000.

    python benchmarks/web.py [SECONDS]

It starts the application upon an embedded server in a folder of its own, and asks from one further process.  Both are
printed as they come, with the processor time that the application took for each.
"""

import asyncio
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import Event, Process, Queue
from multiprocessing.synchronize import Event as EventType
from pathlib import Path
from random import random

CONFIGURATION = """
[redis]
{redis}
[log]
format = "json"
[web.private]
listen = "127.0.0.1:0"
tokens_file = "tokens.toml"
[lists.main]
domains = ["bounce.example.com"]
keys = [{{ id = "a", file = "a.key" }}]
"""
EMBEDDED = 'url = "embedded"\ndata_dir = "data"'
CONNECTIONS = 16
BATCH = 10_000
BOUNCED = [sys.executable, "-m", "bounced", "web"]


@dataclass(frozen=True)
class Application:
    """`bounced web` at work."""

    pid: int
    port: int
    token: str


@dataclass(frozen=True)
class Load:
    """What is asked: so many addresses at once, over so many connections.

    ``pause_s`` is from one request of a connection to its next one; with 0 it asks again at once.
    """

    size: int
    connections: int
    pause_s: float = 0.0


@dataclass
class Answers:
    """How long each answer took, and how long was asked."""

    took_s: list[float] = field(default_factory=list)
    seconds: float = 0.0


def main() -> None:
    """Measure and print."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    with tempfile.TemporaryDirectory() as name, running(Path(name)) as application:
        for load in (Load(1, CONNECTIONS), Load(BATCH, 4)):
            report(application, load, seconds)


@contextmanager
def running(folder: Path, redis: str = EMBEDDED, nice: int = 0) -> Iterator[Application]:
    """Run the application in a folder of its own; ``redis`` is that section of its configuration."""
    (folder / "bounced.toml").write_text(CONFIGURATION.format(redis=redis))
    (folder / "a.key").touch(mode=0o600)
    (folder / "a.key").write_text(secrets.token_urlsafe(32))
    config = ["--config", str(folder / "bounced.toml")]
    made = [*BOUNCED, "token", "add", "load", "--list", "main", "--right", "check", "--rate", "1000000", *config]
    token = subprocess.run(made, capture_output=True, text=True, check=True).stdout.strip()
    started = ["nice", "-n", str(nice), *BOUNCED, *config]
    with (folder / "log").open("w") as log, subprocess.Popen(started, stderr=log) as application:
        try:
            yield Application(application.pid, port_of(folder / "log"), token)
        finally:
            application.terminate()


def report(application: Application, load: Load, seconds: float) -> None:
    """Ask for so long, and print what was answered."""
    before = processor_s(application.pid)
    with asked(application, load) as answers:
        time.sleep(seconds)
    used, count = processor_s(application.pid) - before, len(answers.took_s)
    each = f"{1e6 * used / count:.0f} us of processor time each"
    addresses = f"{load.size * count / answers.seconds:,.0f} addresses/s"
    print(f"{load.size} addresses: {count / answers.seconds:,.0f} requests/s, {addresses}, {each}")


@contextmanager
def asked(application: Application, load: Load) -> Iterator[Answers]:
    """Ask from a further process for as long as the context lasts, and then know the answers."""
    told: Queue[Answers] = Queue()
    over = Event()
    asking = Process(target=ask, args=(application, load, over, told))
    asking.start()
    answers = Answers()
    try:
        yield answers
    finally:
        over.set()
        found = told.get(timeout=60)
        answers.took_s, answers.seconds = found.took_s, found.seconds
        asking.join()


def ask(application: Application, load: Load, over: EventType, told: "Queue[Answers]") -> None:
    """Ask over several connections, each one request after another, and tell what came."""
    began, took_s = time.perf_counter(), asyncio.run(_ask(application, load, over))
    told.put(Answers(took_s, time.perf_counter() - began))


async def _ask(application: Application, load: Load, over: EventType) -> list[float]:
    took_s: list[float] = []
    bodies = [request(application.token, f"user{number}", load.size) for number in range(load.connections)]
    await asyncio.gather(*(_one(application.port, each, load.pause_s, over, took_s) for each in bodies))
    return took_s


def request(token: str, name: str, size: int) -> bytes:
    """Return one request as it goes over the wire."""
    body = json.dumps({"addresses": [f"{name}-{number}@example.org" for number in range(size)]}).encode()
    fields = f"Host: localhost\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
    head = f"POST /api/v1/lists/main/check HTTP/1.1\r\n{fields}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def _one(port: int, asked: bytes, pause_s: float, over: EventType, took_s: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    due = time.perf_counter() + random() * pause_s
    while not over.is_set():
        if pause_s:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            due += pause_s
        began = time.perf_counter()
        writer.write(asked)
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 OK" in head, head
        await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
        took_s.append(time.perf_counter() - began)
    writer.close()


def port_of(log: Path) -> int:
    """Return where the application listens, when it does."""
    while True:
        for line in log.read_text().splitlines():
            if line.startswith("{") and json.loads(line)["event"] == "service.started":
                return int(json.loads(line)["doors"][0].rpartition(":")[2])
        time.sleep(0.1)


def processor_s(pid: int) -> float:
    """Return the processor time that a process took so far.  (proc_pid_stat(5))"""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
