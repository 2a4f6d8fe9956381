"""Builds the Debian package: bounced with all its libraries below /usr/lib/bounced, for the interpreter of this Debian.

``make deb`` runs it.  It needs dpkg-deb and the package index, and no root.
"""

import argparse
import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import Distribution
from pathlib import Path

from deb.control import NAME, Package, copyright_file, debian_version, distributions, glibc_minor

HERE = Path(__file__).parent
PROJECT = HERE.parent
HOME = f"usr/lib/{NAME}"
"""Where everything of ours is, below the root."""
DOC = f"usr/share/doc/{NAME}"
BY_HAND = "/opt/bounced"
"""Where units and examples look for the program: the place of an installation by hand (docs/install.md)."""
MOVED = {
    "lib/systemd": "usr/lib/systemd",
    "lib/sysusers.d": "usr/lib/sysusers.d",
    "lib/tmpfiles.d": "usr/lib/tmpfiles.d",
    "share/man": "usr/share/man",
    "share/bounced/bounced.toml": f"{DOC}/examples/bounced.toml",
    "share/bounced/container.toml": f"{DOC}/examples/container.toml",
    "share/bounced/examples": f"{DOC}/examples",
}
"""What the wheel brings below its prefix, and where Debian has it."""
COMPLETIONS = {
    "bash": f"usr/share/bash-completion/completions/{NAME}",
    "zsh": f"usr/share/zsh/vendor-completions/_{NAME}",
    "fish": f"usr/share/fish/vendor_completions.d/{NAME}.fish",
}
CONFFILES = {"bounced.toml": f"etc/{NAME}/bounced.toml"}
"""What a person edits: dpkg keeps the edits."""
SCRIPTS = ("postinst", "prerm", "postrm")
KEPT_PROGRAMS = frozenset({"python", "python3", NAME})
MAINTAINER = "bounced <bounced@localhost>"
"""Where DEBFULLNAME and DEBEMAIL do not say who builds."""


def main() -> None:
    """Build the package and print its path."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", type=Path, default=Path("/usr/bin/python3"), help="Debian's interpreter")
    parser.add_argument("--folder", type=Path, default=PROJECT / "dist", help="where the package is written")
    given = parser.parse_args()
    python = given.python.resolve()
    if not python.is_file() or not shutil.which("dpkg-deb"):
        sys.exit(f"make deb needs dpkg-deb and {given.python}: Debian 12 or later, Ubuntu 24.04 or later")
    os.umask(0o022)
    with tempfile.TemporaryDirectory() as folder:
        print(build(Path(folder), python, given.folder))


def build(work: Path, python: Path, folder: Path) -> Path:
    """Build the package with an empty folder to work in; return its file."""
    wheel = _wheel(work)
    package = _package(wheel, python)
    root = work / "root"
    site_packages = _environment(root, wheel, python)
    installed = distributions(site_packages)
    _move(root)
    _compile(root, site_packages)
    _document(root, package, installed)
    for source, target in CONFFILES.items():
        _write(root / target, (HERE / source).read_text("utf-8"))
    _write(root / "usr/share/lintian/overrides" / NAME, (HERE / "lintian-overrides").read_text("utf-8"))
    _link(root / "usr/bin" / NAME, f"../lib/{NAME}/bin/{NAME}")
    _control(root, package, glibc_minor(installed))
    folder.mkdir(parents=True, exist_ok=True)
    file = folder.resolve() / package.file_name
    _run("dpkg-deb", "--root-owner-group", "-Zxz", "-z3", "--build", root, file, SOURCE_DATE_EPOCH=str(package.epoch))
    return file


def _wheel(work: Path) -> Path:
    """Build our wheel, and return it."""
    _run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", work / "wheel")
    (wheel,) = (work / "wheel").glob("*.whl")
    return wheel


def _package(wheel: Path, python: Path) -> Package:
    """Return what is known of the package from the wheel, the interpreter and the surroundings."""
    (distribution,) = Distribution.discover(path=[str(wheel)])
    environment = os.environ
    name, address = environment.get("DEBFULLNAME"), environment.get("DEBEMAIL")
    return Package(
        version=debian_version(distribution.version, python.name),
        summary=distribution.metadata["Summary"],
        architecture=_run("dpkg", "--print-architecture").strip(),
        interpreter=python.name,
        maintainer=f"{name} <{address}>" if name and address else MAINTAINER,
        epoch=int(environment.get("SOURCE_DATE_EPOCH") or _committed() or time.time()),
    )


def _committed() -> str:
    """Return when the checkout was committed, in seconds since 1970; empty where this is no checkout."""
    if not (PROJECT / ".git").exists() or not shutil.which("git"):
        return ""
    return _run("git", "log", "-1", "--format=%ct").strip()


def _environment(root: Path, wheel: Path, python: Path) -> Path:
    """Install the libraries and our wheel below the root; return the folder of the packages."""
    home = root / HOME
    _link(home / "bin/python3", str(python))
    _link(home / "bin/python", "python3")
    _write(home / "pyvenv.cfg", f"home = {python.parent}\ninclude-system-site-packages = false\n")
    uv = (Path(sys.executable).parent / "uv", "pip", "install", "--quiet", "--python", home / "bin/python3")
    options = ("--link-mode", "copy", "--only-binary", ":all:", "--no-deps")
    _run(*uv, *options, "--require-hashes", "--requirement", HERE / "requirements.txt")
    _run(*uv, *options, wheel)
    for program in (home / "bin").iterdir():
        if program.name not in KEPT_PROGRAMS:
            program.unlink()
    command = home / "bin" / NAME
    _, _, code = command.read_text("utf-8").partition("\n")
    command.write_text(f"#!/{HOME}/bin/python3\n{code}", "utf-8")
    (site_packages,) = home.glob("lib/python3*/site-packages")
    (home / ".lock").unlink(missing_ok=True)
    for trace in (*site_packages.glob("*.dist-info/direct_url.json"), *site_packages.glob("*.dist-info/uv_cache.json")):
        trace.unlink()  # they name the folder of the build
    return site_packages


def _move(root: Path) -> None:
    """Put units, manual page and examples where Debian has them, and name the package's own paths in them."""
    home = root / HOME
    for source, target in MOVED.items():
        origin = home / source
        for file in list(_files(origin)):
            text = file.read_text("utf-8")
            text = text.replace(f"{BY_HAND}/bin/{NAME}", f"/usr/bin/{NAME}").replace(BY_HAND, f"/{HOME}")
            file.write_text(text, "utf-8")
            place = root / target / file.relative_to(origin) if origin.is_dir() else root / target
            place.parent.mkdir(parents=True, exist_ok=True)
            file.rename(place)
    left = [
        each
        for folder in ("share", "lib/systemd", "lib/sysusers.d", "lib/tmpfiles.d")
        for each in _files(home / folder)
    ]
    if left:
        sys.exit(f"the wheel brings what has no place in the package: {', '.join(map(str, left))}")
    for record in (root / HOME).glob("lib/python3*/site-packages/*.dist-info/RECORD"):
        record.write_text("".join(_still_there(record)), "utf-8")


def _still_there(record: Path) -> Iterator[str]:
    """Yield the lines of what was installed that are still true."""
    for line in record.read_text("utf-8").splitlines(keepends=True):
        path = line.split(",")[0]
        if not path.startswith("..") and (record.parents[1] / path).exists():
            yield line


def _compile(root: Path, site_packages: Path) -> None:
    """Compile everything for its final place.  dpkg alone changes these files: nothing looks at their times."""
    python = root / HOME / "bin/python3"
    options = ("-q", "--invalidation-mode", "unchecked-hash", "-s", root, "-p", "/")
    _run(python, "-m", "compileall", *options, site_packages, PYTHONHASHSEED="0")


def _document(root: Path, package: Package, installed: list[Distribution]) -> None:
    """Write what people read: pages, changelogs, copyright, manual page, completions."""
    doc = root / DOC
    for page in sorted((PROJECT / "docs").rglob("*.md")):
        _write(doc / page.relative_to(PROJECT / "docs"), page.read_text("utf-8"))
    _write(doc / "copyright", copyright_file(installed))
    _compressed(doc / "changelog.gz", (PROJECT / "CHANGELOG.md").read_bytes())
    _compressed(doc / "changelog.Debian.gz", package.changelog().encode())
    manual = root / "usr/share/man/man1" / f"{NAME}.1"
    _compressed(manual.with_suffix(".1.gz"), manual.read_bytes())
    manual.unlink()
    for shell, target in COMPLETIONS.items():
        variable = {f"_{NAME.upper()}_COMPLETE": f"{shell}_source"}
        _write(root / target, _run(root / HOME / "bin/python3", "-m", NAME, **variable))


def _control(root: Path, package: Package, glibc: int) -> None:
    """Write the control files; after everything else."""
    files = sorted(each for each in root.rglob("*") if each.is_file() and not each.is_symlink())
    size = sum(-(-each.stat().st_size // 1024) for each in files) + sum(1 for each in root.rglob("*") if each.is_dir())
    sums = (f"{hashlib.md5(each.read_bytes()).hexdigest()}  {each.relative_to(root)}\n" for each in files)  # noqa: S324
    control = root / "DEBIAN"
    _write(control / "md5sums", "".join(sums))
    _write(control / "control", package.control(size, glibc))
    _write(control / "conffiles", "".join(f"/{each}\n" for each in CONFFILES.values()))
    for name in SCRIPTS:
        _write(control / name, (HERE / name).read_text("utf-8"))
    for each in root.rglob("*"):
        if not each.is_symlink():
            each.chmod(0o755 if each.is_dir() or _runs(each) else 0o644)


def _runs(file: Path) -> bool:
    """Whether a file is a program.  Some wheels mark modules as such."""
    if file.parent.name == "DEBIAN":
        return file.name in SCRIPTS
    return file.stat().st_mode & 0o100 != 0 and (file.read_bytes()[:4] == b"\x7fELF" or file.suffix != ".py")


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder, or the file itself."""
    for each in (folder, *sorted(folder.rglob("*"))):
        if each.is_file():
            yield each


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")


def _compressed(file: Path, content: bytes) -> None:
    file.write_bytes(gzip.compress(content, 9, mtime=0))


def _link(link: Path, target: str) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)


def _run(*command: str | Path, **variables: str) -> str:
    """Run a command in the checkout, and return its output; what it complains of is shown."""
    environment = {name: value for name, value in os.environ.items() if name not in {"BOUNCED_CONFIG", "PYTHONPATH"}}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", **variables}
    done = subprocess.run(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


if __name__ == "__main__":
    main()
