"""Answers that leave a newcomer puzzled say what to do next."""

import os
from pathlib import Path
from pwd import getpwall

import pytest
from click.testing import CliRunner

from bounced.cli.root import bounced
from bounced.config import errors, loading

CONFIG = """
[redis]
url = "redis://127.0.0.1:1/0"
[lists.main]
domains = ["bounce.example.com"]
keys = [{ id = "a", file = "a.key" }]
"""


@pytest.fixture
def nothing_in_etc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the file that is looked for, and is not there."""
    file = tmp_path / "etc" / "bounced.toml"
    monkeypatch.setattr(loading, "DEFAULT_PATH", file)
    monkeypatch.setattr(errors, "DEFAULT_PATH", file)
    monkeypatch.delenv("BOUNCED_CONFIG", raising=False)
    return file


@pytest.mark.parametrize(
    "words", ["lookup a@example.org", "stats", "erase a@example.org", "accept-redis", "run", "ingest -"]
)
def test_without_a_configuration_the_file_that_was_looked_for_is_named(nothing_in_etc: Path, words: str) -> None:
    """And that the built-in defaults are in force."""
    result = CliRunner().invoke(bounced, words.split())
    assert result.exit_code == 2
    assert f"built-in defaults (there is no {nothing_in_etc}): " in result.stderr
    assert isinstance(result.exception, SystemExit)


def test_a_configuration_without_lists_makes_one_ask_whether_it_is_the_right_one(tmp_path: Path) -> None:
    """Most often the file stands elsewhere than in /etc."""
    config = tmp_path / "bounced.toml"
    config.touch(mode=0o600)
    result = CliRunner().invoke(bounced, ["lookup", "alice@example.org", "--config", str(config)])
    assert result.exit_code == 2
    assert f"{config}: no list is configured.  --config FILE or BOUNCED_CONFIG names another file" in result.stderr


def test_a_list_that_does_not_exist_leads_to_those_that_do(tmp_path: Path) -> None:
    """With the file in which they stand."""
    (tmp_path / "a.key").write_bytes(b"0123456789abcdef")
    config = tmp_path / "bounced.toml"
    config.write_text(
        CONFIG + CONFIG[CONFIG.index("[lists") :].replace("lists.main", "lists.news").replace("bounce.", "b.")
    )
    result = CliRunner().invoke(bounced, ["stats", "--list", "newsletter", "--config", str(config)])
    assert result.exit_code == 2
    assert f"{config}: no list is named newsletter; there are main, news" in result.stderr


def test_a_file_that_one_may_not_read_leads_to_the_user_who_may(tmp_path: Path) -> None:
    """The service owns its configuration and its secrets."""
    config = tmp_path / "bounced.toml"
    config.write_text(CONFIG)
    (tmp_path / "a.key").write_bytes(b"0123456789abcdef")
    (tmp_path / "a.key").chmod(0)
    if os.access(tmp_path / "a.key", os.R_OK):
        pytest.skip("root may read everything")
    result = CliRunner().invoke(bounced, ["stats", "--config", str(config)])
    assert result.exit_code == 2
    assert "sudo -u bounced bounced" in result.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder to somebody else")
def test_an_embedded_server_of_another_user_leads_to_that_user(tmp_path: Path) -> None:
    """Files of root in the daemon's folder would keep the daemon from starting; nothing is written there."""
    (tmp_path / "a.key").write_bytes(b"0123456789abcdef")
    (tmp_path / "data").mkdir()
    owner = next(user for user in getpwall() if user.pw_uid != 0)
    os.chown(tmp_path / "data", owner.pw_uid, owner.pw_gid)
    config = tmp_path / "bounced.toml"
    config.write_text(CONFIG.replace('"redis://127.0.0.1:1/0"', '"embedded"\ndata_dir = "data"'))
    result = CliRunner().invoke(bounced, ["lookup", "alice@example.org", "--config", str(config)])
    assert result.exit_code == 3
    assert f"{tmp_path / 'data'}: belongs to the user {owner.pw_name}" in result.stderr
    assert f"sudo -u {owner.pw_name} bounced" in result.stderr
    assert not list((tmp_path / "data").iterdir())


def test_stored_mail_that_does_not_tell_its_recipient_leads_to_the_option(tmp_path: Path) -> None:
    """A saved bounce has often lost the header field; nothing is asked of Redis for it."""
    (tmp_path / "a.key").write_bytes(b"0123456789abcdef")
    config = tmp_path / "bounced.toml"
    config.write_text(CONFIG)
    message = tmp_path / "bounce.eml"
    message.write_bytes(b"From: MAILER-DAEMON@example.org\n\nuser unknown\n")
    result = CliRunner().invoke(bounced, ["ingest", str(message), "--config", str(config)])
    assert result.exit_code == 1
    assert "--recipient" in result.stderr


@pytest.mark.parametrize("command", ["explain", "ingest"])
def test_a_folder_without_messages_is_said_to_be_one(tmp_path: Path, command: str) -> None:
    """Most often it is the wrong folder; a script that looks every minute is not told that something went wrong."""
    (tmp_path / "a.key").write_bytes(b"0123456789abcdef")
    config = tmp_path / "bounced.toml"
    config.write_text(CONFIG)
    folder = tmp_path / "Maildir"
    folder.mkdir()
    result = CliRunner().invoke(bounced, [command, str(folder), "--config", str(config)])
    assert (result.exit_code, result.stdout) == (0, "")
    assert f"bounced: no message in {folder}\n" in result.stderr


def test_an_embedded_server_that_cannot_be_had_is_said_without_a_traceback(tmp_path: Path) -> None:
    """Such as where bounced was installed without the extra of that name."""
    (tmp_path / "a.key").write_bytes(b"0123456789abcdef")
    config = tmp_path / "bounced.toml"
    config.write_text(
        CONFIG.replace('"redis://127.0.0.1:1/0"', '"embedded"\ndata_dir = "data"\nserver_binary = "none"')
    )
    result = CliRunner().invoke(bounced, ["lookup", "alice@example.org", "--config", str(config)])
    assert result.exit_code == 3
    assert "none: not an executable file" in result.stderr
