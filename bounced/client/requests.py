"""What senders ask and tell, as Redis commands and the meaning of their replies: no connection, no waiting.

Both clients, the plain and the asyncio one, send these.  (docs/contract.md, sections 1 to 3)
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from itertools import compress
from typing import Any, Generic, Literal, TypeVar

from bounced.client.answers import Why, text_of, why
from bounced.core.contract.keys import Keyspace
from bounced.core.mailbox import BadAddress, normalise
from bounced.core.return_path import RANDOM_BYTES, TOKEN_TTL_S, DoesNotFit, Registration, ReturnPaths, new_token
from bounced.core.terms import Category, Profile, State

T = TypeVar("T")
Command = tuple[str | bytes | int, ...]
Purpose = Literal["mail", "confirmation"]
Telling = Literal["delivered", "rejected", "engaged", "subscribed", "unsubscribed", "complained", "suppress", "release"]

BATCH = 1000
NO_OPT_IN_LIFTS = frozenset({Category.COMPLAINT, Category.OPERATOR})


@dataclass(frozen=True, slots=True)
class Request(Generic[T]):
    """Commands for one round trip, none to all at once, and what their replies come to."""

    commands: tuple[Command, ...]
    answer: Callable[[Sequence[Any]], T]
    atomic: bool = False


@dataclass(frozen=True, slots=True)
class Requests:
    """Everything that can be asked and told about one list.

    ``return_paths`` is None for software that only consults the list.  ``fold_local_part`` is the list's setting.
    """

    keys: Keyspace
    return_paths: ReturnPaths | None
    fold_local_part: bool = True
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @classmethod
    def of(cls, return_paths: ReturnPaths | None, keys: Keyspace | None, *, fold_local_part: bool) -> "Requests":
        """Return the requests about the list that the return paths name, else of the keys given, else main.

        The return paths know how their list folds.  Raises ValueError where the two name different lists.
        """
        if return_paths is None:
            return cls(keys or Keyspace(), None, fold_local_part)
        keys = keys or Keyspace(list_=return_paths.list)
        if keys.list_ != return_paths.list:
            raise ValueError(f"keys are of list {keys.list_}, return paths of list {return_paths.list}")
        return cls(keys, return_paths, return_paths.fold_local_part)

    def is_suppressed(self, address: str) -> Request[bool]:
        """Ask whether an address must not be mailed now.  Raises BadAddress."""
        ids = self._ids(self._normalise(address))
        commands: tuple[Command, ...] = tuple(("SISMEMBER", self.keys.suppressed, id_) for id_ in ids)
        return Request(commands, any)

    def suppressed_among(self, addresses: Iterable[str]) -> Iterator[Request[list[str]]]:
        """Ask, a batch at a time, which of some addresses must not be mailed now.  What is no address is left out."""
        batch: list[str] = []
        normalised: list[str] = []
        for address in addresses:
            try:
                normalised.append(normalise(address, fold_local_part=self.fold_local_part))
            except BadAddress:
                continue
            batch.append(address)
            if len(batch) == BATCH:
                yield self._members(batch, normalised)
                batch, normalised = [], []
        if batch:
            yield self._members(batch, normalised)

    def why(self, address: str) -> Request[Why]:
        """Ask for the state of an address and its last events.  Raises BadAddress."""
        normalised = self._normalise(address)
        id_, *erased = self._ids(normalised)
        states: tuple[Command, ...] = tuple(("HGETALL", self.keys.address(each)) for each in (*erased, id_))
        history: Command = ("LRANGE", self.keys.history(id_), 0, -1)
        return Request((*states, history), partial(_why, normalised))

    def may_send(self, address: str, purpose: Purpose) -> Request[bool]:
        """Ask whether an address may get ordinary mail, or one that asks it to confirm a subscription.

        A confirmation may go wherever confirming would lift the suppression.  (docs/contract.md, section 5)
        Raises BadAddress, and ValueError for another purpose.
        """
        if purpose == "mail":
            request = self.is_suppressed(address)
            return Request(request.commands, lambda replies: not request.answer(replies))
        if purpose != "confirmation":
            raise ValueError(f'a purpose is "mail" or "confirmation", got {purpose!r}')
        asked = self.why(address)
        return Request(asked.commands, lambda replies: _may_confirm(asked.answer(replies)))

    def return_path_for(
        self, recipient: str, *, tag: str, profile: Profile, message_id: str, issued: date | None
    ) -> Request[str]:
        """Make the return path for one message; where the recipient needs a token, register it.

        Raises BadAddress, ValueError for a bad tag, and TypeError where no key was given.
        """
        if self.return_paths is None:
            raise TypeError("this client was made without return_paths")
        issued = issued or self.now().astimezone(UTC).date()
        try:
            signed = self.return_paths.encode(recipient, issued=issued, tag=tag, profile=profile)
            return Request((), lambda _: signed)
        except DoesNotFit:
            token = new_token(secrets.token_bytes(RANDOM_BYTES))
        registration = Registration(self.return_paths.normalise(recipient), issued, tag, message_id, profile)
        path = self.return_paths.token_path(token)
        key = self.keys.token(token)
        fields = (text for field in registration.to_fields().items() for text in field)
        return Request((("HSET", key, *fields), ("EXPIRE", key, TOKEN_TTL_S)), lambda _: path, atomic=True)

    def report(self, type_: Telling, address: str, at: datetime | None, **more: str) -> Request[str]:
        """Tell what is known of one address; the answer is the id of the entry.  Raises BadAddress."""
        return self._tell(type_, at, address=self._normalise(address), **more)

    def report_sent(self, count: int, at: datetime | None, *, campaign: str, domain: str) -> Request[str]:
        """Tell how many messages were sent; the answer is the id of the entry.  Raises ValueError."""
        if count < 1:
            raise ValueError(f"a count is at least 1, got {count}")
        return self._tell("sent", at, count=str(count), campaign=campaign, domain=domain.lower())

    def _tell(self, type_: str, at: datetime | None, **fields: str) -> Request[str]:
        moment = int((at or self.now()).timestamp())
        given = (text for name, value in fields.items() if value for text in (name, value))
        command: Command = ("XADD", self.keys.intake, "*", "type", type_, "at", moment, *given)
        return Request((command,), lambda replies: text_of(replies[0]))

    def _members(self, batch: list[str], normalised: list[str]) -> Request[list[str]]:
        commands: tuple[Command, ...] = tuple(
            ("SMISMEMBER", self.keys.suppressed, *map(form, normalised)) for form in self.keys.suppressed_forms
        )
        return Request(commands, lambda replies: list(compress(batch, _any_of(replies))))

    def _ids(self, normalised: str) -> list[str]:
        return [form(normalised) for form in self.keys.suppressed_forms]

    def _normalise(self, address: str) -> str:
        return normalise(address, fold_local_part=self.fold_local_part)


def _any_of(replies: Sequence[Sequence[int]]) -> Iterable[int]:
    """Return for each address whether it was found in any form."""
    return replies[0] if len(replies) == 1 else map(any, zip(*replies, strict=True))


def _why(address: str, replies: Sequence[Any]) -> Why:
    """Return what is known.  A complaint kept by ``erase`` precedes anything that came later."""
    *states, history = replies
    return why(address, next(filter(None, states), states[-1]), history)


def _may_confirm(known: Why) -> bool:
    state = known.state.state
    return state.known and (state is not State.SUPPRESSED or known.category not in NO_OPT_IN_LIFTS)
