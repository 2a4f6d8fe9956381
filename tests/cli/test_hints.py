"""Answers that leave a newcomer puzzled say what to do next."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from bounced.cli.root import bounced

CONFIG = """
[redis]
url = "redis://127.0.0.1:1/0"
[lists.main]
domains = ["bounce.example.com"]
keys = [{ id = "a", file = "a.key" }]
"""


def test_a_configuration_without_lists_makes_one_ask_whether_it_is_the_right_one(tmp_path: Path) -> None:
    """Most often the file stands elsewhere than in /etc."""
    config = tmp_path / "bounced.toml"
    config.touch(mode=0o600)
    result = CliRunner().invoke(bounced, ["lookup", "alice@example.org", "--config", str(config)])
    assert result.exit_code == 2
    assert "--config or BOUNCED_CONFIG" in result.stderr


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
