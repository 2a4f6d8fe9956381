"""The names of the contract's Redis keys.  (docs/contract.md, section 1)"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from bounced.core.mailbox import AddressId, address_id

_LIST = re.compile(r"[a-z0-9-]{1,32}", re.ASCII)
_PREFIX = re.compile(r"[^{}\s\x00-\x1f\x7f]{1,64}")


@dataclass(frozen=True, slots=True)
class Keyspace:
    """The keys of one suppression list, all in one Redis Cluster slot, and the form in which they carry addresses.

    ``pepper`` turns addresses into keyed hashes (``address_form = "hmac"``); without one they stand in plain.
    ``erasure_pepper`` makes the keyed hash that stays of somebody who complained and was erased from a list that is
    otherwise in plain.
    Methods take addresses in the form that ``address_id`` returns.  Raises ValueError for a bad prefix or list.
    """

    prefix: str = "bounced"
    list_: str = "main"
    pepper: bytes | None = field(default=None, repr=False)
    erasure_pepper: bytes | None = field(default=None, repr=False)
    _before: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Take the line ends of a file off the peppers.  Raises ValueError for names that would break the hash tag."""
        if not _PREFIX.fullmatch(self.prefix):
            raise ValueError(f"a key prefix has 1 to 64 characters, no braces and no spaces: {self.prefix!r}")
        for name in ("pepper", "erasure_pepper"):
            pepper: bytes | None = getattr(self, name)
            object.__setattr__(self, name, pepper and pepper.rstrip(b"\r\n"))
        if not _LIST.fullmatch(self.list_):
            raise ValueError(f"a list is named by 1 to 32 of a-z, 0-9 and -: {self.list_!r}")
        object.__setattr__(self, "_before", f"{self.prefix}:{{{self.list_}}}:")

    def address_id(self, address: str) -> str:
        """Return the form of a normalised address that this list's keys carry."""
        return address_id(address, self.pepper)

    def erased_id(self, address: str) -> AddressId | None:
        """Return the keyed hash under which an erased complainer stays suppressed; None where no pepper is known."""
        pepper = self.pepper or self.erasure_pepper
        return AddressId(address_id(address, pepper)) if pepper else None

    @property
    def suppressed_forms(self) -> tuple[Callable[[str], str], ...]:
        """What makes each form in which a normalised address may stand in ``suppressed``."""
        if self.pepper is not None or self.erasure_pepper is None:
            return (self.address_id,)
        return self.address_id, partial(address_id, pepper=self.erasure_pepper)

    @property
    def suppressed(self) -> str:
        """SET: every address that must not be mailed now."""
        return self._key("suppressed")

    def address(self, address: str) -> str:
        """HASH: the state of one address and why."""
        return self._key(f"address:{address}")

    def history(self, address: str) -> str:
        """LIST: the last events of one address, at most 8, newest first."""
        return self._key(f"history:{address}")

    @property
    def due(self) -> str:
        """ZSET: held addresses by the unix time of their release."""
        return self._key("due")

    @property
    def bouncing(self) -> str:
        """HASH: how many addresses are bouncing, by the day since 1970 on which their states would be forgotten."""
        return self._key("bouncing")

    def seen(self, path: str) -> str:
        """SET: digests of the reports already counted for one PATH."""
        return self._key(f"seen:{path}")

    @property
    def events(self) -> str:
        """STREAM: verdicts and changes of state."""
        return self._key("events")

    @property
    def bulk(self) -> str:
        """STREAM: changes of state that were made to many addresses at once."""
        return self._key("bulk")

    @property
    def intake(self) -> str:
        """STREAM: what senders know and the daemon does not."""
        return self._key("intake")

    @property
    def intake_failed(self) -> str:
        """STREAM: intake entries that could not be understood."""
        return self._key("intake-failed")

    def answered(self, request: str) -> str:
        """STRING: what was answered to a request of the API that may come again."""  # noqa: D401 - a type of Redis
        return self._key(f"answered:{request}")

    def token(self, token: str) -> str:
        """HASH: a registered return path."""
        return self._key(f"token:{token}")

    def counts(self, hour: str) -> str:
        """HASH: counters of one hour, YYYYMMDDHH in UTC."""
        return self._key(f"counts:{hour}")

    def day_counts(self, day: str) -> str:
        """HASH: the few counters of one day, YYYYMMDD in UTC."""
        return self._key(f"day-counts:{day}")

    @property
    def blocks(self) -> str:
        """STREAM: refusals of the sender, by provider."""
        return self._key("blocks")

    @property
    def alarms(self) -> str:
        """HASH: alarms now standing."""
        return self._key("alarms")

    @property
    def identity(self) -> str:
        """HASH: which server this is, so that another one in its place is noticed."""
        return self._key("identity")

    @property
    def disputed(self) -> str:
        """ZSET: domains whose "user unknown" is not believed, by the unix time until when."""
        return self._key("disputed")

    def unknowns(self, domain: str) -> str:
        """ZSET: addresses with a good profile that one domain just called unknown, by unix time."""
        return self._key(f"unknowns:{domain}")

    @property
    def complaints(self) -> str:
        """STREAM: complaints that name nobody, without anything personal."""
        return self._key("complaints")

    @property
    def unrecognised(self) -> str:
        """STREAM: messages that gave no reason."""
        return self._key("unrecognised")

    def hook(self, hook: str) -> str:
        """HASH: how far a webhook has come in this list, and what became of its deliveries."""
        return self._key(f"hook:{hook}")

    def hook_lease(self, hook: str) -> str:
        """STRING: which deliverer works for a webhook, for as long as it says so again."""  # noqa: D401 - see answered
        return self._key(f"hook-lease:{hook}")

    def hook_failing(self, hook: str) -> str:
        """HASH: since when the deliveries fail that are tried again, by stream and entry."""
        return self._key(f"hook-failing:{hook}")

    def undelivered(self, hook: str) -> str:
        """STREAM: events that a webhook's receiver did not take in the time that they had."""
        return self._key(f"undelivered:{hook}")

    def hook_again(self, hook: str) -> str:
        """STREAM: events of ``undelivered`` that are to be delivered again."""
        return self._key(f"hook-again:{hook}")

    def followed(self, log: str) -> str:
        """HASH: how far the files of a log were read whose lines are in this list, by their numbers."""
        return self._key(f"followed:{log}")

    def _key(self, name: str) -> str:
        return self._before + name
