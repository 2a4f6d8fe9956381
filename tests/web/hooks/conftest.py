"""A list that every service speaks to, and the worker that commits what they say."""

import itertools
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from bounced.core.state import AddressState
from bounced.edges.redis.job_store import JobStore
from bounced.edges.redis.wire import fields
from bounced.jobs import IntakeReader
from bounced.web.hooks import in_use
from bounced.web.hooks.fetching import Fetcher
from bounced.web.hooks.proof import Proof, Trusted
from bounced.web.hooks.proofs import PROOFS
from bounced.web.hooks.sns import SnsProof
from bounced.web.hooks.sns.certificates import Certificates
from tests.support.amazon import Amazon
from tests.support.events import recent_events
from tests.support.hooks import SAMPLES, Posted
from tests.web.conftest import Site, Start


@dataclass
class Heard:
    """A running application whose list `main` hears every service, and a worker."""

    site: Site
    amazon: Amazon
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def post(self, service: str, request: Posted, list_: str = "main") -> httpx.Response:
        """Post a request to a hook."""
        return await self.site.public.post(f"/hooks/{service}/{list_}", content=request.body, headers=request.headers)

    async def committed(self) -> None:
        """Let a worker commit what waits in the intake."""
        store = JobStore(self.site.store, f"worker-{next(self.numbers)}", events_max=10_000, failed_max=1000)
        reader = IntakeReader(lambda: self.site.desk.present.pipeline, store)
        while await self.waiting():
            await reader.round()

    async def waiting(self) -> int:
        """Return how many entries wait in the intake."""
        length = await self.site.store.read("main", "XLEN", self.site.keys.intake)
        assert isinstance(length, int)
        return length

    async def state(self, address: str) -> AddressState:
        """Return the state of an address."""
        return await self.site.store.load("main", address)

    async def events(self) -> list[dict[str, str]]:
        """Return the events there are, the newest first."""
        return await recent_events(self.site.store, "main", 10_000)

    async def failed(self) -> list[dict[str, str]]:
        """Return what was kept because nobody understood it, the newest first."""
        reply = await self.site.store.read("main", "XREVRANGE", self.site.keys.intake_failed, "+", "-")
        assert isinstance(reply, list)
        return [fields(entry[1]) for entry in reply if isinstance(entry, list)]


def hooks_table(folder: Path, services: str = "") -> str:
    """Write the secrets, and return the tables of the configuration; ``services`` is more in that of each."""
    tables = []
    for name, sample in SAMPLES.items():
        if sample.topics:
            tables.append(f"[lists.main.hooks.{name}]\ntopics = {json.dumps(sample.topics)}\n{services}")
            continue
        file = folder / f"{name}.secret"
        file.write_text(sample.secret)
        file.chmod(0o600)
        tables.append(f'[lists.main.hooks.{name}]\nsecret_files = ["{name}.secret"]\n{services}')
    return "\n".join(tables)


@pytest.fixture
async def heard(start: Start, tmp_path: Path) -> AsyncIterator[Heard]:
    """Give a list that hears every service."""
    async with hearing(start, tmp_path) as heard:
        yield heard


@asynccontextmanager
async def hearing(start: Start, folder: Path, services: str = "", **more: str) -> AsyncIterator[Heard]:
    """Give the same with more in the table of each service, and in others of the configuration."""
    async with believing(Amazon()) as amazon, start(lists=hooks_table(folder, services), **more) as site:
        yield Heard(site, amazon)


@asynccontextmanager
async def believing(amazon: Amazon) -> AsyncIterator[Amazon]:
    """Let a server on loopback stand for Amazon's."""

    def proof(trusted: Trusted) -> Proof:
        fetch = Fetcher(amazon.tls, amazon.network)
        return SnsProof(trusted, fetch, Certificates(fetch, lambda: [amazon.root.certificate]))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(in_use, "PROOFS", {**PROOFS, "ses": proof})
        async with amazon.serving():
            yield amazon


@pytest.fixture
async def amazon() -> AsyncIterator[Amazon]:
    """Give a server that stands for Amazon."""
    async with Amazon().serving() as serving:
        yield serving
