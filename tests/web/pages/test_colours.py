"""The colours of the charts, by numbers: seen on both themes, and told apart by people who see fewer colours."""

import math
import re
from collections.abc import Sequence
from importlib.resources import files
from itertools import combinations

import pytest

from bounced.core.terms import Class

Triple = Sequence[float]
STYLE = files("bounced.web.pages").joinpath("static", "pages.css").read_text("utf-8")
LIGHT, DARK = (
    dict(re.findall(r"--([a-z-]+): (#[0-9a-f]+)", block)) for block in re.findall(r":root \{([^}]+)\}", STYLE)[:2]
)
PIECES = (*Class, "left")
SIGHTS: dict[str, Sequence[Triple]] = {
    "usual": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.3039)),
}
"""What of linear red, green and blue is seen.  (Machado, Oliveira, Fernandes 2009, severity 1)"""
TO_CONES = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
TO_OKLAB = (
    (0.2104542553, 0.793617785, -0.0040720468),
    (1.9779984951, -2.428592205, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.808675766),
)
LEAST_APART = 0.1
"""In Oklab, where black and white are 1 apart, and about 0.02 can just be told when both lie side by side."""


def linear(colour: str) -> Triple:
    """Return a colour of the style sheet as linear red, green and blue."""
    digits = colour[1:] if len(colour) > 4 else "".join(2 * each for each in colour[1:])
    parts = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def times(matrix: Sequence[Triple], vector: Triple) -> Triple:
    """Return their product."""
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def seen(colour: str, sight: str) -> Triple:
    """Return where somebody sees a colour, in Oklab."""
    light = [min(1.0, max(0.0, part)) for part in times(SIGHTS[sight], linear(colour))]
    return times(TO_OKLAB, [cone ** (1 / 3) for cone in times(TO_CONES, light)])


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours.  (WCAG 2.2)"""
    dark, light = sorted(0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in (linear(one), linear(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_pieces_of_bars_stand_out(theme: dict[str, str]) -> None:
    """From the ground by 3 to 1.  (WCAG 2.2, 1.4.11)"""
    assert {name: theme[name] for name in PIECES if contrast(theme[name], theme["back"]) < 3} == {}


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_any_two_classes_are_told_apart(theme: dict[str, str], sight: str) -> None:
    """By everybody: a chart has nothing but the colour, beside what is said where one points at it."""
    near = [
        (one, other)
        for one, other in combinations(PIECES, 2)
        if math.dist(seen(theme[one], sight), seen(theme[other], sight)) < LEAST_APART
    ]
    assert near == []


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_is_read_on_every_ground(theme: dict[str, str]) -> None:
    """By 4.5 to 1.  (WCAG 2.2, 1.4.3)"""
    grounds = {"back": ("text", "quiet", "link"), "raised": ("text", "quiet", "link"), "link": ("on-link",)}
    grounds |= {f"{each}-back": (each, "text", "quiet") for each in ("good", "bad", "doubt")}
    low = [(a, b) for a, several in grounds.items() for b in several if contrast(theme[a], theme[b]) < 4.5]
    assert low == []
