"""Refused return paths are warned of with their likely cause: once, and neither too early nor in a flood."""

import pytest
from structlog.testing import capture_logs

from bounced.core.return_path import Cause
from bounced.edges.watch import key_doubts
from bounced.edges.watch.key_doubts import AGAIN_AFTER_S, BURST, LOOKS_MAX, WITHIN_S, KeyDoubts
from bounced.ports import PathRefused

PROVEN, SUSPECTED = Cause("main", "read with its newline", proven=True), Cause("main", "guessed", proven=False)


class Told:
    """Doubts by a clock that the test moves, and what they warned of."""

    def __init__(self) -> None:
        self.at = 0.0
        self.doubts = KeyDoubts(lambda: self.at)

    def hear(self, cause: Cause | None, times: int = 1, *, apart_s: float = 0.0) -> list[dict[str, object]]:
        """Hear of so many refused paths and return what was logged."""
        with capture_logs() as logged:
            for _ in range(times):
                self.doubts.hear(PathRefused("tampered", explain=lambda: cause))
                self.at += apart_s
        return [dict(entry) for entry in logged]


@pytest.fixture
def told() -> Told:
    """Return fresh doubts."""
    return Told()


def test_a_proven_mistake_is_told_at_the_first_path(told: Told) -> None:
    """With all that an operator needs; again after an hour, with how many there were."""
    (warning,) = told.hear(PROVEN, 7)
    facts = {"event": "key.doubted", "log_level": "warning", "list": "main", "reason": "tampered", "seen": 1}
    assert warning == facts | {"text": "read with its newline"}
    told.at += AGAIN_AFTER_S
    (warning,) = told.hear(PROVEN)
    assert warning["seen"] == 7


def test_a_suspicion_is_told_when_it_comes_in_a_burst(told: Told) -> None:
    """One forged path is nothing."""
    assert told.hear(SUSPECTED, BURST - 1) == []
    assert len(told.hear(SUSPECTED, 20)) == 1


def test_a_trickle_of_suspicions_is_not_told(told: Told) -> None:
    """Somebody always tries something."""
    assert told.hear(SUSPECTED, 50, apart_s=WITHIN_S / (BURST - 1) + 1) == []


def test_what_looks_like_nothing_of_ours_is_not_told(told: Told) -> None:
    """However much of it comes."""
    assert told.hear(None, 50) == []


def test_a_flood_is_looked_at_in_samples(told: Told) -> None:
    """Explaining costs more than refusing."""
    looked = 0

    def explain() -> None:
        nonlocal looked
        looked += 1

    for _ in range(10_000):
        told.doubts.hear(PathRefused("tampered", explain=explain))
    assert looked == LOOKS_MAX
    told.at += 1.0
    for _ in range(100):
        told.doubts.hear(PathRefused("tampered", explain=explain))
    assert looked == LOOKS_MAX + key_doubts.LOOKS_PER_S


def test_what_is_put_off_is_no_mistake(told: Told) -> None:
    """It comes again."""
    with capture_logs() as logged:
        told.doubts.hear(PathRefused("not_yet_valid", for_now=True, explain=lambda: PROVEN))
    assert logged == []
