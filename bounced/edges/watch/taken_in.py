"""Whether mail is taken in and committed, and why not: what the daemon, Redis and its workers tell together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bounced.edges.judge.look import Look
from bounced.edges.redis.status import HostSeen, ListStatus
from bounced.edges.watch.daemon import Told

START_IT = "systemctl status bounced bounced.socket; journalctl -u bounced -n 50; then systemctl start bounced"


@dataclass(frozen=True, slots=True)
class Status:
    """Everything that is known.  ``lists`` and ``hosts`` are empty where Redis does not answer."""

    told: Told
    look: Look
    lists: Sequence[ListStatus]
    hosts: Sequence[HostSeen]
    at: datetime
    unread: str = ""
    """Why the lists could not be read; empty where they were."""

    @property
    def daemon(self) -> Mapping[str, Any]:
        """What the daemon of this host tells, empty where none answers."""
        return self.told.record or {}

    @property
    def ready(self) -> int:
        """How many workers take in mail: those of this host's daemon, else those that Redis hears from elsewhere."""
        return int(self.daemon["workers"]["ready"]) if self.daemon else sum(host.workers for host in self.hosts)

    @property
    def faults(self) -> list[str]:
        """Why not every bounce is taken in and committed: of the daemon and of Redis, each once."""
        found = list(map(str, self.daemon.get("faults", ())))
        if not self.ready and not self.daemon:
            found.append("no daemon answers on this host, and Redis hears from no worker")
        known = "\n".join(found)
        found += [
            f"{each.subject}: {each.text}"
            for each in self.look.faults
            if each.subject not in known and each.text not in known
        ]
        if self.unread:
            found.append(f"the lists cannot be read: {self.unread}")
        return found

    @property
    def advice(self) -> list[str]:
        """What to do about the faults."""
        said = [each.advice for each in self.look.faults]
        return list(dict.fromkeys([*said, *([] if self.ready else [START_IT])]))
