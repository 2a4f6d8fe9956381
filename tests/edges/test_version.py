"""The version comes from the commit: a build writes it into what it makes, and a checkout that runs is asked for it."""

import os
import shutil
import subprocess
import tarfile
import tomllib
from io import BytesIO
from pathlib import Path

import pytest
from packaging.version import Version

from bounced.edges.version import COMMIT_CHARS, Build, build_of, installed, running
from tests.support.checkout import PROJECT, checkout, commit, git, version_of

NOON, LATER = "2001-02-03T12:00:00Z", "2001-02-03T14:30:15+02:00"

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="git is not here")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a checkout with one commit."""
    made = checkout(tmp_path / "bounced")
    commit(made, at=NOON)
    return made


def told(folder: Path) -> str:
    """Return the version that a build of a checkout has, and that it has where it runs from there."""
    build = build_of(folder, installed())
    assert build.checkout == folder
    assert build.read
    assert build.version == version_of(folder)
    return build.version


def next_release() -> str:
    """Return what pyproject.toml says."""
    template = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["uv-dynamic-versioning"]["format-jinja"]
    return str(template.split('next_release = "')[1].split('"')[0])


def test_between_releases_it_has_the_time_of_the_commit_in_utc_and_the_commit(folder: Path) -> None:
    """No count of commits: a shallow clone has no more than one."""
    digits = git(folder, "rev-parse", "HEAD")[:COMMIT_CHARS]
    assert told(folder) == f"{next_release()}.dev20010203120000+g{digits}"
    assert Build(told(folder)).commit == digits


def test_every_later_commit_has_a_higher_one_and_the_release_the_highest(folder: Path) -> None:
    """pip, uv and apt upgrade to it."""
    versions = [told(folder)]
    (folder / "README.md").write_text("changed")
    versions.append(told(folder))
    commit(folder, at=LATER)
    versions.append(told(folder))
    assert ".dev20010203123015+" in versions[-1]
    git(folder, "tag", f"v{next_release()}")
    versions.append(told(folder))
    assert versions[-1] == next_release()
    assert [*map(Version, versions)] == sorted(map(Version, versions))
    assert len(set(versions)) == len(versions)


@pytest.mark.parametrize("name", ["README.md", "bounced.py"])
def test_a_checkout_that_was_changed_says_so(folder: Path, name: str) -> None:
    """A file that git knows, and one that it does not know: both would be in the wheel."""
    (folder / name).write_text("changed")
    assert told(folder).endswith(".dirty")
    assert Build(told(folder)).changed


def test_a_tag_of_the_commit_is_its_version(folder: Path) -> None:
    """Also one that is none of the last release, and whatever other tags it has."""
    for tag in ("nightly", "vague", "v9.8.0rc1"):
        git(folder, "tag", tag)
    assert told(folder) == "9.8.0rc1"


def test_a_tag_of_an_earlier_commit_is_not(folder: Path) -> None:
    """The next release stands in pyproject.toml; a shallow clone has no tag to tell it."""
    git(folder, "tag", "v0.0.7")
    commit(folder, at=LATER)
    assert told(folder).startswith(f"{next_release()}.dev20010203123015+g")


def test_what_was_changed_since_its_tag_is_no_release(folder: Path) -> None:
    """Two programs would have one name."""
    git(folder, "tag", "v0.0.7")
    (folder / "README.md").write_text("changed")
    assert told(folder).startswith(f"{next_release()}.dev20010203120000+g")


def test_a_shallow_clone_has_the_same(folder: Path, tmp_path: Path) -> None:
    """As a builder fetches it."""
    commit(folder, at=LATER)
    git(tmp_path, "clone", "--quiet", "--depth", "1", folder.as_uri(), "shallow")
    assert git(tmp_path / "shallow", "rev-list", "--count", "HEAD") == "1"
    assert told(tmp_path / "shallow") == told(folder)


def test_a_second_working_tree_has_its_own_commit(folder: Path) -> None:
    """There ``.git`` is a file."""
    git(folder, "worktree", "add", "--quiet", "../second")
    second = folder.parent / "second"
    commit(second, at=LATER)
    assert "dev20010203123015" in told(second)
    assert "dev20010203120000" in told(folder)


@pytest.mark.parametrize("tag", ["", "v0.0.7"])
def test_an_archive_of_a_commit_has_the_same(folder: Path, tmp_path: Path, tag: str) -> None:
    """``git archive`` writes the commit into a file, as the downloads of a forge have it."""
    if tag:
        git(folder, "tag", tag)
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=folder, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as tar:
        tar.extractall(tmp_path / "unpacked", filter="data")
    assert version_of(tmp_path / "unpacked") == told(folder)


def test_where_nothing_tells_it_is_unknown_and_lower_than_all(folder: Path) -> None:
    """A copy without .git."""
    known = told(folder)
    shutil.rmtree(folder / ".git")
    assert version_of(folder) == f"{next_release()}.dev0+unknown"
    assert Version(version_of(folder)) < Version(known)
    assert build_of(folder, "1.2.0") == Build("1.2.0")


def test_without_git_a_build_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a program that somebody may not have; what runs says that it is as it was when it was installed."""
    monkeypatch.setenv("PATH", "/nowhere")
    assert version_of(folder) == f"{next_release()}.dev0+unknown"
    assert build_of(folder, "1.2.0") == Build("1.2.0", folder, read=False)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_checkout_of_somebody_else_is_not_read(folder: Path) -> None:
    """Git refuses it, since what stands in there could make it run programs; a build goes on."""
    for each in (folder, *folder.rglob("*")):
        os.chown(each, 65534, 65534)
    assert version_of(folder) == f"{next_release()}.dev0+unknown"
    assert build_of(folder, "1.2.0") == Build("1.2.0", folder, read=False)


def test_a_hook_of_another_repository_does_not_mislead_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git tells its hooks where its repository is."""
    known = told(folder)
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert build_of(folder, installed()).version == known


def test_it_is_read_without_writing(folder: Path) -> None:
    """Somebody else may be about to commit, and the checkout may be read-only."""
    (folder / "README.md").touch()
    before = (folder / ".git/index").stat()
    build_of(folder, installed())
    assert (folder / ".git/index").stat() == before
    assert not list(folder.glob(".git/*.lock"))


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (Build("1.2.0"), "1.2.0"),
        (Build("1.2.0.dev7+gabc1234567"), "1.2.0.dev7, commit abc1234567"),
        (Build("1.2.0.dev7+gabc1234567.dirty"), "1.2.0.dev7, commit abc1234567 and changes"),
        (Build("1.2.0.dev0+unknown"), "1.2.0.dev0, commit unknown"),
        (Build("1.2.0+local.2"), "1.2.0+local.2"),
        (Build("1.2.0", Path("/src")), "1.2.0, checkout /src"),
        (
            Build("1.2.0", Path("/src"), read=False),
            "1.2.0, checkout /src, as it was installed: git cannot read it",
        ),
    ],
)
def test_it_is_told_in_words(build: Build, words: str) -> None:
    """As ``bounced --version`` prints it."""
    assert str(build) == words


def test_what_runs_here_is_what_lies_here() -> None:
    """The tests import the package from this folder."""
    assert running() == build_of(PROJECT, installed())


@pytest.mark.skipif(not (PROJECT / ".git").exists(), reason="there is no repository here")
def test_the_next_release_is_not_out_yet() -> None:
    """After a release the number in pyproject.toml is raised; else what follows would be older than that."""
    tags = [Version(tag[1:]) for tag in git(PROJECT, "tag", "--list", "v[0-9]*", "--no-contains", "HEAD").split()]
    assert not [tag for tag in tags if tag >= Version(next_release())]
