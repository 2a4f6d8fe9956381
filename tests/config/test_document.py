"""The example file and the manual say what the program does."""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

from bounced.config import Config, load
from bounced.config.document import example_file, manual
from bounced.config.shape import tables
from bounced.config.toml import toml_document

PROJECT = Path(__file__).parents[2]
COMMENTED_OUT = re.compile(r"^#(?=[a-z_]+ = |\[)", re.MULTILINE)


def test_the_example_in_the_project_is_the_one_that_the_program_prints() -> None:
    """``make docs`` writes both files again."""
    assert (PROJECT / "config/bounced.toml").read_text("utf-8") == example_file()
    assert (PROJECT / "docs/configure.md").read_text("utf-8") == manual()


def test_every_key_of_the_example_has_a_purpose() -> None:
    """No key without a sentence above it."""
    for table in tables(Config):
        assert table.purpose.endswith("."), table.path
        for setting in table.settings:
            assert setting.description.endswith("."), (table.path, setting.name)
            assert setting.default or setting.example, (table.path, setting.name)


def test_the_example_is_a_valid_configuration(write: Callable[[str], Path]) -> None:
    """As it stands it sets nothing but what has to be chosen."""
    config = load(write(example_file()), check_files=False)
    assert config.redis.url == "redis://127.0.0.1:6379/0"
    assert config.limits == Config().limits
    assert list(config.lists) == ["main"]


def test_the_example_is_valid_with_every_key_taken_in(write: Callable[[str], Path]) -> None:
    """What stands behind a "#" is no nonsense, and the defaults shown are the defaults."""
    text = COMMENTED_OUT.sub("", example_file()).replace("shares_hard_with = []", "")
    config = load(write(text), check_files=False)
    assert config.limits == Config().limits
    assert config.keep == Config().keep
    assert config.log == Config().log
    assert config.lists["main"].policy.rules["mailbox_full"].hold_days == (30, 60, 120)
    assert config.listeners[0].protocol == "lmtp"


def test_what_check_config_prints_can_be_read_again(write: Callable[[str], Path]) -> None:
    """The effective configuration is a configuration."""
    config = load(write(example_file()), check_files=False)
    text = "\n".join(toml_document(config.model_dump(mode="json", by_alias=True)))
    assert tomllib.loads(text)["lists"]["main"]["domains"] == ["bounce.example.com"]
    assert load(write(text), check_files=False) == config


def test_the_example_of_two_streams_shares_hard_verdicts_both_ways() -> None:
    """And nothing else: each has its own domain and key."""
    config = load(PROJECT / "config/examples/streams.toml", check_files=False)
    news, service = config.lists["newsletter"], config.lists["transactional"]
    assert (news.shares_hard_with, service.shares_hard_with) == (("transactional",), ("newsletter",))
    assert not set(news.domains) & set(service.domains)
