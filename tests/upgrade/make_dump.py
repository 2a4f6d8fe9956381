"""What this version writes to Redis, kept for all later ones: ``python -m tests.upgrade.make_dump``, at each release.

It writes the folder of this version below ``dumps``, beside those of the versions before, which are never made again:

``bounced.toml``      the lists, with what they need; taken over from the version before, to be added to by hand
``dump.jsonl``        what Redis held, after a line about the dump itself
``expected.jsonl``    how each address looked up
``reports.jsonl``     the messages that were counted
``commit.lua``        the commit script, for old workers that go on beside new ones
"""

import asyncio
import json
import shutil
import sys
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from packaging.version import Version
from redis.asyncio import Redis

from bounced.config import Config, load
from bounced.edges.redis import RedisStore, durability
from bounced.edges.redis.connect import connections
from bounced.edges.redis.embedded import EmbeddedServer
from bounced.edges.redis.script import SOURCE
from bounced.opening import keyspaces
from bounced.service import pipeline

from .lives import live
from .portable import dump, to_text
from .world import Clock, World, looked_up

DUMPS = Path(__file__).parent / "dumps"
PREFIX = "upgrade"


def release() -> str:
    """Return the number of the release that comes of what is here: that of a commit before it has more to it."""
    return Version(version("bounced-mx")).base_version


def versions() -> list[str]:
    """Return the versions of which there is a dump, the oldest first."""
    return sorted((folder.name for folder in DUMPS.iterdir()), key=lambda name: [int(part) for part in name.split(".")])


def configured(folder: Path, url: str, prefix: str, beside: Path) -> Config:
    """Return the configuration of a dump for a server; a copy of its files is written into another folder."""
    for name in ("bounced.toml", "a.key", "pepper"):
        (beside / name).touch(mode=0o600)
        text = (folder / name).read_text().replace('"URL"', json.dumps(url)).replace('"PREFIX"', json.dumps(prefix))
        (beside / name).write_text(text)
    return load(beside / "bounced.toml")


async def make(given: Path, folder: Path, url: str, prefix: str) -> None:
    """Write the dump of this version into a folder, for the lists that are configured in a given one."""
    with TemporaryDirectory() as beside:
        config = configured(given, url, prefix, Path(beside))
        store = RedisStore(connections(url), keyspaces(config), durability("memory", print))
        await store.start()
        async with Redis.from_url(url) as redis:
            world = World(config, store, redis, Clock(), pipeline(config, store))
            await live(world)
            expected = [await _expected(world, *known) for known in world.known]
            lines = [line async for line in dump(redis, prefix, int(world.clock().timestamp() * 1000))]
        await store.close()
    about: dict[str, Any] = {"version": release(), "taken_at": world.clock().isoformat()}
    (folder / "dump.jsonl").write_text(to_text([about, *lines]))
    (folder / "expected.jsonl").write_text(to_text(expected))
    (folder / "reports.jsonl").write_text(to_text(world.reports))
    (folder / "commit.lua").write_bytes(SOURCE)
    for name in ("bounced.toml", "a.key", "pepper"):
        if folder != given:
            shutil.copy(given / name, folder / name)


async def _expected(world: World, list_: str, address: str) -> dict[str, Any]:
    client = world.client(list_)
    suppressed = await client.is_suppressed(address)
    return {"list": list_, "address": address, "suppressed": suppressed, **looked_up(await client.why(address))}


def _folder() -> Path:
    folder = DUMPS / release()
    folder.mkdir(exist_ok=True)
    return folder


async def _main() -> None:
    before, folder = DUMPS / versions()[-1], _folder()
    with TemporaryDirectory() as data:
        async with EmbeddedServer(Path(data)) as server:
            await make(before, folder, server.url, PREFIX)
    sys.stdout.write(f"{folder}\n")


if __name__ == "__main__":
    asyncio.run(_main())
