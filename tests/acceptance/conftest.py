"""A daemon for each test that asks for one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.daemon import Daemon


@pytest.fixture
def daemons(tmp_path: Path) -> Iterator[Any]:
    """Return a maker of daemons in this test's folder; whatever still runs at the end is stopped."""
    made: list[Daemon] = []

    def make(**settings: Any) -> Daemon:
        made.append(Daemon(tmp_path, **settings))
        return made[-1]

    yield make
    for daemon in made:
        daemon.stop()
