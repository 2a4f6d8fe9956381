"""One list with two keys, one of them retired."""

import pytest

from bounced.core.return_path import Directory, Keyring, KeyStatus, ReturnPaths, SigningKey

OLD_SECRET, NEW_SECRET = b"the old secret of this list", b"the new secret of this list"


@pytest.fixture
def paths() -> ReturnPaths:
    """Return the list main at bounce.example.com, which signs with key 2."""
    keys = Keyring(SigningKey("a", OLD_SECRET, KeyStatus.VERIFY), SigningKey("2", NEW_SECRET))
    return ReturnPaths("main", ("bounce.example.com",), keys, roles=frozenset({"fbl"}))


@pytest.fixture
def directory(paths: ReturnPaths) -> Directory:
    """Return a directory of that list alone."""
    return Directory((paths,))
