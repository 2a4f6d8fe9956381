"""The wheel, and installations of it in which nothing is to be found but what it asks for."""

import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

PROJECT = Path(__file__).parents[2]


def build_wheel(folder: Path) -> Path:
    """Build the wheel into a folder."""
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=PROJECT, capture_output=True, check=True)
    (file,) = folder.glob("bounced_mx-*.whl")
    return file


def install(wheel: Path, folder: Path, *extras: str) -> Path:
    """Install the wheel into a virtual environment of its own, without a network, and return where its programs are.

    What the wheel requires with these extras is taken from the environment of the tests; pip refuses to go on where
    something is missing.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (metadata,) = Distribution.discover(path=[str(wheel)])
    for name in set(_required(metadata, extras)):
        _link(distribution(name), packages)
    named = f"{wheel}[{','.join(extras)}]" if extras else str(wheel)
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin/python"), "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--no-index", named], check=True)
    return folder / "bin"


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
