"""The real daemon as a child process, and a sender that talks SMTP to it."""

import json
import os
import secrets
import select
import signal
import smtplib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Any, Self

from bounced.config import build, load
from bounced.core.terms import UNKNOWN_PROFILE, Profile
from bounced.demo.scenes import Scene

WAIT_S = 60.0
GOOD, GO_AHEAD = 250, 354

CONFIGURATION = """
workers = {workers}
host_name = "mx.example.com"

[smtp]
listen = ["127.0.0.1:{port}"]

[redis]
url = "{url}"
data_dir = "data"
prefix = "{prefix}"

[lists.main]
domains = ["bounce.example.com"]

[[lists.main.keys]]
id = "a"
file = "a.key"
"""


class Daemon:
    """``bounced run`` in a folder of its own.  ``events`` are its log lines so far, parsed.

    ``further`` is more configuration, in which FOLDER stands for its folder.
    """

    def __init__(
        self, folder: Path, *, url: str = "embedded", prefix: str = "bounced", workers: int = 1, further: str = ""
    ) -> None:
        self.folder = folder
        self.port = 0
        self.events: list[dict[str, Any]] = []
        self._url, self._prefix, self._workers, self._further = url, prefix, workers, further
        self._process: subprocess.Popen[str] | None = None
        self._paths: dict[str, Any] = {}
        key = folder / "a.key"
        if not key.exists():
            key.touch(mode=0o600)
            key.write_text(secrets.token_urlsafe(32))
        self.write_config()

    @property
    def config_file(self) -> Path:
        """The configuration file."""
        return self.folder / "bounced.toml"

    @property
    def pid(self) -> int:
        """The process id of the parent."""
        assert self._process is not None
        return self._process.pid

    def write_config(self, text: str = "") -> None:
        """Write the configuration; with the port that was found, so that a restart takes the same."""
        head = CONFIGURATION.format(port=self.port, url=self._url, prefix=self._prefix, workers=self._workers)
        self.config_file.write_text(head + (text or self._further).replace("FOLDER", str(self.folder)))
        self._paths.clear()  # its keys may be others now

    def begin(self, *, within: Sequence[str] = (), **popen: Any) -> None:
        """Start, and wait for nothing.  ``within`` are words before the command: of a program that becomes it."""
        self._process = subprocess.Popen(
            [*within, sys.executable, "-m", "bounced", "run", "--config", str(self.config_file)],
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            **popen,
        )
        assert self._process.stderr is not None
        self._log = _Log(self._process.stderr)

    def start(self, **popen: Any) -> Self:
        """Start and wait until mail is taken in."""
        self.begin(**popen)
        started = self.wait_for("service.started")
        for _ in range(self._workers - 1):
            self.wait_for("service.started")
        self.port = port_of(started)
        self.write_config()
        return self

    def wait_for(self, event: str, **facts: Any) -> dict[str, Any]:
        """Read the log until an event comes."""
        for line in self._log.lines(WAIT_S):
            try:
                found = json.loads(line)
            except ValueError as error:
                raise AssertionError(f"not a log line: {line}{''.join(self._log.lines(WAIT_S))}") from error
            self.events.append(found)
            if found.get("event") == event and facts.items() <= found.items():
                return dict(found)
        raise AssertionError(f"ended without {event}: {self.events}")

    def send_signal(self, number: signal.Signals) -> None:
        """Send the parent a signal."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill parent and workers at once, as a crash of the machine would; only for one in a session of its own."""
        started = [event["pid"] for event in self.events if event["event"] == "worker.started"]
        ends = [os.pidfd_open(pid) for pid in started[-self._workers :] if Path(f"/proc/{pid}").exists()]
        os.killpg(self.pid, signal.SIGKILL)
        for end in ends:
            select.select([end], [], [], WAIT_S)  # their sockets are free when they are gone
            os.close(end)
        self._reap()

    def kill_parent(self) -> list[str]:
        """Kill the parent alone; return what its workers wrote until the last of them was gone."""
        assert self._process is not None
        process, self._process = self._process, None
        process.kill()
        process.wait(WAIT_S)
        return list(self._log.lines(WAIT_S))

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Stop and return the exit status."""
        if self._process is None:
            return 0
        self._process.send_signal(number)
        return self._reap()

    def _reap(self) -> int:
        """Read the rest of the log and return the exit status; one that does not end is killed."""
        assert self._process is not None
        process, self._process = self._process, None
        try:
            self.events += [json.loads(line) for line in self._log.lines(WAIT_S) if line.startswith("{")]
            return process.wait(WAIT_S)
        finally:
            process.kill()

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of ours with the daemon's configuration."""
        return subprocess.run(
            [sys.executable, "-m", "bounced", *words, "--config", str(self.config_file)],
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=False,
        )

    def return_path(
        self, recipient: str, profile: Profile = UNKNOWN_PROFILE, list_: str = "main", *, days_ago: int = 0
    ) -> str:
        """Return a return path for mail sent today, or so many days ago."""
        if list_ not in self._paths:
            self._paths[list_] = build.return_paths(list_, load(self.config_file).lists[list_])
        issued = datetime.now(UTC).date() - timedelta(days=days_ago)
        path: str = self._paths[list_].encode(recipient, issued=issued, profile=profile)
        return path

    @contextmanager
    def session(self) -> Iterator[smtplib.SMTP]:
        """Open an SMTP session."""
        with smtplib.SMTP("127.0.0.1", self.port, local_hostname="mail.example.net", timeout=WAIT_S) as client:
            client.ehlo()
            yield client

    def send(self, path: str, content: bytes) -> tuple[int, str]:
        """Send one message and return the reply that decided."""
        with self.session() as client:
            return send(client, path, content)

    def send_and_vanish(self, path: str, content: bytes) -> None:
        """Send one message and close the connection without hearing what became of it."""
        with self.session() as client:
            client.mail("")
            if client.rcpt(path)[0] == GOOD and client.docmd("DATA")[0] == GO_AHEAD:
                client.send(content.replace(b"\r\n.", b"\r\n..") + b".\r\n")
            client.close()


class _Log:
    """What a process writes, read as it comes, so that a full pipe never holds it up."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def lines(self, patience_s: float) -> Iterator[str]:
        """Yield each line to the end of all.  Raises AssertionError when the next does not come in time."""
        until = time.monotonic() + patience_s
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, until - time.monotonic()))
            except Empty:
                raise AssertionError(f"neither what is waited for nor the end came within {patience_s:.0f} s") from None
            if line is None:
                self._lines.put(None)
                return
            yield line

    def _read(self) -> None:
        with self._stream:
            for line in self._stream:
                self._lines.put(line)
        self._lines.put(None)


def port_of(started: Mapping[str, Any]) -> int:
    """Return the first TCP port that a process says it listens on."""
    return int(next(door.rpartition(":")[2] for door in started["doors"] if not door.startswith("unix:")))


def send(client: smtplib.SMTP, path: str, content: bytes) -> tuple[int, str]:
    """Send one message in an open session and return the reply that decided."""
    client.mail("")
    code, text = client.rcpt(path)
    if code == GOOD:
        code, text = client.data(content)
    else:
        client.rset()
    return code, text.decode()


def unknown_user(recipient: str, return_path: str) -> bytes:
    """Return a new bounce that calls the recipient unknown."""
    return Scene("unknown_user", recipient).content(return_path)
