"""Measures the daemon with everything on beside other servers, in interleaved rounds on one machine.

python benchmarks/run.py [--rounds 5] [--quick] [--results benchmarks/results.json]

Two shared cores are noisy: what counts are the ratios within one run, medians of all rounds.
"""

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path

import servers
from figures import BOUNCED, NAIVE, SHAPES, Measured, Rounds, Shape
from processes import Running
from rich.console import Console

HERE = Path(__file__).parent
ROOT = HERE.parent
CORPORA = [ROOT.parent / "shared" / "corpus" / "eml", ROOT / "tests" / "corpus"]
# Messages in one run: a few seconds' worth, so that all servers meet the machine in the same mood.
MESSAGES = {BOUNCED: 4000, "smtp-sink": 8000}
MESSAGES_OF_OTHERS = 1200
LONGEST_S = 30  # what is not answered then is not waited for
WARM_UP = Shape("warm-up", 50, 20, messages=0.3)


class Bench:
    """Servers side by side, and loads for them."""

    def __init__(self, folder: Path, scale: float) -> None:
        self._folder = folder
        self._scale = scale
        self._loads = 0
        self._corpus = folder / "corpus.bin"
        self._load = folder / "load"

    def build(self) -> None:
        """Compile the load generator and pack the messages.  Raises CalledProcessError."""
        corpora = [str(path) for path in CORPORA if path.is_dir()]
        subprocess.run(["cc", "-O2", "-o", str(self._load), str(HERE / "load.c")], check=True)
        subprocess.run([sys.executable, str(HERE / "mkcorpus.py"), str(self._corpus), *corpora], check=True)

    @contextmanager
    def all_servers(self) -> Iterator[list[Running]]:
        """Start every server that this machine has."""
        certificate = servers.self_signed(self._folder)
        starts: list[Callable[[Path], AbstractContextManager[Running]]] = [
            partial(servers.bounced, certificate=certificate),
            partial(servers.naive, certificate=certificate),
            partial(servers.naive, certificate=certificate, processes=2),
        ]
        if shutil.which("smtp-sink"):
            starts.append(servers.smtp_sink)
        if servers.can_run_postfix():
            starts.append(servers.postfix)
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
        paths = servers.return_paths(self._folder / "0", self._loads, count)
        self._loads += count
        plain = [str(self._load), "-S", str(LONGEST_S)]
        program = [sys.executable, str(HERE / "tls_load.py")] if shape.tls else plain
        command = [*program, "-p", server.port, "-c", shape.connections, "-m", shape.per_connection, "-n", count]
        cpu_s = server.cpu_s()
        said = subprocess.run(
            [*map(str, command), "-f", str(self._corpus), "-R", str(paths)], check=True, capture_output=True
        ).stdout
        load = json.loads(said)
        return Measured(
            rate=load["rate"],
            failed=load["failed"],
            cpu_us=(server.cpu_s() - cpu_s) * 1e6 / max(load["done"], 1),
            memory_mb=server.memory_mb(),
            p50_ms=load.get("dot_p50"),
            p99_ms=load.get("dot_p99"),
        )


def main() -> None:
    """Run the rounds, print the table, write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="how many messages, by default 1200 to 16,000 a run")
    parser.add_argument("--results", type=Path, default=HERE / "results.json")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the servers are stopped too
    console = Console(width=110)
    rounds = Rounds()
    with tempfile.TemporaryDirectory(prefix="bounced-bench-") as name:
        bench = Bench(Path(name), arguments.scale)
        bench.build()
        with bench.all_servers() as running:
            for server in running:
                bench.measure(server, WARM_UP)
            for number in range(arguments.rounds):
                for shape in SHAPES:
                    for server in running:
                        if shape.tls and server.name not in (BOUNCED, NAIVE):
                            continue
                        measured = bench.measure(server, shape)
                        rounds.add(shape, server.name, measured)
                        console.print(f"round {number + 1}  {shape.name:12} {server.name:20} {measured.rate:8.0f}/s")
    console.print(rounds.table())
    console.print(rounds.goals())
    arguments.results.write_text(json.dumps(rounds.as_json(), indent=2) + "\n")


if __name__ == "__main__":
    main()
