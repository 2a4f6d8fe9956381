"""Jobs in rounds: patient with a store that is away, loud when broken, gone when told to stop."""

import asyncio
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from bounced.edges.jobs import Background
from bounced.edges.jobs.rounds import together
from bounced.ports import StoreUnavailable


@dataclass
class Scripted:
    """A job whose rounds raise what the test says, then nothing."""

    errors: list[Exception] = field(default_factory=list)
    rounds: int = 0
    name: str = "scripted"
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def round(self) -> float:
        """Raise the next error; once there is none, say so."""
        self.rounds += 1
        if self.errors:
            raise self.errors.pop(0)
        self.done.set()
        return 3600


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bounced.edges.jobs.rounds.FIRST_BACKOFF_S", 0.001)


async def test_a_store_that_is_away_is_waited_for() -> None:
    """Said once, however often it is tried, and once that it is back."""
    job = Scripted([StoreUnavailable("away"), StoreUnavailable("away"), TimeoutError()])
    background = Background([job])
    with capture_logs() as logs:
        background.start()
        await job.done.wait()
        await asyncio.sleep(0)
        assert not background.broken
        await background.stop()
    assert job.rounds == 4
    assert [line["event"] for line in logs] == ["job.deferred", "job.resumed"]


async def test_a_job_that_breaks_is_told_and_shows() -> None:
    """A worker that releases nobody any more must not look well."""
    background = Background([Scripted([ValueError("a fault of ours")]), Scripted(name="other")])
    with capture_logs() as logs:
        background.start()
        assert background._task is not None
        await asyncio.wait([background._task], timeout=5)
    assert background.broken
    assert [line["event"] for line in logs] == ["job.failed"]
    await background.stop()


async def test_stopping_ends_every_job() -> None:
    """At once, wherever they are."""
    jobs = [Scripted(), Scripted(name="other")]
    background = Background(jobs)
    background.start()
    await asyncio.gather(*(job.done.wait() for job in jobs))
    async with asyncio.timeout(5):
        await background.stop()
    assert not background.broken


async def test_together_lets_all_come_to_their_end_before_it_complains() -> None:
    """No commit goes on behind the back of the one who waits."""
    done: list[int] = []

    async def work(number: int) -> None:
        await asyncio.sleep(0)
        if number == 1:
            raise StoreUnavailable("away")
        done.append(number)

    with pytest.raises(StoreUnavailable):
        await together(work(number) for number in range(4))
    assert done == [0, 2, 3]
