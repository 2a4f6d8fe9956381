"""One mail transaction after the other: MAIL, RCPT, DATA or BDAT, and the commit.  (RFC 5321 section 3.3)

How it works.  RCPT asks the pipeline whom the forward-path stands for; one recipient a message, so that one reply
answers for it.  Content comes in blocks up to CRLF.CRLF, or in BDAT chunks; the first MiB of it is kept.  Then the
pipeline reads, decides and commits, and 250 is said only when it has returned.  Whatever it raises instead becomes 451,
and the observer hears why: each report that came in whole ends once.  The session cancels work that is overdue and
sets ``overdue`` first: by that a deadline is told from a shutdown.

The traps are numbered as in docs/traps.md.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol, TypeVar

from bounced.core.limits import MAX_CONTENT_BYTES
from bounced.core.terms import Destination, Envelope, Origin
from bounced.edges.smtp import arguments, replies
from bounced.edges.smtp.command_reader import CommandReader
from bounced.edges.smtp.content import ContentHead, DotStuffed
from bounced.edges.smtp.observer import Observer, deferral
from bounced.edges.smtp.replies import Refused
from bounced.edges.smtp.settings import SessionSettings, Speech
from bounced.ports import Clock, Committed, PathRefused, Receiver, StoreUnavailable

T = TypeVar("T")


class TransactionState(Enum):
    """Where a session stands: between transactions, in one, reading content, or waiting for the pipeline.

    The peer waits for us while it is ADMITTING (RCPT was said) or COMMITTING (the content is here); else we wait.
    """

    IDLE = auto()
    OPEN = auto()
    ADMITTING = auto()
    CONTENT = auto()
    COMMITTING = auto()

    @property
    def is_ours(self) -> bool:
        """Whether the peer waits for us, and not we for the peer."""
        return self in (TransactionState.ADMITTING, TransactionState.COMMITTING)


class Connection(Protocol):
    """What a dialogue asks of the connection that it is held on."""

    peer: str
    reader: CommandReader
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


class CommandCount(Protocol):
    """Who counts commands."""

    def message_came(self) -> None:
        """Learn that content came: commands without a message are counted anew."""


@dataclass(slots=True)
class Transaction:
    """What one mail transaction has come to so far.  (RFC 5321 section 3.3)"""

    mail: arguments.Mail | None = None
    forward_path: str = ""
    destination: Destination | None = None
    chunks: ContentHead | None = None


class Transactions:
    """The transactions of one session, one at a time.

    A command that is refused raises Refused, a fault of ours anything else; the session makes a reply of it.
    """

    __slots__ = (
        "_clock",
        "_commands",
        "_connection",
        "_observer",
        "_receiver",
        "_settings",
        "_transaction",
        "overdue",
        "state",
    )

    def __init__(
        self,
        connection: Connection,
        commands: CommandCount,
        *,
        receiver: Receiver,
        settings: SessionSettings,
        observer: Observer,
        clock: Clock,
    ) -> None:
        self._connection = connection
        self._commands = commands
        self._receiver = receiver
        self._settings = settings
        self._observer = observer
        self._clock = clock
        self._transaction = Transaction()
        self.overdue = False
        self.state = TransactionState.IDLE

    def reset(self) -> None:
        """Forget the open transaction."""
        self._transaction = Transaction()
        self.state = TransactionState.IDLE

    def end(self) -> None:
        """Let go of the session, which is over."""
        del self._connection
        del self._commands

    async def mail(self, argument: str | None) -> None:
        """Open a transaction.  Any reverse path will do: it proves nothing, the return path does."""
        if self._transaction.mail is not None:
            raise Refused(replies.IN_TRANSACTION)
        mail = arguments.read_mail(argument)
        if mail.size is not None and mail.size > self._settings.max_message_bytes:
            raise Refused(replies.TOO_BIG)
        self._transaction.mail = mail
        self.state = TransactionState.OPEN
        await self._connection.push(replies.SENDER_OK)

    async def rcpt(self, argument: str | None) -> None:
        """Admit a return path.  One a message, so that one reply answers for it (docs/contract.md, section 4)."""
        transaction = self._transaction
        if transaction.mail is None:
            raise Refused(replies.MAIL_FIRST)
        if transaction.chunks is not None:
            raise Refused(replies.BDAT_STARTED)
        forward_path = arguments.read_rcpt(argument)
        if transaction.destination is not None:
            raise Refused(replies.ONE_RECIPIENT)
        try:
            self.state = TransactionState.ADMITTING
            transaction.destination = await self._in_time(self._receiver.admit(forward_path))
        except PathRefused as refused:
            self._observer.path_refused(self._connection.peer, refused.reason)
            raise Refused(_refusal_of_path(refused)) from refused
        except (StoreUnavailable, TimeoutError) as error:
            self._observer.path_refused(self._connection.peer, deferral(error))
            raise
        finally:
            self.state = TransactionState.OPEN
        transaction.forward_path = forward_path
        await self._connection.push(replies.RECIPIENT_OK)

    async def data(self, argument: str | None) -> None:
        """Take a message up to CRLF.CRLF, in blocks, and commit it (docs/traps.md, 1, 2 and 8)."""
        arguments.read_none(argument)
        self._require_recipient()
        if self._transaction.chunks is not None:
            raise Refused(replies.BDAT_STARTED)
        if self._transaction.mail and self._transaction.mail.binary:
            raise Refused(replies.BDAT_NEEDED)
        await self._connection.push(replies.START_CONTENT)
        self._begin_content()
        head = ContentHead(MAX_CONTENT_BYTES)
        content = DotStuffed(head)
        rest = None
        while rest is None:
            rest = content.feed(await self._connection.reader.block())
            self._refuse_beyond(head.total)
        self._connection.reader.put_back(rest)
        await self._commit(head)

    async def bdat(self, argument: str | None) -> None:
        """Take a chunk of so many octets, and commit the message after the last.  (RFC 3030)"""
        size, last = arguments.read_bdat(argument)
        transaction = self._transaction
        if transaction.chunks is None:
            transaction.chunks = ContentHead(MAX_CONTENT_BYTES)
        usable = transaction.destination is not None
        self._begin_content()
        self._refuse_beyond(transaction.chunks.total + size)
        await self._take_chunk(transaction.chunks, size)
        self.state = TransactionState.OPEN
        if not usable:
            self.reset()
            raise Refused(replies.RECIPIENT_FIRST)
        if size:
            self._commands.message_came()
        if last:
            await self._commit(transaction.chunks)
        else:
            await self._connection.push(f"250 2.0.0 {size} octets")

    def _require_recipient(self) -> None:
        if self._transaction.mail is None:
            raise Refused(replies.MAIL_FIRST)
        if self._transaction.destination is None:
            raise Refused(replies.RECIPIENT_FIRST)

    def _begin_content(self) -> None:
        self.state = TransactionState.CONTENT
        self._connection.content_begins()

    def _refuse_beyond(self, total: int) -> None:
        """Read no content to its end that is twice as large as what is advertised: that is no mistake any more.

        Raises Refused with a reply that ends the session, since the rest of the content would be taken for commands.
        """
        if total > 2 * self._settings.max_message_bytes:
            self.reset()
            raise Refused(replies.FAR_TOO_BIG)

    async def _take_chunk(self, head: ContentHead, size: int) -> None:
        reader = self._connection.reader
        while size:
            block = await reader.block(size)
            head.add(block)
            size -= len(block)

    async def _commit(self, head: ContentHead) -> None:
        """Answer 250 when the message is stored, and only then; the transaction is over in any case."""
        transaction = self._transaction
        assert transaction.mail is not None
        assert transaction.destination is not None
        self.state = TransactionState.COMMITTING
        self._commands.message_came()
        try:
            if head.total > self._settings.max_message_bytes:
                raise Refused(replies.TOO_BIG)
            envelope = Envelope(
                peer=self._connection.peer,
                reverse_path=transaction.mail.reverse_path,
                forward_path=transaction.forward_path,
                content=head.release(),
                received_at=self._clock(),
                origin=Origin.LMTP if self._settings.speech is Speech.LMTP else Origin.SMTP,
            )
            committed = await self._processed(transaction.destination, envelope)
        finally:
            self.reset()
        self._connection.message_taken()
        await self._connection.push(f"{replies.OK} {committed.event_id}")

    async def _processed(self, destination: Destination, envelope: Envelope) -> Committed:
        """Return what the pipeline made of a report.  Whatever it raises, the observer hears why there is no 250."""
        try:
            return await self._in_time(self._receiver.process(destination, envelope))
        except (Exception, asyncio.CancelledError) as error:
            self._observer.report_deferred(envelope.peer, destination.list, deferral(error), str(error))
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


def _refusal_of_path(refused: PathRefused) -> str:
    if refused.for_now:
        return replies.TRY_AGAIN
    return replies.FOREIGN_PATH if refused.foreign else replies.NO_SUCH_PATH
