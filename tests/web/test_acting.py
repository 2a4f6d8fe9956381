"""What changes something: decisions, reports, return paths; and what comes of it when it is sent again."""

import asyncio
import json
from email.message import EmailMessage

import pytest

from bounced.core.terms import State
from bounced.demo.scenes import Scene
from bounced.edges.redis.erasing import erase
from bounced.edges.redis.wire import fields
from bounced.web.tokens import Right

from .conftest import ALL_RIGHTS, Site, Start

ALICE = "alice@example.org"
DECISION = {"address": ALICE, "reason": "ticket 4711"}


async def state_of(site: Site, address: str = ALICE) -> State:
    """Return the state of an address as the store has it."""
    return (await site.store.load("main", address)).state


async def test_a_decision_is_committed_when_it_is_answered(site: Site) -> None:
    """By the token's name, with its reason."""
    told = (await site.post(await site.token(Right.WRITE), "suppress", DECISION)).json()
    assert (told["before"], told["after"], told["reason"], told["changed"]) == (
        "active",
        "suppressed",
        "operator",
        True,
    )
    state = await site.store.load("main", ALICE)
    assert (state.state, state.actor, state.diagnostic) == (State.SUPPRESSED, "crm", "ticket 4711")


async def test_a_release_lifts_it_and_says_so_where_there_was_nothing_to_lift(site: Site) -> None:
    """As ``bounced release`` does."""
    token = await site.token(Right.WRITE)
    await site.post(token, "suppress", DECISION)
    assert (await site.post(token, "release", DECISION)).json()["after"] == "active"
    again = (await site.post(token, "release", DECISION)).json()
    assert (again["changed"], again["reason"]) == (False, "nothing_to_lift")


async def test_a_subscription_does_not_lift_what_an_operator_decided(site: Site) -> None:
    """The policy decides, not the door."""
    token = await site.token(Right.WRITE)
    await site.post(token, "suppress", DECISION)
    assert (await site.post(token, "subscribed", DECISION)).json()["after"] == "suppressed"


async def test_the_same_key_acts_once_and_is_answered_the_same(site: Site) -> None:
    """Even where something else happened in between."""
    token = await site.token(Right.WRITE)
    first = await site.post(token, "suppress", DECISION, Idempotency_Key="k1")
    await site.post(token, "release", DECISION)
    again = await site.post(token, "suppress", DECISION, Idempotency_Key="k1")
    assert again.json() == first.json()
    assert (again.headers["idempotency-replayed"], await state_of(site)) == ("true", State.ACTIVE)


async def test_the_same_key_with_another_body_is_refused(site: Site) -> None:
    """A program that takes a key twice has a fault that should be found."""
    token = await site.token(Right.WRITE)
    await site.post(token, "suppress", DECISION, Idempotency_Key="k1")
    refused = await site.post(token, "suppress", {**DECISION, "address": "bob@example.org"}, Idempotency_Key="k1")
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:bounced:problem:key-used")
    assert await state_of(site, "bob@example.org") is State.ACTIVE


async def test_another_token_has_keys_of_its_own(site: Site) -> None:
    """Two programs may count from 1."""
    one = await site.token(Right.WRITE, name="one")
    other = await site.token(Right.WRITE, name="other")
    await site.post(one, "suppress", DECISION, Idempotency_Key="1")
    answered = await site.post(other, "suppress", {**DECISION, "reason": "another"}, Idempotency_Key="1")
    assert answered.status_code == 200


async def test_a_key_at_once_twice_acts_once(site: Site) -> None:
    """The commit remembers the key, whoever comes first."""
    token = await site.token(Right.WRITE)
    both = [site.post(token, "suppress", DECISION, Idempotency_Key="k1") for _ in range(2)]
    assert {answer.status_code for answer in await asyncio.gather(*both)} == {200}
    assert len(await site.store.history("main", ALICE)) == 1


@pytest.mark.parametrize("key", ["", "two words", "\u00e4", "x" * 201])
async def test_a_key_that_is_none_is_refused(site: Site, key: str) -> None:
    """Rather than ignored."""
    token = await site.token(Right.WRITE)
    headers = [(b"authorization", f"Bearer {token}".encode()), (b"idempotency-key", key.encode())]
    refused = await site.private.post("/api/v1/lists/main/suppress", json=DECISION, headers=headers)
    assert (refused.status_code, await state_of(site)) == (400, State.ACTIVE)


async def test_what_is_kept_of_an_answer_has_no_address(start: Start) -> None:
    """Neither the answer nor the events of a list that keeps keyed hashes name anybody."""
    async with start(lists='address_form = "hmac"\npepper_file = "a.key"') as site:
        token = await site.token(*ALL_RIGHTS, lists=("other",))
        asked = {"json": DECISION, "headers": {"idempotency-key": "k1"}}
        first = await site.ask(token, "POST", "/api/v1/lists/other/suppress", **asked)
        assert (await site.ask(token, "POST", "/api/v1/lists/other/suppress", **asked)).json() == first.json()
        found = await site.store.read("other", "EVAL", b"return redis.call('KEYS', ARGV[1])", 0, f"{site.keys.prefix}*")
        assert isinstance(found, list)
        assert any(b":answered:" in name for name in found if isinstance(name, bytes))
        assert not any(b"alice" in name for name in found if isinstance(name, bytes))
        (kept,) = [each for each in found if isinstance(each, bytes) and b":answered:" in each]
        assert b"alice" not in bytes(await site.store.read("other", "GET", kept.decode()) or b"")  # type: ignore[arg-type]


@pytest.mark.parametrize("is_kept", [True, False])
async def test_a_key_that_comes_again_after_an_erasure_writes_nothing(site: Site, *, is_kept: bool) -> None:
    """It was done once, and is not done again; also where the answer was lost, by a crash."""
    token = await site.token(Right.WRITE)
    first = await site.post(token, "suppress", DECISION, Idempotency_Key="k1")
    await erase(site.store, "main", ALICE, lambda _count: None)
    if not is_kept:
        found = await site.store.read("main", "EVAL", b"return redis.call('KEYS', ARGV[1])", 0, site.keys.answered("*"))
        assert isinstance(found, list)
        await site.store.write("main", "DEL", *found)  # type: ignore[arg-type]
    again = await site.post(token, "suppress", DECISION, Idempotency_Key="k1")
    came = first.json() if is_kept else {**first.json(), "after": "active", "reason": "duplicate", "changed": False}
    assert {**again.json(), "event_id": ""} == {**came, "event_id": ""}
    assert await state_of(site) is State.ACTIVE
    assert not await erase(site.store, "main", ALICE, lambda _count: None)


async def test_what_is_kept_of_an_answer_is_gone_after_a_day(site: Site) -> None:
    """Of a decision and of a report."""
    token, entries = await site.token(*ALL_RIGHTS), {"entries": [{"type": "engaged", "address": ALICE}]}
    await site.post(token, "suppress", DECISION, Idempotency_Key="k1")
    await site.post(token, "report", entries, Idempotency_Key="k1")
    found = await site.store.read(
        "main", "EVAL", b"return redis.call('KEYS', ARGV[1])", 0, f"{site.keys.answered('*')}"
    )
    assert isinstance(found, list)
    lives = [await site.store.read("main", "TTL", name.decode()) for name in found if isinstance(name, bytes)]
    assert len(lives) == 2
    assert all(isinstance(life, int) and 0 < life <= 86_400 for life in lives)


async def intake(site: Site) -> list[dict[str, str]]:
    """Return the entries of the list's intake."""
    reply = await site.store.read("main", "XRANGE", site.keys.intake, "-", "+")
    assert isinstance(reply, list)
    return [fields(entry[1]) for entry in reply if isinstance(entry, list)]


async def test_a_report_stands_in_the_intake_when_it_is_answered(site: Site) -> None:
    """With its time, and the token as the actor."""
    entries = [
        {"type": "rejected", "address": ALICE, "reply": "550 5.1.1 no such user", "at": "2026-11-01T10:00:00+01:00"},
        {"type": "sent", "count": 3, "campaign": "spring"},
    ]
    told = await site.post(await site.token(Right.REPORT), "report", {"entries": entries})
    assert len(told.json()["ids"]) == 2
    first, second = await intake(site)
    assert (first["type"], first["at"], first["actor"]) == ("rejected", "1793523600", "crm")
    assert (second["count"], second["campaign"]) == ("3", "spring")


async def test_a_report_has_the_id_that_the_event_has_at_its_origin(site: Site) -> None:
    """So that the same event, told by another door too, counts once.  Without one there is none."""
    entries = [{"type": "engaged", "address": ALICE, "id": "evt-1"}, {"type": "engaged", "address": ALICE}]
    token = await site.token(Right.REPORT)
    await site.post(token, "report", {"entries": entries})
    assert [entry.get("id") for entry in await intake(site)] == ["evt-1", None]
    for bad in ("", "x" * 201):
        refused = await site.post(token, "report", {"entries": [{**entries[0], "id": bad}]})
        assert (refused.status_code, refused.json()["errors"][0]["at"]) == (400, "entries.0.id")


@pytest.mark.parametrize("at", [1793523600, "1793523600", 1793523600.5, True, "2026-11-01", "2026-11-01T10:00:00"])
async def test_a_time_that_could_mean_something_else_is_refused(site: Site, at: object) -> None:
    """A number may be in seconds or milliseconds, and a time without a zone is anybody's."""
    entries = [{"type": "engaged", "address": ALICE, "at": at}]
    refused = await site.post(await site.token(Right.REPORT), "report", {"entries": entries})
    assert (refused.status_code, refused.json()["errors"][0]["at"]) == (400, "entries.0.at")


async def test_one_entry_that_cannot_be_understood_refuses_all(site: Site) -> None:
    """Its place and its fault are told to whoever can mend it."""
    entries = [{"type": "engaged", "address": ALICE}, {"type": "rejected", "address": ALICE}, {"type": "engaged"}]
    refused = await site.post(await site.token(Right.REPORT), "report", {"entries": entries})
    assert refused.status_code == 400
    assert [error["at"] for error in refused.json()["errors"]] == ["entries.1", "entries.2"]
    assert await intake(site) == []


async def test_a_report_under_the_same_key_is_written_once(site: Site) -> None:
    """By one script that writes the entries and keeps their ids."""
    token, body = await site.token(Right.REPORT), {"entries": [{"type": "engaged", "address": ALICE}]}
    asked = [site.post(token, "report", body, Idempotency_Key="r1") for _ in range(5)]
    assert len({json.dumps(answer.json()) for answer in await asyncio.gather(*asked)}) == 1
    assert len(await intake(site)) == 1
    other = {"entries": [{"type": "engaged", "address": "bob@example.org"}]}
    assert (await site.post(token, "report", other, Idempotency_Key="r1")).status_code == 422


async def test_a_decision_in_a_report_needs_the_right_to_write(site: Site) -> None:
    """The intake's own way to decide is no way around the rights."""
    body = {"entries": [{"type": "release", "address": ALICE, "reason": "asked"}]}
    assert (await site.post(await site.token(Right.REPORT), "report", body)).status_code == 403
    assert (await site.post(await site.token(Right.REPORT, Right.WRITE), "report", body)).status_code == 200


async def test_a_list_that_takes_no_decisions_from_senders_refuses_them(site: Site) -> None:
    """At the door; the intake would set them aside."""
    token = await site.token(*ALL_RIGHTS, lists=("other",))
    body = {"entries": [{"type": "release", "address": ALICE, "reason": "asked"}]}
    refused = await site.ask(token, "POST", "/api/v1/lists/other/report", json=body)
    assert (refused.status_code, refused.json()["errors"][0]["at"]) == (400, "entries.0")


async def test_a_return_path_is_made_and_can_be_read_back(site: Site) -> None:
    """With the header fields by which its recipient unsubscribes."""
    told = (await site.post(await site.token(Right.REPORT), "return-path", {"address": ALICE, "tag": "spring"})).json()
    admitted = await site.desk.present.pipeline.admit(told["return_path"])
    assert (admitted.recipient, admitted.tag) == (ALICE, "spring")
    assert {"List-Unsubscribe", "Feedback-ID", "CFBL-Address"} <= told["headers"].keys()


async def test_a_path_that_does_not_fit_gets_a_token_that_expires(site: Site) -> None:
    """It is registered, durably, before it is answered."""
    told = (await site.post(await site.token(Right.REPORT), "return-path", {"address": "a/b@example.org"})).json()
    path = told["return_path"].partition("@")[0]
    assert (await site.desk.present.pipeline.admit(told["return_path"])).recipient == "a/b@example.org"
    ttl = await site.store.read("main", "TTL", site.keys.token(path.removeprefix("b-t")))
    assert isinstance(ttl, int)
    assert ttl > 0


async def test_the_fields_name_the_public_listener(start: Start) -> None:
    """As the internet reaches it: web.public.base_url."""
    async with start(public='base_url = "https://mail.example.com"') as site:
        told = (await site.post(await site.token(Right.REPORT), "return-path", {"address": ALICE})).json()
        assert told["headers"]["List-Unsubscribe"].startswith("<https://mail.example.com/u/u-")


@pytest.mark.parametrize(
    "body", [{"address": "alice"}, {"address": ALICE, "tag": "TOO LONG A TAG"}, {"address": ALICE, "profile": "x"}]
)
async def test_a_return_path_for_nobody_is_refused(site: Site, body: dict[str, str]) -> None:
    """A bad request, no fault of ours."""
    assert (await site.post(await site.token(Right.REPORT), "return-path", body)).status_code == 400


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("suppress", DECISION),
        ("release", DECISION),
        ("subscribed", DECISION),
        ("report", {"entries": [{"type": "engaged", "address": ALICE}]}),
        ("return-path", {"address": "a/b@example.org"}),
    ],
)
async def test_a_listener_that_only_reads_changes_nothing(start: Start, path: str, body: object) -> None:
    """Whatever the token may: web.private.writes is false by default."""
    async with start(writes="false") as site:
        refused = await site.post(await site.token(*ALL_RIGHTS), path, body)
        assert (refused.status_code, await state_of(site), await intake(site)) == (403, State.ACTIVE, [])


async def test_a_message_is_explained(site: Site) -> None:
    """As ``bounced explain --json`` does, for any token."""
    content = Scene("unknown_user", ALICE).content("b-x@bounce.example.com")
    token = await site.token(Right.CHECK)
    told = await site.ask(token, "POST", "/api/v1/explain", content=content, headers={"content-type": "message/rfc822"})
    (recipient,) = told.json()["recipients"]
    assert (told.json()["kind"], recipient["address"], recipient["class"]) == ("bounce", ALICE, "hard")


async def test_what_is_no_bounce_is_explained_too(site: Site) -> None:
    """Octets of any kind are answered."""
    mail = EmailMessage()
    mail["Subject"] = "hello"
    for content in (mail.as_bytes(), b"\x00\xff\xfe", b"x" * 100_000):
        told = await site.ask(
            await site.token(Right.CHECK),
            "POST",
            "/api/v1/explain",
            content=content,
            headers={"content-type": "message/rfc822"},
        )
        assert told.status_code == 200


async def test_bare_replies_are_classified(site: Site) -> None:
    """With what is known beside their words."""
    replies = [
        {"reply": "550 5.1.1 no such user", "about": ALICE, "stage": "rcpt"},
        {"reply": "452 4.2.2 mailbox full"},
    ]
    token = await site.token(Right.CHECK)
    told = (await site.ask(token, "POST", "/api/v1/classify", json={"replies": replies})).json()["replies"]
    assert [each["category"] for each in told] == ["mailbox_unknown", "mailbox_full"]
    assert [each["names"]["powermta"] for each in told] == ["bad-mailbox", "quota-issues"]
    bad = {"replies": [{"reply": "550 no", "stage": "lunch"}]}
    assert (await site.ask(token, "POST", "/api/v1/classify", json=bad)).status_code == 400
