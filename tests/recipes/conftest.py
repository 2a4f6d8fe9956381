"""The languages of the recipes, and how each is started."""

import os
import shutil
import subprocess

import pytest

from tests.support.programs import in_private_root, private_root

LANGUAGES = ("node", "php", "ruby", "go")
UNPACKED = {"php": ("php.default", "-d", "extension=intl"), "ruby": ("ruby",), "go": ("go",)}
"""How each is started in a private root, where nobody has run the scripts that set a package up."""
TIMEOUT_S = 120


@pytest.fixture(scope="module", params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    """Return the name of each language."""
    return str(request.param)


@pytest.fixture(scope="module")
def interpreter(language: str) -> list[str]:
    """Return how a language is started: as it is installed, else as tests/install-programs unpacks it."""
    if shutil.which(language) and (language != "php" or "intl" in _output([language, "-m"])):
        return [language]
    if private_root(language) and os.geteuid() == 0:
        return in_private_root(language, *UNPACKED[language])
    return pytest.skip(f"{language}{' with intl' * (language == 'php')} is not here: tests/install-programs")


def _output(command: list[str]) -> str:
    """Return what a command prints."""
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=True).stdout
