"""The client for asyncio."""

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from types import TracebackType
from typing import Any, Self

from redis.asyncio import Redis, RedisCluster

from bounced.client import connect
from bounced.client.answers import Why
from bounced.client.mail_fields import MailFields
from bounced.client.places import AsyncPlaces
from bounced.client.requests import Purpose, Request, Requests, T
from bounced.core.contract.keys import Keyspace
from bounced.core.return_path import ReturnPaths
from bounced.core.terms import UNKNOWN_PROFILE, Profile

AT_ONCE = 2
"""Batches under way: one is made ready while the server looks through the other."""


class AsyncClient:
    """One suppression list, consulted and told from one event loop at a time.

    ``return_paths`` is needed by software that sends; ``keys`` and ``fold_local_part`` are the list's settings.
    ``mail_fields`` says what ``headers_for`` writes: the page to unsubscribe at, the feedback address, the sender's id.
    What is told takes effect when the daemon has read it, usually within milliseconds; the answer is the id of the
    entry in the intake stream.  What the daemon could not understand is not written: it raises BadAddress for the
    address, NotUnderstood for anything else, and both are ValueErrors.
    """

    def __init__(
        self,
        redis: Redis | RedisCluster,
        return_paths: ReturnPaths | None = None,
        *,
        keys: Keyspace | None = None,
        fold_local_part: bool = True,
        timeout_s: float = connect.TIMEOUT_S,
        mail_fields: MailFields | None = None,
    ) -> None:
        self._redis = redis
        self._connect_again: Callable[[], Redis | RedisCluster] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = os.getpid()
        self._of_the_parent: Redis | RedisCluster | None = None
        self._timeout_s = timeout_s
        self._places = AsyncPlaces(timeout_s)
        self._requests = Requests.of(return_paths, keys, fold_local_part=fold_local_part, mail_fields=mail_fields)

    @classmethod
    def from_url(
        cls,
        url: str,
        return_paths: ReturnPaths | None = None,
        *,
        keys: Keyspace | None = None,
        fold_local_part: bool = True,
        timeout_s: float = connect.TIMEOUT_S,
        mail_fields: MailFields | None = None,
    ) -> Self:
        """Return a client of the server, the group behind Sentinels or the Cluster at a URL.

        It may be any that the daemon takes: redis://, rediss://, unix://, redis+sentinel://, redis+cluster://.
        It connects when first asked.  Where a connection is lost, a question is asked once more.
        What is told is never sent twice: a lost reply is a RedisError, and the caller knows whether to repeat it.
        Raises ValueError for a URL that names no server.
        ``timeout_s`` is how long a call may take in all, the wait for a free connection included.
        When its event loop was closed, or after a fork, the client goes on in the next one with new connections.
        """
        connect_ = partial(connect.asynchronous, url, timeout_s)
        client = cls(
            connect_(),
            return_paths,
            keys=keys,
            fold_local_part=fold_local_part,
            timeout_s=timeout_s,
            mail_fields=mail_fields,
        )
        client._connect_again = connect_
        return client

    async def is_suppressed(self, address: str) -> bool:
        """Return whether an address must not be mailed now.  Raises BadAddress, RedisError."""
        return await self._ask(self._requests.is_suppressed(address))

    async def suppressed_among(self, addresses: Iterable[str]) -> set[str]:
        """Return those of many addresses, as given, that must not be mailed now.  Raises RedisError.

        What is no address is among them: it cannot be asked about.
        """
        found: set[str] = set()
        requests = self._requests.suppressed_among(addresses)

        async def ask_the_rest() -> None:
            for request in requests:
                suppressed = await self._ask(request)
                found.update(suppressed)

        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(AT_ONCE):
                    tasks.create_task(ask_the_rest())
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        return found

    async def may_send(self, address: str, purpose: Purpose = "mail") -> bool:
        """Return whether an address may be mailed, or for "confirmation" be asked to confirm a subscription.

        Someone who subscribes again gets a confirmation in spite of earlier bounces or an unsubscription, but not
        in spite of a complaint or an operator's decision.  Raises BadAddress, RedisError.
        """
        return await self._ask(self._requests.may_send(address, purpose))

    async def why(self, address: str) -> Why:
        """Return the state of an address and its last events.  Raises BadAddress, RedisError."""
        return await self._ask(self._requests.why(address))

    async def return_path_for(
        self,
        recipient: str,
        *,
        tag: str = "",
        profile: Profile = UNKNOWN_PROFILE,
        message_id: str = "",
        issued: date | None = None,
    ) -> str:
        """Return the envelope sender for one message to one recipient.  Make it anew for each message.

        ``tag`` names the campaign in at most 8 of a-z, 0-9 and -; ``issued`` is the UTC day of sending, else today.

        Redis is asked only where the recipient does not fit, and a token is registered for it.
        Raises BadAddress, ValueError for a bad tag, TypeError for a client without ``return_paths``, RedisError.
        """
        request = self._requests.return_path_for(
            recipient, tag=tag, profile=profile, message_id=message_id, issued=issued
        )
        return await self._ask(request)

    async def unsubscribe_path_for(
        self,
        recipient: str,
        *,
        tag: str = "",
        profile: Profile = UNKNOWN_PROFILE,
        issued: date | None = None,
    ) -> str:
        """Return the address to which a recipient writes to be unsubscribed.  It is good for 400 days.

        Asks Redis and raises as ``return_path_for`` does.  ``headers_for`` puts one into header fields.
        """
        request = self._requests.unsubscribe_path_for(recipient, tag=tag, profile=profile, issued=issued)
        return await self._ask(request)

    async def headers_for(
        self,
        recipient: str,
        *,
        tag: str = "",
        profile: Profile = UNKNOWN_PROFILE,
        issued: date | None = None,
    ) -> dict[str, str]:
        """Return the header fields by which a recipient unsubscribes and its provider tells of complaints.

        They are List-Unsubscribe, List-Unsubscribe-Post (with ``unsubscribe_url``), Feedback-ID, CFBL-Address and
        CFBL-Feedback-ID.  Make them anew for each message, and let DKIM sign them.  Asks Redis and raises as
        ``return_path_for`` does.
        """
        return await self._ask(self._requests.headers_for(recipient, tag=tag, profile=profile, issued=issued))

    async def report_delivered(self, address: str, *, campaign: str = "", at: datetime | None = None) -> str:
        """Tell that the recipient's server accepted a message.  It is believed if no bounce follows in 72 hours."""
        return await self._ask(self._requests.report("delivered", address, at, campaign=campaign))

    async def report_rejected(
        self,
        address: str,
        reply: str,
        *,
        mta: str = "",
        stage: str = "",
        campaign: str = "",
        profile: Profile = UNKNOWN_PROFILE,
        at: datetime | None = None,
    ) -> str:
        """Tell that your own MTA was refused in the SMTP dialogue with ``reply`` ("550 5.1.1 no such user").

        ``mta`` is the name of the server that refused, ``stage`` the command that it replied to: "ehlo", "mail",
        "rcpt", or "data" for the end of the message.  ``profile`` is what you know of the recipient: a refusal has no
        return path that could tell.
        """
        known = "" if profile == UNKNOWN_PROFILE else str(profile)
        told = {"reply": reply, "mta": mta, "stage": stage.strip().lower()}
        request = self._requests.report("rejected", address, at, **told, campaign=campaign, profile=known)
        return await self._ask(request)

    async def report_engaged(self, address: str, *, at: datetime | None = None) -> str:
        """Tell that somebody opened, clicked or logged in."""
        return await self._ask(self._requests.report("engaged", address, at))

    async def report_subscribed(
        self, address: str, *, shared: bool = False, actor: str = "", at: datetime | None = None
    ) -> str:
        """Tell of a confirmed opt-in.  It lifts hard and soft bounces and an unsubscription.

        ``shared`` lifts the same hard verdict in the lists that share it, too, and nothing else there.
        """
        return await self._ask(
            self._requests.report("subscribed", address, at, shared="true" if shared else "", actor=actor)
        )

    async def report_unsubscribed(self, address: str, *, actor: str = "", at: datetime | None = None) -> str:
        """Tell that somebody wants no more mail."""
        return await self._ask(self._requests.report("unsubscribed", address, at, actor=actor))

    async def report_complained(
        self, address: str, *, campaign: str = "", actor: str = "", at: datetime | None = None
    ) -> str:
        """Tell of a complaint that came by another way than the daemon's feedback addresses."""
        return await self._ask(self._requests.report("complained", address, at, campaign=campaign, actor=actor))

    async def report_sent(self, count: int, *, campaign: str = "", domain: str = "", at: datetime | None = None) -> str:
        """Tell how many messages of a campaign were sent, to one recipient domain where given; rates need it."""
        return await self._ask(self._requests.report_sent(count, at, campaign=campaign, domain=domain))

    async def suppress(self, address: str, reason: str, *, actor: str = "") -> str:
        """Suppress an address by an operator's decision, which only an operator lifts.

        The list has to allow it (``intake_may_release``), and a reason is needed.  ``actor`` is who decides.
        """
        return await self._ask(self._requests.report("suppress", address, None, reason=reason, actor=actor))

    async def release(self, address: str, reason: str, *, actor: str = "") -> str:
        """Take an address off the list by an operator's decision.

        The list has to allow it (``intake_may_release``), and a reason is needed.  ``actor`` is who decides.
        """
        return await self._ask(self._requests.report("release", address, None, reason=reason, actor=actor))

    async def aclose(self) -> None:
        """Close the connections; those of an event loop that was closed are gone already, those of a parent are its."""
        if self._loop is None or not (self._loop.is_closed() or self._process != os.getpid()):
            await self._redis.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, type_: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _ask(self, request: Request[T]) -> T:
        if not request.commands:
            return request.answer(())
        self._bind_to_loop(asyncio.get_running_loop())
        async with self._places.taken():
            with connect.redis_errors():
                try:
                    replies = await self._replies(request)
                except connect.AGAIN:
                    if request.once:
                        raise
                    replies = await self._replies(replace(request, atomic=False))
        return request.answer(replies)

    async def _replies(self, request: Request[T]) -> Sequence[Any]:
        if not isinstance(self._redis, RedisCluster):
            return await self._sent(request)
        with connect.closed_by_others():
            await self._redis.initialize()  # else it would ask at once, over connections that this closes
            return await self._sent(request)

    async def _sent(self, request: Request[T]) -> Sequence[Any]:
        match request.commands:
            case [command]:  # in a pipeline, a Cluster's client would send it again when its reply is lost
                return (await self._redis.execute_command(*command),)
        async with self._redis.pipeline(transaction=request.atomic) as pipe:
            for command in request.commands:
                pipe.execute_command(*command)
            return await pipe.execute()

    def _bind_to_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Bind the client to the running event loop: it cannot use connections of another one.  Raises RuntimeError.

        Nor can a child process use its parent's.  It keeps them, untouched: to close them would take them out of the
        selector that it shares with the parent's event loop.
        """
        process = os.getpid()
        forked = self._process != process
        if self._loop is loop and not forked:
            return
        if self._loop is not None:
            if self._connect_again is None or not (forked or self._loop.is_closed()):
                raise RuntimeError("this AsyncClient belongs to another event loop: make one for each loop")
            if forked:
                self._of_the_parent = self._redis
            self._redis = self._connect_again()
            self._places = AsyncPlaces(self._timeout_s)
        self._loop, self._process = loop, process
