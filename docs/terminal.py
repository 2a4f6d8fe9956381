"""Draw ``docs/pictures/terminal.svg``: commands that are really run beside a demonstration, and what they print."""

import re
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from rich.color import parse_rgb_hex
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

PICTURE = Path(__file__).parent / "pictures/terminal.svg"
WIDTH = 100
ADDRESS = "newcomer-3f2a9c@mailbox.example"

COMMANDS = (
    "export BOUNCED_CONFIG=demo/bounced.toml",
    "bounced demo --folder demo --send unknown_user",
    f"bounced lookup {ADDRESS}",
    "bounced explain --reply '550 5.1.1 User unknown; IP 192.0.2.25 is on our block list'",
    f"bounced release {ADDRESS} --reason 'telephoned: the mailbox works'",
)
"""What is typed.  ``ADDRESS`` stands for the address that the demonstration chose when it sent the sample."""

DEMONSTRATION = "bounced demo --folder demo"
"""What runs in another terminal; here with free ports and without a browser."""
NO_FIXED_PORTS = ("--port", "0", "--web-port", "0", "--no-browser")
UP = "Up until Ctrl-C."

_NEUTRAL = (
    (re.compile(r"newcomer-[0-9a-f]{6}"), "newcomer-3f2a9c"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d"), "2026-05-01 08:30"),
    (re.compile(r"(in the log +(?:\x1b\[0m)?)[0-9a-f]{12}"), r"\g<1>04b08f980091"),
    (re.compile(r"(?<= 250 2\.0\.0 OK )[0-9a-f]{16}"), "302f2def90de4edc"),
)
"""What differs from run to run, and what the picture shows instead, of the same length."""

_DIM, _GREY = "\x1b[2m", "\x1b[90m"


def _theme(background: str, foreground: str, grey: str, *colours: str) -> TerminalTheme:
    """Return a terminal's colours, given as six hexadecimal digits; all bright ones are grey: no other is used."""
    first, text, dim = map(parse_rgb_hex, (background, foreground, grey))
    return TerminalTheme(first, text, [text, *map(parse_rgb_hex, colours), text], [dim] * 8)


LIGHT = _theme("ffffff", "1f2328", "5f6770", "b01822", "116329", "7d4e00", "0950ae", "783cbe", "0f5f6e")
DARK = _theme("0d1117", "e6edf3", "9198a1", "ff7b72", "56d364", "e3b341", "79c0ff", "d2a8ff", "56d4dd")
"""Background, text, grey, red, green, yellow, blue, magenta, cyan."""

_NOTHING = re.compile(r"<text [^>]*>\s*</text>|[ \t]+$", re.MULTILINE)
"""Texts that show nothing, and blanks at the end of a line."""
FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
FORMAT = """\
<svg class="terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: FONTS; font-size: {char_height}px; }}
.{unique_id}-title {{ font-family: FONTS; font-size: 17px; }}
OF_LIGHT
{styles}
@media (prefers-color-scheme: dark) {{
OF_DARK
}}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})">
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
NAME = "terminal"


@dataclass(frozen=True, slots=True)
class Shown:
    """A command, and what it printed, with the marks of a terminal for colours."""

    command: str
    printed: str


def main() -> None:
    """Record, and write the picture."""
    with tempfile.TemporaryDirectory(prefix="bounced-terminal-") as folder:
        picture = draw(record(Path(folder)))
    PICTURE.write_text(picture, "utf-8")
    sys.stdout.write(f"{PICTURE.relative_to(PICTURE.parents[2])}: {len(picture.encode()):,} bytes\n")


def record(folder: Path) -> list[Shown]:
    """Run the commands one after another beside a demonstration in a folder, and return what they print.

    Raises CalledProcessError where one fails.
    """
    shown, variables = [], _environment(folder)
    with _demonstration(folder, variables):
        address = ADDRESS
        for command in COMMANDS:
            program, *words = shlex.split(command.replace(ADDRESS, address))
            if program == "export":
                name, _, value = words[0].partition("=")
                variables[name] = value
                printed = ""
            else:
                printed = _run(words, folder, variables)
            if "--send" in words:
                address = printed.partition(":")[0]
            shown.append(Shown(command, neutral(printed)))
    return shown


def neutral(printed: str) -> str:
    """Return what was printed without what differs from run to run."""
    for pattern, instead in _NEUTRAL:
        printed = pattern.sub(instead, printed)
    return printed


def lines_of(recording: list[Shown]) -> list[str]:
    """Return the lines of the picture, without colours."""
    console = _printed(recording)
    return [line.rstrip() for line in console.export_text().splitlines()]


def draw(recording: list[Shown]) -> str:
    """Return the picture: in light colours, and in dark ones for those who prefer them."""
    console = _printed(recording)
    dark = console.export_svg(theme=DARK, code_format="{styles}", unique_id=NAME, clear=False)
    picture = console.export_svg(title="bounced", theme=LIGHT, code_format=FORMAT, unique_id=NAME)
    for mark, text in (("FONTS", FONTS), ("OF_LIGHT", _window(LIGHT)), ("OF_DARK", f"{_window(DARK)}\n{dark}")):
        picture = picture.replace(mark, text)
    return _NOTHING.sub("", picture)


def _window(theme: TerminalTheme) -> str:
    """Return the style of the window itself."""
    background, foreground, edge = theme.background_color, theme.foreground_color, theme.ansi_colors[8]  # bright black
    window = f".{NAME} > rect {{ fill: {background.hex}; stroke: {edge.hex}; }}"
    return f"{window}\n.{NAME}-title {{ fill: {foreground.hex}; }}"


def _printed(recording: list[Shown]) -> Console:
    console = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text(f"# In another terminal: {DEMONSTRATION}", "bright_black"))
    for shown in recording:
        console.print()
        console.print(Text.assemble(("$ ", "green"), (shown.command, "bold")))
        if shown.printed:
            console.print(Text.from_ansi(shown.printed.rstrip("\n").replace(_DIM, _GREY)))
    return console


def _run(words: list[str], folder: Path, variables: Mapping[str, str]) -> str:
    program = [sys.executable, "-m", "bounced", *words]
    return subprocess.run(  # noqa: S603 - our own program
        program, cwd=folder, env=dict(variables), capture_output=True, text=True, check=True
    ).stdout


@contextmanager
def _demonstration(folder: Path, variables: Mapping[str, str]) -> Iterator[None]:
    """Run the demonstration of a folder, from when it is up."""
    _, *words = DEMONSTRATION.split()
    program = [sys.executable, "-m", "bounced", *words, *NO_FIXED_PORTS]
    with subprocess.Popen(  # noqa: S603 - our own program
        program, cwd=folder, env=dict(variables), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            if not any(line.startswith(UP) for line in process.stdout):
                raise RuntimeError("the demonstration has ended before it was up")
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def _environment(folder: Path) -> dict[str, str]:
    """Return the environment of a terminal with colours in which nothing was set up."""
    return {
        "HOME": str(folder),
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "FORCE_COLOR": "1",
        "COLUMNS": str(WIDTH),
    }


if __name__ == "__main__":
    main()
