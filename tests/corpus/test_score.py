"""The figures that the reading of bounces is measured by, on the labelled corpus beside the project."""

import importlib.util
import json
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from bounced.explain import as_json, explain

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
FLOORS = {"address": 0.995, "status": 0.995, "category": 0.953, "hard": 0.98, "safe": 1.0, "kind": 0.98, "quiet": 1.0}

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the labelled corpus is not beside the project")


def scorer() -> ModuleType:
    """Return the corpus's own scorer as a module."""
    spec = importlib.util.spec_from_file_location("score", CORPUS / "score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def right() -> dict[str, float]:
    """Return the share of right answers for each measure."""
    judge = scorer().judge
    asked: Counter[str] = Counter()
    answered: Counter[str] = Counter()
    for line in (CORPUS / "labels.jsonl").read_text().splitlines():
        label = json.loads(line)
        explanation = explain((CORPUS / label["file"]).read_bytes())
        for measure, correct in judge(label, as_json(label["file"], explanation)):
            asked[measure] += 1
            answered[measure] += bool(correct)
    return {measure: answered[measure] / asked[measure] for measure in asked}


@pytest.mark.parametrize("measure", FLOORS)
def test_the_corpus_is_understood_as_well_as_was_reached_before(right: dict[str, float], measure: str) -> None:
    """A change that reads fewer of the labelled bounces rightly is no improvement."""
    assert right[measure] >= FLOORS[measure]
