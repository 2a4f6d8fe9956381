"""A listener: opens sockets, keeps its sessions to their deadlines, drains them."""

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from typing import Final

from bounced.edges.smtp.gate import Gate
from bounced.edges.smtp.observer import Observer
from bounced.edges.smtp.session import Session
from bounced.edges.smtp.settings import SessionSettings
from bounced.edges.sockets import accept
from bounced.ports import Clock, Receiver

SWEEP_EVERY_S: Final = 0.5
CUT_OFF_S: Final = 1.0


class Door:
    """Listens on given sockets and holds a session with each peer that comes.

    Doors of one worker share a Gate, which counts their peers together.
    """

    def __init__(
        self, receiver: Receiver, settings: SessionSettings, gate: Gate, observer: Observer, clock: Clock
    ) -> None:
        self._receiver = receiver
        self._settings = settings
        self._gate = gate
        self._observer = observer
        self._clock = clock
        self._sessions: set[Session] = set()
        self._servers: list[asyncio.Server] = []
        self._sweeper: asyncio.TimerHandle | None = None
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def sessions(self) -> int:
        """How many peers are inside, and commits of peers that have gone."""
        return len(self._sessions)

    def use(self, settings: SessionSettings) -> None:
        """Hold sessions that begin from now on by these settings."""
        self._settings = settings

    async def start(self, sockets: Sequence[socket.socket]) -> None:
        """Listen on bound stream sockets: IPv4, IPv6 or Unix."""
        # aiosmtpd logs each command with the addresses in it; what is to be logged is the observer's business.
        for name in ("mail.log", "mail.debug"):
            logging.getLogger(name).disabled = True
        for listening in sockets:
            self._servers.append(await accept(self._session, listening))

    def sweep(self, now: float) -> None:
        """End the sessions whose deadline has passed at ``now``, a time of the loop's clock."""
        self._each(lambda session: session.expire(now))

    def close(self) -> None:
        """Accept no more connections."""
        for server in self._servers:
            server.close()

    async def drain(self, timeout_s: float) -> bool:
        """Close, let open transactions and commits come to their end; return whether all did in time.

        What remains then is cut off, and its peers come again: nobody told them 250.
        """
        self.close()
        self._each(Session.dismiss)
        drained = await self._emptied_within(timeout_s)
        self._each(Session.cut_off)
        await self._emptied_within(CUT_OFF_S)
        if self._sweeper is not None:
            self._sweeper.cancel()
        return drained

    def join(self, session: Session) -> None:
        """Keep a session that begins."""
        self._sessions.add(session)
        self._empty.clear()
        if self._sweeper is None:
            self._sweep_later()

    def leave(self, session: Session) -> None:
        """Let go of a session that is over."""
        self._sessions.discard(session)
        if not self._sessions:
            self._empty.set()

    def _each(self, do: Callable[[Session], None]) -> None:
        """Do it with each session.  One in which that fails, by a fault of ours, keeps no other from its end."""
        for session in tuple(self._sessions):
            try:
                do(session)
            except Exception as error:  # noqa: BLE001 - whatever it is
                self._observer.failed(session.peer, error)
                session.break_off()

    async def _emptied_within(self, timeout_s: float) -> bool:
        try:
            async with asyncio.timeout(timeout_s):
                await self._empty.wait()
        except TimeoutError:
            return False
        return True

    def _session(self) -> Session:
        return Session(
            receiver=self._receiver,
            settings=self._settings,
            gate=self._gate,
            observer=self._observer,
            registry=self,
            clock=self._clock,
            loop=asyncio.get_running_loop(),
        )

    def _sweep_again(self) -> None:
        self.sweep(asyncio.get_running_loop().time())
        self._sweeper = None
        if self._sessions:  # an idle worker sleeps
            self._sweep_later()

    def _sweep_later(self) -> None:
        self._sweeper = asyncio.get_running_loop().call_later(SWEEP_EVERY_S, self._sweep_again)
