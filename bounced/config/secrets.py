"""Secrets, read from files and never kept in the configuration."""

from pathlib import Path


def read_secret(file: Path) -> bytes:
    """Return the octets of a file without the line ends after them, which editors add.  Raises OSError."""
    return file.read_bytes().rstrip(b"\r\n")
