"""What a sentence complains of, as marks among its words."""

import time

import pytest

from bounced.core.meaning.complaint import marked


@pytest.mark.parametrize("piece", ["A-", "X-A-", "List-A-"])
def test_a_name_of_a_field_that_never_ends_holds_nobody_up(piece: str) -> None:
    """Each place where one may begin is tried."""
    sentence = f"{piece * (3000 // len(piece))}:"
    started = time.process_time()
    assert marked(sentence)
    assert time.process_time() - started < 0.01


@pytest.mark.parametrize("name", ["Reply-To", "X-Very-Long-Name-Of-A-Field"])
def test_the_name_of_a_field_is_a_header(name: str) -> None:
    """Whatever it is."""
    assert marked(f"{name}: unknown")[0] == "header"
