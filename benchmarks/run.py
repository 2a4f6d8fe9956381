"""Measures the daemon with everything on beside other servers, in interleaved rounds on one machine.

python -m benchmarks.run [--quick] [--rounds 5] [--scale 1.0] [--server NAME]... [--load NAME]... [--tickets]
                         [--corpus FOLDER]... [--results FILE]

Shared cores are noisy: what counts are the ratios within one run, medians of all rounds.  benchmarks/README.md says
what each column is.
"""

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Protocol

from rich.console import Console

from benchmarks import generator, machine, mtas, servers
from benchmarks.figures import BOUNCED, SHAPES, Measured, Rounds, Shape
from benchmarks.generator import Generator
from benchmarks.processes import Running

# Messages in one run: a few seconds' worth, so that all servers meet the machine in the same mood.
MESSAGES = {BOUNCED: 4000, "smtp-sink": 8000, "postfix, pipe": 200}
MESSAGES_OF_OTHERS = 1200
LONGEST_S = 30  # what is not answered then is not waited for
SETTLED_S = 120.0  # nor is what is still queued then
WARM_UP = Shape("warm-up", 50, 20, messages=0.3)
QUICK_SCALE = 0.1


class Start(Protocol):
    """Starts a server in a folder of its own."""

    def __call__(self, folder: Path) -> AbstractContextManager[Running]:
        """Give the server, which is stopped when the context ends."""


class Bench:
    """Servers side by side, and loads for them."""

    def __init__(self, folder: Path, scale: float, *, tickets: bool = False, corpora: Iterable[Path] = ()) -> None:
        self._folder = folder
        self._scale = scale
        self._tickets = tickets
        self._corpora = corpora
        self._loads = 0

    def build(self) -> Generator:
        """Compile the load generator and pack the messages.  Raises CalledProcessError."""
        self._generator = generator.build(self._folder, tickets=self._tickets, corpora=self._corpora)
        return self._generator

    @contextmanager
    def running(self, starts: Iterable[Start]) -> Iterator[list[Running]]:
        """Start servers.  The first is bounced: its key signs the return paths for all."""
        with ExitStack() as stack:
            running = []
            for number, start in enumerate(starts):
                folder = self._folder / str(number)
                folder.mkdir()
                running.append(stack.enter_context(start(folder)))
            yield running

    def measure(self, server: Running, shape: Shape) -> Measured:
        """Put a load on a server.  Every message has a return path of its own, never used before."""
        count = int(MESSAGES.get(server.name, MESSAGES_OF_OTHERS) * self._scale * shape.messages)
        count = max(count, int(shape.connections * min(self._scale, 1)))
        paths = servers.return_paths(self._folder / "0", self._loads, count)
        self._loads += count
        before = server.last_entry()
        cpu_s = server.cpu_s()
        load = self._generator.put(server.port, shape, count, paths, LONGEST_S)
        waited_s, late = settle(server)
        server.check()
        cpu_s = server.cpu_s() - cpu_s
        written = server.written_since(before)
        lost = max(late, 0 if written is None else load["done"] - written)  # though it was acknowledged
        return Measured(
            rate=(load["done"] - lost) / (load["seconds"] + waited_s),
            failed=load["failed"] + lost,
            late=load["unfinished"],
            cpu_us=cpu_s * 1e6 / max(load["done"], 1),
            memory_mb=server.memory_mb(),
            p50_ms=load["dot_p50"],
            p99_ms=load["dot_p99"],
            generator=load["generator_cpu_s"] / load["seconds"],
            resumed=load["resumed"] / max(load["handshakes"], 1),
        )


def settle(server: Running) -> tuple[float, int]:
    """Wait until a server has worked on all that it acknowledged; return for how long, and how many are left."""
    begun = time.monotonic()
    while (left := server.queued()) and time.monotonic() - begun < SETTLED_S:
        time.sleep(0.02)
    return time.monotonic() - begun, left


def available(certificate: Path) -> tuple[dict[str, Start], dict[str, str]]:
    """Return how each server of this machine is started, bounced first, and why the others are not here."""
    starts: dict[str, Start] = {
        BOUNCED: partial(servers.bounced, certificate=certificate),
        "naive": partial(servers.naive, certificate=certificate),
        "naive, 2 processes": partial(servers.naive, certificate=certificate, processes=2),
    }
    absent = {}
    if why := mtas.why_no_postfix():
        absent["postfix, smtp-sink"] = why
    else:
        starts["smtp-sink"] = mtas.smtp_sink
        starts["postfix, discard:"] = partial(mtas.postfix_discard, certificate=certificate)
        starts["postfix, pipe"] = partial(mtas.postfix_pipe, certificate=certificate)
    if why := mtas.why_no_haraka():
        absent["haraka"] = why
    else:
        starts["haraka, 2 processes"] = partial(mtas.haraka, certificate=certificate)
    return starts, absent


def chosen(names: Iterable[str], wanted: list[str] | None) -> list[str]:
    """Return the names that were asked for by a part of them, all if none was."""
    return [name for name in names if not wanted or any(part in name for part in wanted)]


def _rounds(bench: Bench, running: list[Running], shapes: list[Shape], count: int, console: Console) -> Rounds:
    rounds = Rounds()
    for server in running:
        bench.measure(server, WARM_UP)
    for number in range(count):
        first = number % len(running)  # in another order each time, so that nobody always follows the same one
        for shape in shapes:
            for server in (*running[first:], *running[:first]):
                if shape.tls and not server.tls:
                    continue
                measured = bench.measure(server, shape)
                rounds.add(shape, server.name, measured)
                console.print(f"round {number + 1}  {shape.name:12} {server.name:20} {measured.rate:8.0f}/s")
    return rounds


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--scale", type=float, help="how many messages, by default 200 to 16,000 a run")
    parser.add_argument("--quick", action="store_true", help="one round with a tenth of the messages, to try it")
    parser.add_argument("--server", action="append", help="only those with this in their names; bounced always runs")
    parser.add_argument("--load", action="append", help="only those with this in their names")
    parser.add_argument("--tickets", action="store_true", help="TLS sessions are taken up again by their tickets")
    parser.add_argument("--corpus", action="append", type=Path, default=[], help="a folder of further messages, *.eml")
    parser.add_argument("--results", type=Path, help="write them there, as JSON")
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (1 if arguments.quick else 5)
    arguments.scale = arguments.scale or (QUICK_SCALE if arguments.quick else 1.0)
    return arguments


def main() -> None:
    """Run the rounds, print the table, write the results."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the servers are stopped too
    console = Console(width=120)
    with tempfile.TemporaryDirectory(prefix="bounced-bench-") as name:
        bench = Bench(Path(name), arguments.scale, tickets=arguments.tickets, corpora=arguments.corpus)
        built = bench.build()
        starts, absent = available(servers.self_signed(Path(name)))
        wanted = [BOUNCED, *chosen([each for each in starts if each != BOUNCED], arguments.server)]
        shapes = [shape for shape in SHAPES if shape.name in chosen([each.name for each in SHAPES], arguments.load)]
        about = {
            "machine": machine.machine(),
            "versions": machine.versions(
                postfix=any("postfix" in each for each in wanted), haraka=any("haraka" in each for each in wanted)
            ),
            "absent": absent,
            "messages": built.messages,
            "TLS": built.tls_note,
            "tickets": "each session is taken up again" if arguments.tickets else "each session is new",
            "rounds": arguments.rounds,
            "scale": arguments.scale,
        }
        with bench.running(starts[each] for each in wanted) as running:
            rounds = _rounds(bench, running, shapes, arguments.rounds, console)
    console.print(rounds.table())
    console.print(rounds.goals())
    for title, told in about.items():
        words = "; ".join(f"{key} {value}" for key, value in told.items()) if isinstance(told, dict) else told
        console.print(f"{title}: {words or 'none'}", highlight=False)
    if arguments.results:
        results = {"measured_at": f"{datetime.now(UTC):%Y-%m-%d}", **about, "figures": rounds.as_json()}
        arguments.results.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
