r"""Many patterns matched at once in linear time: a typed wrapper for google-re2.

RE2 never backtracks, so no text and no user's pattern can stall the daemon.  ``\b``, ``\w`` and ``\d`` know ASCII
only; ``.`` stops at a line end.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import re2

MAX_REPEAT = 50
GROUP_SIZE = 48
MAX_MEMORY_BYTES = 8 * 1024 * 1024
"""What one automaton may come to know: the packaged rules make 9, and texts that never end fill them all."""
REMEMBERED_PATTERNS = 128
"""So many single patterns stay compiled: those of the rows that fit most often."""
_REPEAT = re.compile(r"\{(\d+)(?:,(\d*))?\}")


class BadPattern(ValueError):  # noqa: N818 - the name says what is wrong, as in a message
    """A pattern that RE2 refuses, or that would cost too much."""


def check(pattern: str) -> None:
    """Accept a pattern or say what is wrong with it.  Raises BadPattern."""
    if not pattern.strip():
        raise BadPattern("is empty and would match everything")
    repeats = [int(number) for found in _REPEAT.findall(pattern) for number in found if number]
    if max(repeats, default=0) > MAX_REPEAT:
        raise BadPattern(f"repeats something {max(repeats)} times; at most {MAX_REPEAT} is allowed")
    try:
        compiled = re2.compile(pattern, _options())
    except re2.error as error:
        reason = error.args[0]
        raise BadPattern(reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)) from None
    if compiled.search("") is not None:
        raise BadPattern("matches the empty text and so everything")


class PatternSet:
    """An ordered set of patterns, searched for all at once.  Letter case does not count.

    Within, they stand in groups: RE2 makes one automaton of a group, and the states of a small one are soon all known,
    while those of all patterns together multiply with each new text (measured: 1.5 ms against 0.1 ms).
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        """Compile ``patterns``.  Raises BadPattern where one is wrong."""
        ordered = tuple(patterns)
        starts = range(0, len(ordered), GROUP_SIZE)
        self._groups = tuple((start, _compiled(ordered[start : start + GROUP_SIZE])) for start in starts)

    def matching(self, text: str) -> list[int]:
        """Return the places, in order, of all patterns found in ``text``."""
        content = text.encode("utf-8", "replace")
        found: list[int] = []
        for start, group in self._groups:
            places: list[int] | None = group.Match(content)
            if places:
                found += sorted([start + place for place in places])
        return found


class Locator:
    """Alternatives of which the first in a text is looked for.  ``^`` is the start of a line, case is nothing."""

    def __init__(self, alternatives: Iterable[str]) -> None:
        """Compile ``alternatives``.  Raises BadPattern."""
        pattern = "|".join(f"(?:{alternative})" for alternative in alternatives)
        try:
            self._pattern = re2.compile(f"(?m){pattern}".encode(), _options())
        except re2.error:
            raise BadPattern(f"cannot be compiled: {pattern}") from None

    def first(self, text: str) -> tuple[int, int] | None:
        """Return where the first alternative is found, in characters."""
        octets = text.encode("utf-8", "replace")
        found = self._pattern.search(octets)
        if found is None:
            return None
        return _in_characters(octets, text, *found.span())


class Replacer:
    """A pattern whose places in a text give way to other words.  ``^`` is the start of a line, case is nothing."""

    def __init__(self, pattern: str, replacement: str) -> None:
        r"""Compile a pattern; a replacement may hold ``\1`` and so on.  Raises BadPattern."""
        options = _options()
        options.never_capture = False
        try:
            self._pattern = re2.compile(f"(?m){pattern}".encode(), options)
        except re2.error:
            raise BadPattern(f"cannot be compiled: {pattern}") from None
        self._replacement = replacement.encode()

    def replaced(self, text: str) -> str:
        """Return a text with each place of the pattern replaced."""
        octets: bytes = self._pattern.sub(self._replacement, text.encode("utf-8", "replace"))
        return octets.decode("utf-8", "replace")


def span(pattern: str, text: str) -> tuple[int, int] | None:
    """Return where ``pattern`` is first found in ``text``, in characters: a PatternSet knows no places."""
    octets = text.encode("utf-8", "replace")
    found = _one(pattern).search(octets)
    return _in_characters(octets, text, *found.span()) if found else None


@lru_cache(REMEMBERED_PATTERNS)
def _one(pattern: str) -> Any:
    """Return one pattern compiled; each may come to fill MAX_MEMORY_BYTES, so not all are remembered."""
    return re2.compile(pattern.encode(), _options())


def _in_characters(octets: bytes, text: str, start: int, end: int) -> tuple[int, int]:
    if len(octets) == len(text):
        return start, end
    return len(octets[:start].decode("utf-8", "ignore")), len(octets[:end].decode("utf-8", "ignore"))


def _compiled(patterns: Sequence[str]) -> re2.Set:
    group = re2.Set.SearchSet(_options())
    for pattern in patterns:
        try:
            group.Add(pattern)
        except re2.error:
            raise BadPattern(f"cannot be compiled: {pattern}") from None
    group.Compile()
    return group


def _options() -> re2.Options:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.never_capture = True  # where a match begins and ends is all that anybody asks
    options.max_mem = MAX_MEMORY_BYTES
    return options
