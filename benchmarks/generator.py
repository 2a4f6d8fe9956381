"""The load generator: load.c, with TLS where OpenSSL's headers are; where it has none, tls_load.py encrypts."""

import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.figures import Shape
from tests.support.programs import private_root

HERE = Path(__file__).parent
CORPUS = HERE.parent / "tests" / "corpus"
COMPILE = ["cc", "-O2", "-Wall", "-Wextra", "-Werror", str(HERE / "load.c")]


@dataclass(frozen=True)
class Generator:
    """A program that puts a load on a port, and the messages that it sends.

    ``messages`` says how many these are, ``tls_note`` how it encrypts; ``tickets`` whether a connection takes up the
    session of an earlier one.
    """

    program: Path
    corpus: Path
    tls: bool
    tls_note: str
    messages: str
    tickets: bool = False

    def put(self, port: int, shape: Shape, count: int, paths: Path, longest_s: float) -> dict[str, Any]:
        """Send so many messages; return what was measured.  Raises CalledProcessError."""
        load = [*self._program(shape.tls), "-p", port, "-c", shape.connections, "-m", shape.per_connection]
        load += ["-n", count, "-f", self.corpus, "-R", paths, "-S", longest_s]
        said = subprocess.run([str(word) for word in load], check=True, stdout=subprocess.PIPE).stdout
        measured: dict[str, Any] = json.loads(said)
        return measured

    def _program(self, encrypted: bool) -> list[object]:  # noqa: FBT001 - a column of the table
        if not encrypted:
            return [self.program]
        if self.tls:
            return [self.program, "-t", *(["-k"] if self.tickets else [])]
        return [sys.executable, HERE / "tls_load.py"]


def build(folder: Path, *, tickets: bool = False, corpora: Iterable[Path] = ()) -> Generator:
    """Compile the load generator; pack the delivery reports of the tests, and those of further folders.

    Raises CalledProcessError, SystemExit.
    """
    if shutil.which("cc") is None:
        raise SystemExit("A C compiler is needed.  Debian, Ubuntu: apt install gcc libc6-dev")
    program, corpus = folder / "load", folder / "corpus.bin"
    tls = any(_compiles(program, with_tls) for with_tls in _with_tls())
    if not tls:
        subprocess.run([*COMPILE, "-o", str(program)], check=True)
    pack = [sys.executable, str(HERE / "mkcorpus.py"), str(corpus), *map(str, (CORPUS, *corpora))]
    packed = subprocess.run(pack, check=True, capture_output=True, text=True).stdout.strip()
    note = (
        "load.c with OpenSSL"
        if tls
        else (
            "tls_load.py, a Python program that may be the limit: load.c could not be built with OpenSSL "
            "(apt install libssl-dev, or tests/install-programs libssl)"
        )
    )
    return Generator(program, corpus, tls, note, packed, tickets)


def _with_tls() -> list[list[str]]:
    """Return what to compile with: the machine's OpenSSL, and that of tests/install-programs, which is linked in."""
    ways = [["-DWITH_TLS", "-lssl", "-lcrypto"]]
    if root := private_root("libssl"):
        machine = f"{platform.machine()}-linux-gnu"
        include, libraries = root / "usr/include", root / "usr/lib" / machine
        archives = [str(libraries / name) for name in ("libssl.a", "libcrypto.a")]
        ways.append(["-DWITH_TLS", f"-I{include}", f"-I{include / machine}", *archives])
    return ways


def _compiles(program: Path, with_tls: list[str]) -> bool:
    return subprocess.run([*COMPILE, "-o", str(program), *with_tls], check=False, capture_output=True).returncode == 0
