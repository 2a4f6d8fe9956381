"""What is written as TOML is read back as it was."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from bounced.config.toml import toml_document, toml_value

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
PLAIN = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | TEXT
VALUES = st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=5)


@given(VALUES)
def test_any_value_survives(value: object) -> None:
    """Control characters, quotes and empty names included."""
    assert tomllib.loads(f"x = {toml_value(value)}")["x"] == value


@given(st.dictionaries(TEXT, VALUES, max_size=4))
def test_any_document_survives(document: dict[str, object]) -> None:
    """Tables within tables, and lists of tables."""
    assert tomllib.loads("\n".join(toml_document(document))) == document


def test_what_is_not_set_is_left_out() -> None:
    """TOML has no null."""
    assert list(toml_document({"a": None, "b": {"c": None, "d": 1}})) == ["", "[b]", "d = 1"]
