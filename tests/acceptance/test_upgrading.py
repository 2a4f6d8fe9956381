"""pip upgrades to a newer commit, from a checkout and from a wheel, and an older one is the way back."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.checkout import checkout, commit
from tests.support.installation import build_wheel, environment, pip, with_what_builds

NOON, LATER = "2001-02-03T12:00:00Z", "2001-02-03T12:00:01Z"
TOLD = "from bounced.edges.version import running; import bounced; print(running(), bounced.__doc__.strip(), sep='|')"
ALONE = ("--no-deps", "--no-compile")
"""Without what it requires, which the environment of the tests has anyway, and quickly."""

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="git is not here")


def change(source: Path) -> str:
    """Commit another program, and return which."""
    (source / "bounced/__init__.py").write_text('"""Changed."""\n')
    return commit(source, at=LATER)


def told(programs: Path) -> Sequence[str]:
    """Return which version runs, in words, and what its code says."""
    done = subprocess.run([programs / "python", "-c", TOLD], capture_output=True, text=True, check=True, cwd="/")
    return done.stdout.strip().split("|")


def test_an_upgrade_from_a_checkout_brings_what_was_committed(tmp_path: Path) -> None:
    """One second later; the version says which commit it is."""
    source, programs = checkout(tmp_path / "source", whole=True), with_what_builds(tmp_path / "installed")
    offline = (*ALONE, "--no-build-isolation", "--upgrade", str(source))
    first = commit(source, at=NOON)
    pip(programs, "install", *offline)
    assert told(programs)[0].endswith(f".dev20010203120000, commit {first}")
    second = change(source)
    pip(programs, "install", *offline)
    version, code = told(programs)
    assert version.endswith(f".dev20010203120001, commit {second}")
    assert code == "Changed."


def test_an_upgrade_from_a_folder_of_wheels_takes_the_newest_and_a_wheel_that_is_named_is_the_way_back(
    tmp_path: Path,
) -> None:
    """As an index would have them; and as docs/install.md says it."""
    source, programs = checkout(tmp_path / "source", whole=True), environment(tmp_path / "installed", ())
    commit(source, at=NOON)
    first = build_wheel(tmp_path / "first", source)
    pip(programs, "install", *ALONE, str(first))
    change(source)
    second = build_wheel(tmp_path / "second", source)
    assert first.name < second.name
    found = [f"--find-links={wheel.parent}" for wheel in (first, second)]
    pip(programs, "install", *ALONE, "--pre", "--upgrade", *found, "bounced-mx")
    assert told(programs)[1] == "Changed."
    pip(programs, "install", *ALONE, "--upgrade", str(first))
    version, code = told(programs)
    assert ".dev20010203120000, commit " in version
    assert code != "Changed."


def test_the_same_commit_makes_the_same_wheel(tmp_path: Path) -> None:
    """Octet for octet, whenever and wherever it is built."""
    source = checkout(tmp_path / "source", whole=True)
    commit(source, at=NOON)
    shutil.copytree(source, tmp_path / "elsewhere")
    wheels = [build_wheel(tmp_path / name, folder) for name, folder in (("a", source), ("b", tmp_path / "elsewhere"))]
    assert wheels[0].name == wheels[1].name
    assert wheels[0].read_bytes() == wheels[1].read_bytes()


def test_a_wheel_of_the_source_archive_has_the_version_of_the_commit(tmp_path: Path) -> None:
    """It is built where there is no repository."""
    source = checkout(tmp_path / "source", whole=True)
    commit(source, at=NOON)
    wheel = build_wheel(tmp_path / "wheel", source)
    build = ["hatchling", "build", "--target", "sdist", "--directory", str(tmp_path / "sdist")]
    subprocess.run([sys.executable, "-m", *build], cwd=source, capture_output=True, check=True)
    (archive,) = (tmp_path / "sdist").glob("*.tar.gz")
    shutil.unpack_archive(archive, tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    assert build_wheel(tmp_path / "again", unpacked).name == wheel.name
