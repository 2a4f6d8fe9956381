"""The table of the benchmark: ratios within a round, latencies for every row, and on what it was measured."""

import io
import json
import platform
import ssl
from importlib.metadata import version

import pytest
from rich.console import Console

from benchmarks import machine, run
from benchmarks.figures import BOUNCED, CROWD, FEW, NAIVE, ONE_EACH, SHAPES, TWENTY_EACH, Measured, Rounds

PLAIN = Measured(rate=100.0, failed=0, late=0, cpu_us=500.0, memory_mb=10.0, p50_ms=1.5, p99_ms=9.5, generator=0.25)


def measured(**figures: float) -> Measured:
    """Return figures of which some are given."""
    return Measured(**{name: getattr(PLAIN, name) for name in Measured.__slots__} | figures)


def shown(rounds: Rounds) -> str:
    """Return the table and the goals as they are printed."""
    file = io.StringIO()
    console = Console(file=file, width=120)
    console.print(rounds.table())
    console.print(rounds.goals())
    return file.getvalue()


def test_the_ratio_is_the_median_of_the_ratios_within_each_round():
    """A machine that is slower in one round makes both slower: the medians of both would give another figure."""
    rounds = Rounds()
    for naive, ours in ((100.0, 300.0), (10.0, 30.0), (50.0, 100.0)):
        rounds.add(ONE_EACH, NAIVE, measured(rate=naive))
        rounds.add(ONE_EACH, BOUNCED, measured(rate=ours))
    assert rounds.ratio(ONE_EACH, BOUNCED) == 3.0
    assert rounds.middle(ONE_EACH, BOUNCED).rate == 100.0


def test_every_row_has_the_time_from_the_final_dot_to_the_reply():
    """With and without TLS."""
    rounds = Rounds()
    for shape in SHAPES:
        rounds.add(shape, NAIVE, measured(p50_ms=3.25, p99_ms=77.75))
    assert shown(rounds).count("3.2 ") == len(SHAPES)
    assert shown(rounds).count("77.8") == len(SHAPES)


def test_losses_add_up():
    """A median would hide a server that loses in one round."""
    rounds = Rounds()
    for failed, late in ((0, 1), (0, 0), (7, 1)):
        rounds.add(CROWD, BOUNCED, measured(failed=failed, late=late))
    middle = rounds.middle(CROWD, BOUNCED)
    assert (middle.failed, middle.late) == (7, 2)


def test_a_part_of_the_servers_can_be_measured():
    """Without the naive one there is no ratio; without a load there is no goal of it."""
    rounds = Rounds()
    rounds.add(FEW, BOUNCED, measured())
    assert rounds.ratio(FEW, BOUNCED) is None
    assert "times the naive peer" not in shown(rounds)
    assert "p99 ms at most, 16 x 20" in shown(rounds)
    assert json.loads(json.dumps(rounds.as_json()))[0]["p99_ms"] == 9.5


@pytest.mark.parametrize(("times", "said"), [(4.4, "missed"), (4.5, "met")])
def test_a_goal_is_met_or_missed(times, said):
    """At four and a half times the naive peer, with one message on each connection."""
    rounds = Rounds()
    rounds.add(ONE_EACH, NAIVE, measured(rate=100.0))
    rounds.add(ONE_EACH, BOUNCED, measured(rate=100.0 * times, cpu_us=1000.0))
    rows = [line for line in shown(rounds).splitlines() if f"times the naive peer, {ONE_EACH.name}" in line]
    assert [said in row for row in rows] == [True]
    assert TWENTY_EACH.name not in shown(rounds)


def test_machine_and_versions_are_named():
    """Those of the processor, the kernel, the interpreter, OpenSSL, Redis, and each library that takes part."""
    found, versions = machine.machine(), machine.versions(postfix=False, haraka=False)
    assert found["kernel"] == f"Linux {platform.release()}"
    assert int(found["cores"]) >= 1
    assert found["processor"]
    assert versions["Python"].startswith(platform.python_version())
    assert versions["OpenSSL"] in ssl.OPENSSL_VERSION
    assert "server v=" in versions["Redis"]
    assert {name: versions[name] for name in machine.LIBRARIES} == {name: version(name) for name in machine.LIBRARIES}
    assert "Postfix" not in versions


def test_servers_are_chosen_by_a_part_of_their_names():
    """All of them, if none is named."""
    names = ["naive", "naive, 2 processes", "smtp-sink"]
    assert run.chosen(names, ["naive"]) == names[:2]
    assert run.chosen(names, ["sink", "2"]) == names[1:]
    assert run.chosen(names, None) == names
