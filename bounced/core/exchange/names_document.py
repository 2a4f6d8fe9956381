"""What docs/names.md shows of the names of other systems: ours to theirs, theirs to ours, and where they stand."""

from collections.abc import Iterable, Iterator

from bounced.core.exchange.name_tables import NEAREST, OF_THE_DOUBTFUL, SOURCES, System
from bounced.core.exchange.names import NAMES, Name, names_of
from bounced.core.terms import Category, Class, class_of


def nearest() -> str:
    """Return the table of our categories, with the nearest name of each system."""
    called = [SOURCES[system][0] for system in OF_THE_DOUBTFUL]
    lines = [f"| ours | class | {' | '.join(called)} |", f"|{'---|' * (len(called) + 2)}"]
    lines += [_nearest(f"`{each}`", class_of(each), names_of(each).values()) for each in NEAREST]
    doubtful = names_of(Category.MAILBOX_UNKNOWN, Class.SOFT).values()
    lines.append(_nearest("a hard category that is not proven", Class.SOFT, doubtful))
    return "\n".join(lines) + "\n"


def meanings() -> str:
    """Return a section for each system: its names, what each means, and where they were looked up."""
    return "\n".join(line for system in NAMES for line in _section(system)) + "\n"


def _nearest(ours: str, class_: Class, theirs: Iterable[Name | None]) -> str:
    return f"| {ours} | `{class_}` | {' | '.join('' if name is None else _written(name) for name in theirs)} |"


def _section(system: System) -> Iterator[str]:
    called, source = SOURCES[system]
    yield from (f"### {called}", "", f"Looked up: {source}.", "", "| theirs | ours | class |", "|---|---|---|")
    for name in NAMES[system]:
        told = "nothing | " if name.category is None else f"`{name.category}` | `{class_of(name.category)}`"
        yield f"| {_written(name)} | {told} |"
    yield ""


def _written(name: Name) -> str:
    return f"{name.code} `{name.text}`" if name.code else f"`{name.text}`"
