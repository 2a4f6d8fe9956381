"""What a listener keeps of people: their sessions, how often they tried, and the thread that checks passwords."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from bounced.web.people.sessions import Sessions
from bounced.web.people.users import User, Users
from bounced.web.problems import not_available
from bounced.web.rates import Rates

PEER_TRIES, PEER_RATE = 10, 1 / 15
USER_TRIES, USER_RATE = 20, 1 / 30
"""Attempts at once, and how many a second come back: of one peer, and for one name from wherever."""
MOST_WAITING = 20
"""Passwords that wait for their check; each takes a tenth of a second."""


class Door:
    """Where people come in."""

    def __init__(self) -> None:
        self.sessions = Sessions()
        self._peers = Rates(least=PEER_TRIES)
        self._names = Rates(least=USER_TRIES)
        self._thread = ThreadPoolExecutor(1, "passwords")
        self._waiting = 0

    def peer_wait_s(self, peer: str) -> float:
        """Take an attempt from a peer and return 0, or return in how many seconds there is another."""
        return self._peers.wait_s(peer, PEER_RATE)

    def name_wait_s(self, name: str) -> float:
        """Take an attempt for a name, whether or not anybody has it; as ``peer_wait_s``."""
        return self._names.wait_s(name, USER_RATE)

    async def check(self, users: Users, name: str, password: str) -> User | None:
        """Return the user whose name and password these are.  Raises Problem where too many wait."""
        if self._waiting >= MOST_WAITING:
            raise not_available("Too many sign in at once.")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, users.find, name, password)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Check no more."""
        self._thread.shutdown(wait=False, cancel_futures=True)
