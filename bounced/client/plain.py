"""The client for programs that wait for each answer."""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from types import TracebackType
from typing import Any, Self

from redis import Redis, RedisCluster

from bounced.client import connect
from bounced.client.answers import Why
from bounced.client.mail_fields import MailFields
from bounced.client.places import Places
from bounced.client.requests import Purpose, Request, Requests, T
from bounced.core.contract.keys import Keyspace
from bounced.core.return_path import ReturnPaths
from bounced.core.terms import UNKNOWN_PROFILE, Profile


@dataclass(frozen=True, slots=True)
class _Connections:
    """The connections of one process.  A child process can use neither these nor locks that were held at the fork."""

    redis: Redis | RedisCluster
    places: Places
    process: int = field(default_factory=os.getpid)


class Client:
    """One suppression list, consulted and told.  Threads may share it, and so may child processes after a fork.

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
        self._connections = _Connections(redis, Places(timeout_s))
        self._connect_again: Callable[[], Redis | RedisCluster] = lambda: redis
        self._timeout_s = timeout_s
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
        It connects when first asked, to a Cluster at once.  Where a connection is lost, a question is asked once more.
        What is told is never sent twice: a lost reply is a RedisError, and the caller knows whether to repeat it.
        Raises ValueError for a URL that names no server.
        ``timeout_s`` is how long a call may wait for a free connection, and then for the answer.
        """
        connect_ = partial(connect.plain, url, timeout_s)
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

    def is_suppressed(self, address: str) -> bool:
        """Return whether an address must not be mailed now.  Raises BadAddress, RedisError."""
        return self._ask(self._requests.is_suppressed(address))

    def suppressed_among(self, addresses: Iterable[str]) -> set[str]:
        """Return those of many addresses, as given, that must not be mailed now.  Raises RedisError.

        What is no address is among them: it cannot be asked about.
        """
        found: set[str] = set()
        for request in self._requests.suppressed_among(addresses):
            suppressed = self._ask(request)
            found.update(suppressed)
        return found

    def may_send(self, address: str, purpose: Purpose = "mail") -> bool:
        """Return whether an address may be mailed, or for "confirmation" be asked to confirm a subscription.

        Someone who subscribes again gets a confirmation in spite of earlier bounces or an unsubscription, but not
        in spite of a complaint or an operator's decision.  Raises BadAddress, RedisError.
        """
        return self._ask(self._requests.may_send(address, purpose))

    def why(self, address: str) -> Why:
        """Return the state of an address and its last events.  Raises BadAddress, RedisError."""
        return self._ask(self._requests.why(address))

    def return_path_for(
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
        return self._ask(request)

    def unsubscribe_path_for(
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
        return self._ask(request)

    def headers_for(
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
        return self._ask(self._requests.headers_for(recipient, tag=tag, profile=profile, issued=issued))

    def report_delivered(self, address: str, *, campaign: str = "", at: datetime | None = None) -> str:
        """Tell that the recipient's server accepted a message.  It is believed if no bounce follows in 72 hours."""
        return self._ask(self._requests.report("delivered", address, at, campaign=campaign))

    def report_rejected(
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
        return self._ask(request)

    def report_engaged(self, address: str, *, at: datetime | None = None) -> str:
        """Tell that somebody opened, clicked or logged in."""
        return self._ask(self._requests.report("engaged", address, at))

    def report_subscribed(
        self, address: str, *, shared: bool = False, actor: str = "", at: datetime | None = None
    ) -> str:
        """Tell of a confirmed opt-in.  It lifts hard and soft bounces and an unsubscription.

        ``shared`` lifts the same hard verdict in the lists that share it, too, and nothing else there.
        """
        return self._ask(self._requests.report("subscribed", address, at, shared="true" if shared else "", actor=actor))

    def report_unsubscribed(self, address: str, *, actor: str = "", at: datetime | None = None) -> str:
        """Tell that somebody wants no more mail."""
        return self._ask(self._requests.report("unsubscribed", address, at, actor=actor))

    def report_complained(
        self, address: str, *, campaign: str = "", actor: str = "", at: datetime | None = None
    ) -> str:
        """Tell of a complaint that came by another way than the daemon's feedback addresses."""
        return self._ask(self._requests.report("complained", address, at, campaign=campaign, actor=actor))

    def report_sent(self, count: int, *, campaign: str = "", domain: str = "", at: datetime | None = None) -> str:
        """Tell how many messages of a campaign were sent, to one recipient domain where given; rates need it."""
        return self._ask(self._requests.report_sent(count, at, campaign=campaign, domain=domain))

    def suppress(self, address: str, reason: str, *, actor: str = "") -> str:
        """Suppress an address by an operator's decision, which only an operator lifts.

        The list has to allow it (``intake_may_release``), and a reason is needed.  ``actor`` is who decides.
        """
        return self._ask(self._requests.report("suppress", address, None, reason=reason, actor=actor))

    def release(self, address: str, reason: str, *, actor: str = "") -> str:
        """Take an address off the list by an operator's decision.

        The list has to allow it (``intake_may_release``), and a reason is needed.  ``actor`` is who decides.
        """
        return self._ask(self._requests.report("release", address, None, reason=reason, actor=actor))

    def close(self) -> None:
        """Close the connections."""
        self._connections.redis.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, type_: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, request: Request[T]) -> T:
        if not request.commands:
            return request.answer(())
        if self._connections.process != os.getpid():
            self._connections = _Connections(self._connect_again(), Places(self._timeout_s))
        connections = self._connections
        with connections.places.taken(), connect.redis_errors():
            try:
                replies = _replies(connections.redis, request)
            except connect.AGAIN:
                if request.once:
                    raise
                replies = _replies(connections.redis, replace(request, atomic=False))
        return request.answer(replies)


def _replies(redis: Redis | RedisCluster, request: Request[T]) -> Sequence[Any]:
    match request.commands:
        case [command]:  # in a pipeline, a Cluster's client would send it again when its reply is lost
            return (redis.execute_command(*command),)  # type: ignore[no-untyped-call]  # redis-py declares none
    with redis.pipeline(transaction=request.atomic) as pipe:
        for command in request.commands:
            pipe.execute_command(*command)
        return pipe.execute()
