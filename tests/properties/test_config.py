"""Whatever stands in a configuration, the answer is a Config or a list of problems."""

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bounced.config import Config
from bounced.config.loading import _examined
from bounced.config.shape import tables

KNOWN = sorted(
    {step for table in tables(Config) for step in table.path}
    | {setting.name for table in tables(Config) for setting in table.settings}
)
NAMES = st.sampled_from([*KNOWN, "main", "mailbox_full", "[key]", "", "x"])
PLAIN = st.booleans() | st.integers() | st.floats() | st.sampled_from(["auto", "a", "lmtp", "0.0.0.0:25", "x\0y", "é"])
VALUES = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4))


@given(st.dictionaries(NAMES, VALUES, max_size=6))
def test_no_table_is_too_strange_to_be_answered(data: dict[str, Any]) -> None:
    """No traceback, no endless loop, and no silence about a key that is wrong."""
    config, problems = _examined(data, Path("/nonexistent"), check_files=True)
    assert config is not None
    assert problems or set(data) <= set(Config.model_fields)


@given(st.dictionaries(NAMES, VALUES, max_size=3))
def test_what_is_wrong_with_one_list_hides_nothing_of_another(data: dict[str, Any]) -> None:
    """A broken table beside a good one: both are looked at."""
    good = {"domains": ["bounce.example.com"], "keys": []}
    config, problems = _examined({"lists": {"bad": data, "good": good}}, None, check_files=False)
    assert config is not None
    assert any(problem.key == "lists.good.keys" for problem in problems)
