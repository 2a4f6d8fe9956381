"""The settings of `bounced follow`: where the logs of one's own MTAs are, and who writes them."""

from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from bounced.config.fields import AnyPath, File, Flag, WholeNumber
from bounced.config.shape import Section
from bounced.core.exchange.logs import JOURNAL_UNITS, PARSERS, Source
from bounced.core.exchange.logs.parser import LOOPBACK


def _mta(name: str) -> str:
    if name not in PARSERS:
        raise ValueError(f"be an MTA whose log is understood: {', '.join(sorted(PARSERS))}")
    return name


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError
        raise ValueError('be the name of a time zone, such as "Europe/Vienna"') from None
    except KeyError:
        raise ValueError('be the name of a time zone that this machine knows, such as "Europe/Vienna"') from None
    return name


class FollowSettings(Section):
    """A log that `bounced follow NAME` follows; NAME is postfix, exim, kumomta or powermta (docs/follow.md)."""

    files: tuple[AnyPath, ...] = Field(
        default=(),
        examples=[["/var/log/mail.log"]],
        description="The log as the MTA writes it now. Its rotations are found beside it. Or a folder, whose files "
        "are read in the order of their names.",
    )
    journal: Flag = Field(
        default=False,
        description="Follow the journal of this machine in place of files.",
    )
    program: str = Field(
        default="",
        examples=["postfix-out"],
        description="Name under which the MTA logs, if it is not the usual one (Postfix: syslog_name).",
    )
    hosts: tuple[str, ...] = Field(
        default=(),
        examples=[["mx1"]],
        description="Hosts whose lines are read, as the log names them. If empty, all.",
    )
    units: tuple[str, ...] = Field(
        default=(),
        examples=[["postfix@-.service"]],
        description="Units whose entries of the journal are read. If units and uids are empty, those of the MTA's "
        "package.",
    )
    uids: tuple[WholeNumber, ...] = Field(
        default=(),
        examples=[[0, 114]],
        description="Users, by number, whose entries of the journal are read. With units, an entry must match both.",
    )
    zone: Annotated[str, AfterValidator(_zone)] = Field(
        default="UTC", description="Time zone of times that name no zone, as traditional syslog writes them."
    )
    relays: tuple[str, ...] = Field(
        default=tuple(sorted(LOOPBACK)),
        description="Names and IP addresses of content filters and smart hosts. A message that these take is not yet "
        "delivered.",
    )
    count_sent: Flag = Field(
        default=True,
        description="Whether each message counts as sent, for the rates. Set it to false if senders tell `sent` "
        "themselves.",
    )
    state_dir: AnyPath = Field(
        default=Path("/var/lib/bounced-follow"), description="Folder in which the follower notes how far it has read."
    )
    redis_username: str | None = Field(
        default=None,
        examples=["bounced-follow"],
        description="The follower's own user at Redis, with fewer rights than the daemon's; else redis.username is "
        "used.",
    )
    redis_password_file: File | None = Field(
        default=None,
        examples=["credential:bounced-follow-redis"],
        description="File with the password of redis_username.",
    )

    @property
    def source(self) -> Source:
        """Whose lines are read, for the parser."""
        return Source(
            self.program,
            frozenset(self.hosts),
            frozenset(self.units),
            frozenset(map(str, self.uids)),
            ZoneInfo(self.zone),
            frozenset(self.relays),
        )

    def journal_matches(self, mta: str) -> tuple[str, ...]:
        """Return whose entries of the journal are read, as ``journalctl`` has it."""
        units = self.units or (() if self.uids else sorted(JOURNAL_UNITS[mta]))
        return *(f"_SYSTEMD_UNIT={unit}" for unit in units), *(f"_UID={uid}" for uid in self.uids)


MtaName = Annotated[str, AfterValidator(_mta)]
