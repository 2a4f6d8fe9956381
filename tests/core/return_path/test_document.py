"""docs/return-path.md prints the vectors that the tests check."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
VECTORS = json.loads((ROOT / "tests" / "vectors" / "return_paths.json").read_text())
PAGE = (ROOT / "docs" / "return-path.md").read_text()


@pytest.mark.parametrize(
    "value",
    [vector["return_path"] for vector in VECTORS["signed"] + VECTORS["tokens"]]
    + [vector["unsubscribe_path"] for vector in VECTORS["unsubscribe"] + VECTORS["tokens"]]
    + [value for vector in VECTORS["headers"] for value in vector["fields"].values()]
    + [vector["path"] for vector in VECTORS["wrapped_first_signed"]]
    + [ascii(vector["path"])[1:-1] for vector in VECTORS["refused_by_first_signed"]]
    + [ascii(vector["normalised"])[1:-1] for vector in VECTORS["normalisation"] if vector["normalised"]]
    + [vector["address_id"] for vector in VECTORS["address_ids"]],
)
def test_the_page_has_each_vector(value: str) -> None:
    """Who reads the page sees what machines check."""
    assert f"`{value}`" in PAGE
