"""A folder with keys in it, and configurations beside them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bounced.config import examine

SECRET = b"0123456789abcdef"


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """Return what writes a configuration beside a good key, a.key, that only its owner may read."""
    key = tmp_path / "a.key"
    key.write_bytes(SECRET)
    key.chmod(0o600)

    def write(text: str) -> Path:
        file = tmp_path / "bounced.toml"
        file.write_text(text, "utf-8")
        return file

    return write


@pytest.fixture
def complaints(write: Callable[[str], Path]) -> Callable[[str], list[str]]:
    """Return what lists all problems of a configuration, each without the name of the file."""
    return lambda text: [str(problem) for problem in examine(write(text))[1]]
