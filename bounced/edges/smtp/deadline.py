"""When a session has taken too long: for a command, a message, a handshake, or for our own work."""

from typing import Final

from bounced.edges.smtp.settings import SessionLimits

LINGER_S: Final = 5.0


class Deadline:
    """One deadline that moves with what a session waits for; the end of the session never does.

    It is looked at from time to time instead of being a timer, which would be armed anew for each command.
    Times are seconds of the loop's clock.
    """

    __slots__ = ("_at", "_ends_at", "_limits", "_mid_command")

    def __init__(self, limits: SessionLimits, now: float) -> None:
        self._limits = limits
        self._ends_at = self._at = now + limits.session_s
        self._mid_command = False

    def has_passed(self, now: float) -> bool:
        """Return whether it took too long."""
        return now >= self._at

    def for_command(self, now: float, *, begun: bool) -> None:
        """Wait for a command, or for the rest of one; no octet that comes in starts the clock again."""
        if not begun:
            self._allow(now, self._limits.idle_s)
        elif not self._mid_command:
            self._allow(now, self._limits.command_s)
        self._mid_command = begun

    def for_content(self, now: float) -> None:
        """Wait for a whole message."""
        self._allow(now, self._limits.data_s)

    def for_pipeline(self, now: float) -> None:
        """Wait for the pipeline, even beyond the end of the session."""
        self._at = now + self._limits.processing_s

    def for_handshake(self, now: float) -> None:
        """Wait for TLS to begin."""
        self._allow(now, self._limits.handshake_s)

    def for_last_reply(self, now: float) -> None:
        """Wait for the peer to take our last reply and hang up, even beyond the end of the session."""
        self._at = now + LINGER_S

    def _allow(self, now: float, seconds: float) -> None:
        self._at = min(self._ends_at, now + seconds)
