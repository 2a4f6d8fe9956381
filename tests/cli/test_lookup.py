"""``bounced lookup`` answers whether an address may be mailed, of all lists, since one that says no is enough."""

import json
import stat
from pathlib import Path

import pytest
from click.testing import Result
from redis import Redis

from .conftest import MAIN, Call

NEWS = """
[lists.news]
domains = ["news.example.com"]
keys = [{ id = "a", file = "a.key" }]
fold_local_part = false
"""
ALICE = "Alice@example.org"


@pytest.fixture
def lists() -> str:
    """Return two lists, which spell addresses in different ways."""
    return MAIN + NEWS


def test_an_address_that_another_list_suppressed_is_not_called_mailable(call: Call) -> None:
    """Each list answers."""
    assert call("suppress", ALICE, "--list", "news").exit_code == 0
    done = call("lookup", ALICE)
    assert done.exit_code == 0
    assert "alice@example.org in main: active, may be mailed\n" in done.stdout
    assert "\n\nAlice@example.org in news: suppressed, must not be mailed\n" in done.stdout


def test_json_has_an_object_for_each_list(call: Call) -> None:
    """With the address in the form in which that list has it."""
    call("suppress", ALICE, "--list", "news")
    told = [json.loads(line) for line in call("lookup", ALICE, "--json").stdout.splitlines()]
    assert [(each["list"], each["address"], each["state"]) for each in told] == [
        ("main", "alice@example.org", "active"),
        ("news", "Alice@example.org", "suppressed"),
    ]


@pytest.mark.parametrize(("list_", "code"), [("main", 1), ("news", 0)])
def test_with_a_list_named_that_one_alone_answers(call: Call, list_: str, code: int) -> None:
    """Also in the exit code."""
    call("suppress", ALICE, "--list", "news")
    done = call("lookup", ALICE, "--list", list_)
    assert (done.exit_code, done.stdout.count(" in "), f" in {list_}: " in done.stdout) == (code, 1, True)


def test_the_exit_code_says_whether_any_list_knows_anything(call: Call) -> None:
    """Of a state, or of the past."""
    assert call("lookup", ALICE).exit_code == 1
    call("suppress", ALICE, "--list", "main")
    call("release", ALICE, "--list", "main")
    done = call("lookup", ALICE)
    assert (done.exit_code, "an operator released it" in done.stdout) == (0, True)


def test_a_list_that_is_not_there_is_a_mistake(call: Call) -> None:
    """And the message names those that are."""
    done = call("lookup", ALICE, "--list", "other")
    assert (done.exit_code, "there are main, news" in done.stderr) == (2, True)


def on_the_lists(call: Call, *addresses: str, list_: str = "main") -> None:
    """Let an operator have suppressed some addresses."""
    assert call("suppress", *addresses, "--reason", "asked", "--list", list_).exit_code == 0


def found(done: Result) -> list[tuple[str, str]]:
    """Return the lists and addresses that were found."""
    return [(each["list"], each["address"]) for each in map(json.loads, done.stdout.splitlines())]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("bob*", ["bob@example.org", "bobby@example.net"]),
        ("BOB*", ["bob@example.org", "bobby@example.net"]),
        ("*@Example.org", ["bob@example.org", "carol?x@example.org"]),
        ("bob*@example.net", ["bobby@example.net"]),
        ("bob@ex*", ["bob@example.org"]),
        ("carol?*", ["carol?x@example.org"]),
        ("car?l*", []),
    ],
)
def test_addresses_that_begin_so_or_are_of_a_domain(call: Call, pattern: str, expected: list[str]) -> None:
    """Of all lists; each character but the star means itself."""
    on_the_lists(call, "bob@example.org", "bobby@example.net", "carol?x@example.org")
    done = call("lookup", pattern, "--json")
    told = sorted(address for list_, address in found(done) if list_ == "main")
    assert (told, done.exit_code) == (expected, 0 if expected else 1)


def test_all_lists_are_looked_through(call: Call) -> None:
    """Each in the letter case that it keeps; one alone where it is named."""
    on_the_lists(call, "bob@example.org")
    on_the_lists(call, "Bob@example.org", "bobby@example.org", list_="news")
    assert sorted(found(call("lookup", "Bob*", "--json"))) == [("main", "bob@example.org"), ("news", "Bob@example.org")]
    assert found(call("lookup", "bob*", "--json", "--list", "news")) == [("news", "bobby@example.org")]


def test_a_hundred_are_shown_and_said_to_be_the_first(call: Call) -> None:
    """`bounced export` has all."""
    on_the_lists(call, *(f"user{number}@example.org" for number in range(101)))
    done = call("lookup", "user*")
    assert len(done.stdout.splitlines()) == 101
    assert "first 100" in done.stderr


def test_what_was_not_looked_through_in_time_is_said(call: Call, redis_url: str, key_prefix: str) -> None:
    """No hit in a part says nothing about the rest."""
    with Redis.from_url(redis_url) as redis:
        members = [f"user{number}@example.org" for number in range(60_000)]
        redis.sadd(f"{key_prefix}:{{main}}:suppressed", *members)
    done = call("lookup", "bob*", "--within", "0.001")
    assert (done.exit_code, "Not everything" in done.stderr) == (1, True)


class TestHashes:
    """A list that keeps no addresses."""

    @pytest.fixture
    def lists(self, tmp_path: Path) -> str:
        """Return it."""
        pepper = tmp_path / "pepper"
        pepper.write_text("a pepper for tests only, long enough")
        pepper.chmod(stat.S_IRUSR | stat.S_IWUSR)
        return MAIN + 'address_form = "hmac"\npepper_file = "pepper"\n'

    def test_no_beginning_can_be_found(self, call: Call) -> None:
        """It is refused with the reason."""
        done = call("lookup", "bob*")
        assert (done.exit_code, "keyed hashes" in done.stderr) == (2, True)
