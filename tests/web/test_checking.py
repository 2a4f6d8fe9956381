"""Whom not to mail, and why: asked over HTTP, answered as the list says."""

from urllib.parse import quote

import pytest

from bounced.web.tokens import Right

from .conftest import ALL_RIGHTS, Site

ODD = [
    "a/b@example.org",
    "a%2fb@example.org",
    "a?b@example.org",
    "a#b@example.org",
    "a+b@example.org",
    "jürgen@example.org",
]


async def suppress(site: Site, *addresses: str) -> None:
    """Put addresses on the list by a decision."""
    token = await site.token(*ALL_RIGHTS, name="operator")
    for address in addresses:
        answer = await site.post(token, "suppress", {"address": address, "reason": "a test"})
        assert answer.status_code == 200


async def test_those_that_must_not_be_mailed_are_answered_as_they_were_given(site: Site) -> None:
    """Whatever their form; what is no address is named apart."""
    await suppress(site, "alice@example.org")
    token = await site.token(Right.CHECK)
    asked = ["ALICE@Example.ORG", "bob@example.org", "nobody", "alice@example.org"]
    told = (await site.post(token, "check", {"addresses": asked})).json()
    assert (told["checked"], told["suppressed"]) == (4, ["ALICE@Example.ORG", "alice@example.org"])
    assert [each["address"] for each in told["invalid"]] == ["nobody"]


async def test_why_comes_with_the_right_to_read(site: Site) -> None:
    """A token that may check only is refused, and told nothing."""
    await suppress(site, "alice@example.org")
    asked = {"addresses": ["Alice@example.org", "bob@example.org"], "why": True}
    assert (await site.post(await site.token(Right.CHECK), "check", asked)).status_code == 403
    told = (await site.post(await site.token(Right.CHECK, Right.READ), "check", asked)).json()
    (why,) = told["why"]
    assert (why["address"], why["state"], why["category"]) == ("Alice@example.org", "suppressed", "operator")


async def test_ten_thousand_addresses_are_checked_and_one_more_is_too_many(site: Site) -> None:
    """In one request."""
    await suppress(site, "user7@example.org")
    token = await site.token(Right.CHECK)
    asked = [f"user{number}@example.org" for number in range(10_000)]
    assert (await site.post(token, "check", {"addresses": asked})).json()["suppressed"] == ["user7@example.org"]
    refused = await site.post(token, "check", {"addresses": [*asked, "one@example.org"]})
    assert (refused.status_code, refused.json()["type"]) == (400, "urn:bounced:problem:bad-request")


@pytest.mark.parametrize("address", ODD)
async def test_an_address_in_the_path_is_decoded_once(site: Site, address: str) -> None:
    """With what has a meaning in URLs, and beyond ASCII; the body takes it as it is."""
    await suppress(site, address)
    token = await site.token(Right.READ)
    told = (await site.get(token, f"addresses/{quote(address, safe='')}")).json()
    assert (told["address"], told["state"]) == (address, "suppressed")
    assert (await site.post(token, "lookup", {"address": address})).json() == told


@pytest.mark.parametrize("path", ["%ff@example.org", "alice", "", "%40"])
async def test_what_is_no_address_is_a_bad_request(site: Site, path: str) -> None:
    """Octets that are no UTF-8 are not mended into another address."""
    refused = await site.get(await site.token(Right.READ), f"addresses/{path}")
    assert (refused.status_code, refused.json()["type"]) == (400, "urn:bounced:problem:bad-address")


async def test_an_unknown_address_may_be_mailed(site: Site) -> None:
    """There is nothing to tell, and that is an answer."""
    told = (await site.get(await site.token(Right.READ), "addresses/carol%40example.org")).json()
    assert (told["state"], told["history"]) == ("active", [])


async def test_the_story_is_the_one_that_the_command_prints(site: Site) -> None:
    """``bounced lookup --json`` and the API ask in one place."""
    await suppress(site, "alice@example.org")
    told = (await site.get(await site.token(Right.READ), "addresses/alice%40example.org")).json()
    assert (told["list"], told["actor"], told["category"]) == ("main", "operator", "operator")
    assert [event["type"] for event in told["history"]] == ["transition"]
    assert told["in_log"]


async def test_the_list_comes_page_by_page(site: Site) -> None:
    """Each address once where nothing comes or goes, with the columns of an export."""
    addresses = {f"user{number}@example.org" for number in range(40)}
    await site.store.write("main", "SADD", site.keys.suppressed, *addresses)
    token, found, cursor = await site.token(Right.READ), list[str](), dict[str, str]()
    while True:
        page = (await site.get(token, "suppressed", limit="10", **cursor)).json()
        found += [row["address"] for row in page["addresses"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert sorted(found) == sorted(addresses)


async def test_the_list_is_filtered(site: Site) -> None:
    """By its category, and by the time of the state."""
    await suppress(site, "alice@example.org")
    token = await site.token(Right.READ)
    assert (await site.get(token, "suppressed", category="complaint")).json()["addresses"] == []
    assert (await site.get(token, "suppressed", since="2999-01-01T00:00:00Z")).json()["addresses"] == []
    (row,) = (await site.get(token, "suppressed", category="operator", since="2000-01-01T00:00:00Z")).json()[
        "addresses"
    ]
    assert (row["address"], row["actor"]) == ("alice@example.org", "operator")


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"cursor": "x"}, {"category": "x"}, {"since": "yesterday"}, {"x": "1"}]
)
async def test_a_query_that_says_something_else_is_refused(site: Site, query: dict[str, str]) -> None:
    """Rather than answered as if it had not been said."""
    assert (await site.get(await site.token(Right.READ), "suppressed", **query)).status_code == 400
