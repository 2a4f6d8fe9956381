"""Real MTAs, each run for one test with a configuration, an /etc and a /var of its own; it needs root.

They are looked for where tests/install-programs puts them (see tests/support/programs.py) and where Debian does.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.support.ports import free_port
from tests.support.programs import in_private_root, private_root

TEMPLATES = Path(__file__).with_name("mtas")
SYSTEM_FILES = (
    "passwd",
    "group",
    "postfix",
    "host.conf",
    "ld.so.conf",
    "ld.so.conf.d",
    "nsswitch.conf",
    "protocols",
    "services",
    "ssl",
)
WAIT_S = 20.0

USERS = (
    "Debian-exim",
    "opensmtpd",
    "opensmtpq",
    "smmta",
    "smmsp",
    "postfix",
    "postdrop",
    "dovecot",
    "dovenull",
    "living",
    "moved",
)
"""Users that packages make when they are installed, and two with a mailbox; in the private /etc only."""
FIRST_USER_ID = 61001

ENTER = """
mount --bind "$1/etc" /etc && mount --bind "$1/var" /var && ldconfig && eval "$2" || exit 1
shift 2
exec "$@"
"""


@dataclass(frozen=True, slots=True)
class Mta:
    """An MTA: its program, where its configuration is looked for, and how it is started in the foreground.

    ``name`` is also that of the folder of templates for its configuration, ``root`` that of its private root.
    ``prepare`` is run by a shell in its namespaces before it starts.
    """

    name: str
    root: str
    program: str
    configuration: str
    arguments: tuple[str, ...]
    prepare: str = ":"
    reuses_connections: bool = True
    greeting: bytes = b"220"
    templates: Path = TEMPLATES

    def __str__(self) -> str:
        return self.name

    def find(self) -> str | None:
        """Return the path of its program, as it is while it runs."""
        root = private_root(self.root)
        if (root and (root / self.program).exists()) or Path(f"/{self.program}").exists():
            return f"/{self.program}"
        return shutil.which("haraka") if self.root == "haraka" else None  # npm's choice of a folder


POSTFIX = Mta("postfix", "postfix", "usr/sbin/postfix", "etc/postfix", ("start-fg",), "chown postfix /var/mta/data")
EXIM = Mta("exim", "exim", "usr/sbin/exim4", "etc/exim4", ("-bdf", "-qq1s"), "chown -R Debian-exim /var/mta")
OPENSMTPD = Mta(
    "opensmtpd",
    "opensmtpd",
    "usr/sbin/smtpd",
    "etc",
    ("-d",),
    "install -d -m 711 /var/lib/opensmtpd/empty /var/spool/smtpd",
)
SENDMAIL = Mta(
    "sendmail", "sendmail", "usr/libexec/sendmail/sendmail", "etc/mail", ("-C/etc/mail/sendmail.cf", "-bD", "-q1s")
)
HARAKA = Mta("haraka", "haraka", "usr/bin/haraka", "var/mta", ("-c", "/var/mta"), reuses_connections=False)
POSTFIX_ASKING = replace(POSTFIX, name="postfix-asking")
EXIM_ASKING = replace(EXIM, name="exim-asking")
EXIM_OF_DEBIAN = replace(
    EXIM,
    name="exim-debian",
    arguments=(*EXIM.arguments, "-oP", "/var/mta/pid"),
    prepare="install -d -o Debian-exim /var/spool/exim4 /var/log/exim4 /var/lib/exim4"
    " && PATH=$PATH:/usr/sbin:/sbin update-exim4.conf",
)
"""With the configuration that its package makes from the files in /etc/exim4."""
HARAKA_ASKING = replace(HARAKA, name="haraka-asking")
HARAKA_TELLING = replace(HARAKA, name="haraka-telling")
EXIM_ALIASES = replace(EXIM, name="exim-aliases")
SENDMAIL_ALIASES = replace(
    SENDMAIL,
    name="sendmail-aliases",
    prepare='"$3" -C/etc/mail/sendmail.cf -bi && chown moved /etc/mail/forward.moved',
)
DOVECOT = Mta(
    "dovecot",
    "imap",
    "usr/sbin/dovecot",
    "etc/dovecot",
    ("-F",),
    "install -d -o living /var/mta/mail",
    greeting=b"* O",
)
"""No MTA, but it is run like one: the server of a mailbox."""
MTAS = (POSTFIX, EXIM, OPENSMTPD, SENDMAIL, HARAKA)


@contextmanager
def running(mta: Mta, folder: Path, **filled_in: object) -> Iterator[int]:
    """Run an MTA; give the port that it listens on.  ``filled_in`` are values for its templates, by their names.

    Those that send do so to two ports of loopback, by domain: ``DAEMON`` and ``REFUSER``.
    """
    with started(mta, folder, **filled_in) as (port, _):
        yield port


@contextmanager
def started(mta: Mta, folder: Path, **filled_in: object) -> Iterator[tuple[int, int]]:
    """Run an MTA likewise; give its port, and the process that all of its processes descend from."""
    program = mta.find()
    assert program
    port = free_port()
    values = {"PORT": port, "PROGRAM": program, **filled_in}
    _furnish(mta, folder, values)
    isolated = in_private_root(mta.root, "sh", "-c", ENTER, "sh")
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            [*isolated, str(folder), mta.prepare, program, *mta.arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        _wait_until_listening(process, port, folder, mta.greeting)
        yield port, process.pid
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill the first process of the namespace, with which all others go; unshare cannot, where it is setuid."""
    if process.poll() is None:
        for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
            os.kill(int(child), signal.SIGKILL)
    process.wait(WAIT_S)


def _furnish(mta: Mta, folder: Path, values: dict[str, object]) -> None:
    """Make its /etc and /var."""
    for parent in (folder, *folder.parents[:3]):
        parent.chmod(parent.stat().st_mode | 0o055)  # they run as other users
    for made in ("run", "mta/spool", "mta/data", "tmp", "log", "cache/ldconfig"):
        (folder / "var" / made).mkdir(parents=True, exist_ok=True)
    _write_etc(folder / "etc", private_root(mta.root))
    _write_configuration(mta.templates / mta.name, folder / mta.configuration, values)


def _write_etc(etc: Path, root: Path | None) -> None:
    """Copy what programs read, and add users and our name; without resolv.conf nobody asks the DNS."""
    if root and (root / "etc").is_dir():
        shutil.copytree(root / "etc", etc, symlinks=True)
    etc.mkdir(exist_ok=True)
    for source in filter(Path.exists, (Path("/etc") / name for name in SYSTEM_FILES)):
        if source.is_dir():
            shutil.copytree(source, etc / source.name, symlinks=True, dirs_exist_ok=True)
        else:
            shutil.copy(source, etc)
    for number, name in enumerate(USERS, FIRST_USER_ID):
        _append(etc / "passwd", f"{name}:x:{number}:{number}::/nonexistent:/bin/false")
        _append(etc / "group", f"{name}:x:{number}:")
    _append(etc / "hosts", f"127.0.0.1 mail.sender.example {socket.gethostname()} localhost")


def _append(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(f"{line}\n")


def _write_configuration(templates: Path, target: Path, values: dict[str, object]) -> None:
    for template in templates.rglob("*"):
        if template.is_file():
            text = template.read_text()
            for name, value in values.items():
                text = text.replace(f"@{name}@", str(value))
            written = target / template.relative_to(templates)
            written.parent.mkdir(parents=True, exist_ok=True)
            written.write_text(text)


def _wait_until_listening(process: subprocess.Popen[bytes], port: int, folder: Path, greeting: bytes) -> None:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), WAIT_S) as connection:
                if connection.recv(3) == greeting:
                    return
        except OSError:
            time.sleep(0.05)  # nothing tells when a foreign program listens
    raise AssertionError(f"it did not start: {(folder / 'output').read_text(errors='replace')}")
