"""``bounced erase``, as from a shell, on an embedded server."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bounced.cli.root import bounced

CONFIG = """
[redis]
url = "embedded"
data_dir = "data"

[lists.main]
domains = ["bounce.example.com"]
keys = [{{ id = "k", file = "key" }}]
{pepper}

[lists.brand]
domains = ["brand.example.com"]
keys = [{{ id = "k", file = "key" }}]
"""
COMPLAINT = "EmailAddress,Reason\nalice@example.org,COMPLAINT\nbob@example.org,BOUNCE\n"


@pytest.fixture
def call(tmp_path: Path):
    """Return a runner of commands; ``pepper`` is what the configuration says of it."""
    key = tmp_path / "key"
    key.write_text("example secret, exactly 32 bytes\n")
    key.chmod(0o600)

    def run(*words: str, given: str = "", pepper: str = 'pepper_file = "key"') -> Result:
        (tmp_path / "bounced.toml").write_text(CONFIG.format(pepper=pepper))
        return CliRunner().invoke(bounced, [*words, "--config", str(tmp_path / "bounced.toml")], input=given)

    return run


def told(result):
    """Return what a command said in JSON."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_an_address_is_erased_from_all_lists(call):
    """Each says what it held; a second time nothing is known."""
    for name in ("main", "brand"):
        call("import", "-", "--list", name, given=COMPLAINT)
    first = call("erase", "Bob@Example.org", "--json")
    assert first.exit_code == 0
    assert [(each["list"], each["keys"], each["members"]) for each in told(first)] == [("main", 1, 1), ("brand", 1, 1)]
    assert call("lookup", "bob@example.org", "--list", "main").exit_code == 1
    again = call("erase", "bob@example.org")
    assert (again.exit_code, again.stdout.count("nothing was known")) == (1, 2)


def test_nothing_of_the_address_stays_on_the_disk_of_an_embedded_server(call, tmp_path):
    """Its append-only file holds every command ever written, until it is written anew."""

    def is_on_disk(text: bytes) -> bool:
        return any(text in file.read_bytes() for file in tmp_path.glob("data/**/*") if file.is_file())

    call("import", "-", "--list", "main", given=COMPLAINT)
    call("suppress", "bob@example.org", "--list", "main", "--reason", "asked")
    assert is_on_disk(b"bob@example.org")
    erased = call("erase", "bob@example.org")
    assert "append-only file was rewritten" in erased.stderr
    assert not is_on_disk(b"bob@example.org")
    assert is_on_disk(b"alice@example.org"), "the others are where they were"
    assert "rewritten" not in call("erase", "bob@example.org").stderr, "nothing was erased"


def test_a_neighbour_in_a_stream_keeps_no_erased_address_on_disk(call, tmp_path):
    """A deleted entry of a stream stays among its neighbours in the server's memory, and in a snapshot of that."""
    for name in ("before", "zq7xkv0wj3", "after"):
        call("suppress", f"{name}@example.org", "--list", "main", "--reason", "asked")
    assert "append-only file was rewritten" in call("erase", "zq7xkv0wj3@example.org").stderr
    on_disk = b"".join(file.read_bytes() for file in tmp_path.glob("data/**/*") if file.is_file())
    assert b"zq7xkv0wj3" not in on_disk
    assert b"after@example.org" in on_disk


def test_a_complaint_without_a_pepper_is_refused_before_anything_is_erased(call):
    """The message says what to configure."""
    call("import", "-", "--list", "main", given=COMPLAINT, pepper="")
    refused = call("erase", "alice@example.org", pepper="")
    assert refused.exit_code == 2
    assert "lists.main.pepper_file" in refused.stderr
    assert "complaint" in call("lookup", "alice@example.org", "--list", "main", pepper="").stdout
    assert call("erase", "alice@example.org", "--forget-complaint", pepper="").exit_code == 0
    assert call("lookup", "alice@example.org", "--list", "main", pepper="").exit_code == 1


def test_an_erased_complainer_stays_suppressed_until_an_operator_releases(call):
    """Under the keyed hash alone."""
    call("import", "-", "--list", "main", given=COMPLAINT)
    erased = call("erase", "alice@example.org", "--list", "main", "--json")
    assert told(erased)[0]["hash_kept"] is True
    assert "alice" not in call("export", "--list", "main").stdout
    [known] = told(call("lookup", "alice@example.org", "--list", "main", "--json"))
    assert (known["state"], known["category"], known["history"]) == ("suppressed", "complaint", [])
    assert call("release", "alice@example.org", "--list", "main", "--reason", "asked for mail").exit_code == 0
    assert call("export", "--list", "main").stdout.count("\n") == 2
