"""What is measured, and what the goals say about it."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from math import inf
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
TLS_ONE_EACH = Shape("TLS 50 x 1", 50, 1, tls=True, messages=0.3)
SHAPES = [
    ONE_EACH,
    TWENTY_EACH,
    FEW,
    CROWD,
    TLS_ONE_EACH,
    Shape("TLS 50 x 20", 50, 20, tls=True),
]


@dataclass(frozen=True, slots=True)
class Measured:
    """One server under one load.

    ``rate`` counts what was worked on: of a server that queues, until its queue is empty.  ``cpu_us`` is what the
    server and its Redis used for a message, the latencies are from the final dot to the reply.  ``generator`` is the
    share of a core that the generator used, ``resumed`` the share of TLS sessions that were taken up again.
    ``failed`` messages were refused, cut off, or acknowledged and never written; ``late`` ones were under way when the
    time was over.
    """

    rate: float
    failed: int
    late: int
    cpu_us: float
    memory_mb: float
    p50_ms: float
    p99_ms: float
    generator: float
    resumed: float = 0.0


FIGURES = tuple(field.name for field in fields(Measured))


class Rounds:
    """All that was measured, by load and server."""

    def __init__(self) -> None:
        self._found: dict[tuple[Shape, str], list[Measured]] = defaultdict(list)

    def add(self, shape: Shape, server: str, measured: Measured) -> None:
        """Take what one run measured."""
        self._found[shape, server].append(measured)

    def middle(self, shape: Shape, server: str) -> Measured:
        """Return the median of each figure; the sum of what failed or was late."""
        found = self._found[shape, server]
        middles = {name: median(getattr(each, name) for each in found) for name in FIGURES}
        sums = {name: sum(getattr(each, name) for each in found) for name in ("failed", "late")}
        return Measured(**middles | sums)

    def ratio(self, shape: Shape, server: str) -> float | None:
        """Return how many times the naive peer's rate, as the median of the ratios within each round."""
        if (shape, NAIVE) not in self._found:
            return None
        pairs = zip(self._found[shape, server], self._found[shape, NAIVE], strict=True)
        return median(each.rate / naive.rate if naive.rate else inf for each, naive in pairs)

    def table(self) -> Table:
        """Return everything, for people."""
        names = (
            "load",
            "server",
            "messages/s",
            "x naive",
            "CPU \u00b5s",
            "p50 ms",
            "p99 ms",
            "lost",
            "late",
            "MB",
            "generator",
        )
        table = Table(*names)
        for shape, server in self._found:
            found, ratio = self.middle(shape, server), self.ratio(shape, server)
            table.add_row(
                shape.name,
                server,
                f"{found.rate:.0f}",
                "" if ratio is None else f"{ratio:.2g}",
                f"{found.cpu_us:.0f}",
                f"{found.p50_ms:.1f}",
                f"{found.p99_ms:.1f}",
                str(found.failed),
                str(found.late),
                f"{found.memory_mb:.0f}",
                f"{found.generator:.0%}",
            )
        return table

    def goals(self) -> Table:
        """Return each goal with what was reached."""
        table = Table("goal", "figure", "reached", "")
        for name, goal, reached in self._reached():
            table.add_row(name, f"{abs(goal)}", f"{abs(reached):.1f}", "met" if reached >= goal else "missed")
        return table

    def _reached(self) -> Iterator[tuple[str, float, float]]:
        """Yield each goal whose load was measured; what is to be at most so much is negative."""
        for shape, times, cpu_us in ((ONE_EACH, 4.5, 650), (TWENTY_EACH, 3.0, 500), (TLS_ONE_EACH, 2.7, 1250)):
            if (shape, BOUNCED) not in self._found:
                continue
            ratio = self.ratio(shape, BOUNCED)
            if ratio is not None:
                yield f"times the naive peer, {shape.name}", times, ratio
            yield f"CPU \u00b5s a message at most, {shape.name}", -cpu_us, -self.middle(shape, BOUNCED).cpu_us
        if (FEW, BOUNCED) in self._found:
            yield "p99 ms at most, 16 x 20", -15, -self.middle(FEW, BOUNCED).p99_ms
        if (CROWD, BOUNCED) in self._found:
            yield "lost at most, 500 x 1", 0, -self.middle(CROWD, BOUNCED).failed

    def as_json(self) -> list[dict[str, object]]:
        """Return everything, for programs."""
        return [
            {"load": shape.name, "server": server, "times_naive": self.ratio(shape, server)}
            | {"rounds": len(found)}
            | asdict(self.middle(shape, server))
            for (shape, server), found in self._found.items()
        ]
