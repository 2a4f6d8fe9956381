"""What is said in a session beside its transactions: greetings, STARTTLS, housekeeping.  (RFC 5321 section 4.1)

How it works.  aiosmtpd's loop splits a line into verb and argument, and asks ``get`` who answers the verb.  ``get``
counts the command.  Where a limit is reached or the verb is not offered, it returns what refuses the command.  MAIL,
RCPT, DATA and BDAT are answered by ``Transactions``.  A greeting, RSET and STARTTLS end the open transaction.

The traps are numbered as in docs/traps.md.
"""

from collections.abc import Awaitable, Callable

from bounced.edges.smtp import replies
from bounced.edges.smtp.arguments import read_none
from bounced.edges.smtp.observer import Observer
from bounced.edges.smtp.replies import Refused
from bounced.edges.smtp.settings import SessionSettings
from bounced.edges.smtp.transaction import Connection, Transactions, TransactionState
from bounced.edges.smtp.verbs import greeting, refusal_of
from bounced.ports import Clock, Receiver

Method = Callable[[str | None], Awaitable[None]]

_IN_TRANSACTION = frozenset({"RCPT", "DATA", "BDAT"})


class Dialogue:
    """Answers the commands of one session.

    A command that is refused raises Refused, a fault of ours anything else; the session makes a reply of it.
    """

    __slots__ = ("_commands", "_connection", "_greeted", "_settings", "_since_message", "transactions")

    def __init__(
        self, connection: Connection, receiver: Receiver, settings: SessionSettings, observer: Observer, clock: Clock
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._greeted = False
        self._commands = 0
        self._since_message = 0
        self.transactions = Transactions(
            connection, self, receiver=receiver, settings=settings, observer=observer, clock=clock
        )

    @property
    def state(self) -> TransactionState:
        """Where the session stands."""
        return self.transactions.state

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
        method: Method = getattr(self.transactions if verb in _IN_TRANSACTION else self, verb.lower())
        return method

    def message_came(self) -> None:
        """Count commands without a message anew."""
        self._since_message = 0

    def forget(self) -> None:
        """Begin anew, as after STARTTLS: nothing that was said in the clear counts.  (RFC 3207 section 4.2)"""
        self._greeted = False
        self.transactions.reset()

    def end(self) -> None:
        """Let go of the connection, which is over."""
        self.transactions.end()
        del self._connection

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
        read_none(argument)
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
        read_none(argument)
        self.transactions.reset()
        await self._connection.push(replies.OK)

    async def quit(self, argument: str | None) -> None:
        """End the session."""
        read_none(argument)
        await self._connection.push(replies.GOODBYE)

    async def mail(self, argument: str | None) -> None:
        """Open a transaction, after a greeting."""
        if not self._greeted:
            raise Refused(replies.GREET_FIRST)
        await self.transactions.mail(argument)

    def _greet(self, name: str | None) -> None:
        if not name:
            raise Refused(replies.BAD_ARGUMENT)
        self.transactions.reset()
        self._greeted = True


def _refuser(reply: str) -> Method:
    async def refuse(_argument: str | None) -> None:
        raise Refused(reply)

    return refuse
