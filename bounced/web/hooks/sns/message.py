"""A message of SNS as it is posted, and the text of it that is signed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import parse_qs

from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm

from bounced.core.exchange.hooks.events import NotJson, json_value
from bounced.core.exchange.hooks.topic import Topic
from bounced.web.hooks.proof import NotProven

HASHES: Mapping[str, type[HashAlgorithm]] = {"1": SHA1, "2": SHA256}
"""By SignatureVersion.  A topic has version 1 unless its owner chooses 2."""

_CERTIFICATE = re.compile(r"/SimpleNotificationService-[0-9A-Za-z]{1,64}\.pem")
_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
_TOKEN = re.compile(r"[0-9A-Za-z_-]{1,2048}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z")
_CONTROL = re.compile(r"[\x00-\x1f]")


class Type(StrEnum):
    """What SNS posts."""

    NOTIFICATION = "Notification"
    SUBSCRIPTION = "SubscriptionConfirmation"
    UNSUBSCRIPTION = "UnsubscribeConfirmation"


_OF_SUBSCRIPTIONS = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_SIGNED = {
    Type.NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    Type.SUBSCRIPTION: _OF_SUBSCRIPTIONS,
    Type.UNSUBSCRIPTION: _OF_SUBSCRIPTIONS,
}
"""The fields that are signed of each type, in their order; a notification may have no subject."""


@dataclass(frozen=True, slots=True)
class SnsMessage:
    """A message of a topic that the list names, which nobody has proven yet.

    ``certificate`` stands at the topic's host.  ``subscribe`` confirms a subscription there; empty for a notification.
    """

    type: Type
    topic: Topic
    at: datetime
    text: str
    signed: bytes
    signature: str
    hash: HashAlgorithm
    certificate: str
    subscribe: str


def message_of(body: bytes, topics: Mapping[str, Topic]) -> SnsMessage:
    """Return what was posted.  The topic is looked at first.  Raises NotProven for everything that SNS would not post.

    It has a type and a topic, and is signed, unless the subscription delivers raw messages.
    """
    fields = _fields(body)
    topic = topics.get(fields.get("TopicArn", ""))
    if topic is None:
        raise NotProven("wrong_topic" if "TopicArn" in fields else "not_signed")
    try:
        type_ = Type(fields.get("Type", ""))
        hash_ = HASHES[fields.get("SignatureVersion", "")]()
    except (ValueError, KeyError):
        raise NotProven("not_signed") from None
    certificate = fields.get("SigningCertURL", "")
    host = f"https://{topic.host}"
    if not certificate.startswith(host) or not _CERTIFICATE.fullmatch(certificate[len(host) :]):
        raise NotProven("wrong_host")
    return SnsMessage(
        type_,
        topic,
        _at(fields),
        fields.get("Message", ""),
        _signed(type_, fields),
        fields.get("Signature", ""),
        hash_,
        certificate,
        "" if type_ is Type.NOTIFICATION else _subscribe(topic, fields),
    )


def _fields(body: bytes) -> Mapping[str, str]:
    try:
        value = json_value(body)
    except NotJson:
        value = None
    if not isinstance(value, dict):
        raise NotProven("not_signed")
    return {name: each for name, each in value.items() if isinstance(each, str)}


def _at(fields: Mapping[str, str]) -> datetime:
    text = fields.get("Timestamp", "")
    try:
        return datetime.fromisoformat(text if _TIME.fullmatch(text) else "")
    except ValueError:
        raise NotProven("bad_time") from None


def _signed(type_: Type, fields: Mapping[str, str]) -> bytes:
    """Return the text that is signed: name and value of each field, with a line feed behind both.

    What a value may hold is checked, as nothing else keeps the end of one from being read as another.
    """
    names = [name for name in _SIGNED[type_] if name != "Subject" or name in fields]
    if not _ID.fullmatch(fields.get("MessageId", "")) or _CONTROL.search(fields.get("Subject", "")):
        raise NotProven("not_signed")
    try:
        return "".join(f"{name}\n{fields[name]}\n" for name in names).encode()
    except (KeyError, UnicodeEncodeError):
        raise NotProven("not_signed") from None


def _subscribe(topic: Topic, fields: Mapping[str, str]) -> str:
    """Return the URL that confirms a subscription: that of this topic, at its host, with nothing else in it."""
    url, token = fields.get("SubscribeURL", ""), fields.get("Token", "")
    start = f"https://{topic.host}/?"
    if not url.startswith(start) or not _TOKEN.fullmatch(token) or _CONTROL.search(url):
        raise NotProven("wrong_host")
    try:
        query = parse_qs(url[len(start) :], strict_parsing=True, max_num_fields=3)
    except ValueError:
        query = {}
    if query != {"Action": ["ConfirmSubscription"], "TopicArn": [topic.arn], "Token": [token]}:
        raise NotProven("wrong_host")
    return f"{start}Action=ConfirmSubscription&TopicArn={topic.arn}&Token={token}"
