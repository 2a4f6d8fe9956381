"""What can be wrong with a configuration, said so that an operator knows what to change."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

# The password in userinfo = user ":" password "@" (RFC 3986 section 3.2.1), or in a query, "password=" ....
_PASSWORD = re.compile(r"((?<=://)[^:@/\s]*:)[^@/\s]+(?=@)|(password=)[^&\s]+")
_LONGEST_VALUE = 100

DEFAULT_PATH = Path("/etc/bounced/bounced.toml")
"""The file that is read when none is named."""


class Severity(StrEnum):
    """Whether the daemon refuses to start because of a problem."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One key that is not as it must be.  ``must`` completes "KEY must ...", ``got`` is what stands there instead."""

    key: str
    must: str
    got: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        """Return the sentence, without the file it is about."""
        got = f", got {shown(self.got)}" if self.got else ""
        return f"{self.key} must {self.must}{got}".strip()


class ConfigError(Exception):
    """Everything that is wrong with one file, at once.  ``problems`` holds errors only."""

    def __init__(self, file: Path | None, problems: Iterable[Problem]) -> None:
        self.file = file
        self.problems = tuple(problems)
        super().__init__("\n".join(self.lines))

    @property
    def lines(self) -> tuple[str, ...]:
        """One line for each problem: file, key, what was expected, what stands there."""
        return tuple(f"{named(self.file)}: {problem}" for problem in self.problems)


def named(file: Path | None) -> str:
    """Return what to call the place of a configuration; where there was none, which file was looked for."""
    return str(file or f"built-in defaults (there is no {DEFAULT_PATH})")


def shown(value: str) -> str:
    """Return a value fit for a terminal: one line, bounded, the password of a URL masked."""
    line = masked(value).encode("unicode_escape").decode("ascii")
    return line if len(line) <= _LONGEST_VALUE else line[: _LONGEST_VALUE - 1] + "…"


def masked(value: str) -> str:
    """Return a text with the passwords of any URL in it masked."""
    return _PASSWORD.sub(lambda found: f"{found[1] or found[2]}***", value)
