"""The example file and the manual of the configuration, written from its declarations."""

from collections.abc import Iterator
from textwrap import wrap

from bounced.config.model import Config
from bounced.config.shape import Repeats, Setting, TableShape, tables

_WIDTH = 118
_NAMES = {"lists": "main", "rules": "mailbox_full", "hooks": "postmark", "follow": "postfix"}
_FILLED_IN = frozenset({"lists.NAME", "lists.NAME.keys"})
_NEEDED_TO_RUN = frozenset({"redis.url"})

_EXAMPLE_PREFACE = """\
bounced: every setting there is, with its purpose, its unit and its default.

A key behind "#" shows its default, or an example if it has none. Remove the "#" to change it.
`bounced check-config` prints what is in force, or everything that is wrong. Paths that are not absolute start at the
folder of this file. Secrets stand in files of their own. "credential:NAME" is a file that systemd hands over
(LoadCredential=NAME, which takes it from /etc/credstore/NAME)."""

_MANUAL_PREFACE = """\
# Configuration

This page lists every setting, for whoever runs bounced. It is written from the declarations that check the file (`make
docs`).

The short version: `bounced check-config --example` prints a complete, commented file. Start with that. Set `redis.url`
and one list: `bounced run` needs both. Every other key has a default, except those marked *required*.
`bounced check-config` prints what is in force, or every error at once.

- `bounced` reads `/etc/bounced/bounced.toml`, or the file that `--config` or the environment variable `BOUNCED_CONFIG`
  names.
- Paths that are not absolute start at the folder of the configuration file.
- Secrets stand in files of their own, never in the configuration or on a command line. `credential:NAME` is a file
  that systemd hands over (`LoadCredential=NAME`). Commands outside the service look for it in `/etc/credstore`.
- No secret may be readable by everybody. The configuration, a rule file or the certificate may not be writable by
  everybody. Otherwise the daemon does not start, a reload changes nothing, and the error message has the `chmod` that
  mends it. The group may read and write them: files of root with the group `bounced` and mode 0640 are right. For a
  symbolic link the mode of its target counts.
- Durations and sizes have their unit in the name: `_s` seconds, `_hours`, `_days`, `_bytes` octets.
"""


def example_file() -> str:
    """Return config/bounced.toml."""
    lines = [f"# {line}".rstrip() for line in _EXAMPLE_PREFACE.splitlines()]
    for table in tables(Config):
        lines += _table_lines(table)
    return "\n".join(lines) + "\n"


def manual() -> str:
    """Return docs/configure.md."""
    return "\n".join([_MANUAL_PREFACE, *(line for table in tables(Config) for line in _chapter(table))])


def _table_lines(table: TableShape) -> Iterator[str]:
    key = ".".join(table.path)
    shown = table.repeats is Repeats.ONCE or key in _FILLED_IN
    if table.path:
        yield ""
        yield ""
        yield from _comment(table.purpose)
        yield f"{'' if shown else '#'}{_header(table.path, table.repeats, _NAMES)}"
    for setting in table.settings:
        filled_in = shown and (setting.required or f"{key}.{setting.name}" in _NEEDED_TO_RUN)
        yield ""
        yield from _comment(_explained(setting, by_itself=shown))
        yield f"{'' if filled_in else '#'}{setting.name} = {setting.default or setting.example}"


def _header(path: tuple[str, ...], repeats: Repeats, names: dict[str, str]) -> str:
    steps = [names.get(path[place - 1], step) if step == "NAME" else step for place, step in enumerate(path)]
    return f"[[{'.'.join(steps)}]]" if repeats is Repeats.LISTED else f"[{'.'.join(steps)}]"


def _explained(setting: Setting, *, by_itself: bool) -> str:
    if setting.required:
        return f"{setting.description} Required."
    if setting.default is None:
        return f"{setting.description} Not set by default." if by_itself else setting.description
    return f"{setting.description} Such as: {setting.example}" if setting.example else setting.description


def _comment(text: str) -> Iterator[str]:
    return (f"# {line}" for line in wrap(text, _WIDTH))


def _chapter(table: TableShape) -> Iterator[str]:
    title = f"`{_header(table.path, table.repeats, {})}`" if table.path else "Top of the file"
    yield f"## {title}"
    yield ""
    if table.path:
        yield table.purpose
        yield ""
    if table.settings:
        yield "| key | default | meaning |"
        yield "|---|---|---|"
    for setting in table.settings:
        default = "*required*" if setting.required else f"`{setting.default}`" if setting.default else ""
        yield f"| `{setting.name}` | {default} | {setting.description.replace('|', chr(92) + '|')} |"
    yield ""
