"""What the wheel brings."""

from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.support.installation import build_wheel

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    """Return the names of all files in the wheel."""
    with ZipFile(build_wheel(tmp_path_factory.mktemp("dist"))) as archive:
        return frozenset(archive.namelist())


def test_every_rule_file_is_in_the_wheel(wheel: frozenset[str]) -> None:
    """Without them nothing is understood."""
    rules = {f"bounced/rules/{file.name}" for file in (PROJECT / "bounced/rules").glob("*.toml")}
    assert rules
    assert rules <= wheel


def test_scripts_for_redis_are_in_the_wheel(wheel: frozenset[str]) -> None:
    """Without them nothing is committed."""
    scripts = {str(file.relative_to(PROJECT)) for file in (PROJECT / "bounced").rglob("*.lua")}
    assert scripts
    assert scripts <= wheel


def test_the_types_are_public(wheel: frozenset[str]) -> None:
    """PEP 561: whoever uses the client has it checked."""
    assert "bounced/py.typed" in wheel


def test_units_and_example_are_installed_below_the_prefix(wheel: frozenset[str]) -> None:
    """The folders in which systemd would look below /usr."""
    shared = {name.split(".data/data/", 1)[1] for name in wheel if ".data/data/" in name}
    assert {
        "lib/systemd/system/bounced.service",
        "lib/systemd/system/bounced.socket",
        "lib/systemd/system/bounced-lookup.service",
        "lib/sysusers.d/bounced.conf",
        "lib/tmpfiles.d/bounced.conf",
        "share/bounced/bounced.toml",
        "share/man/man1/bounced.1",
    } <= shared


def test_the_licence_is_in_the_wheel(wheel: frozenset[str]) -> None:
    """Apache-2.0, section 4."""
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in wheel)


def test_neither_tests_nor_compiled_files_are_in_the_wheel(wheel: frozenset[str]) -> None:
    """Only what runs."""
    assert not [name for name in wheel if name.startswith("tests/") or "__pycache__" in name]
