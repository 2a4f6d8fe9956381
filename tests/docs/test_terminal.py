"""The recorded terminal of the README: readable everywhere, and what it shows is what the commands print."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bounced.cli.root import COMMANDS
from docs import terminal

SVG = "{http://www.w3.org/2000/svg}"
MOST_BYTES = 60_000
LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3
FILL = re.compile(r"fill: (#[0-9a-f]{6})")
ELSEWHERE = re.compile(
    r"url\((?!#)|@import|@font-face|href|<script|<foreignObject|https?:(?!//www\.w3\.org/2000/svg\")", re.IGNORECASE
)


@pytest.fixture(scope="module")
def picture() -> str:
    """Return the picture as it is kept."""
    return terminal.PICTURE.read_text("utf-8")


def lines(picture: str) -> list[str]:
    """Return the lines of text that a picture shows, each text at its column."""
    rows: dict[float, str] = {}
    for text in ET.fromstring(picture).findall(f"{SVG}g//{SVG}text[@textLength]"):  # noqa: S314 - our own file
        words = (text.text or "").replace("\N{NO-BREAK SPACE}", " ")
        wide = float(text.attrib["textLength"]) / len(words)
        row = float(text.attrib["y"])
        rows[row] = rows.get(row, "").ljust(round(float(text.attrib["x"]) / wide)) + words
    return [rows[row].rstrip() for row in sorted(rows)]


def luminance(colour: str) -> float:
    """Return how bright a colour is, from 0 to 1.  (WCAG 2.2, relative luminance)"""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return how much two colours differ, from 1 to 21.  (WCAG 2.2, contrast ratio)"""
    dark, bright = sorted(map(luminance, (one, other)))
    return (bright + 0.05) / (dark + 0.05)


def test_it_is_well_formed_small_and_loads_nothing(picture: str) -> None:
    """No font, no script, no address: pages that show it tell nobody who reads them."""
    assert ET.fromstring(picture).tag == f"{SVG}svg"  # noqa: S314 - our own file
    assert ELSEWHERE.findall(picture) == []
    assert len(picture.encode()) < MOST_BYTES


def test_its_text_can_be_read_in_light_and_in_dark(picture: str) -> None:
    """Each colour differs enough from the window's, which is the first that a theme names."""
    themes = picture.partition("</style>")[0].split("@media (prefers-color-scheme: dark)")
    assert len(themes) == 2
    for theme in themes:
        window, *colours = FILL.findall(theme)
        assert len(colours) >= 4
        assert [colour for colour in colours if contrast(colour, window) < LEAST_CONTRAST] == []


def test_its_commands_exist(picture: str) -> None:
    """By the names that the program has; each is shown once, behind its prompt."""
    typed = [line.removeprefix("$ ") for line in lines(picture) if line.startswith("$ ")]
    assert tuple(typed) == terminal.COMMANDS
    assert {line.split()[1] for line in typed if line.startswith("bounced ")} <= set(COMMANDS)


def test_the_commands_print_what_it_shows(picture: str, tmp_path: Path) -> None:
    """They are run again, beside a demonstration; else `make screenshots` has to draw it anew."""
    now = [line for line in terminal.lines_of(terminal.record(tmp_path)) if line]
    assert lines(picture) == now
