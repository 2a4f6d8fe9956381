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
from bounced.client.mail_fields import DEFAULT_MAIL_FIELDS, MailFields
from bounced.core.contract.intake import NotUnderstood, check_entry
from bounced.core.contract.keys import Keyspace
from bounced.core.mailbox import BadAddress, normalise
from bounced.core.return_path import RANDOM_BYTES, DoesNotFit, Registration, ReturnPaths, new_token
from bounced.core.terms import Category, Profile, State

T = TypeVar("T")
Command = tuple[str | bytes | int, ...]
Purpose = Literal["mail", "confirmation"]
Telling = Literal["delivered", "rejected", "engaged", "subscribed", "unsubscribed", "complained", "suppress", "release"]

BATCH = 1000
TOO_LATE = 10**11
"""Unix times from here on, the year 5138, are taken for milliseconds by some."""
NO_OPT_IN_LIFTS = frozenset({Category.COMPLAINT, Category.OPERATOR})


@dataclass(frozen=True, slots=True)
class Request(Generic[T]):
    """Commands for one round trip, none to all at once, and what their replies come to.

    ``once`` says that they do harm where they are done twice: they are not sent again when their reply is lost.
    """

    commands: tuple[Command, ...]
    answer: Callable[[Sequence[Any]], T]
    atomic: bool = False
    once: bool = False


@dataclass(frozen=True, slots=True)
class Requests:
    """Everything that can be asked and told about one list.

    ``return_paths`` is None for software that only consults the list.  ``fold_local_part`` is the list's setting.
    ``mail_fields`` are the sender's own words in the header fields of a message.
    """

    keys: Keyspace
    return_paths: ReturnPaths | None
    fold_local_part: bool = True
    mail_fields: MailFields = DEFAULT_MAIL_FIELDS
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @classmethod
    def of(
        cls,
        return_paths: ReturnPaths | None,
        keys: Keyspace | None,
        *,
        fold_local_part: bool,
        mail_fields: MailFields | None = None,
    ) -> "Requests":
        """Return the requests about the list that the return paths name, else of the keys given, else main.

        The return paths know how their list folds.  Raises ValueError where the two name different lists.
        """
        fields = mail_fields or DEFAULT_MAIL_FIELDS
        if return_paths is None:
            return cls(keys or Keyspace(), None, fold_local_part, fields)
        keys = keys or Keyspace(list_=return_paths.list)
        if keys.list_ != return_paths.list:
            raise ValueError(f"keys are of list {keys.list_}, return paths of list {return_paths.list}")
        return cls(keys, return_paths, return_paths.fold_local_part, fields)

    def is_suppressed(self, address: str) -> Request[bool]:
        """Ask whether an address must not be mailed now.  Raises BadAddress."""
        ids = self._ids(self._normalise(address))
        commands: tuple[Command, ...] = tuple(("SISMEMBER", self.keys.suppressed, id_) for id_ in ids)
        return Request(commands, any)

    def suppressed_among(self, addresses: Iterable[str]) -> Iterator[Request[list[str]]]:
        """Ask, a batch at a time, which of some addresses must not be mailed now.

        What is no address cannot be asked about and is among them: somebody suppressed may be written so
        (" alice@example.org"), and mail programs heed only what they understand of it.
        """
        batch: list[str] = []
        normalised: list[str] = []
        refused: list[str] = []
        for address in addresses:
            try:
                normalised.append(normalise(address, fold_local_part=self.fold_local_part))
                batch.append(address)
            except BadAddress:
                refused.append(address)
            if len(batch) + len(refused) == BATCH:
                yield self._members(batch, normalised, refused)
                batch, normalised, refused = [], [], []
        yield self._members(batch, normalised, refused)

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
        paths = self._paths()
        issued = issued or self._today()
        try:
            signed = paths.encode(recipient, issued=issued, tag=tag, profile=profile)
            return Request((), lambda _: signed)
        except DoesNotFit:
            registration = Registration(paths.normalise(recipient), issued, tag, message_id, profile)
        return self._registered(paths, registration)

    def unsubscribe_path_for(self, recipient: str, *, tag: str, profile: Profile, issued: date | None) -> Request[str]:
        """Make the address to which a recipient writes to be unsubscribed; where it needs a token, register it.

        Raises as ``return_path_for`` does.
        """
        paths = self._paths()
        issued = issued or self._today()
        try:
            signed = paths.encode_unsubscribe(recipient, issued=issued, tag=tag, profile=profile)
            return Request((), lambda _: signed)
        except DoesNotFit:
            registration = Registration(paths.normalise(recipient), issued, tag, "", profile, unsubscribes=True)
        return self._registered(paths, registration)

    def headers_for(
        self, recipient: str, *, tag: str, profile: Profile, issued: date | None
    ) -> Request[dict[str, str]]:
        """Make the header fields of one message, by which its recipient unsubscribes and complains.

        Raises as ``return_path_for`` does.
        """
        asked = self.unsubscribe_path_for(recipient, tag=tag, profile=profile, issued=issued)
        list_ = self._paths().list
        return Request(
            asked.commands,
            lambda replies: self.mail_fields.of(asked.answer(replies), list_=list_, tag=tag),
            atomic=asked.atomic,
        )

    def report(self, type_: Telling, address: str, at: datetime | None, **more: str) -> Request[str]:
        """Tell what is known of one address; the answer is the id of the entry.  Raises BadAddress, NotUnderstood."""
        return self._tell(type_, at, address=self._normalise(address), **more)

    def report_sent(self, count: int, at: datetime | None, *, campaign: str, domain: str) -> Request[str]:
        """Tell how many messages were sent; the answer is the id of the entry.  Raises NotUnderstood."""
        return self._tell("sent", at, count=str(count), campaign=campaign, domain=domain.lower())

    def _registered(self, paths: ReturnPaths, registration: Registration) -> Request[str]:
        """Register a token; the answer is the path that it stands in."""
        token = new_token(secrets.token_bytes(RANDOM_BYTES))
        path = paths.token_path(token, unsubscribes=registration.unsubscribes)
        key = self.keys.token(token)
        fields = (text for field in registration.to_fields().items() for text in field)
        life_s = int(paths.token_life(unsubscribes=registration.unsubscribes).total_seconds())
        return Request((("HSET", key, *fields), ("EXPIRE", key, life_s)), lambda _: path, atomic=True)

    def _paths(self) -> ReturnPaths:
        if self.return_paths is None:
            raise TypeError("this client was made without return_paths")
        return self.return_paths

    def _today(self) -> date:
        return self.now().astimezone(UTC).date()

    def _tell(self, type_: str, at: datetime | None, **fields: str) -> Request[str]:
        """Write an entry that the daemon will understand.  Raises NotUnderstood, TypeError for what is no text."""
        now = self.now()
        given = {name: _text(name, value) for name, value in fields.items() if value}
        entry = {"type": type_, "at": _unix(now if at is None else at), **given}
        check_entry(entry, now, fold_local_part=self.fold_local_part)
        command: Command = ("XADD", self.keys.intake, "*", *(text for field in entry.items() for text in field))
        return Request((command,), lambda replies: text_of(replies[0]), once=True)

    def _members(self, batch: list[str], normalised: list[str], refused: list[str]) -> Request[list[str]]:
        if not batch:
            return Request((), lambda _: refused)
        commands: tuple[Command, ...] = tuple(
            ("SMISMEMBER", self.keys.suppressed, *map(form, normalised)) for form in self.keys.suppressed_forms
        )
        return Request(commands, lambda replies: [*compress(batch, _any_of(replies)), *refused])

    def _ids(self, normalised: str) -> list[str]:
        return [form(normalised) for form in self.keys.suppressed_forms]

    def _normalise(self, address: str) -> str:
        return normalise(address, fold_local_part=self.fold_local_part)


def _unix(at: datetime) -> str:
    """Return a time as entries have it.  One without a zone is local time, as everywhere in Python."""
    if not isinstance(at, datetime):
        raise TypeError(f"at must be a datetime, got {type(at).__name__}")
    try:
        seconds = int(at.timestamp())
    except (ValueError, OverflowError, OSError) as error:  # the first and the last day that Python knows
        raise NotUnderstood(f"at must be a time since 1970, got {at}") from error
    if seconds >= TOO_LATE:
        raise NotUnderstood(f"at must be a time of some mail, got {at}")
    return str(seconds)


def _text(name: str, value: str) -> str:
    """Return a value that can be written.  The commonest other one is what smtplib has of a reply: octets."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be text, got {type(value).__name__}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise NotUnderstood(f"{name} must be text that UTF-8 can write, got {value[:40]!a}") from error
    return value


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
