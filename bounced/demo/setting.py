"""The setting of the demonstration: a folder with a key and a configuration, a port, made-up domains."""

import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

DOMAIN = "bounce.example.com"
HOST = "127.0.0.1"

_CONFIGURATION = """\
workers = 1
host_name = "mx.{domain}"

[smtp]
listen = ["{host}:{port}"]

[redis]
url = "embedded"
data_dir = "{data}"

[lists.main]
domains = ["{domain}"]

[[lists.main.keys]]
id = "a"
file = "{key}"
"""


@dataclass(frozen=True, slots=True)
class Setting:
    """Where the demonstration takes place."""

    folder: Path
    port: int

    @property
    def config_file(self) -> Path:
        """The configuration that the demonstration runs by, for other commands to use as well."""
        return self.folder / "bounced.toml"

    @property
    def data_dir(self) -> Path:
        """Where the embedded server keeps its data."""
        return self.folder / "data"


def prepare(folder: Path, port: int) -> Setting:
    """Return a setting in a folder, with a free port where the wanted one is taken or 0.  Keeps a key that is there."""
    folder.mkdir(parents=True, exist_ok=True)
    setting = Setting(folder.resolve(), port if port and _is_free(port) else _free_port())
    key = setting.folder / "a.key"
    if not key.exists():
        key.touch(mode=0o600)
        key.write_text(secrets.token_urlsafe(32) + "\n", "ascii")
    setting.config_file.touch(mode=0o600)
    setting.config_file.write_text(
        _CONFIGURATION.format(host=HOST, port=setting.port, domain=DOMAIN, data=setting.data_dir, key=key), "utf-8"
    )
    return setting


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
