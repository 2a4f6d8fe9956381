"""docs/hooks.md, run: what each event of each service does, and what proves it."""

import json
import re

import pytest

from bounced.core.exchange.hooks import SERVICES, Means
from bounced.core.exchange.hooks.heard import COMPLAINED, DELIVERED, ENGAGED, SENT, SUBSCRIBED, UNSUBSCRIBED
from bounced.core.terms import CLASS_OF, Action, Category, Class, State
from tests.support.hooks import FULL, REFUSES, SAMPLES, UNKNOWN

from .conftest import Heard

services = pytest.mark.parametrize("service", SAMPLES)


def address_of(number: int) -> str:
    """Return another address for each event: a failure counts once in 24 hours."""
    return f"user{number}@company.example"


async def events_of(heard: Heard, address: str) -> list[dict[str, str]]:
    """Return the events about an address, the newest first."""
    return [event for event in await heard.events() if event.get("address") == address]


@services
async def test_each_event_means_what_the_page_says(heard: Heard, service: str) -> None:
    """The table of the page is that of the service: posted, committed, looked at; the same again changes nothing."""
    sample, means = SAMPLES[service], SERVICES[service].means
    posted = {}
    for number, name in enumerate(means):
        path = await return_path(heard, address_of(number))
        posted[name] = sample.posted(sample.event(name, address_of(number), number, path=path))
        assert (await heard.post(service, posted[name])).status_code == 200, name
    await heard.committed()
    for number, (name, meaning) in enumerate(means.items()):
        await check(heard, address_of(number), name, meaning)
    assert await heard.failed() == []
    before = await heard.events()
    for name, request in posted.items():
        assert (await heard.post(service, request)).status_code == 200, name
    await heard.committed()
    assert await heard.events() == before


async def return_path(heard: Heard, address: str) -> str:
    """Return the return path of a message to an address, sent today."""
    paths = heard.site.desk.present.pipeline.directory["main"]
    return paths.encode(address, issued=heard.site.desk.clock().date())


async def check(heard: Heard, address: str, name: str, means: Means) -> None:
    """Fail unless an event of this name did what its meaning says."""
    state, events = await heard.state(address), await events_of(heard, address)
    if means in (DELIVERED, ENGAGED, SENT) or means.type is None:
        assert (state.state, events) == (State.ACTIVE, []), name
    elif means == COMPLAINED:
        assert (state.state, state.category) == (State.SUPPRESSED, Category.COMPLAINT), name
    elif means == UNSUBSCRIBED:
        assert (state.state, state.category) == (State.SUPPRESSED, Category.UNSUBSCRIBED), name
    elif means == SUBSCRIBED:
        assert state.last_lifted_at is not None, name
    else:
        check_failure(state.state, events[0], name, means)


def check_failure(state: State, event: dict[str, str], name: str, means: Means) -> None:
    """Fail unless a failure without a reply is what its name says, and a hard name counts as soft."""
    if means.action is Action.DELAYED:
        assert (state, event["action"]) == (State.ACTIVE, "delayed"), name
        return
    category = Category(event["category"])
    if means.category is not None:
        assert category is means.category, name
    hard = CLASS_OF[category] is Class.HARD
    assert event["class"] == (Class.SOFT if hard else CLASS_OF[category]), name
    assert ("doubt" in event) is hard, name
    blocks = CLASS_OF[category] is Class.BLOCK
    assert state is (State.ACTIVE if blocks else State.BOUNCING), name


@services
async def test_a_reply_is_read_by_our_rules_whatever_the_service_calls_it(heard: Heard, service: str) -> None:
    """An unknown user suppresses, a full mailbox does not."""
    sample, name = SAMPLES[service], REFUSES[service]
    for number, reply in ((1, UNKNOWN), (2, FULL)):
        event = sample.event(name, address_of(number), number, reply=reply.format(address=address_of(number)))
        assert (await heard.post(service, sample.posted(event))).status_code == 200
    await heard.committed()
    unknown, full = [await heard.state(address_of(number)) for number in (1, 2)]
    assert (unknown.state, unknown.category) == (State.SUPPRESSED, Category.MAILBOX_UNKNOWN)
    assert (full.state, full.category) == (State.BOUNCING, Category.MAILBOX_FULL)
    assert unknown.campaign == "spring"


@services
async def test_a_forged_request_is_refused_before_it_is_read(heard: Heard, service: str) -> None:
    """With another key, without a proof, and for a list that does not hear the service."""
    sample, name = SAMPLES[service], REFUSES[service]
    event = sample.event(name, address_of(1), 1, reply=UNKNOWN.format(address=address_of(1)))
    good = sample.posted(event)
    told = [
        await heard.post(service, sample.posted(event, secret="another secret than this one")),
        await heard.site.public.post(f"/hooks/{service}/main", content=json.dumps(event).encode()),
        await heard.post(service, good, "other"),
        await heard.post(service, good, "no-such-list"),
    ]
    assert {answer.status_code for answer in told} == {401}
    assert {answer.headers["content-type"] for answer in told} == {"application/problem+json"}
    assert len({answer.json()["detail"] for answer in told}) == 1
    assert await heard.waiting() == 0
    metrics = (await heard.site.private.get("/metrics")).text
    refused = dict(re.findall(rf'bounced_web_hooks_refused_total{{reason="(.*)",service="{service}"}} (.*)', metrics))
    assert refused.pop("not_configured") == "2.0"
    assert sum(map(float, refused.values())) == 2


@services
async def test_what_is_not_understood_is_kept_and_taken(heard: Heard, service: str) -> None:
    """An event of another name, JSON that is no event, and what is no JSON: an operator finds all of it."""
    sample = SAMPLES[service]
    event = sample.event(REFUSES[service], address_of(1), 1)
    unknown = json.loads(json.dumps(event).replace(f'"{REFUSES[service].split("/")[0]}"', '"Unheard"'))
    for request in (sample.posted(unknown), sample.posted({"no": "event"})):
        assert (await heard.post(service, request)).status_code == 200
    await heard.committed()
    kept = await heard.failed()
    assert [entry["service"] for entry in kept] == [service, service]
    assert "Unheard" in kept[1]["event"]
    assert "Unheard" in kept[1]["error"]
    assert await heard.events() == []


@pytest.mark.parametrize("service", [name for name, sample in SAMPLES.items() if sample.batches])
async def test_thousands_in_one_request(heard: Heard, service: str) -> None:
    """All are written at once, and each is committed once."""
    sample = SAMPLES[service]
    events = [sample.event(REFUSES[service], address_of(number), number, reply=FULL) for number in range(2000)]
    answer = await heard.post(service, sample.posted(*events))
    assert answer.json() == {"taken": 2000, "silent": 0, "kept": 0}
    assert await heard.waiting() == 2000


@pytest.mark.parametrize("service", [name for name in SAMPLES if name != "generic"])
async def test_what_is_told_of_every_message_is_not_remembered(heard: Heard, service: str) -> None:
    """A key for each would fill Redis.  Programs of one's own have the choice: an id is remembered."""
    sample, means = SAMPLES[service], SERVICES[service].means
    names = [name for name, meaning in means.items() if meaning in (DELIVERED, ENGAGED, SENT)]
    for number, name in enumerate(names):
        request = sample.posted(sample.event(name, address_of(number), number))
        assert (await heard.post(service, request)).status_code == 200
    await heard.committed()
    keys = await heard.site.store.read("main", "SCAN", 0, "MATCH", heard.site.keys.seen("*"), "COUNT", 100_000)
    assert isinstance(keys, list)
    assert keys[1] == []


async def test_an_opening_that_comes_again_lifts_nothing_that_came_since(heard: Heard) -> None:
    """It is as old as it was."""
    sample, address = SAMPLES["postmark"], address_of(1)
    opened = sample.posted(sample.event("Open", address, 1))
    refused = sample.event("Bounce/HardBounce", address, 2, reply=FULL) | {"BouncedAt": "2026-03-03T10:00:00Z"}
    for request in (opened, sample.posted(refused), opened):
        assert (await heard.post("postmark", request)).status_code == 200
        await heard.committed()
    assert (await heard.state(address)).state is State.BOUNCING
