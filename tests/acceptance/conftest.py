"""A daemon for each test that asks for one, or for all tests of a module that leave it as it was."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.daemon import Daemon


@pytest.fixture
def daemons(tmp_path: Path) -> Iterator[Callable[..., Daemon]]:
    """Return a maker of daemons in this test's folder; whatever still runs at the end is stopped."""
    with _maker(tmp_path) as make:
        yield make


@pytest.fixture(scope="module")
def lasting_daemons(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Daemon]]:
    """Return a maker of daemons that live as long as the module's tests run."""
    with _maker(tmp_path_factory.mktemp("daemon")) as make:
        yield make


@contextmanager
def _maker(folder: Path) -> Iterator[Callable[..., Daemon]]:
    made: list[Daemon] = []

    def make(**settings: Any) -> Daemon:
        made.append(Daemon(folder, **settings))
        return made[-1]

    yield make
    for daemon in made:
        daemon.stop()
