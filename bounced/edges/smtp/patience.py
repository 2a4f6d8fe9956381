"""How long a peer may take for what it does, and we for ours."""

from typing import Final

from bounced.edges.smtp.settings import Limits

LINGER_S: Final = 5.0


class Patience:
    """One deadline that moves with what a session waits for; the end of the session never does.

    It is looked at from time to time instead of being a timer, which would be armed anew for each command.
    Times are seconds of the loop's clock.
    """

    __slots__ = ("_deadline", "_ends_at", "_limits", "_mid_command")

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        self._ends_at = self._deadline = now + limits.session_s
        self._mid_command = False

    def has_ended(self, now: float) -> bool:
        """Return whether it took too long."""
        return now >= self._deadline

    def with_command(self, now: float, *, begun: bool) -> None:
        """Wait for a command, or for the rest of one; no octet that comes in starts the clock again."""
        if not begun:
            self._allow(now, self._limits.idle_s)
        elif not self._mid_command:
            self._allow(now, self._limits.command_s)
        self._mid_command = begun

    def with_content(self, now: float) -> None:
        """Wait for a whole message."""
        self._allow(now, self._limits.data_s)

    def with_us(self, now: float) -> None:
        """Wait for the pipeline, even beyond the end of the session."""
        self._deadline = now + self._limits.processing_s

    def with_handshake(self, now: float) -> None:
        """Wait for TLS to begin."""
        self._allow(now, self._limits.handshake_s)

    def with_farewell(self, now: float) -> None:
        """Wait for the peer to take our last reply and hang up, even beyond the end of the session."""
        self._deadline = now + LINGER_S

    def _allow(self, now: float, seconds: float) -> None:
        self._deadline = min(self._ends_at, now + seconds)
