"""The tables and keys that a configuration has, as facts: for the example, the documentation, and did-you-mean."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

from bounced.config.toml import toml_value


class Section(BaseModel):
    """A table of the file.  Unknown keys are errors, values cannot be changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Repeats(StrEnum):
    """How often a table may stand in a file."""

    ONCE = "once"
    NAMED = "named"
    LISTED = "listed"


@dataclass(frozen=True, slots=True)
class Setting:
    """One key.  ``default`` and ``example`` are TOML, None where there is none."""

    name: str
    description: str
    default: str | None
    example: str | None
    required: bool


@dataclass(frozen=True, slots=True)
class TableShape:
    """One table: where it stands, what it is for, and its keys.  NAME in ``path`` stands for a name to choose."""

    path: tuple[str, ...]
    repeats: Repeats
    purpose: str
    settings: tuple[Setting, ...]


def tables(section: type[Section], path: tuple[str, ...] = (), repeats: Repeats = Repeats.ONCE) -> Iterator[TableShape]:
    """Yield a table and those within it, in the order of their declaration."""
    fields = {info.alias or name: info for name, info in section.model_fields.items()}
    inner = {name: found for name, info in fields.items() if (found := subsection(info.annotation))}
    defaults = section.model_construct().model_dump(mode="json", by_alias=True)
    settings = tuple(_setting(name, info, defaults.get(name)) for name, info in fields.items() if name not in inner)
    yield TableShape(path, repeats, " ".join((section.__doc__ or "").split()), settings)
    for name, (child, how) in inner.items():
        yield from tables(child, (*path, name, "NAME") if how is Repeats.NAMED else (*path, name), how)


def subsection(annotation: Any) -> tuple[type[Section], Repeats] | None:
    """Return the kind of table that a field holds, and how often; None for a plain value."""
    arguments = get_args(annotation)
    match get_origin(annotation):
        case origin if origin is Mapping and is_section(arguments[1]):
            return arguments[1], Repeats.NAMED
        case origin if origin is tuple and is_section(arguments[0]):
            return arguments[0], Repeats.LISTED
        case origin if origin in (Union, UnionType):
            return next(filter(None, map(subsection, arguments)), None)
    return (annotation, Repeats.ONCE) if is_section(annotation) else None


def is_section(annotation: Any) -> bool:
    """Whether a type is a table of the file."""
    return isinstance(annotation, type) and issubclass(annotation, Section)


def _setting(name: str, info: FieldInfo, default: Any) -> Setting:
    return Setting(
        name=name,
        description=info.description or "",
        default=None if default is None else toml_value(default),
        example=toml_value(info.examples[0]) if info.examples else None,
        required=info.is_required(),
    )
