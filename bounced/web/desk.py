"""What the handlers of one listener work with: the store, the lists, the tokens, and what is limited."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

from starlette.requests import Request

from bounced.client.mail_fields import MailFields
from bounced.client.requests import Requests
from bounced.config import Config, build
from bounced.config.web import WebListener
from bounced.core.contract.keys import Keyspace
from bounced.edges.redis import RedisStore
from bounced.pipeline import Pipeline
from bounced.web.hooks.in_use import Hooks
from bounced.web.metrics import Metrics
from bounced.web.peers import LOOPBACK_NAMES
from bounced.web.people.door import Door
from bounced.web.people.users import Users
from bounced.web.problems import not_available
from bounced.web.rates import Rates
from bounced.web.recoveries import Recoveries
from bounced.web.tokens import Tokens

T = TypeVar("T")

AT_ONCE, AT_ONCE_BY_ONE = 64, 8
"""Bodies that are read or wait to be read at once, in all and of one token; a thread reads one after another."""
WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class ListInUse:
    """One suppression list as the application sees it.

    ``asks`` makes return paths and their header fields, and the commands that register a token.
    """

    name: str
    keys: Keyspace
    fold_local_part: bool
    asks: Requests


@dataclass(frozen=True, slots=True)
class Settings:
    """What a reload may change at once.  ``pipeline`` is the one path that whatever is written takes.

    In the field ``user_header`` a proxy names who asks; it is empty where none does.
    """

    config: Config
    listener: WebListener
    lists: Mapping[str, ListInUse]
    pipeline: Pipeline
    tokens: Tokens
    users: Users
    hosts: frozenset[str]
    user_header: bytes
    hooks: Hooks

    @property
    def writes(self) -> bool:
        """Whether this listener may write."""
        return self.config.web.private.writes


def settings(
    config: Config,
    listener: WebListener,
    pipeline: Pipeline,
    tokens: Tokens,
    users: Users,
    *,
    hooks: Hooks,
    local: bool,
) -> Settings:
    """Return what a configuration says of one listener.  ``local``: no other machine reaches it.  Raises OSError."""
    hosts = frozenset(listener.hosts) | (LOOPBACK_NAMES if local else frozenset())
    fields = MailFields(config.web.public.base_url or "")
    lists = {name: _list(config, name, fields, pipeline.clock) for name in config.lists}
    header = (config.web.private.user_header or "").lower().encode()
    return Settings(config, listener, lists, pipeline, tokens, users, hosts, header, hooks)


def _list(config: Config, name: str, fields: MailFields, now: Callable[[], datetime]) -> ListInUse:
    own, paths, keys = config.lists[name], build.return_paths(name, config.lists[name]), build.keyspace(config, name)
    feedback = MailFields(fields.unsubscribe_url, own.feedback[0]) if own.feedback else fields
    return ListInUse(name, keys, own.fold_local_part, Requests(keys, paths, own.fold_local_part, feedback, now))


class Reading:
    """Reads what others wrote in a thread of its own, so that checks are answered meanwhile.

    How much work one message may make is bounded; here is bounded how many wait.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "reading")
        self._waiting = Counter[str]()

    async def __call__(self, whose: str, read: Callable[[], T]) -> T:
        """Return what ``read`` returns.  Raises Problem where too many wait, of one token or in all."""
        if self._waiting[whose] >= AT_ONCE_BY_ONE or self._waiting.total() >= AT_ONCE:
            raise not_available("Too much is being read.", retry_after_s=1)
        self._waiting[whose] += 1
        done = asyncio.get_running_loop().run_in_executor(self._thread, read)
        done.add_done_callback(partial(self._end, whose))
        try:
            return await asyncio.wait_for(asyncio.shield(done), WAIT_S)
        except TimeoutError:
            raise not_available("It was not read in time.", retry_after_s=1) from None

    def close(self) -> None:
        """Read no more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _end(self, whose: str, done: asyncio.Future[T]) -> None:
        self._waiting -= Counter([whose])  # none is kept at 0
        if not done.cancelled():
            done.exception()  # whoever asked may have given up


class Desk:
    """What the handlers of one listener work with.  ``present`` is replaced by a reload."""

    def __init__(self, name: str, store: RedisStore, present: Settings, metrics: Metrics) -> None:
        self.name = name
        self.store = store
        self.present = present
        self.rates = Rates()
        self.reading = Reading()
        self.door = Door()
        self.recoveries = Recoveries()
        self.metrics = metrics
        self.stopping = asyncio.Event()
        self.following = Counter[str]()

    @property
    def streams(self) -> int:
        """How many programs follow events; ``following`` has how many of each token."""
        return self.following.total()

    def clock(self) -> datetime:
        """Return the time in UTC."""
        return self.present.pipeline.clock()

    def use(self, present: Settings) -> None:
        """Use other settings from now on."""
        self.store.use({name: each.keys for name, each in present.lists.items()})
        self.rates.forget({token.name for token in present.tokens})
        self.present = present


def desk_of(request: Request) -> Desk:
    """Return what a handler works with."""
    desk: Desk = request.scope["app"]
    return desk
