"""What proves a message of SNS, and what follows from one about a subscription."""

from base64 import b64decode
from datetime import timedelta

import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from bounced.core.exchange.hooks.topic import Topic
from bounced.edges.watch.log import Event
from bounced.web.hooks.fetching import Fetch, NotFetched, deferred
from bounced.web.hooks.proof import Asked, NotProven, Proven, Trusted
from bounced.web.hooks.sns.certificates import Certificates
from bounced.web.hooks.sns.message import SnsMessage, Type, message_of

LOG = structlog.get_logger()

MAX_AGE = timedelta(hours=2)
"""SNS tries for an hour at most to post a message; the rest is for clocks."""
MAX_AHEAD = timedelta(minutes=15)


class SnsProof:
    """Checks what is posted to one list, by its topics.  Raises ValueError for what is no topic."""

    def __init__(self, trusted: Trusted, fetch: Fetch, certificates: Certificates) -> None:
        self._topics = {arn: Topic.of(arn) for arn in trusted.topics}
        self._fetch = fetch
        self._certificates = certificates

    async def check(self, asked: Asked) -> Proven:
        """Return what was published.  A subscription is confirmed, and then there is nothing to read.

        Raises NotProven, and Problem with 503 where Amazon cannot be asked now.
        """
        if not any(arn.encode() in asked.body for arn in self._topics):  # a large body of others is not even parsed
            raise NotProven("wrong_topic" if b'"TopicArn"' in asked.body else "not_signed")
        message = message_of(asked.body, self._topics)
        if not asked.now - MAX_AGE <= message.at <= asked.now + MAX_AHEAD:
            raise NotProven("bad_time")
        key = await self._certificates.key(message.certificate, message.topic, asked.now)
        try:
            key.verify(b64decode(message.signature, validate=True), message.signed, PKCS1v15(), message.hash)
        except (InvalidSignature, ValueError):  # ValueError: no base64
            raise NotProven("bad_signature") from None
        if message.type is Type.NOTIFICATION:
            return Proven(message.text.encode())
        if message.type is Type.SUBSCRIPTION:
            await self._confirm(message)
        else:
            LOG.warning(Event.HOOK_UNSUBSCRIBED, topic=message.topic.arn)
        return Proven(b"")

    async def _confirm(self, message: SnsMessage) -> None:
        try:
            await self._fetch(message.subscribe)
        except NotFetched as error:
            host = f"https://{message.topic.host}/"  # the rest is a token
            raise deferred(host, error) from error
        LOG.info(Event.HOOK_SUBSCRIBED, topic=message.topic.arn)
