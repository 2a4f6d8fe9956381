"""A bound for log lines that anybody can cause by the thousand: twenty a minute, then the last and a count of the rest.

Metrics count every one of them.  The lines of one name, and the ``left_out`` in them, add up to what happened.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

import structlog

LINES = 20
WINDOW_S = 60.0
LEFT_OUT = "left_out"
"""The key of the count of lines that are not written."""

_Event = MutableMapping[str, Any]
Say = Callable[[str, _Event], None]


@dataclass(slots=True)
class _Window:
    """A minute of one kind of line: how many were written, and what was left out since."""

    ends_at: float
    written: int = 0
    left_out: int = 0
    last: tuple[str, _Event] | None = None


class LogLimit:
    """A structlog processor that bounds the lines of some events.

    Lines are of one kind if they have the same event and the same ``reason`` code, so that many of one kind do not hide
    others.  What is left out is said when the minute ends, by the event loop that runs, or with ``flush``: as the last
    line, so that after a flood of ``store.failed`` and ``store.recovered`` the end is known.  ``say`` writes a line
    past this processor.
    """

    def __init__(
        self,
        events: Iterable[str],
        say: Say,
        *,
        by_reason: Iterable[str] = (),
        lines: int = LINES,
        window_s: float = WINDOW_S,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._events = frozenset(events)
        self._by_reason = frozenset(by_reason)
        self._say = say
        self._lines = lines
        self._window_s = window_s
        self._clock = clock
        self._windows: dict[tuple[str, object], _Window] = {}

    def __call__(self, _logger: Any, method: str, event: _Event) -> _Event:
        """Let a line pass, or leave it out.  Raises structlog.DropEvent."""
        name = event.get("event")
        if name not in self._events or LEFT_OUT in event:
            return event
        kind = (str(name), event.get("reason") if name in self._by_reason else None)
        window = self._window(kind)
        if window.written < self._lines:
            window.written += 1
            return event
        if not window.left_out:
            self._flush_at_the_end(kind, window)
        window.left_out += 1
        window.last = (method, event)
        raise structlog.DropEvent

    def flush(self) -> None:
        """Say what was left out so far, and begin anew."""
        for kind in tuple(self._windows):
            self._close(kind)

    def _window(self, kind: tuple[str, object]) -> _Window:
        now = self._clock()
        if kind in self._windows and now >= self._windows[kind].ends_at:
            self._close(kind)
        return self._windows.setdefault(kind, _Window(now + self._window_s))

    def _flush_at_the_end(self, kind: tuple[str, object], window: _Window) -> None:
        """Have the loop say what is left out; where none runs the next line or ``flush`` does."""
        with contextlib.suppress(RuntimeError):
            loop = asyncio.get_running_loop()
            loop.call_later(window.ends_at - self._clock(), self._close_if_same, kind, window)

    def _close_if_same(self, kind: tuple[str, object], window: _Window) -> None:
        if self._windows.get(kind) is window:
            self._close(kind)

    def _close(self, kind: tuple[str, object]) -> None:
        window = self._windows.pop(kind)
        if window.last is not None:
            method, event = window.last
            self._say(method, {**event, LEFT_OUT: window.left_out - 1})
