"""`bounced web token` and `bounced web user`: where their files cannot be written."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from bounced.cli.root import bounced

CONFIGURATION = """
[redis]
url = "redis://127.0.0.1"
[web.private]
tokens_file = "missing/tokens.toml"
users_file = "missing/users.toml"
[lists.main]
domains = ["bounce.example.com"]
keys = [{ id = "a", file = "a.key" }]
"""


@pytest.mark.parametrize(
    ("words", "key"),
    [
        ("web token add crm --list main --right check", "web.private.tokens_file"),
        ("web user add alice", "web.private.users_file"),
    ],
)
def test_a_folder_that_is_missing_is_named_with_its_setting(tmp_path: Path, words: str, key: str) -> None:
    """Whoever reads it knows which folder is meant and where it comes from; nothing is made."""
    config = tmp_path / "bounced.toml"
    config.write_text(CONFIGURATION)
    (tmp_path / "a.key").touch(mode=0o600)
    (tmp_path / "a.key").write_text("a key of thirty-two octets or more")
    result = CliRunner().invoke(bounced, [*words.split(), "--config", str(config)], input="a long enough password\n")
    assert result.exit_code == 2
    assert f"{tmp_path}/missing: No such file or directory; {key} is in a folder that you can write" in result.output
