"""The running daemon, and its user: what it refused, what it has not loaded, files that only root can read."""

import os
import pwd
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bounced.config import Config
from bounced.edges.judge.finding import Finding, error, ok, warning

CREDENTIALS = Path("/etc/credstore")
"""systemd reads these as root and hands them over."""


def examine_daemon(record: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what the status of a running daemon shows."""
    refused = ", ".join(f"{reason} {count:,.0f}" for reason, count in sorted(record["paths_refused"].items()))
    if refused:
        advice = "Spam alone does it. If a sender makes its paths wrongly, the log has key.doubted: docs/operate.md."
        yield warning("refused paths", f"since the start: {refused}", advice)
    else:
        yield ok("refused paths", "none since the start")
    if changed := record["loaded"]["changed_on_disk"]:
        yield warning("loaded", f"changed on the disk since: {', '.join(changed)}", "systemctl reload bounced")
    if errors := record["reload"]["errors"]:
        yield warning("reload", f"the last one was refused: {'; '.join(errors)}", "Correct it, then reload again.")


def examine_files(config: Config, user: str | None) -> Iterator[Finding]:
    """Yield the files that root can read and the daemon's user cannot; nothing where we are not root.

    ``user`` is None where no daemon runs: then whoever owns the data folder is meant.
    """
    owner = user or _owner(config.redis.data_dir)
    if os.geteuid() != 0 or owner in (None, "root"):
        return
    for key, file in _files(config):
        if file.exists() and CREDENTIALS not in file.parents and not _readable(file, str(owner)):
            advice = f"chgrp {owner} {file}; chmod 640 {file}; and let it into the folders above (chmod g+x)."
            yield error(key, f"{file}: the daemon's user ({owner}) cannot read it", advice)


def _files(config: Config) -> Iterator[tuple[str, Path]]:
    named: list[tuple[str, Path | None]] = [
        ("smtp.tls_certificate", config.smtp.tls_certificate),
        ("smtp.tls_key", config.smtp.tls_key),
        ("redis.password_file", config.redis.password_file),
        *(("rules.files", file) for file in config.rules.files),
    ]
    for name, settings in config.lists.items():
        named += [(f"lists.{name}.keys", key.file) for key in settings.keys]
        named.append((f"lists.{name}.pepper_file", settings.pepper_file))
    return ((key, file) for key, file in named if file is not None)


def _owner(folder: Path) -> str | None:
    try:
        return folder.owner()
    except (OSError, KeyError):
        return None


def _readable(file: Path, user: str) -> bool:
    try:
        group = pwd.getpwnam(user).pw_gid
    except KeyError:
        return True
    asked = subprocess.run(  # noqa: S603 - a fixed program
        ["/usr/bin/test", "-r", str(file.absolute())],
        user=user,
        group=group,
        extra_groups=os.getgrouplist(user, group),
        check=False,
    )
    return asked.returncode == 0
