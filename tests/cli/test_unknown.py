"""``bounced unknown``, as from a shell, on a real server that holds what today's rules do not understand."""

import json
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from redis import Redis

from bounced import rules
from bounced.core.contract.keys import Keyspace
from bounced.core.contract.state_hash import to_fields
from bounced.core.state import AddressState
from bounced.core.terms import Category, Class, Origin, State

Call = Callable[..., Result]

AT = datetime.now(UTC).replace(microsecond=0)
POOL = "550 Sending pool frobnicated ({}) for <{}>"
GONE = "550 {} gehört nicht mehr zum Kegelverein"
NOTICE = """\
From: MAILER-DAEMON@mx.example.net
To: b-x@bounce.example.com
Subject: Undelivered Mail
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

It did not work.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; {address}
Action: failed
Status: 5.0.0
Remote-MTA: dns; {server}
Diagnostic-Code: smtp; {diagnostic}

--b--
"""
UNPROVEN = """\
From: Mail Delivery System <mailer-daemon@mx.example.net>
To: b-x@bounce.example.com
Subject: hello

Private words of somebody.
"""
NOT = ("--not", "550 the sender no longer bowls here", "--not", "550 your server no longer bowls here")


class Kept:
    """Puts evidence into a list as a daemon left it there."""

    def __init__(self, url: str, prefix: str) -> None:
        self._url = url
        self.keys = Keyspace(prefix)

    def event(self, address: str, diagnostic: str, **fields: str) -> dict[str, Any]:
        """Leave the event of a report that gave no reason, and return its fields."""
        given = {"type": "report", "id": f"{address} {diagnostic}", "at": AT.isoformat(), "kind": "bounce"}
        verdict = {"category": "undetermined", "class": "undetermined", "rule": "none", "diagnostic": diagnostic}
        event: Any = {**given, "origin": "smtp", "address": address, **verdict, **fields}
        self.add(self.keys.events, event)
        return dict(event)

    def message(self, address: str, diagnostic: str, server: str = "mx.example.net") -> None:
        """Leave a message that gave no reason, and its event."""
        event = self.event(address, diagnostic)
        content = NOTICE.format(address=address, server=server, diagnostic=diagnostic)
        self.add(self.keys.unrecognised, {**event, "content": content})

    def add(self, stream: str, entry: Any) -> None:
        """Put an entry into a stream."""
        with Redis.from_url(self._url) as redis:
            redis.xadd(stream, entry)

    def suppressed(self, address: str, diagnostic: str) -> None:
        """Leave an address on the suppression list for a reply."""
        state = AddressState(
            State.SUPPRESSED,
            Category.MAILBOX_UNKNOWN,
            Class.HARD,
            AT,
            diagnostic=diagnostic,
            origin=Origin.SMTP,
            version=1,
        )
        with Redis.from_url(self._url) as redis:
            redis.hset(self.keys.address(address), mapping=to_fields(state))
            redis.sadd(self.keys.suppressed, address)


@pytest.fixture
def kept(redis_url: str, key_prefix: str) -> Kept:
    """Return what fills the list of the configuration."""
    return Kept(redis_url, key_prefix)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Return an operator's rule file that has a row and a comment."""
    file = tmp_path / "own.toml"
    file.write_text(
        "# ours\n[[rule]]\nid = 'own.quux'\npattern = 'quuxed'\ncategory = 'rate_limited'\n"
        "example = '450 quuxed'\nsource = 'us'\n"
    )
    return file


def records(result: Result) -> list[dict[str, Any]]:
    """Return what a command said in JSON."""
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_the_biggest_group_comes_first_and_names_nobody(call: Call, kept: Kept) -> None:
    """Addresses, names and ids differ; the words are the same."""
    for number, name in enumerate(("alice", "bob", "carol")):
        kept.event(f"{name}@example.org", POOL.format(f"PX-{number}", f"{name}@example.org"))
    kept.event("dave@example.net", GONE.format("dave"))
    first, second = records(call("unknown", "--json"))
    assert (first["number"], first["count"], first["why"], first["servers"]) == (1, 3, "undetermined", ["example.org"])
    assert (second["count"], second["words"]) == (1, "550 * gehört nicht mehr zum Kegelverein")
    told = call("unknown").output + call("unknown", first["id"]).output + call("unknown", "2").output
    assert not any(name in told for name in ("alice", "bob", "carol", "dave"))


def test_a_message_that_is_kept_is_not_counted_again_by_its_event(call: Call, kept: Kept) -> None:
    """The message tells more: the server, and the entry to look at."""
    kept.message("alice@example.org", GONE.format("alice"), "mx1.example.net")
    [group] = records(call("unknown", "--json"))
    assert (group["count"], group["servers"], len(group["entries"])) == (1, ["example.net"], 1)


def test_of_what_is_unproven_only_signs_and_entries_are_shown(call: Call, kept: Kept) -> None:
    """A person may have written the words, so they make no row either."""
    entry = {"type": "report", "kind": "unproven", "address": "alice@example.org", "at": AT.isoformat()}
    kept.add(kept.keys.unrecognised, {**entry, "content": UNPROVEN})
    [group] = records(call("unknown", "--json"))
    assert (group["why"], group["example"], group["row"], len(group["entries"])) == ("unproven", "", None, 1)
    shown = call("unknown", "1").output
    assert group["entries"][0] in shown
    assert "rivate" not in shown
    result = call("unknown", "--add", "1", "--category", "policy", "--rules-file", "new.toml", "--yes")
    assert (result.exit_code, "nothing proves" in result.stderr) == (2, True)


def test_a_doubtful_reply_keeps_its_category_and_says_what_is_missing(call: Call, kept: Kept) -> None:
    """It counted as soft."""
    doubt = {"category": "mailbox_unknown", "class": "soft", "doubt": "a guess", "rule": "mailbox.some"}
    kept.event("alice@example.org", "550 perhaps the frobnicator knows no such wizard", **doubt)
    [group] = records(call("unknown", "--json"))
    assert (group["why"], group["category"], group["doubt"]) == ("doubtful", "mailbox_unknown", "a guess")
    row = tomllib.loads(group["row"])["rule"][0]
    assert (row["category"], row["not"]) == ("mailbox_unknown", ["", ""])


@pytest.mark.parametrize(
    "fields", [{"category": "policy", "class": "block"}, {"reason": "untrusted"}, {"kind": "auto_reply"}]
)
def test_what_is_understood_or_could_be_anybodys_is_no_group(call: Call, kept: Kept, fields: dict[str, str]) -> None:
    """Nobody can fill the table from outside."""
    kept.event("alice@example.org", GONE.format("alice"), **fields)
    result = call("unknown")
    assert (result.exit_code, result.stdout) == (0, "Everything was understood.\n")


def test_a_row_is_added_and_the_words_are_understood_from_then_on(call: Call, kept: Kept, own: Path) -> None:
    """What stood in the file stays as it was."""
    before = own.read_bytes()
    own.chmod(0o640)
    kept.message("alice@example.org", POOL.format("PX-1", "alice@example.org"))
    words = ("unknown", "--add", "1", "--category", "rate_limited", "--rules-file", str(own))
    [change, told] = records(call(*words, "--yes", "--json"))
    assert (change["address"], change["was"], change["is"]) == ("alice@example.org", "undetermined", "rate_limited")
    assert (told["written"], told["groups"], told["replies"], told["counted"]) == (True, 1, 1, 1)
    assert own.read_bytes().startswith(before)
    assert own.stat().st_mode & 0o777 == 0o640
    assert [rule.id for rule in rules.load([own]).rules[:2]] == ["own.quux", told["rule"]]
    assert [file.name for file in own.parent.glob(".own*")] == []


def test_a_row_shows_whom_it_would_release(call: Call, kept: Kept, own: Path) -> None:
    """Only what it changes itself: what today's rules would release anyway is not shown."""
    for number, name in enumerate(("alice", "dave"), 3):
        kept.event(f"{name}@example.org", POOL.format(f"PX-{number}", f"{name}@example.org"))
    kept.suppressed("bob@example.org", POOL.format("PX-2", "bob@example.org"))
    kept.suppressed("carol@example.org", "550 5.7.1 client host [192.0.2.1] blocked using zen.spamhaus.org")
    words = ("unknown", "--add", "1", "--category", "reputation_block", "--rules-file", str(own))
    changes = records(call(*words, "--yes", "--json"))
    assert [each.get("address") for each in changes] == ["bob@example.org", None]


def test_whoever_says_no_changes_nothing(call: Call, kept: Kept, own: Path) -> None:
    """Nor does somebody who says nothing."""
    before = own.read_bytes()
    kept.event("alice@example.org", POOL.format("PX-1", "alice@example.org"))
    result = call("unknown", "--add", "1", "--category", "rate_limited", "--rules-file", str(own))
    assert result.exit_code == 1
    assert (own.read_bytes(), list(own.parent.glob(".own*"))) == (before, [])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (NOT[:2], "two counter-examples"),
        ((*NOT[:2], *NOT[:2]), "two counter-examples"),
        ((*NOT[:2], "--not", "550 who gehört nicht mehr zum Kegelverein"), "matches the counter-example"),
        (NOT, "two servers"),
    ],
)
def test_a_row_that_condemns_needs_two_counter_examples_and_two_servers(
    call: Call, kept: Kept, own: Path, words: tuple[str, ...], told: str
) -> None:
    """One provider's two servers are one."""
    before = own.read_bytes()
    kept.message("alice@example.org", GONE.format("alice"), "mx1.example.net")
    kept.message("bob@example.org", GONE.format("bob"), "mx2.example.net")
    result = call("unknown", "--add", "1", "--category", "mailbox_inactive", *words, "--rules-file", str(own), "--yes")
    assert (result.exit_code, told in result.stderr) == (2, True), result.output
    assert own.read_bytes() == before


def test_a_row_that_condemns_is_added_where_two_servers_say_so(call: Call, kept: Kept, own: Path) -> None:
    """Its verdict is proven where the operator says that the words name the recipient."""
    kept.message("alice@example.org", GONE.format("alice"), "mx.example.net")
    kept.message("bob@example.com", GONE.format("bob"), "mx.example.com")
    words = ("--category", "mailbox_inactive", *NOT, "--proves", "--rules-file", str(own), "--yes", "--json")
    told = records(call("unknown", "--add", "1", *words))[-1]
    assert (told["written"], told["counted"]) == (True, 2)
    assert tomllib.loads(own.read_text())["rule"][-1]["proves"] is True


def test_a_row_whose_verdict_would_stay_in_doubt_says_so(call: Call, kept: Kept, own: Path) -> None:
    """Its words do not name the recipient, and it does not say that they do."""
    for domain in ("example.org", "example.net"):
        kept.event(f"alice@{domain}", "550 frobnicated for good")
    words = ("--category", "mailbox_inactive", *NOT, "--rules-file", str(own), "--yes")
    result = call("unknown", "--add", "1", *words)
    assert (result.exit_code, "counts as soft; --proves" in result.stdout) == (0, True), result.output


def test_a_file_behind_a_link_is_written_and_the_link_stays(call: Call, kept: Kept, own: Path) -> None:
    """Configuration management has such links."""
    link = own.with_name("link.toml")
    link.symlink_to(own)
    kept.event("alice@example.org", POOL.format("PX-1", "alice@example.org"))
    assert call("unknown", "--add", "1", "--category", "policy", "--rules-file", str(link), "--yes").exit_code == 0
    assert link.is_symlink()
    assert "frobnicated" in own.read_text()


def test_a_row_that_would_condemn_what_other_rows_name_is_refused(call: Call, kept: Kept, own: Path) -> None:
    """Its words are those of somebody else's counter-example."""
    counter_example = "450 the frobnicator of this wizard is offline"
    with own.open("a") as file:
        file.write(
            "[[rule]]\nid = 'own.left'\npattern = 'wizard has left'\ncategory = 'mailbox_inactive'\n"
            f"severity = 'permanent'\nexample = '550 wizard has left'\nnot = ['550 {counter_example[4:]}', '550 x']\n"
            "source = 'us'\n"
        )
    for domain in ("example.org", "example.net"):
        kept.event(f"alice@{domain}", f"550 {counter_example[4:]}")
    words = ("--category", "mailbox_inactive", *NOT, "--proves", "--rules-file", str(own), "--yes")
    result = call("unknown", "--add", "1", *words)
    assert (result.exit_code, "nothing was added" in result.stderr) == (2, True), result.output


def test_a_file_with_faults_is_not_touched(call: Call, kept: Kept, own: Path) -> None:
    """The faults are told by the file's own name."""
    own.write_text("[[rule]]\nid = 1\n")
    kept.event("alice@example.org", POOL.format("PX-1", "alice@example.org"))
    result = call("unknown", "--add", "1", "--category", "policy", "--rules-file", str(own), "--yes")
    assert (result.exit_code, f"{own}: row 1: id" in result.stderr) == (2, True), result.output
    assert (own.read_text(), list(own.parent.glob(".own*"))) == ("[[rule]]\nid = 1\n", [])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--add", "1", "--category", "policy"), "[rules] files"),
        (("--add", "1"), "--add needs --category"),
        (("--yes",), "belong to --add"),
        (("7",), "no group '7'"),
        (("--add", "1", "--category", "policy", "--rules-file", "/nowhere/own.toml"), "cannot be written"),
    ],
)
def test_every_mistake_says_what_to_do(call: Call, kept: Kept, words: tuple[str, ...], told: str) -> None:
    """With exit code 2."""
    kept.event("alice@example.org", POOL.format("PX-1", "alice@example.org"))
    result = call("unknown", *words)
    assert (result.exit_code, told in result.stderr) == (2, True), result.output


class TestWithoutAddresses:
    """A list that keeps keyed hashes."""

    @pytest.fixture
    def lists(self, tmp_path: Path) -> str:
        """Return a list of that kind."""
        pepper = tmp_path / "pepper"
        pepper.write_text("a pepper for tests only, long enough")
        pepper.chmod(0o600)
        return (
            '[lists.main]\ndomains = ["bounce.example.com"]\nkeys = [{ id = "a", file = "a.key" }]\n'
            'address_form = "hmac"\npepper_file = "pepper"\n'
        )

    def test_there_is_nothing_to_learn_from(self, call: Call) -> None:
        """One sentence, and no error."""
        result = call("unknown")
        assert (result.exit_code, result.stdout) == (0, "")
        assert result.stderr == 'Nothing is kept to learn from on a list with address_form = "hmac": main.\n'
