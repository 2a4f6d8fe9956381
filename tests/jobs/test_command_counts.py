"""What commands commit is counted on, whatever else happens to the hours in Redis."""

from bounced.core.state import Evidence, EvidenceType, ReportId
from bounced.core.terms import Origin
from bounced.jobs import CommandCounts

from .conftest import ALICE, Bench

SUPPRESS, RELEASE = EvidenceType.SUPPRESS, EvidenceType.RELEASE


def counted(bench: Bench) -> CommandCounts:
    """Return what a parent counts from now on."""
    return CommandCounts(bench.job_store(), ["main"], bench.clock)


async def decide(bench: Bench, type_: EvidenceType, origin: Origin = Origin.OPERATOR, **back: float) -> None:
    """Commit what a command would, perhaps about a time that is past."""
    now = bench.clock.now
    bench.clock.forward(**{unit: -amount for unit, amount in back.items()})
    evidence = Evidence(type_, bench.clock.now, origin, note="asked")
    bench.clock.now = now
    await bench.pipeline.commit(ReportId("main", "", f"{type_}"), ALICE, evidence)


async def test_what_came_before_the_daemon_is_not_counted(bench: Bench) -> None:
    """A counter that begins with an hour's past would look like a burst after each restart."""
    await decide(bench, SUPPRESS)
    counts = counted(bench)
    await counts.round()
    await counts.round()
    assert dict(counts.total) == dict.fromkeys(counts.total, 0)
    await decide(bench, RELEASE)
    await counts.round()
    assert counts.total["main", "operator", "release"] == 1
    assert counts.total["main", "operator", "suppress"] == 0


async def test_hours_that_pass_between_two_looks_are_counted(bench: Bench) -> None:
    """What came at the end of an hour, in the next one, and about yesterday."""
    counts = counted(bench)
    await counts.round()
    await decide(bench, SUPPRESS)
    bench.clock.forward(hours=2)
    await decide(bench, RELEASE)
    await decide(bench, SUPPRESS, hours=20)
    await counts.round()
    bench.clock.forward(hours=60)
    await counts.round()
    assert counts.total["main", "operator", "suppress"] == 2
    assert counts.total["main", "operator", "release"] == 1


async def test_an_emptied_redis_takes_nothing_back(bench: Bench) -> None:
    """A counter never falls; what the empty server counts is added."""
    counts = counted(bench)
    await counts.round()
    for type_ in (SUPPRESS, RELEASE, SUPPRESS):
        await decide(bench, type_)
    await counts.round()
    await bench.ask("DEL", bench.keys.counts(f"{bench.clock.now:%Y%m%d%H}"))
    await decide(bench, SUPPRESS)
    await counts.round()
    assert counts.total["main", "operator", "suppress"] == 3


async def test_what_the_daemon_commits_is_no_command(bench: Bench) -> None:
    """Its workers count it themselves, and a commit writes no counter more for it."""
    counts = counted(bench)
    await counts.round()
    bench.settings(intake_may_release=True)
    for origin in (Origin.SMTP, Origin.LMTP, Origin.INTAKE, Origin.DAEMON):
        await decide(bench, SUPPRESS, origin)
    await counts.round()
    assert not sum(counts.total.values())
