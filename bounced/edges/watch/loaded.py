"""What a daemon has loaded: which file, lists, keys and rules, what a reload changed of them, what the disk has now."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from bounced.config import Config, Source
from bounced.core.contract.times import stamp
from bounced.core.meaning.rulefile import read_rules
from bounced.edges.judge.certificate import ends_at


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration as it was loaded.  It holds no secret.

    ``lists`` and ``keys`` (``LIST/ID``) have what stands there, ``rules`` the operator's own rows by their ids, each as
    a text to compare; ``files`` are digests of the files that were read.
    """

    at: datetime
    file: Path | None
    lists: Mapping[str, str]
    keys: Mapping[str, str]
    rules: Mapping[str, str]
    files: Mapping[Path, str]
    certificate_until: datetime | None = None

    def changes_since(self, before: "Loaded") -> list[str]:
        """Return which lists, keys and rules came, went and changed, for people."""
        return [
            *_changes("list", before.lists, self.lists),
            *_changes("key", before.keys, self.keys, shown=True),
            *_changes("rule", before.rules, self.rules),
        ]

    @property
    def changed_on_disk(self) -> list[str]:
        """The files that differ from what was loaded, or that cannot be read any more."""
        return [str(file) for file, digest in self.files.items() if _digest(file) != digest]

    @property
    def record(self) -> dict[str, Any]:
        """Return it for a program."""
        return {
            "at": stamp(self.at),
            "file": str(self.file) if self.file else None,
            "lists": list(self.lists),
            "keys": dict(self.keys),
            "rules": list(self.rules),
            "changed_on_disk": self.changed_on_disk,
            "certificate_until": stamp(self.certificate_until) if self.certificate_until else None,
        }


def loaded(config: Config, source: Source, at: datetime) -> Loaded:
    """Return what a configuration that is sound loads."""
    certificate = config.smtp.tls_certificate
    rows = (row for file in config.rules.files for row in read_rules(str(file), _content(file))[0])
    files = (*config.rules.files, *([certificate] if certificate else ()))
    own = {source.path: sha256(source.text.encode()).hexdigest()} if source.path else {}
    return Loaded(
        at=at,
        file=source.path,
        lists={name: settings.model_dump_json(exclude={"keys"}) for name, settings in config.lists.items()},
        keys={f"{name}/{key.id}": key.status for name, settings in config.lists.items() for key in settings.keys},
        rules={row.id: str(row) for row in rows},
        files=own | {file: _digest(file) for file in files},
        certificate_until=ends_at(config.smtp),
    )


def _changes(what: str, before: Mapping[str, str], after: Mapping[str, str], *, shown: bool = False) -> Iterator[str]:
    yield from _said(f"{what} added", (name for name in after if name not in before))
    yield from _said(f"{what} removed", (name for name in before if name not in after))
    changed = (name for name in after if name in before and before[name] != after[name])
    yield from _said(
        f"{what} changed", (f"{name} ({before[name]} -> {after[name]})" if shown else name for name in changed)
    )


def _said(what: str, names: Iterable[str]) -> Iterator[str]:
    return (f"{what}: {name}" for name in names)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


def _digest(file: Path) -> str:
    return sha256(_content(file)).hexdigest()
