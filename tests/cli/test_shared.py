"""Lists that share hard verdicts: an import, ``lookup``, and a release that follows the sharing back."""

import json
from typing import Any

import pytest

from .conftest import MAIN, Call

LISTS = (
    MAIN.replace("[lists.main]", '[lists.main]\nshares_hard_with = ["news"]')
    + """
[lists.news]
domains = ["news.example.com"]
keys = [{ id = "a", file = "a.key" }]
shares_hard_with = ["main"]

[lists.apart]
domains = ["apart.example.com"]
keys = [{ id = "a", file = "a.key" }]
"""
)
SES = """EmailAddress,Reason,LastUpdateTime
alice@example.org,BOUNCE,2026-10-01T00:00:00Z
bob@example.org,COMPLAINT,2026-10-02T00:00:00Z
"""


@pytest.fixture
def lists() -> str:
    """Return two lists that share their hard verdicts, and one that does not."""
    return LISTS


@pytest.fixture
def imported(call: Call, tmp_path) -> Call:
    """Return what runs a command, with a file of one dead address and one complaint."""
    (tmp_path / "ses.csv").write_text(SES)
    return lambda *words: call(*(str(tmp_path / word) if word == "ses.csv" else word for word in words))


def state(call: Call, address: str, list_: str) -> dict[str, Any]:
    """Return what a list knows of an address."""
    known: dict[str, Any] = json.loads(call("lookup", address, "--list", list_, "--json").stdout)
    return known


def test_an_import_shares_hard_addresses_and_no_others(imported: Call) -> None:
    """A complaint is about the mail of one list."""
    told = json.loads(imported("import", "ses.csv", "--list", "news", "--json").stdout)
    assert (told["suppressed"], told["shared"]) == (2, {"main": 1})
    alice = state(imported, "alice@example.org", "main")
    assert (alice["state"], alice["category"], alice["shared_from"]) == ("suppressed", "mailbox_unknown", "news")
    assert "shared_from" not in state(imported, "alice@example.org", "news")
    assert state(imported, "bob@example.org", "main")["state"] == "active"
    assert state(imported, "alice@example.org", "apart")["state"] == "active"


def test_a_dry_run_counts_them_and_writes_nothing(imported: Call) -> None:
    """In each list apart."""
    done = imported("import", "ses.csv", "--list", "news", "--dry-run")
    assert "suppressed in main  1" in done.stdout
    assert state(imported, "alice@example.org", "main")["state"] == "active"


def test_an_import_counts_what_it_shares_in_all_its_batches(call: Call, tmp_path) -> None:
    """They are under way at the same time, and each counts."""
    rows = "".join(f"user{n}@example.org,BOUNCE,\n" for n in range(2500))
    (tmp_path / "many.csv").write_text(f"EmailAddress,Reason,LastUpdateTime\n{rows}")
    told = json.loads(call("import", str(tmp_path / "many.csv"), "--list", "news", "--json").stdout)
    assert (told["suppressed"], told["shared"]) == (2500, {"main": 2500})


def test_an_import_overrides_neither_a_stronger_reason_nor_a_later_release_of_the_other_list(imported: Call) -> None:
    """As in the list itself."""
    imported("suppress", "alice@example.org", "--list", "main")
    imported("import", "ses.csv", "--list", "news")
    assert state(imported, "alice@example.org", "main")["category"] == "operator"
    imported("release", "alice@example.org", "--list", "main")
    told = json.loads(imported("import", "ses.csv", "--list", "news", "--json").stdout)
    assert told["shared"] == {"main": 0}
    assert state(imported, "alice@example.org", "main")["state"] == "active"


def test_lookup_says_from_which_list_a_state_came(imported: Call) -> None:
    """For people, too."""
    imported("import", "ses.csv", "--list", "news")
    assert "shared from  list news" in imported("lookup", "alice@example.org", "--list", "main").stdout
    assert "shared from" not in imported("lookup", "alice@example.org", "--list", "news").stdout


@pytest.mark.parametrize("list_", ["news", "main"])
def test_a_release_lifts_the_shared_verdict_in_every_list_where_it_is_asked_to(imported: Call, list_: str) -> None:
    """From the list that spoke first, and from the one that has it from there."""
    imported("import", "ses.csv", "--list", "news")
    done = imported("release", "alice@example.org", "--list", list_, "--shared", "--json")
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) == 2
    assert {state(imported, "alice@example.org", each)["state"] for each in ("news", "main")} == {"active"}


def test_a_release_that_is_not_asked_to_touches_one_list(imported: Call) -> None:
    """And one that comes later still finds the other."""
    imported("import", "ses.csv", "--list", "news")
    imported("release", "alice@example.org", "--list", "news")
    assert state(imported, "alice@example.org", "main")["state"] == "suppressed"
    assert imported("release", "alice@example.org", "--list", "news", "--shared").exit_code == 0
    assert state(imported, "alice@example.org", "main")["state"] == "active"


def test_a_release_leaves_what_an_operator_decided_in_another_list(imported: Call) -> None:
    """Somebody had a reason there."""
    imported("import", "ses.csv", "--list", "news")
    imported("suppress", "alice@example.org", "--list", "main")
    imported("release", "alice@example.org", "--list", "news", "--shared")
    assert state(imported, "alice@example.org", "main")["category"] == "operator"
    assert state(imported, "alice@example.org", "news")["state"] == "active"
