"""What a list knows of one address: its state, why, and its last events.  Every door that shows it asks here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bounced.config import Config, build
from bounced.core.contract.state_hash import to_fields
from bounced.core.contract.writes import past_events
from bounced.core.selection import deciding_event
from bounced.core.state import AddressState
from bounced.edges.redis.store import RedisStore
from bounced.edges.watch import log


@dataclass(frozen=True, slots=True)
class AddressStory:
    """What one list knows of an address; the oldest event is the first.

    ``in_log`` is the hash under which the log names the address; empty where it does not, or where nobody can tell.
    """

    list_: str
    address: str
    state: AddressState
    history: Sequence[Mapping[str, str]]
    in_log: str = ""

    @property
    def must_not_be_mailed(self) -> bool:
        """Whether it is suppressed or held."""
        return self.state.state.on_suppression_list

    @property
    def is_known(self) -> bool:
        """Whether there is a state to tell of."""
        return self.state != AddressState(version=self.state.version)

    def as_record(self) -> Mapping[str, Any]:
        """Return it for a program."""
        told = to_fields(self.state) if self.is_known else {"state": self.state.state}
        decided = how_decided(self.state, self.history)
        in_log = {"in_log": self.in_log} if self.in_log else {}
        return {"list": self.list_, "address": self.address, **told, **decided, **in_log, "history": self.history}


async def story_of(store: RedisStore, list_: str, address: str) -> AddressStory:
    """Return what a list knows of a normalised address.  Raises StoreUnavailable.

    The hash that is kept of an erased complainer precedes the address's own state while that may be mailed.
    """
    state, history = await store.load(list_, address), await store.history(list_, address)
    erased = store.keyspace(list_).erased_id(address)
    if erased is not None and not state.state.on_suppression_list:
        kept = await store.load(list_, erased)
        state = kept if kept.state.on_suppression_list else state
    own_id = store.keyspace(list_).address_id(address)
    return AddressStory(list_, address, state, list(past_events(reversed(history), own_id)))


def named_in_log(config: Config, story: AddressStory) -> AddressStory:
    """Return a story with the hash under which the log names its address, as far as we can tell."""
    secret = build.log_secret(config.lists[story.list_]) if config.log.addresses == "hashed" else None
    return replace(story, in_log=log.hashed(story.address, secret)) if secret else story


def how_decided(state: AddressState, history: Sequence[Mapping[str, str]]) -> Mapping[str, str]:
    """Return ``rule``, ``proof`` and ``doubt`` of the reason for the state, as far as its event has them."""
    event = deciding_event(to_fields(state), history)
    return {name: event[name] for name in ("rule", "proof", "doubt") if event.get(name)}
