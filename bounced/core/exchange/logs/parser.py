"""What every parser of a log is: lines in, what they say out, and a small state that a restart takes up again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, Protocol

from bounced.core.exchange.hooks.heard import Entry, Unclear

Logged = Entry | Unclear
State = Mapping[str, Any]
"""What a parser has to know again after a restart: values that JSON can hold."""
IsOurs = Callable[[str], bool]
"""Tells whether an envelope sender may be a return path of ours.  It is asked of each message once, so it is fast."""

LOOPBACK = frozenset({"127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Source:
    """Whose lines of a log are read, and how their times are meant.

    ``program`` is the name that the MTA logs under (Postfix's ``syslog_name``), empty for the usual one.  ``hosts`` are
    the names of the hosts that may have written a line; empty is any.  ``units`` and ``uids`` are asked of the journal,
    which knows who wrote a line: where both are empty, the units are those that packages give the MTA.  ``zone`` is
    that of times without one.  ``relays`` are names and IP addresses of content filters and smart hosts: that one of
    them took a message is no delivery.
    """

    program: str = ""
    hosts: frozenset[str] = frozenset()
    units: frozenset[str] = frozenset()
    uids: frozenset[str] = frozenset()
    zone: tzinfo = UTC
    relays: frozenset[str] = LOOPBACK


class LogParser(Protocol):
    """Reads the lines of one log in their order, across its rotations.  It does no I/O and never raises.

    Each file that is written at the same time as another one has a parser of its own.
    """

    def feed(self, line: bytes, now: datetime) -> Sequence[Logged]:
        """Return what one line says, with or without its line end; nothing for most lines.

        Entries are of the types ``delivered`` and ``rejected`` (``action`` is ``failed``), and each is one message that
        was sent to one address.  ``return_path`` is the envelope sender, for which ``is_ours`` was true.  A
        refusal has an ``id``, which is the same whenever the line is read, from whichever file.  ``now`` tells the year
        of times that have none.
        """

    def new_file(self) -> None:
        """Know that the next line is the first one of a new file, because the log was rotated or truncated."""

    def state(self) -> State:
        """Return what ``restore`` takes after a restart."""

    def restore(self, state: State) -> None:
        """Go on where a parser was whose state this is.  What is malformed in it is left out."""

    @property
    def forgotten(self) -> int:
        """How many messages had no place any more before they ended: what became of them is not heard."""
