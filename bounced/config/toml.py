"""Values and tables as TOML; the standard library only reads it."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# unquoted-key = 1*( ALPHA / DIGIT / "-" / "_" )  (TOML 1.0)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def toml_value(value: Any) -> str:
    """Return a boolean, number, text, list or table on one line."""
    match value:
        case bool() | int() | float() | str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case Mapping():
            items = ", ".join(f"{toml_key(name)} = {toml_value(item)}" for name, item in value.items())
            return f"{{ {items} }}" if items else "{}"
        case Sequence():
            return "[" + ", ".join(map(toml_value, value)) + "]"
    raise TypeError(f"no TOML for {type(value).__name__}")


def toml_key(name: str) -> str:
    """Return the name of a key, in quotes where it needs them."""
    return name if _BARE_KEY.fullmatch(name) else toml_value(name)


def toml_document(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a document: tables become [headers], lists of tables [[headers]]; None is left out."""
    yield from _table(data, ())


def _table(data: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    values = {name: value for name, value in data.items() if value is not None}
    tables = {name: value for name, value in values.items() if _is_table(value)}
    for name, value in values.items():
        if name not in tables:
            yield f"{toml_key(name)} = {toml_value(value)}"
    for name, value in tables.items():
        inner = (*path, toml_key(name))
        for one in [value] if isinstance(value, Mapping) else value:
            yield ""
            yield f"[{'.'.join(inner)}]" if isinstance(value, Mapping) else f"[[{'.'.join(inner)}]]"
            yield from _table(one, inner)


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)
    )
