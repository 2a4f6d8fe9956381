"""From a TOML file to a Config, or to everything that is wrong with it at once."""

import tomllib
from collections.abc import Iterable
from copy import deepcopy
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bounced.config.checks import file_problems, missing_to_run, mutual_problems
from bounced.config.errors import ConfigError, Problem, Severity
from bounced.config.explaining import Location, place_of, problem_of
from bounced.config.model import Config

DEFAULT_PATH = Path("/etc/bounced/bounced.toml")


def load(path: Path | None = None, *, check_files: bool = True) -> Config:
    """Return the configuration in a file; for None the one in /etc where it exists, else the defaults.

    ``check_files`` is false for commands that need none of the secrets and so must not fail for want of them.
    Raises ConfigError.
    """
    config, problems = examine(path, check_files=check_files)
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    if config is None or errors:
        raise ConfigError(path or found(), errors)
    return config


def load_to_run(path: Path | None = None) -> Config:
    """Return the configuration for the daemon, which needs more than other commands do.  Raises ConfigError."""
    config = load(path)
    missing = tuple(missing_to_run(config))
    if missing:
        raise ConfigError(path or found(), missing)
    return config


def examine(path: Path | None = None, *, check_files: bool = True) -> tuple[Config | None, tuple[Problem, ...]]:
    """Return the configuration, as far as it can be read, and all that is wrong or doubtful about it."""
    path = path or found()
    try:
        data = tomllib.loads(path.read_text("utf-8")) if path else {}
    except OSError as error:
        return None, (Problem("", f"be a file that can be read: {error.strerror}"),)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return None, (Problem("", f"be TOML: {error}"),)
    return _validated(data, path.parent if path else Path(), check_files=check_files)


def found() -> Path | None:
    """Return the file that is read when none is named, or None where there is none."""
    return DEFAULT_PATH if DEFAULT_PATH.exists() else None


def _validated(data: dict[str, Any], folder: Path, *, check_files: bool) -> tuple[Config | None, tuple[Problem, ...]]:
    """Validate, then go on without what was wrong, so that the checks across tables have their say as well."""
    problems: list[Problem] = []
    rest = deepcopy(data)
    while True:
        try:
            config = Config.model_validate(rest, context=folder)
            break
        except ValidationError as error:
            details = error.errors(include_url=False)
            if not problems:
                problems = [problem_of(detail) for detail in details]
            if not _without(rest, [place_of(detail) for detail in details]):
                return None, tuple(problems)
    problems += _new(mutual_problems(config), problems)
    if check_files:
        problems += _new(file_problems(config), problems)
    return config, tuple(problems)


def _without(data: dict[str, Any], places: Iterable[Location]) -> bool:
    """Take the values at these places out, the last of a list first, and say whether any was there."""
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


def _new(found: Iterable[Problem], known: list[Problem]) -> list[Problem]:
    """Leave out what only follows from a key already complained of."""
    return [problem for problem in found if not any(_related(problem.key, earlier.key) for earlier in known)]


def _related(key: str, other: str) -> bool:
    """Whether two keys are the same, or one stands within the other."""
    first, second = (f"{one.replace('[', '.')}." for one in (key, other))
    return first.startswith(second) or second.startswith(first)
