"""The real follower as a child process, which a test may kill."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from typing import Any, ClassVar

WAIT_S = 60.0


class FollowerProcess:
    """``bounced follow`` with a configuration.  ``events`` are its log lines, where it is asked to ``listen``."""

    started: ClassVar[list[Process]] = []
    """All processes of this test, which end with it."""

    def __init__(self, config_file: Path, *arguments: str) -> None:
        self.config_file = config_file
        self.arguments = arguments
        self.events: list[dict[str, Any]] = []
        self._process: Process | None = None

    @property
    def process(self) -> Process:
        """The running process."""
        assert self._process is not None
        return self._process

    async def start(self, *more: str, listen: bool = False, stdin: int = DEVNULL) -> None:
        """Start it; with ``listen`` wait until it works."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "bounced", "follow", "--config", str(self.config_file), *self.arguments, *more),
            stdin=stdin,
            stdout=DEVNULL,
            stderr=PIPE if listen else DEVNULL,
        )
        self.started.append(self._process)
        if listen:
            await self.wait_for("log.followed")

    async def wait_for(self, event: str) -> dict[str, Any]:
        """Read the log until an event comes."""
        assert self.process.stderr is not None
        async with asyncio.timeout(WAIT_S):
            while line := await self.process.stderr.readline():
                if line.startswith(b"{"):
                    self.events.append(json.loads(line))
                    if self.events[-1]["event"] == event:
                        return self.events[-1]
        raise AssertionError(f"ended without {event}: {self.events}")

    @classmethod
    async def end_all(cls) -> None:
        """End what a test has left."""
        while cls.started:
            process = cls.started.pop()
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def kill(self) -> None:
        """End it as a crash would."""
        await self.stop(signal.SIGKILL)

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it, and return its exit status."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        return await self.ended()

    async def ended(self) -> int:
        """Wait until it ends, and return its exit status."""
        if self.process.stderr is not None:
            rest = await self.process.stderr.read()
            self.events += [json.loads(line) for line in rest.splitlines() if line.startswith(b"{")]
        async with asyncio.timeout(WAIT_S):
            return await self.process.wait()
