"""Secrets, read from files and never kept in the configuration."""

from pathlib import Path

from bounced.core.return_path.secret import secret_of


def read_secret(file: Path) -> bytes:
    """Return the octets of a file without the line ends after them, which editors add.  Raises OSError."""
    return file.read_bytes().rstrip(b"\r\n")


def read_key(file: Path) -> bytes:
    """Return the secret of a signing key.  Raises OSError, ValueError for what is no good key."""
    return secret_of(file.read_bytes())
