"""What the door tells those who log and count."""

import asyncio
from enum import StrEnum
from typing import Protocol

from bounced.ports import StoreTimedOut, StoreUnavailable


class Deferral(StrEnum):
    """Why a report that came in whole was answered with 451."""

    STORE_UNAVAILABLE = "store_unavailable"
    STORE_TIMEOUT = "store_timeout"
    DEADLINE = "deadline"
    SHUTDOWN = "shutdown"
    FAULT = "fault"


def deferral(error: BaseException) -> Deferral:
    """Return why a report was not committed.  While the pipeline works, only the end of the door cancels a session."""
    match error:
        case StoreTimedOut():
            return Deferral.STORE_TIMEOUT
        case StoreUnavailable():
            return Deferral.STORE_UNAVAILABLE
        case TimeoutError():
            return Deferral.DEADLINE
        case asyncio.CancelledError():
            return Deferral.SHUTDOWN
        case _:
            return Deferral.FAULT


class Observer(Protocol):
    """Who hears what happens at the door.  Peers are IP addresses, or ``unix``; nothing here may raise or wait."""

    def session_opened(self, peer: str) -> None:
        """Hear that a peer was let in."""

    def session_closed(self, peer: str) -> None:
        """Hear that a peer that was let in has gone, and no commit of its runs any more."""

    def connection_refused(self, peer: str, reason: str) -> None:
        """Hear that a peer was sent away before the greeting, or from a TLS handshake that others waited for."""

    def path_refused(self, peer: str, reason: str) -> None:
        """Hear that a forward-path was refused; ``reason`` is the pipeline's word for it, never the peer's to know."""

    def report_deferred(self, peer: str, list_: str, reason: Deferral, error: str) -> None:
        """Hear that a report came in whole and was not committed; ``error`` says more, if anything is known."""

    def replied(self, code: int) -> None:
        """Hear that a reply was given."""

    def failed(self, peer: str, error: Exception) -> None:
        """Hear that something of ours went wrong and was answered with 451."""


class Unobserved:
    """An Observer that hears nothing."""

    def session_opened(self, peer: str) -> None:
        """Do nothing."""

    def session_closed(self, peer: str) -> None:
        """Do nothing."""

    def connection_refused(self, peer: str, reason: str) -> None:
        """Do nothing."""

    def path_refused(self, peer: str, reason: str) -> None:
        """Do nothing."""

    def report_deferred(self, peer: str, list_: str, reason: Deferral, error: str) -> None:
        """Do nothing."""

    def replied(self, code: int) -> None:
        """Do nothing."""

    def failed(self, peer: str, error: Exception) -> None:
        """Do nothing."""
