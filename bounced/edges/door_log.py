"""What happens at the door, as log lines: refusals and faults, not every session."""

import structlog

from bounced.edges.log import Event

LOG = structlog.get_logger()


class DoorLog:
    """An Observer that logs.  Sessions and replies are counted elsewhere and would only fill the log."""

    def session_opened(self, peer: str) -> None:
        """Say nothing: sessions are many."""

    def session_closed(self, peer: str) -> None:
        """Say nothing: sessions are many."""

    def connection_refused(self, peer: str, reason: str) -> None:
        """Log a peer that was sent away."""
        LOG.warning(Event.PEER_REFUSED, peer=peer, reason=reason)

    def path_refused(self, peer: str, reason: str) -> None:
        """Log a forward-path that stands for nobody, without the path: spammers try many."""
        LOG.info(Event.PATH_REFUSED, peer=peer, reason=reason)

    def replied(self, code: int) -> None:
        """Say nothing: replies are many."""

    def failed(self, peer: str, error: Exception) -> None:
        """Log a fault of ours with its traceback."""
        LOG.error(Event.SESSION_FAILED, peer=peer, exc_info=error)
