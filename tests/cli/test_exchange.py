"""``bounced import`` and ``bounced export``, as from a shell, on an embedded server."""

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from redis import Redis

from bounced.cli.root import bounced
from bounced.core.contract.keys import Keyspace
from bounced.edges.redis.bulk import BATCH

CONFIG = """
[redis]
url = "embedded"
data_dir = "data"

[lists.main]
domains = ["bounce.example.com"]
keys = [{ id = "k", file = "key" }]

[lists.hashed]
domains = ["hashed.example.com"]
keys = [{ id = "k", file = "key" }]
address_form = "hmac"
pepper_file = "key"

[lists.copy]
domains = ["copy.example.com"]
keys = [{ id = "k", file = "key" }]
address_form = "hmac"
pepper_file = "key"

[lists.erasing]
domains = ["erasing.example.com"]
keys = [{ id = "k", file = "key" }]
pepper_file = "key"

[lists.restored]
domains = ["restored.example.com"]
keys = [{ id = "k", file = "key" }]
pepper_file = "key"
"""
SES = """EmailAddress,Reason,LastUpdateTime
alice@example.org,BOUNCE,2026-10-01T00:00:00Z
Bob@Example.ORG,COMPLAINT,2026-10-02T00:00:00Z
no address,BOUNCE,2026-10-02T00:00:00Z
carol@example.org,WHY,2026-10-02T00:00:00Z
"""


@pytest.fixture
def call(tmp_path: Path):
    """Return a runner of commands with a configuration of its own."""
    key = tmp_path / "key"
    key.write_text("example secret, exactly 32 bytes\n")
    key.chmod(0o600)
    (tmp_path / "bounced.toml").write_text(CONFIG)

    def run(*words: str, given: str = "") -> Result:
        return CliRunner().invoke(bounced, [*words, "--config", str(tmp_path / "bounced.toml")], input=given)

    return run


def exported(call, *words):
    """Return the rows of an export, by address."""
    result = call("export", *words)
    assert result.exit_code == 0
    return {row["address"]: row for row in csv.DictReader(result.stdout.splitlines())}


def test_what_is_understood_is_taken_and_the_rest_reported_by_line(call):
    """With exit code 1, because something was left out."""
    result = call("import", "-", "--list", "main", given=SES)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "line 4: no address: no @ in it: 'no address'",
        "line 5: carol@example.org: not understood: 'why'",
    ]
    assert [line.split("  ")[0] + " " + line.split()[-1] for line in result.stdout.splitlines()] == [
        "rows 4",
        "suppressed 2",
        "as before 0",
        "left out 2",
        "left out: bad address 1",
        "left out: not understood 1",
    ]
    assert {address: row["category"] for address, row in exported(call, "--list", "main").items()} == {
        "alice@example.org": "mailbox_unknown",
        "bob@example.org": "complaint",
    }


def test_a_dry_run_says_what_would_change_and_changes_nothing(call):
    """Also against what is there already."""
    call("import", "-", "--list", "main", given="\n".join(SES.splitlines()[:2]))
    result = call("import", "-", "--list", "main", "--dry-run", "--json", given=SES)
    told = [json.loads(line) for line in result.stdout.splitlines()]
    assert [each.get("line") for each in told] == [4, 5, None]
    assert told[-1] == {
        "rows": 4,
        "suppressed": 1,
        "as before": 1,
        "left out": 2,
        "why": {"bad address": 1, "not understood": 1},
        "dry_run": True,
    }
    assert exported(call, "--list", "main").keys() == {"alice@example.org"}


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_an_export_imports_as_it_was(call, words):
    """As CSV and as JSON lines."""
    call("import", "-", "--list", "main", given=SES)
    call("suppress", "dave@example.org", "--list", "main", "--reason", 'said "no", twice')
    before = exported(call, "--list", "main")
    copy = call("export", "--list", "main", *words).stdout
    for address in before:
        call("release", address, "--list", "main")
    assert exported(call, "--list", "main") == {}
    assert call("import", "-", "--list", "main", given=copy).exit_code == 0
    assert exported(call, "--list", "main") == {}, "what was released later stays released"
    assert call("import", "-", "--list", "hashed", given=copy).exit_code == 0
    again = exported(call, "--list", "hashed").values()
    assert sorted(row["since"] for row in again) == sorted(row["since"] for row in before.values())
    assert "dave" not in str(again)


def test_a_mistaken_release_is_taken_back_by_suppress_and_not_by_import(call):
    """As operate.md says under A release by mistake."""
    call("import", "-", "--list", "main", given=SES)
    copy = call("export", "--list", "main", "--json").stdout
    rows = [json.loads(line) for line in copy.splitlines()]
    addresses = "".join(row["address"] + "\n" for row in rows if row["state"] == "suppressed")
    released = call("release", "-", "--list", "main", "--reason", "by mistake", given=addresses)
    assert released.exit_code == 0
    assert "as before   2" in call("import", "-", "--list", "main", given=copy).stdout
    assert exported(call, "--list", "main") == {}
    assert call("suppress", "-", "--list", "main", "--reason", "mistake", given=addresses).exit_code == 0
    assert exported(call, "--list", "main").keys() == {"alice@example.org", "bob@example.org"}


def test_a_byte_order_mark_is_part_of_no_address(call):
    """Else `release -` would say that there is nothing to lift, and `suppress -` would suppress another address."""
    given = "\ufeffalice@example.org\r\nbob@example.org\r\n"
    assert call("suppress", "-", "--list", "main", "--reason", "asked", given=given).exit_code == 0
    assert exported(call, "--list", "main").keys() == {"alice@example.org", "bob@example.org"}
    assert call("release", "-", "--list", "main", "--reason", "asked", given=given).exit_code == 0
    assert exported(call, "--list", "main") == {}


def test_what_is_no_address_on_standard_input_is_named_by_its_line_and_nothing_is_done(call):
    """A list is done wholly or not at all."""
    result = call("suppress", "-", "--list", "main", "--reason", "asked", given="alice@example.org\n\nnobody\n")
    assert result.exit_code == 2
    assert "line 3 of standard input: not a mail address: no @ in it: 'nobody'; nothing was done" in result.stderr
    assert exported(call, "--list", "main") == {}


def test_standard_input_without_an_address_is_said(call):
    """A script may have nothing to release, and a person may have named the wrong file."""
    result = call("release", "-", "--list", "main", "--reason", "asked", given="\n")
    assert result.exit_code == 0
    assert "standard input names no address" in result.stderr


def test_what_a_service_says_of_an_address_is_taken_without_it_into_a_list_without_addresses(call):
    """Nor with its local part alone."""
    given = "address,code,error,created_at\nalice@example.org,550,5.1.1 <alice@example.org>: no user Alice here,\n"
    assert call("import", "-", "--list", "hashed", given=given).exit_code == 0
    ((address, row),) = exported(call, "--list", "hashed").items()
    assert len(address) == 64
    assert row["diagnostic"] == "550 5.1.1 <(address)>: no user (address) here"


def test_keyed_hashes_move_between_lists_of_one_pepper(call):
    """A list without addresses exports what it has."""
    call("import", "-", "--list", "hashed", given=SES)
    copy = call("export", "--list", "hashed").stdout
    assert "alice" not in copy
    assert call("import", "-", "--list", "copy", given=copy).exit_code == 0
    assert exported(call, "--list", "copy") == exported(call, "--list", "hashed")
    refused = call("import", "-", "--list", "main", given=copy)
    assert refused.exit_code == 1
    assert "no @ in it" in refused.stderr


def test_what_stayed_of_an_erased_complainer_moves_to_a_list_with_the_same_pepper(call):
    """A list that is moved must not forget who complained."""
    call("import", "-", "--list", "erasing", given=SES)
    call("erase", "bob@example.org")
    copy = call("export", "--list", "erasing").stdout
    assert "bob" not in copy
    assert call("import", "-", "--list", "restored", given=copy).exit_code == 0
    assert {address: row["category"] for address, row in exported(call, "--list", "restored").items()} == {
        address: row["category"] for address, row in exported(call, "--list", "erasing").items()
    }
    assert call("release", "bob@example.org", "--list", "restored").exit_code == 0, "the hash is still his"


def test_what_stayed_of_an_erased_complainer_moves_to_a_list_without_a_pepper(call):
    """It is not lost; the operator hears what the list still needs."""
    call("import", "-", "--list", "erasing", given=SES)
    call("erase", "bob@example.org")
    copy = call("export", "--list", "erasing").stdout
    moved = call("import", "-", "--list", "main", given=copy)
    assert (moved.exit_code, exported(call, "--list", "main").keys()) == (0, exported(call, "--list", "erasing").keys())
    assert "1 keyed hashes" in moved.stderr
    assert "lists.main.pepper_file" in moved.stderr


@pytest.mark.parametrize("given", ["", "name,phone\n", "alice@example.org\n", "\xff\xfe"])
def test_a_file_that_nobody_understands_is_a_usage_error(call, given):
    """Nothing is written."""
    result = call("import", "-", "--list", "main", given=given)
    assert result.exit_code == 2
    assert exported(call, "--list", "main") == {}


def test_a_mere_list_of_addresses_needs_a_reason(call):
    """Said for all of them."""
    given = "email\nalice@example.org\nbob@example.org\n"
    assert call("import", "-", "--list", "main", given=given).exit_code == 2
    assert call("import", "-", "--list", "main", "--category", "unsubscribed", given=given).exit_code == 0
    assert {row["category"] for row in exported(call, "--list", "main").values()} == {"unsubscribed"}


def test_the_same_address_twice_in_a_file_is_decided_in_order(call):
    """The complaint stands, whichever line it is on."""
    given = "EmailAddress,Reason\na@example.org,BOUNCE\nA@example.org,COMPLAINT\na@example.org,BOUNCE\n"
    assert call("import", "-", "--list", "main", given=given).exit_code == 0
    assert exported(call, "--list", "main")["a@example.org"]["category"] == "complaint"


def test_of_two_rows_with_one_reason_the_first_stays(call):
    """Also where each is in another batch, and all batches are under way at the same time."""
    blocks = [range(start, start + BATCH) for start in range(0, 20 * BATCH, BATCH)]
    months = ["09", "08"]
    rows = [f"u{n}@example.org,BOUNCE,2026-{m}-01T00:00:00Z\n" for block in blocks for m in months for n in block]
    result = call(
        "import", "-", "--list", "main", "--json", given="EmailAddress,Reason,LastUpdateTime\n" + "".join(rows)
    )
    told = json.loads(result.stdout)
    assert (told["suppressed"], told["as before"]) == (20 * BATCH, 20 * BATCH)
    assert {row["since"] for row in exported(call, "--list", "main").values()} == {"2026-09-01T00:00:00Z"}


HOSTILE = "\x1b]0;owned\x07\x00\x7f\u202e\x9b31m\u2028"


def test_what_an_older_version_stored_raw_is_shown_and_exported_harmless(call, redis_url, key_prefix, tmp_path):
    """As CSV no formula either; in JSON the same values, with nothing for a terminal to obey."""
    config = tmp_path / "bounced.toml"
    config.write_text(CONFIG.replace('url = "embedded"', f'url = "{redis_url}"\nprefix = "{key_prefix}"'))
    keys = Keyspace(key_prefix, "main")
    address, unseen = "alice@example.org", "a\u202eb\u200c@example.org"
    raw = {"reporting_mta": HOSTILE, "diagnostic": f"=HYPERLINK(1){HOSTILE}", "campaign": "@SUM(1)", "status": "+5"}
    state = {"state": "suppressed", "category": "mailbox_unknown", "class": "hard", "since": "2026-01-01T00:00:00Z"}
    event = {"type": "report", "id": "1", "at": "2026-01-01T00:00:00Z", "address": address, "note": HOSTILE} | raw
    with Redis.from_url(redis_url) as redis:
        for each in (address, unseen):
            redis.sadd(keys.suppressed, each)
            redis.hset(keys.address(each), mapping={**state, **raw, "version": "1"})
        redis.xadd(keys.events, event)
        redis.lpush(keys.history(address), json.dumps(event, ensure_ascii=False))
    asked = ("export", "export --json", "events", "events --json", f"lookup {address}", f"lookup {address} --json")
    for command in asked:
        result = call(*command.split(), "--list", "main")
        assert result.stdout
        assert result.stdout.replace("\n", "").replace("\t", "").isprintable(), command
        for record in map(json.loads, result.stdout.splitlines() if "--json" in command else []):
            assert "\x1b" not in str(record.values())
    cells = [cell for row in csv.reader(call("export", "--list", "main").stdout.splitlines()) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    for words in ([], ["--json"]):
        copy = call("export", "--list", "main", *words).stdout
        with Redis.from_url(redis_url) as redis:
            redis.delete(keys.suppressed, keys.address(address), keys.address(unseen))
        assert call("import", "-", "--list", "main", given=copy).exit_code == 0
        with Redis.from_url(redis_url, decode_responses=True) as redis:
            assert redis.smembers(keys.suppressed) == {address, unseen}
            assert redis.hget(keys.address(address), "campaign") == "@SUM(1)"
            assert redis.hget(keys.address(address), "status") == "+5"


SAMPLES = Path(__file__).parents[1] / "core/exchange/samples"


@pytest.mark.parametrize("name", ["ses.text.tsv", "postmark.json", "mailchimp-members.jsonl", "klaviyo.json"])
def test_standard_input_reads_every_format(call, name):
    """As it reads a file: the same is suppressed, the same is left out."""
    given = (SAMPLES / name).read_text("utf-8")
    piped = call("import", "-", "--list", "main", "--json", given=given)
    named = call("import", str(SAMPLES / name), "--list", "copy", "--json")
    assert piped.exit_code == named.exit_code
    assert piped.stdout == named.stdout
    assert json.loads(piped.stdout.splitlines()[-1])["suppressed"]


def test_a_large_answer_of_an_api_is_read_from_standard_input(call):
    """Several batches of one document, and the last of them."""
    rows = [{"EmailAddress": f"u{n}@example.org", "Reason": "BOUNCE"} for n in range(2_500)]
    given = json.dumps({"SuppressedDestinationSummaries": rows}, indent=4)
    result = call("import", "-", "--list", "main", "--json", given=given)
    assert json.loads(result.stdout)["suppressed"] == 2_500
    assert "u2499@example.org" in exported(call, "--list", "main")
