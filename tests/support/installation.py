"""The wheel, and installations of it in which nothing is to be found but what it asks for."""

import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

PROJECT = Path(__file__).parents[2]


def build_wheel(folder: Path, checkout: Path = PROJECT) -> Path:
    """Build the wheel of a checkout into a folder."""
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=checkout, capture_output=True, check=True)
    (file,) = folder.glob("bounced_mx-*.whl")
    return file


def build_source(folder: Path) -> Path:
    """Build the source archive into a folder."""
    build = [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", str(folder)]
    subprocess.run(build, cwd=PROJECT, capture_output=True, check=True)
    (file,) = folder.glob("bounced_mx-*.tar.gz")
    return file


def install(wheel: Path, folder: Path, *extras: str) -> Path:
    """Install the wheel into a virtual environment of its own, without a network, and return where its programs are.

    What the wheel requires with these extras is taken from the environment of the tests; pip refuses to go on where
    something is missing.
    """
    (metadata,) = Distribution.discover(path=[str(wheel)])
    programs = environment(folder, set(_required(metadata, extras)))
    pip(programs, "install", f"{wheel}[{','.join(extras)}]" if extras else str(wheel))
    return programs


def with_what_builds(folder: Path) -> Path:
    """Make a virtual environment in which pip can build a checkout without a network, and return its programs."""
    named = {"hatchling", "uv-dynamic-versioning"}
    return environment(folder, named.union(*(_required(distribution(name)) for name in named)))


def environment(folder: Path, names: Iterable[str]) -> Path:
    """Make a virtual environment with distributions of the environment of the tests, and return its programs."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for name in names:
        _link(distribution(name), packages)
    return folder / "bin"


def pip(programs: Path, command: str, *words: str) -> None:
    """Run pip, which has no network, for an environment."""
    index = ["--no-index"] if command == "install" else []
    run = [sys.executable, "-m", "pip", "--python", str(programs / "python"), "--disable-pip-version-check", command]
    subprocess.run([*run, "--quiet", *index, *words], check=True)


def _required(metadata: Distribution, extras: Iterable[str] = ()) -> Iterator[str]:
    """Yield the names of what a distribution requires, and of what those require."""
    for line in metadata.requires or ():
        needed = Requirement(line)
        if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            if needed.name == metadata.name:
                yield from _required(metadata, needed.extras)
                continue
            yield needed.name
            yield from _required(distribution(needed.name), needed.extras)


def _link(installed: Distribution, packages: Path) -> None:
    """Copy the files of a distribution as they are, with what was compiled of them."""
    for file in installed.files or ():
        if ".." not in file.parts:
            source, target = Path(str(installed.locate_file(file))), packages / file
            if source.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
