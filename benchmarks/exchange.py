"""How long a million rows take to import into an empty list, to import again, and to export.

python benchmarks/exchange.py [--rows 1000000]
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

GOAL_S = 60.0
CONFIGURATION = """
[redis]
url = "embedded"
data_dir = "data"

[lists.main]
domains = ["bounce.example.com"]

[[lists.main.keys]]
id = "a"
file = "a.key"
"""


def prepared(folder: Path, rows: int) -> Path:
    """Write a configuration and a file of Amazon SES's suppression list; return the file."""
    (folder / "bounced.toml").write_text(CONFIGURATION)
    (folder / "a.key").touch(mode=0o600)
    (folder / "a.key").write_text("a secret of enough octets")
    file = folder / "suppressed.csv"
    with file.open("w") as out:
        out.write("EmailAddress,Reason,LastUpdateTime\n")
        for n in range(rows):
            moment = f"2026-10-{n % 28 + 1:02}T{n % 24:02}:{n // 60 % 60:02}:{n % 60:02}Z"
            out.write(f"user{n}@example{n % 1000}.org,{'COMPLAINT' if n % 50 == 0 else 'BOUNCE'},{moment}\n")
    return file


def seconds(folder: Path, *words: str, into: Path | None = None) -> float:
    """Run one of our commands; return how long it took."""
    begun = perf_counter()
    command = [sys.executable, "-m", "bounced", *words, "--config", str(folder / "bounced.toml")]
    with (into or folder / "told.txt").open("w") as out:
        subprocess.run(command, check=True, cwd=folder, stdout=out, stderr=subprocess.DEVNULL)
    return perf_counter() - begun


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory(prefix="bounced-exchange-") as name:
        folder = Path(name)
        file = prepared(folder, rows)
        figures = {
            "import of a service's file into an empty list": seconds(folder, "import", str(file)),
            "the same again": seconds(folder, "import", str(file)),
            "export": seconds(folder, "export", into=folder / "exported.csv"),
            "import of that export, nothing new": seconds(folder, "import", str(folder / "exported.csv")),
        }
    for what, took in figures.items():
        print(f"{what:<48}{took:6.1f} s  {took / rows * 1e6:6.1f} us a row")
    print(f"goal: {GOAL_S:.0f} s a million rows each")


if __name__ == "__main__":
    main()
