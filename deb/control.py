"""What the Debian package says of itself: version, control fields, copyright, changelog."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from importlib.metadata import Distribution
from pathlib import Path

from packaging.version import Version

NAME = "bounced"
MANYLINUX = re.compile(r"^Tag: .*manylinux_2_(\d+)_", re.MULTILINE)
DEPENDS = ("libgcc-s1", "libstdc++6", "systemd (>= 252)", "tzdata")
"""Beside the interpreter and the C library; tzdata has the time zones of the pages."""

CONTROL = """\
Package: {name}
Version: {version}
Architecture: {architecture}
Maintainer: {maintainer}
Installed-Size: {size_kib}
Depends: {depends}
Suggests: valkey-server | redis-server
Section: mail
Priority: optional
Description: {summary}
 bounced is the MX of a bounce domain.  It takes in bounces by SMTP, finds out
 who cannot be reached and why, decides, and keeps the suppression lists in
 Redis or Valkey.
 .
 The package brings all Python libraries that bounced needs, below
 /usr/lib/bounced.  Nothing runs before it is configured.
"""
CHANGELOG = """\
{name} ({version}) unstable; urgency=medium

  * What is new stands in changelog.gz.

 -- {maintainer}  {date}
"""
COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: bounced
Comment:
 The libraries below /usr/lib/bounced have licences of their own.  Their texts
 are in the folders dist-info/licenses beside each.
 .
{libraries}

Files: *
Copyright: the makers of bounced
License: Apache-2.0

Files: usr/lib/bounced/lib/*/site-packages/bounced/web/pages/static/htmx*
Copyright: the makers of htmx
License: 0BSD
 The text is in htmx.LICENSE beside the file.

License: Apache-2.0
 On Debian systems, the full text of the Apache License version 2.0 can be
 found in the file /usr/share/common-licenses/Apache-2.0.
"""


@dataclass(frozen=True, slots=True)
class Package:
    """What is known before anything is installed."""

    version: str
    """As Debian orders versions."""
    summary: str
    architecture: str
    interpreter: str
    """Debian's package of the interpreter, such as python3.11."""
    maintainer: str
    epoch: int
    """Seconds since 1970 that stand for the time of the build, so that a second build gives the same file."""

    @property
    def file_name(self) -> str:
        """The name of the package's file."""
        return f"{NAME}_{self.version.partition(':')[2] or self.version}_{self.architecture}.deb"

    def control(self, size_kib: int, glibc_minor: int) -> str:
        """Return the control file."""
        depends = (self.interpreter, f"libc6 (>= 2.{glibc_minor})", *DEPENDS)
        return CONTROL.format(
            name=NAME,
            version=self.version,
            architecture=self.architecture,
            maintainer=self.maintainer,
            size_kib=size_kib,
            depends=", ".join(depends),
            summary=self.summary.rstrip(".")[0].lower() + self.summary.rstrip(".")[1:],
        )

    def changelog(self) -> str:
        """Return the changelog of the package, which points to the one for operators."""
        date = format_datetime(datetime.fromtimestamp(self.epoch, UTC))
        return CHANGELOG.format(name=NAME, version=self.version, maintainer=self.maintainer, date=date)


def debian_version(version: str, interpreter: str) -> str:
    """Return the version of a Python distribution as Debian orders it, with the interpreter it was built for.

    What comes before a release gets a ``~``, which Debian sorts before everything, even before the end of the version.
    A development version has two: it comes before the alpha of the same release.  (PEP 440, deb-version(7))
    """
    parsed = Version(version)
    parts = (
        f"{parsed.epoch}:" if parsed.epoch else "",
        ".".join(map(str, parsed.release)),
        "~{}{}".format(*parsed.pre) if parsed.pre else "",
        f".post{parsed.post}" if parsed.post is not None else "",
        f"~~dev{parsed.dev}" if parsed.dev is not None else "",
        f"+{parsed.local}" if parsed.local else "",
    )
    return f"{''.join(parts)}-{interpreter.replace('python', 'py').replace('.', '')}"


def glibc_minor(installed: Iterable[Distribution]) -> int:
    """Return N of the C library 2.N that the installed wheels ask for together.

    A wheel may name several; the lowest is what it needs.  (PEP 600)
    """
    needed = [MANYLINUX.findall(each.read_text("WHEEL") or "") for each in installed]
    return max((min(map(int, minors)) for minors in needed if minors), default=17)


def copyright_file(installed: Iterable[Distribution]) -> str:
    """Return the copyright file: ours, and which libraries have a licence of their own."""
    lines = sorted(f" {each.name} {each.version}: {_licence(each)}" for each in installed if each.name != "bounced-mx")
    return COPYRIGHT.format(libraries="\n".join(lines))


def distributions(site_packages: Path) -> list[Distribution]:
    """Return what is installed in a folder, in order of names."""
    return sorted(Distribution.discover(path=[str(site_packages)]), key=lambda each: each.name.lower())


def _licence(distribution: Distribution) -> str:
    """Return what a distribution's metadata calls its licence, on one line."""
    fields = distribution.metadata.json
    named = str(fields.get("license_expression") or fields.get("license") or "")
    classified = [each.rpartition(" :: ")[2] for each in fields.get("classifier", []) if "License ::" in each]
    return (named.strip().splitlines() or classified or ["see its folder"])[0]
