"""A look at every server that holds a list: what it says of itself, whether it would commit, and what is wrong."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError, ResponseError

from bounced.config import Config
from bounced.config.errors import masked
from bounced.core.contract.keys import Keyspace
from bounced.edges.judge.commit import advice, examine_commit
from bounced.edges.judge.finding import Finding, error, ok
from bounced.edges.judge.server import ServerFacts, ask_server, examine_identity, judge
from bounced.edges.redis.connect import Connections, connections, reason
from bounced.edges.redis.durabilities import Durability, durability
from bounced.edges.redis.identities import Identities
from bounced.edges.redis.time_budget import TimeBudget

REDIS = "Redis"


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found.  ``answers`` is false where a server could not be asked."""

    findings: tuple[Finding, ...]
    servers: tuple[ServerFacts, ...] = ()
    answers: bool = True

    @property
    def faults(self) -> Sequence[Finding]:
        """Why bounces are answered with 451 now; nothing where they are taken."""
        return [finding for finding in self.findings if finding.defers]


@dataclass(frozen=True, slots=True)
class RedisJudge:
    """Looks at the servers of ``reach``; ``where`` names them for people, ``wanted`` is the durability asked for."""

    reach: Connections
    where: str
    wanted: str
    budget: TimeBudget
    identities: Identities

    @classmethod
    def configured(cls, config: Config, url: str, identities: Identities) -> "RedisJudge":
        """Return one for the servers of a configuration, whose full URL is ``url``."""
        budget = TimeBudget(config.redis.timeout_s)
        where = masked(str(config.redis.url))
        return cls(connections(url, budget), where, config.redis.effective_durability, budget, identities)

    async def look(self, keys: Iterable[Keyspace], now: datetime) -> Look:
        """Look at all servers that hold one of the lists.  Raises nothing of Redis: it is found instead."""
        findings, servers = list[Finding](), list[ServerFacts]()
        try:
            async for connection, lists in self._connected(keys):
                async with asyncio.timeout(self.budget.store_s):
                    server = await ask_server(connection)
                    findings.append(ok(REDIS, f"answers at {self.where}"))
                    servers.append(server)
                    findings += await self._judged(connection, server, lists, now)
        except ResponseError as refusal:
            findings.append(error(REDIS, f"{self.where} refuses: {refusal}", advice(refusal), defers=True))
        except (RedisError, OSError, TimeoutError) as failure:
            text = f"{self.where} does not answer: {reason(failure)}"
            return Look((*findings, error(REDIS, text, advice(failure), defers=True)), tuple(servers), answers=False)
        return Look(tuple(findings), tuple(servers))

    async def _judged(
        self, connection: AbstractConnection, server: ServerFacts, lists: Sequence[Keyspace], now: datetime
    ) -> list[Finding]:
        findings = list(judge(server, self.wanted, now))
        findings += [await examine_identity(connection, keys, self.identities) for keys in lists]
        if not any(finding.defers for finding in findings):  # the wait for replicas that are not there takes long
            findings.append(await examine_commit(connection, lists[0], self._durability(), self.budget))
        return findings

    def _durability(self) -> Callable[[], Durability]:
        return durability(self.wanted, lambda _text: None, self.budget)

    async def _connected(self, keys: Iterable[Keyspace]) -> AsyncIterator[tuple[AbstractConnection, list[Keyspace]]]:
        """Yield a connection with each server that holds lists, and these.

        Raises RedisError, OSError, TimeoutError.
        """
        lists: dict[int, list[Keyspace]] = {}
        for each in keys:
            lists.setdefault(self.reach.shard(each.suppressed), []).append(each)
        for shard, held in sorted(lists.items()):
            async with asyncio.timeout(self.budget.connect_s):
                connection = await self.reach.open(shard)
            try:
                yield connection, held
            finally:
                await connection.disconnect(nowait=True)
