"""What stays of the rules that a reload replaces."""

import weakref

import pytest

from bounced import rules
from bounced.core.meaning.rules import RuleSet

from .conftest import Start


async def test_a_reload_keeps_nothing_of_the_rules_before_it(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not those of the start either: with the texts that they were asked about they are tens of megabytes."""
    few = rules.packaged().rules[:10]
    monkeypatch.setattr(rules, "load", lambda _files: RuleSet(few))
    async with start() as site:
        for _ in range(2):
            before = weakref.ref(site.desk.present.pipeline.rules._in_words)
            await site.reload()
            assert before() is None
