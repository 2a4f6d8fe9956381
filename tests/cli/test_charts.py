"""Bars and lines out of characters."""

import pytest

from bounced.cli.output import bar, spark


@pytest.mark.parametrize(
    ("value", "drawn"), [(0, ""), (1, "▏"), (25, "██▌"), (50, "█████"), (99, "█████████▉"), (100, "██████████")]
)
def test_a_bar_is_as_long_as_its_share(value: int, drawn: str) -> None:
    """In eighths of a character; what is not 0 can be seen."""
    assert bar(value, 100, width=10) == drawn


def test_a_line_has_a_column_for_each_value() -> None:
    """The largest is the highest, and 0 is a dot: a line that no table takes for several words."""
    assert spark([0, 1, 4, 8]) == "·▂▅█"


def test_many_values_are_summed_into_few_columns() -> None:
    """A week by the hour fits on a line."""
    drawn = spark([1] * 168, width=24)
    assert len(drawn) == 24
    assert set(drawn) == {"█"}


def test_nothing_at_all_is_an_empty_line() -> None:
    """No division by zero."""
    assert spark([0, 0, 0]) == "···"
    assert bar(1, 0) == ""
