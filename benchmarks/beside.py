"""What the daemon's throughput loses while `bounced web` works beside it, upon the same Redis.

python -m benchmarks.beside [--rounds 5] [--scale 1.0] [--checks 100]

The daemon gets the load "50 x 20" of run.py again and again: alone, beside an application that is asked so many checks
a second, and beside one that is asked as many as it can answer.  Each is repeated with a nice application: nice 3 and
nice 10 weigh about as much as CPUWeight=50 and CPUWeight=10 beside the daemon's 100.  Everything, both generators too,
shares the machine, so what counts are the ratios to the run alone right before.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks import servers, web
from benchmarks.figures import TWENTY_EACH
from benchmarks.processes import Running
from benchmarks.run import WARM_UP, Bench

CONNECTIONS = 16
NICE = (0, 3, 10)


@dataclass(frozen=True)
class Company:
    """What is asked of the application meanwhile, and how nice it is."""

    name: str
    load: web.Load
    nice: int


@dataclass(frozen=True)
class Found:
    """One run: messages a second, beside those alone; checks a second, and what most took.

    ``cores`` is how much of one core the application used.
    """

    alone: float
    rate: float
    checks: float
    p99_ms: float
    cores: float

    @property
    def of_alone(self) -> float:
        """What is left of the daemon's throughput."""
        return self.rate / self.alone


def companies(checks: int) -> list[Company]:
    """Return each load with each nice value."""
    loads = {f"{checks} checks/s": web.Load(1, CONNECTIONS, CONNECTIONS / checks), "all": web.Load(1, CONNECTIONS)}
    return [Company(f"{name}, nice {nice}", load, nice) for name, load in loads.items() for nice in NICE]


class Beside:
    """The daemon, and an application of each nice value, all upon one Redis."""

    def __init__(self, bench: Bench, daemon: Running, applications: dict[int, web.Application]) -> None:
        self._bench = bench
        self._daemon = daemon
        self._applications = applications

    def measure(self, company: Company) -> Found:
        """Load the daemon while nobody asks, then while the application is asked."""
        alone = self._bench.measure(self._daemon, TWENTY_EACH).rate
        application = self._applications[company.nice]
        before = web.processor_s(application.pid)
        with web.asked(application, company.load) as answers:
            rate = self._bench.measure(self._daemon, TWENTY_EACH).rate
        used_s, took_s = web.processor_s(application.pid) - before, sorted(answers.took_s)
        p99_ms = 1000 * took_s[len(took_s) * 99 // 100]
        return Found(alone, rate, len(took_s) / answers.seconds, p99_ms, used_s / answers.seconds)


@contextmanager
def all_running(folder: Path, scale: float) -> Iterator[Beside]:
    """Start everything, and warm it up."""
    bench, own = Bench(folder, scale), folder / "0"
    bench.build()
    own.mkdir()
    with ExitStack() as stack:
        daemon = stack.enter_context(servers.bounced(own, servers.self_signed(folder)))
        applications = {}
        for nice in NICE:
            place = folder / f"web-{nice}"
            place.mkdir()
            started = web.running(place, redis=f'url = "unix://{own / "redis.sock"}"', nice=nice)
            applications[nice] = stack.enter_context(started)
        bench.measure(daemon, WARM_UP)
        yield Beside(bench, daemon, applications)


def table(found: dict[str, list[Found]]) -> Table:
    """Return the medians."""
    told = Table("beside it", "messages/s", "alone", "of alone", "least", "most", "checks/s", "p99 ms", "cores")
    for name, several in found.items():
        ratios = [each.of_alone for each in several]
        alone, rate, checks, p99_ms, cores = map(median, zip(*map(astuple, several), strict=True))
        rates = [
            f"{rate:.0f}",
            f"{alone:.0f}",
            *(f"{value:.3f}" for value in (median(ratios), min(ratios), max(ratios))),
        ]
        told.add_row(name, *rates, f"{checks:.0f}", f"{p99_ms:.1f}", f"{cores:.2f}")
    return told


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="1 for 8000 messages a run")
    parser.add_argument("--checks", type=int, default=100, help="checks a second of an ordinary load")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the servers are stopped too
    console, order = Console(width=110), companies(arguments.checks)
    found: dict[str, list[Found]] = {each.name: [] for each in order}
    with (
        tempfile.TemporaryDirectory(prefix="bounced-bench-") as name,
        all_running(Path(name), arguments.scale) as running,
    ):
        for number in range(arguments.rounds):
            for each in order if number % 2 else reversed(order):
                found[each.name].append(running.measure(each))
                console.print(f"round {number + 1}  {each.name:24} {found[each.name][-1].of_alone:.3f} of alone")
    console.print(table(found))


if __name__ == "__main__":
    main()
