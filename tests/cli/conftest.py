"""Commands as from a shell, upon lists of one test's own on a real server."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bounced.cli.root import bounced

Call = Callable[..., Result]

REDIS = """
[redis]
url = "{url}"
prefix = "{prefix}"
durability = "fsync"
data_dir = "data"
"""
MAIN = """
[lists.main]
domains = ["bounce.example.com"]
keys = [{ id = "a", file = "a.key" }]
"""


@pytest.fixture
def lists() -> str:
    """Return the lists of the configuration; a test module may have others."""
    return MAIN


@pytest.fixture
def call(tmp_path: Path, redis_url: str, key_prefix: str, lists: str) -> Call:
    """Return what runs a command with this configuration."""
    key = tmp_path / "a.key"
    key.write_text("a secret for tests only, long enough")
    key.chmod(stat.S_IRUSR | stat.S_IWUSR)
    config = tmp_path / "bounced.toml"
    config.write_text(REDIS.format(url=redis_url, prefix=key_prefix) + lists)
    return lambda *words: CliRunner().invoke(bounced, [*words, "--config", str(config)])
