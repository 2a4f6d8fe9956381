"""The MTAs that are measured, from where tests/install-programs unpacks them; they need root."""

import os
import shlex
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.processes import Running, free_port, redis_server, wait_for
from tests.support import mta
from tests.support.programs import FOLDER, in_private_root

HERE = Path(__file__).parent
PEERS = HERE / "peers"
DOMAIN = "bounce.example.com"
HARAKA_PROCESSES = 2

POSTFIX = replace(mta.POSTFIX, templates=PEERS)
PIPING = replace(
    POSTFIX,
    prepare="; ".join(
        (
            POSTFIX.prepare,
            *(
                f"mkdir -p /var/mta/{name} && mount --bind {shlex.quote(str(folder))} /var/mta/{name}"
                for name, folder in {
                    "python": sys.base_prefix,  # where the user of the script may read it
                    "packages": sysconfig.get_path("purelib"),
                    "benchmarks": HERE,
                }.items()
            ),
        )
    ),
)
HARAKA = replace(mta.HARAKA, templates=PEERS)


def why_no_postfix() -> str | None:
    """Return why Postfix cannot be measured here, in words."""
    return _why_not(POSTFIX)


def why_no_haraka() -> str | None:
    """Return why Haraka cannot be measured here, in words."""
    if not (FOLDER / "haraka/usr/lib/node_modules/redis").is_dir():
        return "it is not here, or npm's redis is not beside it: tests/install-programs haraka"
    return _why_not(HARAKA)


def _why_not(wanted: mta.Mta) -> str | None:
    if wanted.find() is None:
        return f"it is not here: tests/install-programs {wanted.root}"
    return None if os.geteuid() == 0 else "it needs root"


@contextmanager
def postfix_discard(folder: Path, certificate: Path) -> Iterator[Running]:
    """Run a Postfix that queues on disk and then discards."""
    filled_in = {"TRANSPORT": "discard:", "REDIS": "none"}
    with _postfix(POSTFIX, folder, certificate, filled_in) as (port, pid):
        yield Running("postfix, discard:", port, (pid,), spool=_spool(folder))


@contextmanager
def postfix_pipe(folder: Path, certificate: Path) -> Iterator[Running]:
    """Run a Postfix that queues on disk and then gives each message to a process of piped.py."""
    with redis_server(folder) as (url, redis_pid):
        filled_in = {"TRANSPORT": "piped:", "REDIS": url}
        with _postfix(PIPING, folder, certificate, filled_in) as (port, pid):
            yield Running("postfix, pipe", port, (pid, redis_pid), redis=url, spool=_spool(folder))


@contextmanager
def haraka(folder: Path, certificate: Path) -> Iterator[Running]:
    """Run a Haraka whose plugin reads delivery reports and writes before it acknowledges."""
    with redis_server(folder) as (url, redis_pid):
        filled_in = {
            "DOMAIN": DOMAIN,
            "REDIS": url.removeprefix("unix://"),
            "NODES": HARAKA_PROCESSES,
            "CERTIFICATE": certificate.with_name("certificate.pem").read_text(),
            "KEY": certificate.with_name("key.pem").read_text(),
            "PARAMETERS": _dh_parameters(),  # Haraka would search some for itself, with all that a core can do
        }
        with mta.started(HARAKA, _own(folder), **filled_in) as (port, pid):
            yield Running(f"haraka, {HARAKA_PROCESSES} processes", port, (pid, redis_pid), redis=url)


@contextmanager
def smtp_sink(folder: Path) -> Iterator[Running]:
    """Run Postfix's smtp-sink, which throws everything away: the limit of what the generator can show."""
    port = free_port()
    command = in_private_root("postfix", "smtp-sink", "-u", "nobody", f"127.0.0.1:{port}", "1024")
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        wait_for(port)
        yield Running("smtp-sink", port, (running.pid,), tls=False)
    finally:
        mta.end(running)


@contextmanager
def _postfix(which: mta.Mta, folder: Path, certificate: Path, filled_in: dict[str, str]) -> Iterator[tuple[int, int]]:
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    filled_in |= {"DOMAIN": DOMAIN, "CERTIFICATE": str(certificate), "PYTHON": python}
    with mta.started(which, _own(folder), **filled_in) as started:
        yield started


def _own(folder: Path) -> Path:
    """Make the folder of an MTA's own /etc and /var."""
    own = folder / "mta"
    own.mkdir()
    return own


def _spool(folder: Path) -> Path:
    return folder / "mta/var/mta/spool"


def _dh_parameters() -> str:
    command = ["openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
