"""Which Redis each list is kept on, as this host remembers it: in a file, and in memory where no file can be.

An empty server in the place of another one answers like any other, and nobody would notice that the list is gone.  So
each list has a random name in its Redis (``bounced:{LIST}:identity``), which goes wherever the data goes: to replicas,
through a failover, into a copy.  All processes of a host share the file; the parent writes it.  The file has identities
by the server's address: the identity of another server that the operator configures is learnt anew.  (ADR 16)
"""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from bounced.core.contract.server_facts import ClockAndIdentity
from bounced.edges.redis.wire import Reply, texts

FILE_NAME = "identities.json"


def server_facts(time: Reply, identity: Reply) -> ClockAndIdentity:
    """Return what the replies to TIME and to HGET of the identity say."""
    seconds, microseconds = texts(time)
    clock = datetime.fromtimestamp(int(seconds) + int(microseconds) / 1e6, UTC)
    return ClockAndIdentity(clock, identity.decode("utf-8", "replace") if isinstance(identity, bytes) else "")


class Identities:
    """The identities that this host knows, by the key under which Redis has each.

    ``server`` is where the configuration says that Redis is, without a password.
    """

    def __init__(self, folder: Path | None = None, server: str = "") -> None:
        self._file = folder / FILE_NAME if folder else None
        self._server = server
        self._known: dict[str, str] = {}
        self._read_at: tuple[int, int] | None = None

    def known(self, key: str) -> str:
        """Return the identity that a key is known to have; empty where none is known."""
        self._read_again()
        return self._known.get(self._name(key), "")

    def has_met(self, key: str, identity: str) -> bool:
        """Whether the identity of a key is known, from wherever its server was then: a copy has the same."""
        self._read_again()
        return any(name.partition(" ")[0] == key and known == identity for name, known in self._known.items())

    def remember(self, identities: Mapping[str, str]) -> None:
        """Know these from now on.  Raises OSError where the file cannot be written; this process knows them then."""
        self._read_again()
        self._known |= {self._name(key): identity for key, identity in identities.items()}
        if self._file is not None:
            self._write(self._file)

    def _name(self, key: str) -> str:
        return f"{key} {self._server}".rstrip()

    def _read_again(self) -> None:
        """Read the file again where another process has written it.  A file that cannot be read changes nothing."""
        if self._file is None:
            return
        try:
            status = self._file.stat()
            if (status.st_mtime_ns, status.st_ino) != self._read_at:
                self._known |= {str(key): str(identity) for key, identity in json.loads(self._file.read_text()).items()}
                self._read_at = status.st_mtime_ns, status.st_ino
        except (OSError, ValueError, AttributeError):
            return

    def _write(self, file: Path) -> None:
        """Replace the file as a whole.  Its owner is the folder's, also when root writes it."""
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder, new = file.parent.stat(), file.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps(self._known, indent=1, sort_keys=True) + "\n")
        if os.geteuid() == 0:
            os.chown(new, folder.st_uid, folder.st_gid)
        new.replace(file)
