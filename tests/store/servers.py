"""Real servers on loopback, started as a test needs them: primaries, replicas, Sentinels, nodes of a Cluster."""

import asyncio
import contextlib
from asyncio.subprocess import DEVNULL, Process
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.crc import key_slot
from redis.exceptions import RedisError

from bounced.edges.redis.embedded.binary import find_server
from tests.support.ports import free_port

PATIENCE_S = 30.0


@dataclass
class Server:
    """One server process, reached over TCP."""

    folder: Path
    port: int
    arguments: tuple[str, ...]
    process: Process
    bus_port: int = 0

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    async def ask(self, *command: str | int) -> Any:
        async with Redis(host="127.0.0.1", port=self.port, protocol=2) as client:
            return await client.execute_command(*command)

    async def says(self, *command: str | int) -> Any:
        """Return the reply, None where there is none but an error."""
        with contextlib.suppress(RedisError, OSError):
            return await self.ask(*command)
        return None

    async def kill(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    async def start_again(self) -> None:
        self.process = await _spawn(self.folder, self.port, self.arguments)
        await self.ready()

    async def start_loading(self) -> None:
        """Start it again; return while it still loads its data."""
        self.process = await _spawn(self.folder, self.port, self.arguments)
        await until(self, "INFO", "persistence", lambda told: told is not None and told["loading"] == 1)

    async def ready(self) -> None:
        await until(self, "PING", lambda reply: reply is True)


@dataclass
class Cluster:
    """A Cluster of which each primary owns the same share of the slots."""

    fleet: "Fleet"
    nodes: list[Server]

    @property
    def url(self) -> str:
        return f"redis+cluster://{','.join(f'127.0.0.1:{node.port}' for node in reversed(self.nodes))}"

    def slots_of(self, node: int) -> range:
        share = 16384 / len(self.nodes)
        return range(round(node * share), round((node + 1) * share))

    def list_on(self, node: int) -> str:
        """Return the name of a list whose keys one node holds."""
        return next(name for name in map("list-{}".format, range(99)) if key_slot(name.encode()) in self.slots_of(node))

    async def add_replica(self, node: int) -> Server:
        primary = self.nodes[node]
        replica = await self.fleet.start_node()
        await replica.ask("CLUSTER", "MEET", "127.0.0.1", primary.port, primary.bus_port)
        id_ = (await primary.ask("CLUSTER", "MYID")).decode()
        await until(replica, "CLUSTER", "REPLICATE", id_, lambda reply: reply is not None)
        await until(primary, "ROLE", lambda role: len(role[2]) == 1)
        for other in self.nodes:
            await until(other, "CLUSTER", "INFO", lambda info: b"cluster_known_nodes:4" in info)
        return replica

    async def flush_and_move(self, list_: str, old: int, new: int) -> None:
        """Move the slot of a list, empty, from one node to another."""
        await self.nodes[old].ask("FLUSHALL")
        id_ = (await self.nodes[new].ask("CLUSTER", "MYID")).decode()
        for node in (new, old):
            await self.nodes[node].ask("CLUSTER", "SETSLOT", key_slot(list_.encode()), "NODE", id_)


class Fleet:
    """All servers of one test; none survives it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._servers: list[Server] = []

    async def start(self, *arguments: str) -> Server:
        """Return a running server that takes these arguments beside the usual ones."""
        port = free_port()
        folder = self._folder / str(port)
        folder.mkdir()
        server = Server(folder, port, arguments, await _spawn(folder, port, arguments))
        self._servers.append(server)
        await server.ready()
        return server

    async def start_sentinel(self, group: str, primary: Server) -> Server:
        """Return a Sentinel that alone decides, and soon."""
        settings = self._folder / "sentinel.conf"
        settings.write_text(
            f"sentinel monitor {group} 127.0.0.1 {primary.port} 1\n"
            f"sentinel down-after-milliseconds {group} 300\n"
            f"sentinel failover-timeout {group} 2000\n"
        )
        sentinel = await self.start(str(settings), "--sentinel")
        replicas = len((await primary.ask("ROLE"))[2])
        await until(sentinel, "SENTINEL", "REPLICAS", group, lambda known: known is not None and len(known) == replicas)
        return sentinel

    async def start_node(self) -> Server:
        """Return a node of a Cluster that knows no others yet."""
        bus = free_port()
        settings = {"cluster-enabled": "yes", "cluster-node-timeout": "500", "cluster-port": str(bus)}
        settings |= {"cluster-require-full-coverage": "no"}
        node = await self.start(*(word for name, value in settings.items() for word in (f"--{name}", value)))
        node.bus_port = bus
        return node

    async def start_cluster(self, primaries: int) -> Cluster:
        cluster = Cluster(self, [await self.start_node() for _ in range(primaries)])
        for number, node in enumerate(cluster.nodes):
            slots = cluster.slots_of(number)
            await node.ask("CLUSTER", "ADDSLOTSRANGE", slots.start, slots.stop - 1)
            await node.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for node in cluster.nodes[1:]:
            await node.ask("CLUSTER", "MEET", "127.0.0.1", cluster.nodes[0].port, cluster.nodes[0].bus_port)
        for node in cluster.nodes:
            await until(node, "CLUSTER", "SLOTS", lambda shares: shares is not None and len(shares) == primaries)
            await until(node, "CLUSTER", "INFO", lambda info: b"cluster_state:ok" in info)
        return cluster

    async def stop(self) -> None:
        for server in self._servers:
            await server.kill()


async def until(server: Server, *command: Any) -> Any:
    """Wait until the reply to a command satisfies the last argument, and return it."""
    *words, satisfied = command
    async with asyncio.timeout(PATIENCE_S):
        while True:
            reply = await server.says(*words)
            if satisfied(reply):
                return reply
            await asyncio.sleep(0.02)


async def _spawn(folder: Path, port: int, arguments: tuple[str, ...]) -> Process:
    settings = {
        "port": str(port),
        "bind": "127.0.0.1",
        "dir": str(folder),
        "save": "",
        "loglevel": "nothing",
        "repl-diskless-sync-delay": "0",
    }
    usual = (word for name, value in settings.items() for word in (f"--{name}", value))
    return await asyncio.create_subprocess_exec(find_server(), *arguments, *usual, stdout=DEVNULL, stderr=DEVNULL)
