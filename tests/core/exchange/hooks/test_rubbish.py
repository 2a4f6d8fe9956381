"""Whatever a service posts is heard, kept or counted; nothing of it can raise."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bounced.core.contract.intake import UNREADABLE
from bounced.core.exchange.hooks import SERVICES, Entry, Silent, TooManyEvents, Unclear
from bounced.core.exchange.hooks import service as service_module
from bounced.core.limits import MAX_HOOK_EVENT_CHARS, MAX_INTAKE_CHARS
from tests.support.hooks import REFUSES, SAMPLES

services = pytest.mark.parametrize("service", SAMPLES)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
json_values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner))


def replaced(value: Any, place: int, other: Any) -> Any:
    """Return a JSON value with one value in it, the so-maniest, replaced by another."""
    count = -1

    def walk(each: Any) -> Any:
        nonlocal count
        count += 1
        if count == place:
            return other
        if isinstance(each, dict):
            return {name: walk(inner) for name, inner in each.items()}
        return [walk(inner) for inner in each] if isinstance(each, list) else each

    return walk(value)


@services
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(place=st.integers(0, 30), other=json_values, name=st.integers(0, 50))
def test_a_value_of_another_type_is_no_fault(service: str, place: int, other: Any, name: int) -> None:
    """Anywhere in an event of any name."""
    names = list(SERVICES[service].means)
    event = replaced(SAMPLES[service].event(names[name % len(names)], "alice@example.org", 1), place, other)
    check(service, json.dumps(event).encode())


@services
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(body=st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_no_fault(service: str, body: bytes) -> None:
    """JSON or not."""
    check(service, body)


@services
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b"[" + b"[1]," * 1000 + b"1]",
        b"1" * 5000,
        b'{"RecordType":"\\ud800"}',
        b'{"type":"\\ud800","event-data":{"event":"\\udfff"}}',
        b'{"a":1}\n{"b":2}',
        b"\xff\xfe",
    ],
)
def test_hostile_bodies(service: str, body: bytes) -> None:
    """Deep, long, half characters, several documents."""
    check(service, body)


def check(service: str, body: bytes) -> None:
    """Fail unless what is heard can be written: UTF-8, bounded."""
    for heard in SERVICES[service].read(body, "application/json"):
        match heard:
            case Entry(fields):
                assert all(0 < len(text) <= MAX_INTAKE_CHARS for text in fields.values())
                assert "type" in fields
                json.dumps(fields, ensure_ascii=False).encode()
            case Unclear(raw, why):
                assert len(raw) <= MAX_HOOK_EVENT_CHARS
                assert why
                (raw + why).encode()
            case Silent():
                pass


@services
def test_an_event_without_a_name_of_its_own_gets_one(service: str) -> None:
    """The same one the same name, another one another."""
    sample = SAMPLES[service]

    def id_of(number: int) -> str:
        event = json.loads(json.dumps(sample.event(REFUSES[service], f"user{number}@example.org", number)))
        for name in ("id", "ID"):
            event.pop(name, None)
            event.get("event-data", {}).pop(name, None)
        event.get("data", {}).pop("email_id", None)
        (heard,) = SERVICES[service].read(json.dumps(event).encode())
        assert isinstance(heard, Entry)
        return heard.fields["id"]

    assert id_of(1) == id_of(1) != id_of(2)
    assert id_of(1).startswith(f"{service}:")


@pytest.mark.parametrize("service", [name for name in SAMPLES if name != "generic"])
def test_an_id_without_end_is_one_all_the_same(service: str) -> None:
    """The intake takes 200 characters.  Of an entry of one's own it says so."""
    sample = SAMPLES[service]
    event = json.dumps(sample.event(REFUSES[service], "alice@example.org", 123)).replace("123", "9" * 300)
    heard = SERVICES[service].read(event.encode())
    assert all(isinstance(each, Entry) and len(each.fields["id"]) <= 200 for each in heard)


@services
def test_half_a_character_makes_nobody_elses_address(service: str) -> None:
    """A question mark in its place is a character of addresses; the intake takes none with what stands there now."""
    event = json.dumps(SAMPLES[service].event(REFUSES[service], "joh@HALF@n@example.org", 1)).replace(
        "@HALF@", "\\ud800"
    )
    for heard in SERVICES[service].read(event.encode()):
        assert not isinstance(heard, Entry) or UNREADABLE in heard.fields["address"]


@services
def test_octets_of_another_charset_spoil_only_the_text_they_stand_in(service: str) -> None:
    """A server may answer in Latin-1; the rest of a batch has nothing to do with it."""
    sample = SAMPLES[service]
    event = sample.event(REFUSES[service], "alice@example.org", 1, reply="550 5.1.1 caf@ACUTE@ unknown")
    body = sample.posted(event).body.replace(b"@ACUTE@", b"\xe9")
    body = body if service != "ses" else json.dumps(event).encode().replace(b"@ACUTE@", b"\xe9")
    (heard,) = SERVICES[service].read(body)
    assert isinstance(heard, Entry)
    assert (heard.fields["address"], heard.fields["reply"]) == ("alice@example.org", "550 5.1.1 caf\ufffd unknown")


@services
@pytest.mark.parametrize("body", [b'["of no object"]', b'"of no object"', b'[["of no object"]]'])
def test_what_is_no_object_is_kept_as_it_came(service: str, body: bytes) -> None:
    """Somebody may still read it."""
    (heard,) = SERVICES[service].read(body)
    assert isinstance(heard, Unclear)
    assert "of no object" in heard.raw


def test_a_line_that_is_no_json_takes_no_other_with_it() -> None:
    """Each record of KumoMTA stands in a line of its own."""
    record = json.dumps(SAMPLES["kumomta"].event("Bounce", "alice@example.org", 1)).encode()
    first, broken, last = SERVICES["kumomta"].read(
        b"\n".join((record, b'{"type": "Bou', record)), "application/x-ndjson"
    )
    assert isinstance(first, Entry)
    assert isinstance(last, Entry)
    assert isinstance(broken, Unclear)
    assert "Bou" in broken.raw


def test_each_class_of_an_event_of_sparkpost_is_heard() -> None:
    """Should one object hold two, both are there."""
    first, second = (SAMPLES["sparkpost"].event("spam_complaint", f"user{each}@example.org", each) for each in (1, 2))
    both = {"msys": {"message_event": first["msys"]["message_event"], "track_event": second["msys"]["message_event"]}}
    heard = SERVICES["sparkpost"].read(json.dumps([both]).encode())
    assert [each.fields["address"] for each in heard if isinstance(each, Entry)] == [
        "user1@example.org",
        "user2@example.org",
    ]


def test_each_recipient_of_an_event_is_one_that_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reply that stands once in a record would stand in each of half a million entries."""
    monkeypatch.setattr(service_module, "MAX_EVENTS", 10)
    record = SAMPLES["kumomta"].event("Bounce", "alice@example.org", 1)
    most = record | {"recipient": ["a@example.org"] * 10}
    assert len(SERVICES["kumomta"].read(json.dumps([most]).encode())) == 10
    with pytest.raises(TooManyEvents):
        SERVICES["kumomta"].read(json.dumps([most, record]).encode())


@pytest.mark.parametrize("between", [b"\n", b"\r\n", b" \n\n"])
def test_records_in_lines_are_known_without_their_content_type(between: bytes) -> None:
    """Whatever ends the lines."""
    records = [
        json.dumps(SAMPLES["kumomta"].event("Bounce", f"user{each}@example.org", each)).encode() for each in (1, 2)
    ]
    assert [type(each) for each in SERVICES["kumomta"].read(between.join(records))] == [Entry, Entry]
