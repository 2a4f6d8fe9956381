"""A request that a service sends again, because it heard no answer, is written once."""

import time

import pytest

from bounced.core.exchange.hooks import SERVICES
from bounced.core.exchange.hooks.heard import SENT
from bounced.web.hooks.handlers import AGAIN_S
from bounced.web.hooks.standard_webhooks import signature
from tests.support.hooks import KEY, SAMPLES, Json, Posted

from .conftest import Heard

TELLING = {name: event for name, each in SERVICES.items() for event, means in each.means.items() if means == SENT}
"""Services that tell of each message, and by which event."""


def told_as_sent(service: str, number: int) -> Json:
    """Return an event that says that a message was sent, without an id of its own."""
    event = SAMPLES[service].event(TELLING[service], "alice@example.org", number)
    if service == "generic":
        del event["id"]
        event["at"] += number
    return event


@pytest.mark.parametrize("service", TELLING)
async def test_sent_counts_once_though_the_request_comes_again(heard: Heard, service: str) -> None:
    """Nobody gives it an id for weeks; of another message it is another one."""
    sample = SAMPLES[service]
    first, second = (sample.posted(told_as_sent(service, number)) for number in (1, 2))
    answers = [await heard.post(service, each) for each in (first, first, second, first)]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len({answer.text for answer in answers}) == 1
    assert await heard.waiting() == 2


async def test_a_batch_with_a_sent_message_is_written_once(heard: Heard) -> None:
    """What stands beside it counts once anyway."""
    sample = SAMPLES["sendgrid"]
    batch = sample.posted(told_as_sent("sendgrid", 1), sample.event("spamreport", "bob@example.org", 2))
    for _ in range(3):
        assert (await heard.post("sendgrid", batch)).json() == {"taken": 2, "silent": 0, "kept": 0}
    assert await heard.waiting() == 2


async def test_the_same_words_in_another_call_are_another_event(heard: Heard) -> None:
    """A program may tell each minute that it sent a thousand: `webhook-id` says which call it is."""
    body = b'{"type": "sent", "count": 1000, "domain": "example.org"}'
    for call in ("msg_1", "msg_2", "msg_1"):
        at = int(time.time())
        fields = {"webhook-id": call, "webhook-timestamp": str(at), "webhook-signature": signature(KEY, call, at, body)}
        assert (await heard.post("generic", Posted(body, fields))).status_code == 200
    assert await heard.waiting() == 2


async def test_what_has_neither_id_nor_time_is_another_event_in_another_call(heard: Heard) -> None:
    """The same words about the same address next week are another failure; the same call is none."""
    body = b'{"type": "rejected", "address": "alice@example.org", "reply": "452 4.2.2 full", "action": "failed"}'
    for call in ("msg_1", "msg_2", "msg_1"):
        at = int(time.time())
        fields = {"webhook-id": call, "webhook-timestamp": str(at), "webhook-signature": signature(KEY, call, at, body)}
        assert (await heard.post("generic", Posted(body, fields))).status_code == 200
    assert await heard.waiting() == 2
    entries = await heard.site.store.read("main", "XRANGE", heard.site.keys.intake, "-", "+")
    assert isinstance(entries, list)
    assert b"id" not in [field for entry in entries if isinstance(entry, list) for field in (entry[1] or [])]


async def test_only_a_request_that_needs_it_is_remembered_and_not_for_long(heard: Heard) -> None:
    """A key for each delivery or opening would fill Redis; the ids of the entries are not kept."""
    sample = SAMPLES["sendgrid"]
    for name in ("delivered", "open", "spamreport", "dropped"):
        await heard.post("sendgrid", sample.posted(sample.event(name, "alice@example.org", 1)))
    assert await remembered(heard) == []
    await heard.post("sendgrid", sample.posted(*(told_as_sent("sendgrid", number) for number in range(50))))
    (key,) = await remembered(heard)
    left_s = await heard.site.store.read("main", "TTL", key)
    kept = await heard.site.store.read("main", "GET", key)
    assert isinstance(left_s, int)
    assert isinstance(kept, bytes)
    assert 0 < left_s <= AGAIN_S
    assert len(kept) == 32


async def remembered(heard: Heard) -> list[bytes]:
    """Return the keys of requests that are remembered."""
    found = await heard.site.store.read("main", "KEYS", heard.site.keys.answered("hook-*"))
    assert isinstance(found, list)
    return [each for each in found if isinstance(each, bytes)]
