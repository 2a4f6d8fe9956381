"""What the demonstration runs on: a folder with a key and a configuration, a port, made-up domains."""

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

[web.private]
listen = "{host}:{web_port}"
writes = true
users_file = "{folder}/users.toml"
login_folder = "{folder}/login"

[lists.main]
domains = ["{domain}"]

[[lists.main.keys]]
id = "a"
file = "{key}"
"""


@dataclass(frozen=True, slots=True)
class DemoSetup:
    """The folder with the files of the demonstration, and the ports on which it takes mail and shows pages."""

    folder: Path
    port: int
    web_port: int

    @property
    def config_file(self) -> Path:
        """The configuration, which other commands can use as well."""
        return self.folder / "bounced.toml"

    @property
    def login_folder(self) -> Path:
        """Where the links are written down that sign in to the pages."""
        return self.folder / "login"

    @property
    def data_dir(self) -> Path:
        """Where the embedded server keeps its data."""
        return self.folder / "data"


def prepare(folder: Path, port: int, web_port: int) -> DemoSetup:
    """Write key and configuration into a folder; choose a free port where a wanted one is taken or 0.

    Keeps a key that is there already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    setup = DemoSetup(folder.resolve(), _chosen(port), _chosen(web_port))
    setup.login_folder.mkdir(mode=0o700, exist_ok=True)
    key = setup.folder / "a.key"
    if not key.exists():
        key.touch(mode=0o600)
        key.write_text(secrets.token_urlsafe(32) + "\n", "ascii")
    setup.config_file.touch(mode=0o600)
    setup.config_file.write_text(
        _CONFIGURATION.format(
            host=HOST,
            port=setup.port,
            web_port=setup.web_port,
            folder=setup.folder,
            domain=DOMAIN,
            data=setup.data_dir,
            key=key,
        ),
        "utf-8",
    )
    return setup


def _chosen(port: int) -> int:
    return port if port and _is_free(port) else _free_port()


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
