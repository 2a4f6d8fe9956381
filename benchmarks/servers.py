"""The servers that are measured beside each other, each started in a folder of its own and stopped again."""

import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.mtas import DOMAIN
from benchmarks.processes import Running, free_port, process, redis_server, wait_for
from bounced.config import build, load

ROOT = Path(__file__).parents[1]
KEY = "a.key"

BOUNCED = """
workers = 2
host_name = "mx.example.com"
[smtp]
listen = ["127.0.0.1:{port}"]
tls_certificate = "{certificate}"
tls_key = "{certificate}"
[redis]
url = "{url}"
data_dir = "data"
durability = "fsync"
[lists.main]
domains = ["{domain}"]
[[lists.main.keys]]
id = "a"
file = "{key}"
"""


def configure(folder: Path, certificate: Path, url: str, port: int) -> Path:
    """Write the configuration of a daemon, and its key; return its file."""
    (folder / KEY).touch(mode=0o600)
    (folder / KEY).write_text(secrets.token_urlsafe(32))
    config = folder / "bounced.toml"
    config.write_text(BOUNCED.format(port=port, certificate=certificate, url=url, domain=DOMAIN, key=KEY))
    return config


@contextmanager
def bounced(folder: Path, certificate: Path) -> Iterator[Running]:
    """Run the daemon: two workers, everything on, each commit on disk before it is acknowledged."""
    with redis_server(folder) as (url, redis_pid):
        port = free_port()
        config = configure(folder, certificate, url, port)
        with (folder / "log").open("wb") as log:
            command = [sys.executable, "-m", "bounced", "run", "--config", str(config)]
            with process(command, stderr=log) as pid:
                wait_for(port)
                roots = (pid, redis_pid)
                yield Running("bounced", port, roots, redis=url, stream="bounced:{main}:events", log=folder / "log")


@contextmanager
def naive(folder: Path, certificate: Path, processes: int = 1) -> Iterator[Running]:
    """Run the naive peer."""
    with redis_server(folder) as (url, redis_pid):
        port = free_port()
        words = ["--redis", url, "--port", str(port), "--processes", str(processes), "--certificate", str(certificate)]
        with (folder / "log").open("wb") as log:
            command = [sys.executable, "-m", "benchmarks.naive", *words]
            with process(command, stdout=log, stderr=log, cwd=ROOT) as pid:
                wait_for(port)
                name = "naive" if processes == 1 else f"naive, {processes} processes"
                yield Running(name, port, (pid, redis_pid), redis=url, log=folder / "log")


def return_paths(folder: Path, first: int, count: int) -> Path:
    """Return a file of so many return paths that a daemon in this folder takes, for recipients that are numbered."""
    config = load(folder / "bounced.toml")
    paths, today = build.return_paths("main", config.lists["main"]), datetime.now(UTC).date()
    file = folder / "paths.txt"
    lines = (paths.encode(f"user{n}@example{n % 97}.org", issued=today) for n in range(first, first + count))
    file.write_text("".join(f"{line}\n" for line in lines))
    return file


def self_signed(folder: Path) -> Path:
    """Return a file with a key and a certificate made for this run."""
    key, certificate, both = folder / "key.pem", folder / "certificate.pem", folder / "both.pem"
    made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=mx.example.com"]
    command = ["openssl", "req", "-x509", *made, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    both.touch(mode=0o600)
    both.write_text(key.read_text() + certificate.read_text())
    return both
