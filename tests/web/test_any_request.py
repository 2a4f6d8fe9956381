"""Whatever comes, the answer is one of those that the OpenAPI document promises, and never a fault of ours."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bounced.web.api import routes
from bounced.web.api.document import OPERATIONS, document

from .conftest import ALL_RIGHTS, Site, template

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
ADDRESSES = st.sampled_from(
    ["alice@example.org", "ü@exämple.org", '"a b"@example.org', "a@b", "@", "", "\x00@b"]
) | st.text(max_size=30)
WORDS = st.sampled_from(
    ["rejected", "sent", "engaged", "suppress", "rcpt", "lunch", "550 5.1.1 no", "2026-01-01T00:00:00Z"]
)
MEMBERS = {
    "addresses": st.lists(ADDRESSES, max_size=5),
    "address": ADDRESSES,
    "reason": st.text(max_size=250),
    "why": st.booleans(),
    "tag": st.text(max_size=10),
    "profile": WORDS,
    "message_id": st.text(max_size=20),
    "entries": st.lists(
        st.fixed_dictionaries(
            {"type": WORDS},
            optional={
                "address": ADDRESSES,
                "reply": st.text(max_size=40),
                "at": WORDS,
                "count": st.integers(),
                "domain": st.text(max_size=20),
                "stage": WORDS,
                "profile": WORDS,
                "mta": st.text(max_size=20),
                "reason": st.text(max_size=20),
            },
        ),
        max_size=3,
    ),
    "replies": st.lists(
        st.fixed_dictionaries(
            {"reply": st.text(max_size=60)},
            optional={
                "about": ADDRESSES,
                "server": st.text(max_size=20),
                "stage": WORDS,
                "sender": st.lists(ADDRESSES),
            },
        ),
        max_size=3,
    ),
}
BODIES = st.fixed_dictionaries({}, optional=MEMBERS) | JSON
POSTED = [operation for operation in OPERATIONS if operation.asked]


def fitting(path: str) -> st.SearchStrategy[Any]:
    """Return bodies that have the members of an operation, so that most reach its handler."""
    (operation,) = (each for each in OPERATIONS if each.path == path and each.asked)
    assert operation.asked is not None
    return st.fixed_dictionaries({name: MEMBERS[name] for name in operation.asked.model_fields})


@pytest.mark.parametrize("path", [operation.path for operation in POSTED])
async def test_any_body_is_answered_as_promised(site: Site, path: str) -> None:
    """Each operation that takes one, with all rights and with bodies that nearly fit."""
    token, asked = await site.token(*ALL_RIGHTS, rate=1_000_000), list[object]()

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(BODIES | fitting(path))
    def collect(body: object) -> None:
        asked.append(body)

    collect()
    for body in asked:
        answer = await site.ask(token, "POST", path.replace("{list}", "main"), json=body)
        assert answer.status_code < 500, body


async def test_any_octets_are_explained(site: Site) -> None:
    """Whether or not they are a message."""
    token, asked = await site.token(*ALL_RIGHTS, rate=1_000_000), list[bytes]()

    @settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(st.binary(min_size=1, max_size=2000))
    def collect(content: bytes) -> None:
        asked.append(content)

    collect()
    for content in asked:
        headers = {"content-type": "message/rfc822"}
        assert (await site.ask(token, "POST", "/api/v1/explain", content=content, headers=headers)).status_code == 200


def test_the_document_has_every_route_and_no_other() -> None:
    """With its method; a route that is served and not told would not be checked here."""
    served = {
        (template(route.path.replace(":path}", "}")), method.lower())
        for route in routes()
        for method in (route.methods or set()) - {"HEAD"}
    }
    told = {(path, method) for path, operations in document()["paths"].items() for method in operations}
    assert served - {("/api/openapi.json", "get")} == told


async def test_what_it_says_of_itself_is_what_it_serves(site: Site) -> None:
    """Without a token: it tells nothing of what is here."""
    assert (await site.private.get("/api/openapi.json")).json() == document()


async def test_many_at_once_get_each_their_own_answer(site: Site) -> None:
    """No answer is another one's."""
    token = await site.token(*ALL_RIGHTS, rate=1_000_000)
    asked = [site.post(token, "lookup", {"address": f"user{number}@example.org"}) for number in range(50)]
    told = [answer.json()["address"] for answer in await asyncio.gather(*asked)]
    assert told == [f"user{number}@example.org" for number in range(50)]
