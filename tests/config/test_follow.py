"""The settings of logs that are followed are checked as all others are."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bounced.config import Config, ConfigError, load_for_follow, read_configuration
from bounced.config.follow_checks import settings_of

CONFIGURATION = """
[redis]
url = "redis://127.0.0.1:6379/0"
password_file = "password"
[lists.main]
domains = ["bounce.example.com"]
keys = [{ id = "a", file = "key" }]
[follow.postfix]
"""


def loaded(folder: Path, more: str) -> Config:
    """Return a configuration as the follower of Postfix's log reads it."""
    for name in ("key", "password", "own"):
        (folder / name).write_text("a secret that is long enough for all")
        (folder / name).chmod(0o600)
    file = folder / "bounced.toml"
    file.write_text(CONFIGURATION + more)
    return load_for_follow(read_configuration(file), "postfix")


def test_what_is_said_of_a_log_reaches_its_parser(tmp_path: Path) -> None:
    """With the defaults for the rest; files start at the folder of the configuration."""
    config = loaded(tmp_path, 'files = ["mail.log"]\nhosts = ["mx1"]\nuids = [114]\nzone = "Europe/Vienna"')
    settings = settings_of(config, "postfix")
    assert settings.files == (tmp_path / "mail.log",)
    assert settings.source.hosts == {"mx1"}
    assert settings.source.uids == {"114"}
    assert settings.source.zone == ZoneInfo("Europe/Vienna")
    assert settings.source.relays == {"127.0.0.1", "::1"}


def test_an_mta_that_nothing_is_said_of_has_the_defaults(tmp_path: Path) -> None:
    """FILEs on the command line are enough."""
    settings = settings_of(loaded(tmp_path, ""), "exim")
    assert (settings.files, settings.state_dir) == ((), Path("/var/lib/bounced-follow"))


@pytest.mark.parametrize(
    ("more", "matches"),
    [
        ("", ("_SYSTEMD_UNIT=postfix.service", "_SYSTEMD_UNIT=postfix@-.service")),
        ('units = ["mta.service"]\nuids = [114]', ("_SYSTEMD_UNIT=mta.service", "_UID=114")),
        ("uids = [0, 114]", ("_UID=0", "_UID=114")),
    ],
)
def test_the_journal_is_asked_for_what_the_parser_hears(tmp_path: Path, more: str, matches: tuple[str, ...]) -> None:
    """Of the units of the package, unless others or users are named."""
    assert settings_of(loaded(tmp_path, f"journal = true\n{more}"), "postfix").journal_matches("postfix") == matches


def test_the_follower_may_be_a_user_of_its_own_at_redis(tmp_path: Path) -> None:
    """It then uses its own password, else the daemon's."""
    own = loaded(tmp_path, 'redis_username = "follower"\nredis_password_file = "own"').redis
    assert (own.username, own.password_file) == ("follower", tmp_path / "own")
    assert loaded(tmp_path, "").redis.password_file == tmp_path / "password"


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (
            'journal = true\nfiles = ["mail.log"]',
            "follow.postfix.journal must not stand beside files: both have the same lines",
        ),
        (
            "[follow.kumomta]\njournal = true",
            "follow.kumomta.journal must be given for exim and postfix only",
        ),
        (
            "[follow.sendmail]",
            "follow.sendmail must be an MTA whose log is understood: exim, kumomta, postfix, powermta",
        ),
        ('zone = "Vienna"', "follow.postfix.zone must be the name of a time zone that this machine knows"),
        ('zone = "../etc"', "follow.postfix.zone must be the name of a time zone"),
        ('redis_password_file = "own"', "follow.postfix.redis_username must be given beside redis_password_file"),
        ('redis_username = "a"\nredis_password_file = "gone"', "follow.postfix.redis_password_file must be a file"),
        ('file = ["mail.log"]', "follow.postfix.file"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, more: str, complaint: str) -> None:
    """With its key, and what was expected."""
    with pytest.raises(ConfigError) as refused:
        loaded(tmp_path, more)
    assert complaint in str(refused.value)
