"""From a TOML file to a Config, or to everything that is wrong with it at once."""

import tomllib
from collections.abc import Callable, Collection, Iterable
from copy import deepcopy
from dataclasses import dataclass
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bounced.config.checks import file_problems, missing_to_run, mutual_problems
from bounced.config.errors import DEFAULT_PATH, ConfigError, Problem, Severity
from bounced.config.explaining import Location, place_of, problem_of
from bounced.config.follow_checks import as_follower, follow_file_problems
from bounced.config.hook_checks import as_deliverer, hook_file_problems, missing_to_deliver
from bounced.config.model import Config
from bounced.config.modes import follow_mode_problems, hook_mode_problems, mode_problems, web_mode_problems
from bounced.config.web_checks import web_file_problems


@dataclass(frozen=True, slots=True)
class Source:
    """A configuration file as it was when it was read; ``path`` is None for the built-in defaults."""

    path: Path | None
    text: str


def read_configuration(path: Path | None = None) -> Source:
    """Return the file; for None the one in /etc where it exists, else the defaults.  Raises ConfigError."""
    path = path or found()
    try:
        return Source(path, path.read_text("utf-8") if path else "")
    except OSError as error:
        raise ConfigError(path, [Problem("", f"be a file that can be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise ConfigError(path, [Problem("", f"be TOML: {error}")]) from error


def load(path: Path | None = None, *, check_files: bool = True) -> Config:
    """Return the configuration in a file; for None the one in /etc where it exists, else the defaults.

    ``check_files`` is false for commands that need no secrets: they work without them.
    Raises ConfigError.
    """
    return _sound(read_configuration(path), check_files=check_files, check_modes=False)


def load_to_run(source: Source, *, check_modes: bool = True) -> Config:
    """Return the configuration for the daemon, which needs more than other commands do.  Raises ConfigError.

    The daemon does not start with files that everybody may read or change.  ``check_modes`` is false for its workers: a
    replaced worker starts even if the mode of a file was changed meanwhile.
    """
    config = _sound(source, check_files=True, check_modes=check_modes)
    missing = tuple(missing_to_run(config))
    if missing:
        raise ConfigError(source.path, missing)
    return config


def load_for_web(source: Source, listeners: Collection[str]) -> Config:
    """Return the configuration for `bounced web`, which reads other files than the daemon.  Raises ConfigError.

    ``listeners`` are those that this process has.
    """
    return _for_others(source, lambda config: (*web_file_problems(config, listeners), *web_mode_problems(config)))


def load_for_deliver(source: Source) -> Config:
    """Return the configuration for `bounced deliver`, which reads other files than the daemon.  Raises ConfigError.

    Its lists have no secrets: the deliverer needs the names of their keys alone.
    """
    checks = (missing_to_deliver, hook_file_problems, hook_mode_problems)
    return as_deliverer(_for_others(source, lambda config: [each for check in checks for each in check(config)]))


def load_for_follow(source: Source, mta: str) -> Config:
    """Return the configuration for `bounced follow`, which has its own user of Redis.  Raises ConfigError."""

    def further(config: Config) -> Iterable[Problem]:
        return (*follow_file_problems(config, mta), *follow_mode_problems(config, mta))

    return as_follower(_for_others(source, further), mta)


def examine(path: Path | None = None, *, check_files: bool = True) -> tuple[Config | None, tuple[Problem, ...]]:
    """Return the configuration, as far as it can be read, and all that is wrong or doubtful about it."""
    try:
        source = read_configuration(path)
    except ConfigError as error:
        return None, error.problems
    return _parsed(source, check_files=check_files, check_modes=check_files)


def found() -> Path | None:
    """Return the file that is read when none is named, or None where there is none.

    A file that exists and may not be read is returned: then reading it fails, instead of defaults being used.
    """
    try:
        DEFAULT_PATH.stat()
    except FileNotFoundError:
        return None
    except OSError:
        return DEFAULT_PATH
    return DEFAULT_PATH


def _for_others(source: Source, further: Callable[[Config], Iterable[Problem]]) -> Config:
    """Return the configuration for a process beside the daemon, with the problems that only it has."""
    config, problems = _parsed(source, check_files=False, check_modes=True)
    if config is not None:
        problems = (*problems, *further(config))
        problems = (*problems, *missing_to_run(config, problems))
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    if config is None or errors:
        raise ConfigError(source.path, errors)
    return config


def _sound(source: Source, *, check_files: bool, check_modes: bool) -> Config:
    config, problems = _parsed(source, check_files=check_files, check_modes=check_modes)
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    if config is None or errors:
        raise ConfigError(source.path, errors)
    return config


def _parsed(source: Source, *, check_files: bool, check_modes: bool) -> tuple[Config | None, tuple[Problem, ...]]:
    try:
        data = tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        return None, (Problem("", f"be TOML: {error}"),)
    config, problems = _examined(data, source.path, check_files=check_files)
    return config, (*problems, *(mode_problems(config, source.path) if config and check_modes else ()))


def _examined(
    data: dict[str, Any], path: Path | None, *, check_files: bool
) -> tuple[Config | None, tuple[Problem, ...]]:
    config, mistakes = _validated(data, path.parent if path else Path())
    if config is None:
        return None, tuple(mistakes)
    further = [*mutual_problems(config), *(file_problems(config) if check_files else ())]
    return config, (*mistakes, *(problem for problem in further if not _follows(problem, mistakes)))


def _validated(data: dict[str, Any], folder: Path) -> tuple[Config | None, list[Problem]]:
    """Return the settings that are left without the wrong ones, so that further checks can run, and what is wrong."""
    mistakes: list[Problem] = []
    rest = deepcopy(data)
    while True:
        try:
            return Config.model_validate(rest, context=folder), mistakes
        except ValidationError as error:
            details = error.errors(include_url=False)
        mistakes = mistakes or [problem_of(detail, Config) for detail in details]
        if not _without(rest, [place_of(detail) for detail in details]):
            return None, mistakes


def _without(data: dict[str, Any], places: Iterable[Location]) -> bool:
    """Remove the values at these places, the last of a list first; return whether any was there."""
    backwards = sorted(set(places), key=lambda place: [(isinstance(step, str), step) for step in place], reverse=True)
    return sum(_removed(data, place) for place in backwards) > 0


def _removed(data: Any, place: Location) -> bool:
    *way, last = place
    try:
        table = reduce(getitem, way, data)
        del table[last]
    except (KeyError, IndexError):
        return False
    return True


def _follows(problem: Problem, mistakes: Iterable[Problem]) -> bool:
    """Whether a problem only follows from a key that was removed because of a mistake, or from the table around it."""
    return any(_related(problem.key, mistake.key) for mistake in mistakes)


def _related(key: str, other: str) -> bool:
    """Whether two keys are the same, or one stands within the other."""
    first, second = (f"{one.replace('[', '.')}." for one in (key, other))
    return first.startswith(second) or second.startswith(first)
