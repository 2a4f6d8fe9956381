"""Checks of the logs that are followed, and the files that `bounced follow` reads."""

from collections.abc import Iterator

from bounced.config.errors import Problem
from bounced.config.file_checks import list_file_problems, rule_file_problems, secret_problems
from bounced.config.follow import FollowSettings
from bounced.config.model import Config
from bounced.core.exchange.logs import JOURNAL_UNITS


def follow_problems(config: Config) -> Iterator[Problem]:
    """Yield settings of followed logs that contradict each other."""
    for mta, settings in config.follow.items():
        if settings.redis_password_file and not settings.redis_username:
            yield Problem(f"follow.{mta}.redis_username", "be given beside redis_password_file")
        if settings.journal and mta not in JOURNAL_UNITS:
            yield Problem(f"follow.{mta}.journal", f"be given for {' and '.join(sorted(JOURNAL_UNITS))} only")
        if settings.journal and settings.files:
            yield Problem(f"follow.{mta}.journal", "not stand beside files: both have the same lines")


def follow_file_problems(config: Config, mta: str) -> Iterator[Problem]:
    """Yield files that the follower of an MTA's log reads and that are missing or not what they must be."""
    yield from list_file_problems(config)
    yield from rule_file_problems(config)
    own = settings_of(config, mta)
    if own.redis_password_file:
        yield from secret_problems(f"follow.{mta}.redis_password_file", own.redis_password_file, at_least=1)
    elif own.redis_username is None and config.redis.password_file:
        yield from secret_problems("redis.password_file", config.redis.password_file, at_least=1)


def settings_of(config: Config, mta: str) -> FollowSettings:
    """Return how the log of an MTA is followed."""
    return config.follow.get(mta) or FollowSettings()


def as_follower(config: Config, mta: str) -> Config:
    """Return the configuration in which the user of Redis is the follower's own, where it has one."""
    own = settings_of(config, mta)
    if own.redis_username is None:
        return config
    login = {"username": own.redis_username, "password_file": own.redis_password_file}
    return config.model_copy(update={"redis": config.redis.model_copy(update=login)})
