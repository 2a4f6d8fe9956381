"""What is said in a session: the verbs, and the transaction that they build up.  (RFC 5321 section 4.1)"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol, TypeVar

from bounced.core.limits import MAX_CONTENT_BYTES
from bounced.core.terms import Destination, Envelope, Origin
from bounced.edges.smtp import paths, replies
from bounced.edges.smtp.content import DotStuffed, Kept
from bounced.edges.smtp.inlet import Inlet
from bounced.edges.smtp.observer import Deferral, Observer
from bounced.edges.smtp.replies import Refused
from bounced.edges.smtp.settings import SessionSettings, Speech
from bounced.edges.smtp.verbs import greeting, refusal_of
from bounced.ports import Clock, Committed, PathRefused, Receiver, StoreTimedOut, StoreUnavailable

T = TypeVar("T")
Method = Callable[[str | None], Awaitable[None]]

_BDAT = re.compile(r"(?P<size>[0-9]{1,12})(?: +(?P<last>LAST))?", re.IGNORECASE)


class Stage(Enum):
    """Where a session stands: between transactions, in one, reading content, or waiting for the pipeline."""

    IDLE = auto()
    OPEN = auto()
    ADMITTING = auto()
    CONTENT = auto()
    COMMITTING = auto()

    @property
    def is_ours(self) -> bool:
        """Whether the peer waits for us, and not we for the peer."""
        return self in (Stage.ADMITTING, Stage.COMMITTING)


class Connection(Protocol):
    """What a dialogue asks of the connection that it is held on."""

    peer: str
    inlet: Inlet
    over_tls: bool

    async def push(self, status: str) -> None:
        """Give a reply."""

    async def start_tls(self) -> None:
        """Say that TLS begins, and encrypt the connection.  Raises Refused, ConnectionResetError."""

    def content_begins(self) -> None:
        """Start the clock for the content of a message."""

    def work_begins(self) -> None:
        """Start the clock for the pipeline."""

    def message_taken(self) -> None:
        """Learn that a message was committed."""


@dataclass(slots=True)
class Transaction:
    """What one mail transaction has come to so far.  (RFC 5321 section 3.3)"""

    mail: paths.Mail | None = None
    forward_path: str = ""
    destination: Destination | None = None
    chunks: Kept | None = None


class Dialogue:
    """Answers the commands of one session.

    A command that is refused raises Refused, a fault of ours anything else; the session makes a reply of it.
    """

    __slots__ = (
        "_clock",
        "_commands",
        "_connection",
        "_greeted",
        "_observer",
        "_receiver",
        "_settings",
        "_since_message",
        "_transaction",
        "overdue",
        "stage",
    )

    def __init__(
        self, connection: Connection, receiver: Receiver, settings: SessionSettings, observer: Observer, clock: Clock
    ) -> None:
        self._connection = connection
        self._receiver = receiver
        self._settings = settings
        self._observer = observer
        self._clock = clock
        self._greeted = False
        self._commands = 0
        self._since_message = 0
        self._transaction = Transaction()
        self.overdue = False
        self.stage = Stage.IDLE

    def get(self, verb: str) -> Method:
        """Return what answers a verb: aiosmtpd asks no more of its table, which it makes by introspection.

        (docs/traps.md, 8)
        """
        self._commands += 1
        self._since_message += 1
        if self._commands > self._settings.limits.commands:
            return _refuser(replies.TOO_MANY_COMMANDS)
        if self._since_message > self._settings.limits.commands_without_message:
            return _refuser(replies.TOO_MANY_IDLE_COMMANDS)
        refusal = refusal_of(verb, self._settings)
        if refusal is not None:
            return _refuser(refusal)
        method: Method = getattr(self, verb.lower())
        return method

    def forget(self) -> None:
        """Begin anew, as after STARTTLS: nothing that was said in the clear counts.  (RFC 3207 section 4.2)"""
        self._greeted = False
        self._reset()

    def end(self) -> None:
        """Let go of the connection, which is over."""
        del self._connection

    # Greeting and housekeeping

    async def helo(self, name: str | None) -> None:
        """Greet without extensions."""
        self._greet(name)
        await self._connection.push(f"250 {self._settings.hostname}")

    async def ehlo(self, name: str | None) -> None:
        """Greet and name the extensions."""
        self._greet(name)
        await self._connection.push(greeting(self._settings, over_tls=self._connection.over_tls))

    lhlo = ehlo  # RFC 2033 section 4.1

    async def starttls(self, argument: str | None) -> None:
        """Go on encrypted.  (RFC 3207)"""
        _no_argument(argument)
        if self._connection.over_tls:
            raise Refused(replies.TLS_ALREADY)
        await self._connection.start_tls()
        self.forget()

    async def noop(self, _argument: str | None) -> None:
        """Do nothing."""
        await self._connection.push(replies.OK)

    async def help(self, _argument: str | None) -> None:
        """Say where SMTP is explained."""
        await self._connection.push(replies.HELP)

    async def vrfy(self, argument: str | None) -> None:
        """Tell nothing."""
        if not argument:
            raise Refused(replies.BAD_ARGUMENT)
        await self._connection.push(replies.NOT_VERIFIED)

    async def rset(self, argument: str | None) -> None:
        """End the transaction."""
        _no_argument(argument)
        self._reset()
        await self._connection.push(replies.OK)

    async def quit(self, argument: str | None) -> None:
        """End the session."""
        _no_argument(argument)
        await self._connection.push(replies.GOODBYE)

    # The transaction

    async def mail(self, argument: str | None) -> None:
        """Open a transaction.  Any reverse path will do: it proves nothing, the return path does."""
        if not self._greeted:
            raise Refused(replies.GREET_FIRST)
        if self._transaction.mail is not None:
            raise Refused(replies.IN_TRANSACTION)
        mail = paths.read_mail(argument)
        if mail.size is not None and mail.size > self._settings.max_message_bytes:
            raise Refused(replies.TOO_BIG)
        self._transaction.mail = mail
        self.stage = Stage.OPEN
        await self._connection.push(replies.SENDER_OK)

    async def rcpt(self, argument: str | None) -> None:
        """Admit a return path.  One a message, so that one reply answers for it (docs/contract.md, section 4)."""
        transaction = self._transaction
        if transaction.mail is None:
            raise Refused(replies.MAIL_FIRST)
        if transaction.chunks is not None:
            raise Refused(replies.BDAT_STARTED)
        forward_path = paths.read_rcpt(argument)
        if transaction.destination is not None:
            raise Refused(replies.ONE_RECIPIENT)
        try:
            self.stage = Stage.ADMITTING
            transaction.destination = await self._in_time(self._receiver.admit(forward_path))
        except PathRefused as refused:
            self._observer.path_refused(self._connection.peer, refused.reason)
            raise Refused(_refusal_of_path(refused)) from refused
        except (StoreUnavailable, TimeoutError) as error:
            self._observer.path_refused(self._connection.peer, _deferral(error))
            raise
        finally:
            self.stage = Stage.OPEN
        transaction.forward_path = forward_path
        await self._connection.push(replies.RECIPIENT_OK)

    async def data(self, argument: str | None) -> None:
        """Take a message up to CRLF.CRLF, in blocks, and commit it (docs/traps.md, 1, 2 and 8)."""
        _no_argument(argument)
        self._require_recipient()
        if self._transaction.chunks is not None:
            raise Refused(replies.BDAT_STARTED)
        if self._transaction.mail and self._transaction.mail.binary:
            raise Refused(replies.BDAT_NEEDED)
        await self._connection.push(replies.START_CONTENT)
        self._begin_content()
        kept = Kept(MAX_CONTENT_BYTES)
        content = DotStuffed(kept)
        rest = None
        while rest is None:
            rest = content.feed(await self._connection.inlet.block())
            self._refuse_beyond(kept.total)
        self._connection.inlet.put_back(rest)
        await self._commit(kept)

    async def bdat(self, argument: str | None) -> None:
        """Take a chunk of so many octets, and commit the message after the last.  (RFC 3030)"""
        size, last = _read_bdat(argument)
        transaction = self._transaction
        if transaction.chunks is None:
            transaction.chunks = Kept(MAX_CONTENT_BYTES)
        usable = transaction.destination is not None
        self._begin_content()
        self._refuse_beyond(transaction.chunks.total + size)
        await self._take_chunk(transaction.chunks, size)
        self.stage = Stage.OPEN
        if not usable:
            self._reset()
            raise Refused(replies.RECIPIENT_FIRST)
        if size:
            self._since_message = 0
        if last:
            await self._commit(transaction.chunks)
        else:
            await self._connection.push(f"250 2.0.0 {size} octets")

    def _greet(self, name: str | None) -> None:
        if not name:
            raise Refused(replies.BAD_ARGUMENT)
        self._reset()
        self._greeted = True

    def _reset(self) -> None:
        self._transaction = Transaction()
        self.stage = Stage.IDLE

    def _require_recipient(self) -> None:
        if self._transaction.mail is None:
            raise Refused(replies.MAIL_FIRST)
        if self._transaction.destination is None:
            raise Refused(replies.RECIPIENT_FIRST)

    def _begin_content(self) -> None:
        self.stage = Stage.CONTENT
        self._connection.content_begins()

    def _refuse_beyond(self, total: int) -> None:
        """Read no content to its end that is twice as large as what is advertised: that is no mistake any more.

        Raises Refused with a reply that ends the session, since the rest of the content would be taken for commands.
        """
        if total > 2 * self._settings.max_message_bytes:
            self._reset()
            raise Refused(replies.FAR_TOO_BIG)

    async def _take_chunk(self, kept: Kept, size: int) -> None:
        inlet = self._connection.inlet
        while size:
            block = await inlet.block(size)
            kept.add(block)
            size -= len(block)

    async def _commit(self, kept: Kept) -> None:
        """Answer 250 when the message is stored, and only then; the transaction is over in any case."""
        transaction = self._transaction
        assert transaction.mail is not None
        assert transaction.destination is not None
        self.stage = Stage.COMMITTING
        self._since_message = 0
        try:
            if kept.total > self._settings.max_message_bytes:
                raise Refused(replies.TOO_BIG)
            envelope = Envelope(
                peer=self._connection.peer,
                reverse_path=transaction.mail.reverse_path,
                forward_path=transaction.forward_path,
                content=kept.release(),
                received_at=self._clock(),
                origin=Origin.LMTP if self._settings.speech is Speech.LMTP else Origin.SMTP,
            )
            committed = await self._processed(transaction.destination, envelope)
        finally:
            self._reset()
        self._connection.message_taken()
        await self._connection.push(f"{replies.OK} {committed.event_id}")

    async def _processed(self, destination: Destination, envelope: Envelope) -> Committed:
        """Return what the pipeline made of a report.  Whatever it raises, the observer hears why there is no 250."""
        try:
            return await self._in_time(self._receiver.process(destination, envelope))
        except (Exception, asyncio.CancelledError) as error:
            self._observer.report_deferred(envelope.peer, destination.list, _deferral(error), str(error))
            raise

    async def _in_time(self, work: Awaitable[T]) -> T:
        """Return what the pipeline says.  Raises TimeoutError if it is cancelled for being overdue.

        This is asyncio.timeout() without its timer: two timers a message were a fifth of the door's time.
        """
        self._connection.work_begins()
        try:
            return await work
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not self.overdue or task is None:
                raise
            self.overdue = False
            task.uncancel()
            raise TimeoutError from None


def _refuser(reply: str) -> Method:
    async def refuse(_argument: str | None) -> None:
        raise Refused(reply)

    return refuse


def _refusal_of_path(refused: PathRefused) -> str:
    if refused.for_now:
        return replies.TRY_AGAIN
    return replies.FOREIGN_PATH if refused.foreign else replies.NO_SUCH_PATH


def _deferral(error: BaseException) -> Deferral:
    """Return why there is no commit.  While the pipeline works, only the end of the door cancels the session."""
    match error:
        case StoreTimedOut():
            return Deferral.STORE_TIMEOUT
        case StoreUnavailable():
            return Deferral.STORE_UNAVAILABLE
        case TimeoutError():
            return Deferral.DEADLINE
        case asyncio.CancelledError():
            return Deferral.SHUTDOWN
        case _:
            return Deferral.FAULT


def _no_argument(argument: str | None) -> None:
    if argument:
        raise Refused(replies.BAD_ARGUMENT)


def _read_bdat(argument: str | None) -> tuple[int, bool]:
    """Return the size of a chunk in octets and whether it is the last.

    Raises Refused with 421: where a chunk ends is unknown, so nothing after it may be taken for a command.
    """
    match = _BDAT.fullmatch(argument or "")
    if match is None:
        raise Refused(replies.BAD_CHUNK)
    return int(match["size"]), match["last"] is not None
