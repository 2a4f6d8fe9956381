"""A worker with all lists of a configuration, a clock that is set by hand, and everybody who speaks to it."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bounced.client import AsyncClient, Why
from bounced.config import Config, build
from bounced.core.contract.times import stamp
from bounced.core.return_path import ReturnPaths
from bounced.core.state import Evidence, EvidenceType, ReportId
from bounced.core.terms import UNKNOWN_PROFILE, Engagement, Envelope, OptIn, Origin, Profile
from bounced.edges.redis import RedisStore
from bounced.edges.redis.job_store import JobStore
from bounced.jobs import Disputer, IntakeReader, Releaser
from bounced.pipeline import Pipeline
from bounced.ports import Committed

from .portable import Client

BEGUN = datetime(2026, 3, 2, 12, tzinfo=UTC)
GOOD = Profile(OptIn.CONFIRMED, Engagement.ACTIVE)
UNKNOWN, FULL, SPAM = (
    ("5.1.1", "550 5.1.1 no such user here"),
    ("5.2.2", "552 5.2.2 mailbox full"),
    ("5.7.1", "554 5.7.1 rejected as spam"),
)
NOTICE = """From: MAILER-DAEMON@mx.receiver.example
To: {path}
Subject: Undelivered mail
Message-ID: <{id}@mx.receiver.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=limit

--limit
Content-Type: text/plain

Your message was not delivered.
--limit
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.receiver.example

Final-Recipient: rfc822; {address}
Action: failed
Status: {status}
Diagnostic-Code: smtp; {reply}

--limit--
"""
LONG = f"{'a-name-that-is-too-long-for-a-signed-return-path':.<60}".rstrip(".") + "@a-long-domain.example"


@dataclass
class Clock:
    """The time in the dump."""

    now: datetime = BEGUN

    def __call__(self) -> datetime:
        """Return it."""
        return self.now

    def forward(self, **amount: float) -> None:
        """Let time pass."""
        self.now += timedelta(**amount)


@dataclass
class World:
    """All lists of a configuration on one server, a worker, what it was sent so far, and about whom."""

    config: Config
    store: RedisStore
    redis: Client
    clock: Clock
    pipeline: Pipeline
    reports: list[dict[str, str]] = field(default_factory=list)
    known: dict[tuple[str, str], None] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        """Give the pipeline this store and this time."""
        self._disputer = Disputer(self.present, self.job_store())
        self.pipeline = replace(self.pipeline, store=self.store, clock=self.clock, suspect=self._disputer.suspect)

    def present(self) -> Pipeline:
        """Return the pipeline in use."""
        return self.pipeline

    def job_store(self, consumer: str = "worker") -> JobStore:
        """Return what the jobs ask of the store."""
        return JobStore(self.store, consumer, events_max=10_000, failed_max=100)

    def paths(self, list_: str) -> ReturnPaths:
        """Return the return paths of a list."""
        return build.return_paths(list_, self.config.lists[list_])

    def client(self, list_: str = "main") -> AsyncClient:
        """Return what sending software uses."""
        fold = self.config.lists[list_].fold_local_part
        return AsyncClient(self.redis, self.paths(list_), keys=self.store.keyspace(list_), fold_local_part=fold)

    async def take(self, path: str, content: str) -> Committed:
        """Take a message in at this moment, and remember that it was."""
        self.reports.append({"path": path, "at": self.clock().isoformat(), "content": content})
        return await take(self.pipeline, self.reports[-1])

    async def bounces(
        self, address: str, said: tuple[str, str], list_: str = "main", profile: Profile = UNKNOWN_PROFILE, **more: str
    ) -> Committed:
        """Let mail of today come back with a reply."""
        self.known[list_, address] = None
        path = more.get("path") or self.paths(list_).encode(
            address, issued=self.clock().date(), profile=profile, tag="nov"
        )
        return await self.take(path, notice(path, address, said, f"{next(self.numbers)}"))

    async def commit(self, address: str, type_: EvidenceType, list_: str = "main", note: str = "") -> None:
        """Let somebody who is no report say something at this moment."""
        self.known[list_, address] = None
        evidence = Evidence(type_, self.clock(), Origin.OPERATOR, note=note)
        await self.pipeline.commit(ReportId(list_, "", f"said {next(self.numbers)}"), address, evidence)

    async def tell(self, type_: str, address: str, list_: str = "main", **fields: str) -> None:
        """Write an entry of the intake, as any language would."""
        if address:
            self.known[list_, address] = None
        at = int(self.clock().timestamp())
        entry: dict[Any, Any] = {"type": type_, "at": str(at), "address": address} | fields
        await self.redis.xadd(self.store.keyspace(list_).intake, entry, id=f"{at}000-*")

    async def work(self) -> None:
        """Let the worker's jobs do what is to be done now."""
        store_of_jobs = self.job_store()
        for job in (IntakeReader(self.present, store_of_jobs), Releaser(self.present, store_of_jobs), self._disputer):
            await job.round()


def looked_up(why: Why) -> dict[str, Any]:
    """Return what is known of an address, in the words of the contract."""
    state = why.state
    streaks = {
        str(class_): [streak.count, stamp(streak.first), stamp(streak.last), streak.holds, streak.held]
        for class_, streak in state.streaks.items()
    }
    known: dict[str, Any] = {
        "state": state.state,
        "category": state.category,
        "class": state.class_,
        "since": stamp(state.since),
        "until": stamp(state.until),
        "streaks": streaks,
        "last_released_at": stamp(state.last_released_at),
        "last_lifted_at": stamp(state.last_lifted_at),
        "last_delivered_at": stamp(state.last_delivered_at),
        "last_engaged_at": stamp(state.last_engaged_at),
        "delivery_pending_since": stamp(state.delivery_pending_since),
        "status": state.status,
        "diagnostic": state.diagnostic,
        "reporting_mta": state.reporting_mta,
        "campaign": state.campaign,
        "origin": state.origin,
        "version": state.version,
        "history": [[stamp(event.at), event.type, event.before, event.after, event.reason] for event in why.history],
    }
    return {name: value for name, value in known.items() if value}


async def take(pipeline: Pipeline, report: Mapping[str, str]) -> Committed:
    """Take a message in, at the time of the pipeline's clock."""
    destination = await pipeline.admit(report["path"])
    at = datetime.fromisoformat(report["at"])
    content = report["content"].replace("\n", "\r\n").encode("utf-8", "surrogateescape")
    return await pipeline.process(destination, Envelope("192.0.2.1", "", report["path"], content, at))


def notice(path: str, address: str, said: tuple[str, str], id_: str) -> str:
    """Return a delivery status notification.  (RFC 3464)"""
    return NOTICE.format(path=path, address=address, status=said[0], reply=said[1], id=id_)
