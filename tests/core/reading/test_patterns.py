"""Many patterns at once, in linear time."""

import time

import pytest

from bounced.core.reading import patterns
from bounced.core.reading.patterns import BadPattern, PatternSet


def test_all_patterns_are_found_in_the_order_in_which_they_stand():
    """Also where one group of patterns ends and the next begins."""
    words = [f"word{number:03d}" for number in range(100)]
    assert PatternSet(words).matching("word099, WORD000, word050") == [0, 50, 99]


def test_no_pattern_found_is_an_empty_list():
    """An empty set finds nothing either."""
    assert PatternSet(["full"]).matching("") == []
    assert PatternSet([]).matching("full") == []


def test_letter_case_does_not_count_in_any_script():
    """Ящик and ЯЩИК are one word."""
    assert PatternSet(["ящик переполнен"]).matching("ЯЩИК ПЕРЕПОЛНЕН") == [0]


def test_half_a_character_is_replaced_not_raised():
    """Notices come with broken encodings."""
    assert PatternSet(["full"]).matching("\udcff full") == [0]
    assert patterns.span("full", "\udcff full") == (2, 6)


@pytest.mark.parametrize("pattern", ["", " ", "a*", "(", r"(a)\1", "a{51}", "a{2,60}", "(?=a)"])
def test_a_pattern_that_is_wrong_empty_or_too_costly_is_refused(pattern: str):
    """With what is wrong in the message."""
    with pytest.raises(BadPattern, match=r"\w+"):
        patterns.check(pattern)


def test_nested_repeats_cost_no_more_than_other_patterns():
    """What stalls a backtracking engine for years is a matter of milliseconds here."""
    evil = PatternSet(["(a+)+$", "(a|aa)+b", "(.*)*c"])
    started = time.perf_counter()
    evil.matching("a" * 4000 + "!")
    assert time.perf_counter() - started < 1
