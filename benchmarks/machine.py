"""On what is measured: the machine, and the version of everything that is in the table."""

import json
import os
import platform
import re
import ssl
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bounced.edges.redis.embedded.binary import find_server
from bounced.edges.version import running
from tests.support.programs import FOLDER, in_private_root

LIBRARIES = ("aiosmtpd", "flufl.bounce", "redis", "hiredis", "uvloop", "google-re2")
UNKNOWN = "unknown"


def machine() -> dict[str, str]:
    """Return what the machine is, and how busy it was."""
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    return {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{int(memory[1]) / 1e6:.0f} GB" if memory else UNKNOWN,
        "kernel": f"{platform.system()} {platform.release()}",
        "load average": f"{os.getloadavg()[0]:.1f}",
    }


def versions(*, postfix: bool, haraka: bool) -> dict[str, str]:
    """Return the version of each program and library; of Postfix and Haraka where they are measured."""
    found = {
        "bounced": running().version,
        "Python": f"{platform.python_version()} ({platform.python_compiler()})",
        "OpenSSL": ssl.OPENSSL_VERSION.removeprefix("OpenSSL "),
        "Redis": _first_line([str(find_server()), "--version"]),
        "C compiler": _first_line(["cc", "--version"]),
    }
    if postfix:
        found["Postfix"] = _first_line(in_private_root("postfix", "postconf", "-d", "-h", "mail_version"))
    if haraka:
        modules = FOLDER / "haraka/usr/lib/node_modules"
        found["Haraka"] = json.loads((modules / "Haraka/package.json").read_text())["version"]
        found["npm redis"] = json.loads((modules / "redis/package.json").read_text())["version"]
        found["Node.js"] = _first_line(["node", "--version"])
        found["OpenSSL of Node.js"] = _first_line(["node", "-p", "process.versions.openssl"])
    return found | {name: _library(name) for name in LIBRARIES}


def _processor() -> str:
    """Return the model's name, or the architecture where the kernel names none."""
    named = re.search(r"^(?:model name|Model)\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return named[1] if named else platform.machine()


def _library(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _first_line(command: Sequence[str]) -> str:
    try:
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return UNKNOWN
    return said.partition("\n")[0].strip() or UNKNOWN
