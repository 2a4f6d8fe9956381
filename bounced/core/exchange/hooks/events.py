"""The JSON of a service's events, read without ever failing: what is missing or of another type is empty."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

_TYPE = re.compile(r"\s*(?:x-)?[a-z]+\s*;\s*", re.IGNORECASE)
_ANGLED = re.compile(r"<([^<>]*)>\s*$")
# Reply-code (RFC 5321 section 4.2), or status-code (RFC 3463 section 2), of a failure.
_CODE = re.compile(r"(?<![0-9.])(?:[45][0-5][0-9](?:[ -]|$)|[45]\.[0-9]{1,3}\.[0-9]{1,3}(?![0-9.]*[0-9]))")


class NotJson(ValueError):  # noqa: N818 - says what is so
    """A body that is no JSON, and why."""


class Event:
    """One JSON object.  Names with dots go into inner objects: ``message.headers``."""

    __slots__ = ("_came", "_values")

    def __init__(self, values: object) -> None:
        self._came = values
        self._values: Mapping[str, Any] = values if isinstance(values, dict) else {}

    def __contains__(self, name: str) -> bool:
        """Whether there is a value that is not null."""
        return self.value(name) is not None

    def value(self, name: str) -> Any:
        """Return whatever stands there; None where nothing does."""
        if "." not in name:
            return self._values.get(name)
        found: Any = self._values
        for step in name.split("."):
            found = found.get(step) if isinstance(found, dict) else None
        return found

    def text(self, *names: str) -> str:
        """Return the first of these that is a text or a number and is not empty, without white space around it."""
        for name in names:
            value = self.value(name)
            if isinstance(value, bool):
                continue
            if isinstance(value, str | int | float) and (found := str(value).strip()):
                return found
        return ""

    def is_true(self, name: str) -> bool:
        """Whether it is true, or the word."""
        value = self.value(name)
        return value is True or (isinstance(value, str) and value.strip().lower() == "true")

    def inner(self, name: str) -> "Event":
        """Return an object inside, empty where there is none."""
        return Event(self.value(name))

    def each(self, name: str) -> Sequence["Event"]:
        """Return the objects of a list inside."""
        value = self.value(name)
        return [Event(each) for each in value if isinstance(each, dict)] if isinstance(value, list) else []

    def texts(self, name: str) -> Sequence[str]:
        """Return the texts of a list inside; a text alone is a list of one."""
        value = self.value(name)
        several = value if isinstance(value, list) else [value]
        return [each.strip() for each in several if isinstance(each, str) and each.strip()]

    def header(self, name: str, *, field: str) -> str:
        """Return the body of a header field: of an object, or of a list of objects (name, value) or of pairs."""
        for found_name, body in self._fields(name):
            if found_name.strip().lower() == field.lower():
                return body.strip()
        return ""

    def raw(self) -> str:
        """Return what came as JSON, the same for the same event, also where it is no object."""
        try:
            return json.dumps(self._came, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        except (ValueError, RecursionError):
            return str(sorted(self._values))

    def _fields(self, name: str) -> Iterator[tuple[str, str]]:
        value = self.value(name)
        if isinstance(value, dict):
            for key, body in value.items():
                yield str(key), str(body[0] if isinstance(body, list) and body else body)
        for each in value if isinstance(value, list) else []:
            if isinstance(each, dict):
                lower = {str(key).lower(): body for key, body in each.items()}
                yield str(lower.get("name", "")), str(lower.get("value", ""))
            elif isinstance(each, list) and len(each) == 2:  # noqa: PLR2004 - a pair
                yield str(each[0]), str(each[1])


def json_events(body: bytes, _content_type: str = "") -> Sequence[Event]:
    """Return the object, or each of an array.  What is no object in an array is an empty one.  Raises NotJson."""
    value = json_value(body)
    return [Event(each) for each in value] if isinstance(value, list) else [Event(value)]


def json_lines(body: bytes, _content_type: str = "") -> Sequence[Event]:
    """Return the objects that stand in a line each.  A line that is no JSON is an event that nobody understands."""
    return [event for line in body.splitlines() if line.strip() for event in _of_line(line)]


def _of_line(line: bytes) -> Sequence[Event]:
    try:
        return json_events(line)
    except NotJson:
        return [Event(line.decode("utf-8", "replace"))]


def bare(addresses: Iterable[str]) -> Sequence[str]:
    """Return addresses without the names that stand beside them where a sender gave some: ``Jane <jane@...>``."""
    return [found[1] if (found := _ANGLED.search(each)) else each for each in addresses if each]


def without_type(diagnostic: str) -> str:
    """Return a diagnostic without the type before it: "smtp; 550 5.1.1 ...".  (RFC 3464 section 2.3.6)"""
    return diagnostic[found.end() :] if (found := _TYPE.match(diagnostic)) else diagnostic


def server_reply(text: str) -> str:
    """Return a text that a service gives as the server's reply, empty where no code of a server stands in it.

    Services write words of their own into the same field, and "user unknown" proves nothing unless a server said it.
    """
    return without_type(text) if _CODE.search(text) else ""


def json_value(body: bytes) -> Any:
    """Return what a body says.  Raises NotJson, whatever it holds.

    Octets of another charset, such as those of a server's reply, spoil the text in which they stand and nothing else.
    """
    try:
        return json.loads(body.decode(json.detect_encoding(body), "replace"))
    except (ValueError, RecursionError) as error:
        raise NotJson(f"the body must be JSON: {str(error)[:200]}") from None
