"""What the wheel brings, and the source archive."""

import re
import tarfile
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.support.installation import build_source, build_wheel

PROJECT = Path(__file__).parents[2]

DATE = re.compile(
    r"""
    \b20\d\d-[01]\d-[0-3]\d                                                   # ISO 8601
    | \b[0-3]?\d[ ](Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\w*[ ]20\d\d  # RFC 5322 section 3.3
    | \b(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[ ]+[0-3]?\d[ ]\d\d:\d\d  # ctime, syslog
    | \b(date|datetime)\(20\d\d,                                               # Python
    | \b1[6-9]\d{8}(\d{3})?\b                                                  # unix time, seconds or milliseconds
    """,
    re.VERBOSE,
)
DATED = {
    "bounced/cli/simulate.py": "datetime(2026,",
    "bounced/simulation/outages.py": "datetime(2016,",
    "bounced/cli/exchange.py": "2026-05-01",
    "bounced/cli/recover.py": "2026-05-01",
    "bounced/cli/times.py": "2026-05-01",
    "bounced/core/contract/intake.py": "2026-05-01",
    "bounced/core/spoken_times.py": "2026-05-01",
    "bounced/web/api/values.py": "2026-05-01",
}
"""Where a date may stand, because nothing compares it with today: the days on which invented lists begin, and how to
write a time, in help and messages."""


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Return every file in the wheel by its name."""
    with ZipFile(build_wheel(tmp_path_factory.mktemp("dist"))) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


@pytest.fixture(scope="module")
def wheel(content: Mapping[str, str]) -> frozenset[str]:
    """Return the names of all files in the wheel."""
    return frozenset(content)


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
        "lib/systemd/system/bounced-web.service",
        "lib/systemd/system/bounced-web.socket",
        "lib/systemd/system/bounced-deliver.service",
        "lib/systemd/system/bounced-follow@.service",
        "lib/systemd/system/bounced-web-public.service",
        "lib/systemd/system/bounced-web-public.socket",
        "lib/sysusers.d/bounced.conf",
        "lib/tmpfiles.d/bounced.conf",
        "share/bounced/bounced.toml",
        "share/man/man1/bounced.1",
    } <= shared


def test_the_licences_are_in_the_wheel(wheel: frozenset[str]) -> None:
    """Apache-2.0, section 4; and that of htmx, which the wheel brings."""
    for path in ("LICENSE", "bounced/web/pages/static/htmx.LICENSE"):
        assert any(name.endswith(f".dist-info/licenses/{path}") for name in wheel)


def test_neither_tests_nor_compiled_files_are_in_the_wheel(wheel: frozenset[str]) -> None:
    """Only what runs."""
    assert not [name for name in wheel if name.startswith("tests/") or "__pycache__" in name]


def test_the_source_archive_has_what_its_pages_refer_to(tmp_path: Path) -> None:
    """The pages of the project's folder and of docs/, and what `make`, `make test` and `make site` read."""
    with tarfile.open(build_source(tmp_path)) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    pages = {str(page.relative_to(PROJECT)) for page in (*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md"))}
    assert {"README.md", "CONTRIBUTING.md", "SECURITY.md"} <= pages
    assert sorted(pages - names) == []
    assert {"LICENSE", "Makefile", "mkdocs.yml", "pyproject.toml", "docs/site_hook.py", "tests/conftest.py"} <= names
    assert not [name for name in names if name.startswith(("site/", ".venv"))]


def test_nothing_that_is_shipped_carries_a_date(content: Mapping[str, str]) -> None:
    """A message, an example or a limit with the date of the day on which it was written fails when it has grown old.

    The demonstration's messages are templates.  Packages may name old dates in their licence.
    """
    dated = {name: found[0] for name, text in content.items() if "LICENSE" not in name and (found := DATE.search(text))}
    assert dated == DATED


@pytest.mark.parametrize(
    "text",
    [
        "Date: Sat, 21 Nov 2026 09:30:00 +0000",
        "Arrival-Date: 2026-11-21T09:30:00Z",
        "From MAILER-DAEMON Sat Nov 21 09:30:00 2026",
        "since = date(2026, 11, 21)",
        "b=bounce; t=1795253400;",
    ],
)
def test_a_date_in_any_form_is_found(text: str) -> None:
    """As messages, configurations and code write it."""
    assert DATE.search(text)
