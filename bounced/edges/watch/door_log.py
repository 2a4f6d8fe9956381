"""What happens at the door, as counts and log lines: all is counted, refusals and faults are logged."""

import structlog

from bounced.core.reading.message.limits import WorkSpent
from bounced.edges.smtp.observer import Deferral
from bounced.edges.watch.log import Event
from bounced.edges.watch.metrics.meter import Meter

LOG = structlog.get_logger()


class DoorLog:
    """An Observer that counts and logs.  Sessions and replies are many: they would only fill the log."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def session_opened(self, peer: str) -> None:  # noqa: ARG002 - an Observer's signature
        """Count a peer that was let in."""
        self._meter.session_opened()

    def session_closed(self, peer: str) -> None:  # noqa: ARG002 - an Observer's signature
        """Count a peer that has gone."""
        self._meter.session_closed()

    def connection_refused(self, peer: str, reason: str) -> None:
        """Count and log a peer that was sent away."""
        self._meter.connection_refused(reason)
        LOG.warning(Event.PEER_REFUSED, peer=peer, reason=reason)

    def path_refused(self, peer: str, reason: str) -> None:
        """Count and log a forward-path that stands for nobody, without the path: spammers try many."""
        self._meter.path_refused(reason)
        LOG.info(Event.PATH_REFUSED, peer=peer, reason=reason)

    def report_deferred(self, peer: str, list_: str, reason: Deferral, error: str) -> None:
        """Count and log a report that the peer has to bring again."""
        self._meter.deferred(list_, reason)
        LOG.warning(Event.REPORT_DEFERRED, list=list_, peer=peer, reason=reason, error=error)

    def replied(self, code: int) -> None:
        """Count a reply."""
        self._meter.replied(code)

    def failed(self, peer: str, error: Exception) -> None:
        """Count and log a fault of ours with its traceback."""
        self._meter.failed()
        LOG.error(Event.SESSION_FAILED, peer=peer, exc_info=error)


def log_not_read(digest: str, fault: Exception) -> None:
    """Log a message that could not be read: kept as a bounce that gives no reason, and acknowledged.

    One that makes too much work is somebody's attack; anything else is a fault of ours, and its traceback is of use.
    """
    if isinstance(fault, WorkSpent):
        LOG.warning(Event.MESSAGE_UNREAD, digest=digest, error=str(fault))
    else:
        LOG.error(Event.MESSAGE_UNREAD, digest=digest, exc_info=fault)
