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
from dataclasses import dataclass
from multiprocessing import Process, Queue
from pathlib import Path

CONFIGURATION = """
[redis]
url = "embedded"
data_dir = "data"
[log]
format = "json"
[web.private]
listen = "127.0.0.1:0"
tokens_file = "tokens.toml"
[lists.main]
domains = ["bounce.example.com"]
keys = [{ id = "a", file = "a.key" }]
"""
CONNECTIONS = 16
BATCH = 10_000
BOUNCED = [sys.executable, "-m", "bounced", "web"]


@dataclass(frozen=True)
class Load:
    """What is asked: so many addresses at once, over so many connections, for so long."""

    port: int
    token: str
    size: int
    connections: int
    seconds: float


def main() -> None:
    """Measure and print."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bounced.toml").write_text(CONFIGURATION)
        (folder / "a.key").touch(mode=0o600)
        (folder / "a.key").write_text(secrets.token_urlsafe(32))
        config = ["--config", str(folder / "bounced.toml")]
        made = [*BOUNCED, "token", "add", "load", "--list", "main", "--right", "check", "--rate", "1000000", *config]
        token = subprocess.run(made, capture_output=True, text=True, check=True).stdout.strip()
        with (folder / "log").open("w") as log, subprocess.Popen([*BOUNCED, *config], stderr=log) as application:
            try:
                port = port_of(folder / "log")
                for size, connections in ((1, CONNECTIONS), (BATCH, 4)):
                    report(application.pid, Load(port, token, size, connections, seconds))
            finally:
                application.terminate()


def report(pid: int, load: Load) -> None:
    """Ask for so long, and print what was answered."""
    answered: Queue[int] = Queue()
    asking = Process(target=ask, args=(load, answered))
    before, began = processor_s(pid), time.perf_counter()
    asking.start()
    count = answered.get()
    took, used = time.perf_counter() - began, processor_s(pid) - before
    asking.join()
    each = f"{1e6 * used / count:.0f} us of processor time each"
    addresses = f"{load.size * count / took:,.0f} addresses/s"
    print(f"{load.size} addresses: {count / took:,.0f} requests/s, {addresses}, {each}")


def ask(load: Load, answered: "Queue[int]") -> None:
    """Ask over several connections, each one request after another; tell how many were answered."""
    answered.put(asyncio.run(_ask(load, time.monotonic() + load.seconds)))


async def _ask(load: Load, until: float) -> int:
    asked = [request(load.token, f"user{number}", load.size) for number in range(load.connections)]
    asking = (_one(load.port, each, until) for each in asked)
    return sum(await asyncio.gather(*asking))


def request(token: str, name: str, size: int) -> bytes:
    """Return one request as it goes over the wire."""
    body = json.dumps({"addresses": [f"{name}-{number}@example.org" for number in range(size)]}).encode()
    fields = f"Host: localhost\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
    head = f"POST /api/v1/lists/main/check HTTP/1.1\r\n{fields}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def _one(port: int, asked: bytes, until: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    count = 0
    while time.monotonic() < until:
        writer.write(asked)
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 OK" in head, head
        await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
        count += 1
    writer.close()
    return count


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
