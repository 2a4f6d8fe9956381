"""What is measured, and what the goals say about it."""

from collections import defaultdict
from dataclasses import asdict, dataclass
from statistics import median

from rich.table import Table

BOUNCED, NAIVE = "bounced", "naive"


@dataclass(frozen=True)
class Shape:
    """A load: how many connections, how many messages on each, whether encrypted.

    ``messages`` says how much of it is sent, beside what the server gets in a run.
    """

    name: str
    connections: int
    per_connection: int
    tls: bool = False
    messages: float = 1.0


ONE_EACH = Shape("50 x 1", 50, 1)
TWENTY_EACH = Shape("50 x 20", 50, 20, messages=2.0)
FEW = Shape("16 x 20", 16, 20)
CROWD = Shape("500 x 1", 500, 1)
SHAPES = [
    ONE_EACH,
    TWENTY_EACH,
    FEW,
    CROWD,
    Shape("TLS 50 x 1", 50, 1, tls=True, messages=0.3),
    Shape("TLS 50 x 20", 50, 20, tls=True),
]


@dataclass(frozen=True)
class Measured:
    """One server under one load.

    ``cpu_us`` is what the server and its Redis used for a message, the latencies are from the final dot to the reply.
    """

    rate: float
    failed: int
    cpu_us: float
    memory_mb: float
    p50_ms: float | None = None
    p99_ms: float | None = None


class Rounds:
    """All that was measured, by load and server."""

    def __init__(self) -> None:
        self._found: dict[tuple[Shape, str], list[Measured]] = defaultdict(list)

    def add(self, shape: Shape, server: str, measured: Measured) -> None:
        """Take what one run measured."""
        self._found[shape, server].append(measured)

    def middle(self, shape: Shape, server: str) -> Measured:
        """Return the median of each figure; of failures the sum."""
        found = self._found[shape, server]
        return Measured(
            rate=median(each.rate for each in found),
            failed=sum(each.failed for each in found),
            cpu_us=median(each.cpu_us for each in found),
            memory_mb=median(each.memory_mb for each in found),
            p50_ms=None if found[0].p50_ms is None else median(each.p50_ms or 0 for each in found),
            p99_ms=None if found[0].p99_ms is None else median(each.p99_ms or 0 for each in found),
        )

    def ratio(self, shape: Shape, server: str) -> float:
        """Return how many times the naive peer's rate, as the median of the ratios within each round."""
        pairs = zip(self._found[shape, server], self._found[shape, NAIVE], strict=True)
        return median(each.rate / naive.rate for each, naive in pairs)

    def table(self) -> Table:
        """Return everything, for people."""
        table = Table("load", "server", "messages/s", "x naive", "CPU \u00b5s", "p50 ms", "p99 ms", "lost", "MB")
        for shape, server in self._found:
            found = self.middle(shape, server)
            latencies = ["" if each is None else f"{each:.1f}" for each in (found.p50_ms, found.p99_ms)]
            ratio, cpu = f"{self.ratio(shape, server):.1f}", f"{found.cpu_us:.0f}"
            figures = [f"{found.rate:.0f}", ratio, cpu, *latencies, str(found.failed), f"{found.memory_mb:.0f}"]
            table.add_row(shape.name, server, *figures)
        return table

    def goals(self) -> Table:
        """Return each goal with what was reached."""
        one, twenty = self.middle(ONE_EACH, BOUNCED), self.middle(TWENTY_EACH, BOUNCED)
        rows = [
            ("times the naive peer, 50 x 1", 5, self.ratio(ONE_EACH, BOUNCED)),
            ("times the naive peer, 50 x 20", 7, self.ratio(TWENTY_EACH, BOUNCED)),
            ("CPU \u00b5s a message at most, 50 x 1", -650, -one.cpu_us),
            ("CPU \u00b5s a message at most, 50 x 20", -420, -twenty.cpu_us),
            ("p99 ms at most, 16 x 20", -15, -(self.middle(FEW, BOUNCED).p99_ms or 0)),
            ("lost at most, 500 x 1", 0, -self.middle(CROWD, BOUNCED).failed),
        ]
        table = Table("goal", "figure", "reached", "")
        for name, goal, reached in rows:
            table.add_row(name, f"{abs(goal)}", f"{abs(reached):.1f}", "met" if reached >= goal else "missed")
        return table

    def as_json(self) -> list[dict[str, object]]:
        """Return everything, for programs."""
        return [
            {"load": shape.name, "server": server, "times_naive": self.ratio(shape, server)}
            | {"rounds": len(found)}
            | asdict(self.middle(shape, server))
            for (shape, server), found in self._found.items()
        ]
