"""What pydantic found, as sentences for an operator."""

from collections.abc import Collection
from difflib import get_close_matches
from typing import Any

from pydantic_core import ErrorDetails

from bounced.config.errors import Problem
from bounced.config.shape import Repeats, Section, subsection

Location = tuple[int | str, ...]

_EXPECTED = {
    "bool_type": "be true or false",
    "int_type": "be a whole number",
    "float_type": "be a number",
    "string_type": "be text in quotes",
    "tuple_type": "be a list",
    "dict_type": "be a table",
    "mapping_type": "be a table",
    "model_type": "be a table",
    "path_type": "be a path",
    "literal_error": "be {expected}",
    "greater_than": "be more than {gt:g}",
    "greater_than_equal": "be at least {ge:g}",
    "less_than_equal": "be at most {le:g}",
    "too_short": "have at least {min_length}",
    "too_long": "have at most {max_length}",
    "value_error": "{error}",
}


def problem_of(detail: ErrorDetails, section: type[Section]) -> Problem:
    """Return what one of pydantic's errors means, found in a file whose outermost table is ``section``."""
    location = _location(detail)
    key = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location).removeprefix(".")
    if detail["type"] == "missing":
        return Problem(key, "be given")
    if detail["type"] == "extra_forbidden":
        return Problem(key, f"be a known key{_meant(str(location[-1]), _keys_at(location[:-1], section))}")
    template = _EXPECTED.get(detail["type"], f"be right: {detail['msg']}")
    return Problem(key, template.format(**detail.get("ctx", {})), got=_as_written(detail["input"]))


def place_of(detail: ErrorDetails) -> Location:
    """Return which value, or table that lacks one, has to be removed so that the rest can be checked."""
    location = _location(detail)
    return location[:-1] if detail["type"] == "missing" else location


def _location(detail: ErrorDetails) -> Location:
    """Return where an error is.  pydantic adds a mark after the name of a table whose name is wrong."""
    *place, last = detail["loc"]
    return tuple(place) if last == "[key]" and detail["type"] != "extra_forbidden" else detail["loc"]


def _meant(name: str, known: Collection[str]) -> str:
    close = get_close_matches(name, known, n=1)
    if close:
        return f': did you mean "{close[0]}"?'
    return f": one of {', '.join(sorted(known))}" if known else ""


def _keys_at(location: Location, section: type[Section]) -> Collection[str]:
    """Return the keys of the table at a location, without names of lists and without indexes."""
    fields, steps = section.model_fields, iter(location)
    for step in steps:
        info = fields.get(str(step))
        inner = subsection(info.annotation) if info else None
        if inner:
            fields = inner[0].model_fields
            if inner[1] is not Repeats.ONCE:
                next(steps, None)
    return [info.alias or name for name, info in fields.items()]


def _as_written(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
        case dict():
            return "a table"
        case list() | tuple():
            return f"[{', '.join(map(_as_written, value))}]"
        case _:
            return str(value)
