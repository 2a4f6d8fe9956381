"""What pydantic found, as sentences for an operator."""

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from bounced.config.errors import Problem
from bounced.config.model import Config

Location = Sequence[int | str]

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
    "greater_than": "be more than {gt}",
    "greater_than_equal": "be at least {ge}",
    "less_than_equal": "be at most {le}",
    "too_short": "have at least {min_length}",
    "value_error": "{error}",
}


def problem_of(detail: ErrorDetails) -> Problem:
    """Return what one of pydantic's errors means."""
    key = key_of(detail["loc"])
    if detail["type"] == "missing":
        return Problem(key, "be given")
    if detail["type"] == "extra_forbidden":
        *table, name = detail["loc"]
        return Problem(key, f"be a known key{_meant(str(name), _keys_at(table))}")
    template = _EXPECTED.get(detail["type"], f"be right: {detail['msg']}")
    return Problem(key, template.format(**detail.get("ctx", {})), got=_as_written(detail["input"]))


def key_of(location: Location) -> str:
    """Return where in the file something stands, such as lists.main.keys[0].id."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in plain(location))
    return "".join(steps).removeprefix(".")


def plain(location: Location) -> Location:
    """Return a location without the mark that pydantic sets behind the name of a table that is wrong itself."""
    return location[:-1] if location and location[-1] == "[key]" else location


def _meant(name: str, known: Collection[str]) -> str:
    close = get_close_matches(name, known, n=1)
    if close:
        return f': did you mean "{close[0]}"?'
    return f": one of {', '.join(sorted(known))}" if known else ""


def _keys_at(location: Location) -> Collection[str]:
    annotation: Any = Config
    for step in location:
        annotation = _within(annotation, step)
    return annotation.model_fields if _is_model(annotation) else ()


def _within(annotation: Any, step: int | str) -> Any:
    origin = get_origin(annotation)
    if origin is Union:
        return next((_within(member, step) for member in get_args(annotation) if member is not type(None)), None)
    if origin is Mapping:
        return get_args(annotation)[1]
    if origin is tuple:
        return get_args(annotation)[0]
    return annotation.model_fields[step].annotation if _is_model(annotation) else None


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


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
