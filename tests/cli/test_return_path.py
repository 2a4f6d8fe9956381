"""``bounced return-path`` makes return paths and reads them."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bounced.cli.return_path import return_path
from bounced.core.return_path import Keyring, ReturnPaths
from tests.support.misread import Misread

CONFIG = """
[redis]
url = "embedded"
data_dir = "data"

[lists.main]
domains = ["bounce.example.com"]
keys = [{ id = "k", file = "key" }]
"""
SIGNED = "b-kujkcffxnkh27owach==alice=example.org@bounce.example.com"
SIGNED_ON = "2026-11-21"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Write a configuration with the first key of the test vectors."""
    key = tmp_path / "key"
    key.write_text("example secret, exactly 32 bytes\n")
    key.chmod(0o600)
    file = tmp_path / "bounced.toml"
    file.write_text(CONFIG)
    return file


def call(*arguments: str, config: Path) -> Result:
    """Run the command as from a shell."""
    return CliRunner().invoke(return_path, [*arguments, "--config", str(config)])


def test_encode_prints_the_return_path_and_nothing_else(config: Path) -> None:
    """So that a script can take it as it is; the vector is the published one."""
    result = call("encode", "Alice@Example.org", "--date", SIGNED_ON, config=config)
    assert (result.exit_code, result.output) == (0, SIGNED + "\n")


def test_what_was_encoded_today_is_decoded_today(config: Path) -> None:
    """With everything that the sender knew."""
    options = ("--tag", "nov", "--opt-in", "confirmed", "--engagement", "first_mail")
    earliest = datetime.now(UTC).date()
    made = call("encode", "alice@example.org", *options, config=config).output.strip()
    read = json.loads(call("decode", f"<{made.upper()}>", "--json", config=config).output)
    assert read["recipient"] == "alice@example.org"
    assert (read["tag"], read["opt_in"], read["engagement"]) == ("nov", "confirmed", "first_mail")
    assert earliest <= date.fromisoformat(read["issued"]) <= datetime.now(UTC).date()


def test_what_does_not_fit_gets_a_token_that_is_found_again(config: Path) -> None:
    """Registered in Redis; here the embedded one, whose data outlive the command."""
    made = json.loads(call("encode", "José@example.org", "--tag", "nov", "--json", config=config).output)
    assert made["style"] == "token"
    read = json.loads(call("decode", made["return_path"], "--json", config=config).output)
    assert (read["recipient"], read["tag"]) == ("josé@example.org", "nov")


def test_without_redis_a_token_is_explained(config: Path) -> None:
    """Rather than a return path printed that stands for nobody."""
    config.write_text(CONFIG.replace('url = "embedded"', ""))
    result = call("encode", "josé@example.org", config=config)
    assert result.exit_code == 2
    assert "redis.url" in result.output


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (SIGNED.replace("alice", "alicf"), "tampered"),
        ("alice@bounce.example.com", "unsigned"),
        ("alice@elsewhere.example", "foreign"),
        ("b-t" + "a" * 26 + "@bounce.example.com", "unregistered"),
    ],
)
def test_a_refused_path_says_why_and_exits_with_1(config: Path, path: str, reason: str) -> None:
    """The operator may know what the peer is not told."""
    result = call("decode", path, config=config)
    assert (result.exit_code, result.output) == (1, f"refused  {reason}\n")


def test_a_path_made_with_the_newline_of_its_key_says_so(config: Path) -> None:
    """So that one path is enough to find a sender's mistake."""
    key = Misread("k", b"example secret, exactly 32 bytes")
    paths = ReturnPaths("main", ("bounce.example.com",), Keyring(key))
    made = paths.encode("alice@example.org", issued=datetime.now(UTC).date())
    result = call("decode", made, config=config)
    assert "refused  tampered" in result.output
    assert "key k and the newline behind it" in result.output


def test_an_expired_path_is_refused(config: Path) -> None:
    """As it would be by SMTP."""
    old = (datetime.now(UTC) - timedelta(days=32)).strftime("%Y-%m-%d")
    made = call("encode", "alice@example.org", "--date", old, config=config).output.strip()
    assert call("decode", made, config=config).output == "refused  expired\n"


def test_a_role_address_is_named(config: Path) -> None:
    """The postmaster is no return path and gets mail."""
    result = call("decode", "postmaster@bounce.example.com", config=config)
    assert (result.exit_code, result.output) == (0, "list  main\nrole  postmaster\n")


@pytest.mark.parametrize("arguments", [("alice",), ("a@b.example", "--list", "news"), ("a@b.example", "--tag", "A B")])
def test_wrong_usage_exits_with_2(config: Path, arguments: tuple[str, ...]) -> None:
    """No address, no such list, no tag."""
    assert call("encode", *arguments, config=config).exit_code == 2
