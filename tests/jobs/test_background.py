"""Jobs in rounds: patient with a store that is away, loud when broken, gone when told to stop."""

import asyncio
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from bounced.jobs import Background
from bounced.jobs.rounds import one_by_one, together
from bounced.ports import StoreUnavailable


@dataclass
class Scripted:
    """A job whose rounds raise what the test says, then nothing."""

    errors: list[BaseException] = field(default_factory=list)
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
    monkeypatch.setattr("bounced.jobs.rounds.FIRST_BACKOFF_S", 0.001)


async def test_a_store_that_is_away_is_waited_for() -> None:
    """Said once, however often it is tried, and once that it is back."""
    job = Scripted([StoreUnavailable("away"), StoreUnavailable("away"), TimeoutError()])
    background = Background([job])
    with capture_logs() as logs:
        background.start()
        await job.done.wait()
        await asyncio.sleep(0)
        await background.stop()
    assert job.rounds == 4
    assert [line["event"] for line in logs] == ["job.deferred", "job.resumed"]


@pytest.mark.parametrize("error", [ValueError("a fault of ours"), RecursionError(), asyncio.CancelledError()])
async def test_a_job_that_fails_is_told_counted_and_tried_again(error: BaseException) -> None:
    """The others go on meanwhile, and it goes on itself once it can."""
    failed: list[str] = []
    job, other = Scripted([error, error], name="broken"), Scripted(name="other")
    background = Background([job, other], failed.append)
    with capture_logs() as logs:
        background.start()
        async with asyncio.timeout(5):
            await asyncio.gather(job.done.wait(), other.done.wait())
            await asyncio.sleep(0)
            await background.stop()
    assert failed == ["broken", "broken"]
    assert [(line["event"], line["job"]) for line in logs] == [
        ("job.failed", "broken"),
        ("job.failed", "broken"),
        ("job.resumed", "broken"),
    ]


async def test_the_pauses_after_a_fault_grow_to_five_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that fails for ever costs next to nothing, and its lines do not fill the disk."""
    pauses: list[float] = []
    job = Scripted([ValueError("a fault of ours") for _ in range(12)])
    sleep = asyncio.sleep

    async def remember(pause_s: float) -> None:
        pauses.append(pause_s)
        await sleep(0)

    monkeypatch.setattr("bounced.jobs.rounds.FIRST_BACKOFF_S", 0.5)
    monkeypatch.setattr("bounced.jobs.rounds.JITTER", 0.0)
    monkeypatch.setattr("bounced.jobs.rounds.asyncio.sleep", remember)
    background = Background([job])
    with capture_logs():
        background.start()
        await job.done.wait()
        await background.stop()
    assert pauses[:12] == [0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


async def test_one_by_one_gives_each_its_turn_and_tells_a_fault_before_an_outage() -> None:
    """A list that cannot be written must not hide a mistake of ours in the next one."""
    done = []

    async def work(result: int | Exception) -> None:
        if isinstance(result, Exception):
            raise result
        done.append(result)

    with pytest.raises(ValueError, match="a fault"):
        await one_by_one(work(each) for each in (StoreUnavailable("away"), 1, ValueError("a fault"), 2))
    assert done == [1, 2]


async def test_stopping_ends_every_job() -> None:
    """At once, wherever they are."""
    jobs = [Scripted(), Scripted(name="other")]
    background = Background(jobs)
    background.start()
    await asyncio.gather(*(job.done.wait() for job in jobs))
    async with asyncio.timeout(5):
        await background.stop()
    assert all(task.done() for task in background._tasks)


async def test_together_lets_all_come_to_their_end_before_it_complains() -> None:
    """No commit goes on behind the back of the one who waits."""
    done: list[int] = []

    async def work(number: int) -> None:
        for _ in range(10 * number):
            await asyncio.sleep(0)
        if number == 1:
            raise StoreUnavailable("away")
        done.append(number)

    with pytest.raises(StoreUnavailable):
        await together(work(number) for number in range(4))
    assert done == [0, 2, 3]


@dataclass
class ToldOfWork(Scripted):
    """A job that hears of its work."""

    work: asyncio.Event = field(default_factory=asyncio.Event)

    async def round(self) -> float:
        """Do what there is to do."""
        await super().round()
        self.work.clear()
        return 0.0


async def test_a_job_that_is_told_of_its_work_sleeps_until_then() -> None:
    """An idle worker does not wake up for it, and what comes meanwhile is done at once."""
    job = ToldOfWork()
    background = Background([job])
    background.start()
    await job.done.wait()
    for _ in range(20):
        await asyncio.sleep(0)
    assert job.rounds == 1
    job.done.clear()
    job.work.set()
    async with asyncio.timeout(5):
        await job.done.wait()
    await background.stop()
    assert job.rounds == 2


async def test_a_job_that_is_told_of_its_work_looks_by_itself_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another worker may have begun what this one has to end."""
    monkeypatch.setattr("bounced.jobs.rounds.IDLE_S", 0.001)
    job = ToldOfWork()
    background = Background([job])
    background.start()
    async with asyncio.timeout(5):
        while job.rounds < 3:
            job.done.clear()
            await job.done.wait()
    await background.stop()
