"""A bare SMTP reply, as the sender's own MTA hears it, and what is known of it beside its words."""

import re
from collections.abc import Iterable
from typing import NamedTuple, Self

from bounced.core.mailbox import normalise, normalise_domain
from bounced.core.terms import Action, Kind, PerRecipientFields, Report, Word

READER = "reply"
"""What stands for a reader where nobody read a message."""
_SERVER = re.compile(r"[\w.:\[\]-]{1,255}")
"""A host name or an IP address, and what logs write behind it: ``mx.example.net[192.0.2.1]:25``."""


class Command(Word):
    """The command of the dialogue that a reply answered, which tells the stage.  (RFC 5321 section 4.1.1)"""

    EHLO = "ehlo"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"

    @classmethod
    def of(cls, stage: str) -> Self:
        """Return the command that somebody names, in any letter case.  Raises ValueError."""
        try:
            return cls(stage.strip().lower())
        except ValueError:
            raise ValueError(f"must be one of {', '.join(cls)}, got {stage[:40]!r}") from None

    @property
    def in_words(self) -> str:
        """What a notice says that quotes such a reply; DATA is answered when the message has ended."""
        return f"(in reply to {_SPOKEN[self]} command)"


_SPOKEN = {Command.EHLO: "EHLO", Command.MAIL: "MAIL FROM", Command.RCPT: "RCPT TO", Command.DATA: "end of DATA"}


class Known(NamedTuple):
    """What is known of a reply beside its words.

    ``about`` is the recipient's address, ``senders`` are domains or addresses of the sender, ``server`` is the name of
    the server that replied, ``command`` what it replied to.
    """

    about: str = ""
    senders: tuple[str, ...] = ()
    server: str = ""
    command: Command | None = None

    @classmethod
    def of(cls, about: str = "", senders: Iterable[str] = (), server: str = "", stage: str = "") -> Self:
        """Return what somebody tells, checked.  Raises BadAddress, and ValueError for a bad server or stage."""
        return cls(
            about=normalise(about) if about else "",
            senders=tuple(map(sender_named, senders)),
            server=server_named(server) if server else "",
            command=Command.of(stage) if stage else None,
        )


NOTHING_KNOWN = Known()


def as_reported(reply: str, known: Known = NOTHING_KNOWN) -> tuple[PerRecipientFields, Report]:
    """Return a reply as if a report about one recipient quoted it."""
    fields = PerRecipientFields(
        final_recipient=known.about or None,
        action=Action.FAILED,
        diagnostic_code=reply,
        remote_mta=known.server or None,
        text=known.command.in_words if known.command else None,
    )
    ours = tuple(each if "@" in each else f"@{each}" for each in known.senders)
    return fields, Report(Kind.BOUNCE, READER, sent_to=ours)


def sender_named(sender: str) -> str:
    """Return a domain or an address of the sender as it is compared.  Raises BadAddress."""
    return normalise(sender) if "@" in sender else normalise_domain(sender)


def server_named(server: str) -> str:
    """Return the name of a server.  Raises ValueError for what can be none."""
    if not _SERVER.fullmatch(server.strip()):
        raise ValueError(f"must be a host name or an IP address, got {server[:40]!r}")
    return server.strip()
