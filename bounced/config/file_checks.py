"""Checks of the files that a configuration names: secrets, rules, certificates."""

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from bounced.config.errors import Problem
from bounced.config.files import read_key, read_secret, tls_context
from bounced.config.model import Config
from bounced.core.return_path.keyring import MIN_SECRET_BYTES


class SpeaksTls(Protocol):
    """A table with a certificate and its key."""

    @property
    def tls_certificate(self) -> Path | None:
        """The certificate chain."""

    @property
    def tls_key(self) -> Path | None:
        """Its private key."""


def list_file_problems(config: Config) -> Iterator[Problem]:
    """Yield the secrets of lists that are missing, unreadable or too short."""
    for name, list_ in config.lists.items():
        for position, key in enumerate(list_.keys):
            yield from secret_problems(f"lists.{name}.keys[{position}].file", key.file, read=read_key)
        if list_.pepper_file:
            yield from secret_problems(f"lists.{name}.pepper_file", list_.pepper_file)


def rule_file_problems(config: Config) -> Iterator[Problem]:
    """Yield rule files that are missing or unreadable."""
    for position, rules in enumerate(config.rules.files):
        yield from unreadable(f"rules.files[{position}]", rules)


def secret_problems(
    key: str, file: Path, at_least: int = MIN_SECRET_BYTES, read: Callable[[Path], bytes] = read_secret
) -> Iterator[Problem]:
    """Yield what is wrong with a file that holds a secret of at least so many octets."""
    try:
        length = len(read(file))
    except OSError as error:
        yield _missing(key, file, error)
        return
    except ValueError as error:
        yield Problem(key, f"hold a good key: {error}", str(file))
        return
    if length < at_least:
        yield Problem(key, f"hold at least {at_least} octet{'s' * (at_least > 1)}", f"{length} in {file}")


def tls_halves(table: str, settings: SpeaksTls) -> Iterator[Problem]:
    """Yield the half of a certificate and its key that is not given."""
    if settings.tls_certificate and not settings.tls_key:
        yield Problem(f"{table}.tls_key", "be given beside tls_certificate")
    if settings.tls_key and not settings.tls_certificate:
        yield Problem(f"{table}.tls_certificate", "be given beside tls_key")


def certificate_problems(table: str, settings: SpeaksTls) -> Iterator[Problem]:
    """Yield what is wrong with certificate and key; they are loaded as the server loads them."""
    broken = [
        problem
        for name in ("tls_certificate", "tls_key")
        if (file := getattr(settings, name))
        for problem in unreadable(f"{table}.{name}", file)
    ]
    yield from broken
    if broken or not settings.tls_certificate or not settings.tls_key:
        return
    try:
        tls_context(settings.tls_certificate, settings.tls_key)
    except ssl.SSLError as error:
        must = f"be a certificate in PEM that goes with tls_key, without a passphrase ({error.reason or error})"
        yield Problem(f"{table}.tls_certificate", must, str(settings.tls_certificate))


def unreadable(key: str, file: Path) -> Iterator[Problem]:
    """Yield why a file cannot be read."""
    try:
        file.read_bytes()
    except OSError as error:
        yield _missing(key, file, error)


def _missing(key: str, file: Path, error: OSError) -> Problem:
    return Problem(key, f"be a file that can be read ({error.strerror})", str(file))
