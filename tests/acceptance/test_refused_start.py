"""A daemon that could not keep its promises does not start, and says why."""

import asyncio
import sys
from pathlib import Path

import pytest

from bounced.edges.redis.connect import connections
from bounced.edges.redis.embedded import EmbeddedServer
from bounced.edges.redis.wire import call

REFUSED = 2
CONFIG = """\
[smtp]
listen = ["127.0.0.1:0"]
[redis]
url = "{url}"
durability = "fsync"
[lists.main]
domains = ["bounce.example.com"]
keys = [{{ id = "a", file = "a.key" }}]
"""


async def _run(
    folder: Path, url: str, *, change: str = "", key_mode: int = 0o600, config_mode: int = 0o644
) -> tuple[int, str]:
    (folder / "a.key").write_text("a secret for tests only, long enough")
    (folder / "a.key").chmod(key_mode)
    file = folder / "bounced.toml"
    file.write_text(CONFIG.format(url=url) + change)
    file.chmod(config_mode)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bounced", "run", "--config", str(file), stderr=asyncio.subprocess.PIPE
    )
    _, said = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode is not None
    return process.returncode, said.decode()


async def test_a_server_that_cannot_be_as_durable_as_promised(tmp_path: Path) -> None:
    """``fsync`` needs appendfsync always: exit code 2, with what was found."""
    async with EmbeddedServer(tmp_path / "data") as server:
        connection = await connections(server.url).open(0)
        await call(connection, "CONFIG", "SET", "appendfsync", "everysec")
        await connection.disconnect()
        code, said = await _run(tmp_path, server.url)
    assert code == REFUSED, said
    assert "appendfsync always, found appendonly yes, appendfsync everysec" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ('[http]\nlisten = "192.0.2.1:80"\n', "cannot listen on 192.0.2.1:80"),
        ('[rules]\nfiles = ["missing.toml"]\n', "rules.files[0] must be a file that can be read"),
        ("[limits]\nidle_s = 0\n", "limits.idle_s must"),
    ],
)
async def test_what_cannot_work_is_said_at_once(tmp_path: Path, redis_url: str, change: str, said: str) -> None:
    """An address that is not ours, a file that is not there, a value that makes no sense."""
    code, text = await _run(tmp_path, redis_url, change=change)
    assert code == REFUSED, said
    assert said in text
    assert "Traceback" not in text


@pytest.mark.parametrize(
    ("modes", "said"),
    [({"key_mode": 0o644}, "chmod o= {}/a.key"), ({"config_mode": 0o666}, "chmod o-w {}/bounced.toml")],
)
async def test_what_is_open_to_everybody(tmp_path: Path, redis_url: str, modes: dict[str, int], said: str) -> None:
    """A key that everybody may read, a configuration that everybody may change: with the command that mends it."""
    code, text = await _run(tmp_path, redis_url, **modes)  # type: ignore[arg-type]  # modes only
    assert code == REFUSED, text
    assert said.format(tmp_path) in text
    assert "Traceback" not in text
