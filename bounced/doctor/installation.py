"""The installation itself: whether another distribution writes into our package, and whether our files are whole.

``bounced`` on the package index is another project, which has a package of the same name (docs/traps.md, 42).  pip
installs both without a word.  The later one overwrites files of the earlier one.  Removing one removes them for both.
"""

import hashlib
import sys
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import Distribution, PackagePath, distributions
from typing import Any

from bounced.edges.judge.finding import Finding, error, ok, warning
from bounced.edges.version import DISTRIBUTION, Build

SUBJECT = "installation"
PACKAGE = "bounced"
"""Our package, and the name of the other distribution; before it was called bounced-mx, also of ours."""
MEND = f"pip uninstall {PACKAGE} {DISTRIBUTION}, then install {DISTRIBUTION} again as docs/install.md says."

_ENTRY = "bounced.__main__:main"
_NAMED = 3


def examine_installation(build: Build, folders: Sequence[str] = sys.path) -> Iterator[Finding]:
    """Yield how what is installed in these folders is; ``build`` is what runs."""
    ours = next(iter(distributions(name=DISTRIBUTION, path=[*folders])), None)
    missing, changed = _damage(ours) if ours else ([], [])
    others = {str(each.locate_file("")): each for each in distributions(name=PACKAGE, path=[*folders])}
    for other in others.values():
        yield _beside(other, missing + changed)
    if others:
        return
    if missing:
        yield error(SUBJECT, f"files of {DISTRIBUTION} are missing: {_listed(missing)}", MEND)
    if changed:
        advice = f"If nobody did it on purpose: {MEND}"
        yield warning(
            SUBJECT, f"files of {DISTRIBUTION} were changed after it was installed: {_listed(changed)}", advice
        )
    if not missing and not changed:
        yield ok(SUBJECT, str(build))


def examine_running(record: Mapping[str, Any], build: Build) -> Iterator[Finding]:
    """Yield that the daemon, whose status this is, runs another version than the one that is installed."""
    daemon = Build(record["version"])
    if daemon.version != build.version:
        yield warning("running version", f"{daemon}; installed is {build}", "systemctl restart bounced")


def _beside(other: Distribution, damaged: Sequence[str]) -> Finding:
    """Return what a distribution means that is called as our package is."""
    named = f"{PACKAGE} {other.version} in {other.locate_file('')}"
    harm = f"; of ours are missing or changed: {_listed(damaged)}" if damaged else ""
    if any(entry.value == _ENTRY for entry in other.entry_points):
        return warning(SUBJECT, f"{named} is {DISTRIBUTION} under the name that it had before{harm}", MEND)
    return error(SUBJECT, f"{named} is another project's, whose package has the name of ours{harm}", MEND)


def _damage(ours: Distribution) -> tuple[list[str], list[str]]:
    """Return the files of our package that are gone, and those that are not as they were installed.

    An editable installation has none: there a checkout is used.
    """
    missing, changed = [], []
    for file in ours.files or ():
        if file.parts[0] == PACKAGE and file.hash:
            try:
                whole = _as_installed(file)
            except FileNotFoundError:
                missing.append(str(file))
            else:
                changed += [] if whole else [str(file)]
    return missing, changed


def _as_installed(file: PackagePath) -> bool:
    """Return whether a file has the digest that was noted with it.  Raises FileNotFoundError."""
    assert file.hash
    digest = hashlib.new(file.hash.mode, file.read_binary()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode() == file.hash.value


def _listed(files: Sequence[str]) -> str:
    more = len(files) - _NAMED
    return ", ".join(files[:_NAMED]) + (f" and {more} more" if more > 0 else "")
