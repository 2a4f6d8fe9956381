"""How many messages a second one core reads and classifies, beside flufl.bounce in the same run.

    benchmarks/reading.py [FOLDER]

FOLDER holds .eml files (default: the real bounces of the tests).  Each round runs every reader over all messages, one
after the other.  The clock is that of the process, and the best round counts: other processes take caches and turbo
away, but give nothing.  ``each text anew`` classifies without remembering what words meant the last time: a daemon is
between the two, since the same few texts make most of its mail.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from email import message_from_bytes
from pathlib import Path
from unittest.mock import patch

from flufl.bounce import all_failures

from bounced.core.meaning import rules
from bounced.core.reading.report import parse
from bounced.explain import explain, packaged_rules

ROUNDS = 15
TESTS = Path(__file__).parents[1] / "tests" / "corpus" / "mta"


def flufl(content: bytes) -> None:
    """Do what a list manager does: parse with email, ask flufl.bounce."""
    try:
        all_failures(message_from_bytes(content))
    except Exception:  # noqa: BLE001 - it raises on some messages, and the clock goes on
        return


def is_plain(content: bytes) -> bool:
    """Tell a plain RFC 3464 report: one recipient, whose reply stands in its fields."""
    report = parse(content)
    return report.reader == "rfc3464" and len(report.recipients) == 1 and bool(report.recipients[0].diagnostic_code)


def anew(content: bytes) -> None:
    """Read and classify, with every text searched as if it came for the first time."""
    with patch.object(rules, "REMEMBERED_CHARS", -1):
        explain(content)


def per_second(reader: Callable[[bytes], object], messages: Sequence[bytes]) -> float:
    """Return how many messages a second one pass over all of them makes."""
    start = time.process_time()
    for message in messages:
        reader(message)
    return len(messages) / (time.process_time() - start)


def measure(title: str, messages: Sequence[bytes]) -> None:
    """Print the best of interleaved rounds and the ratio to flufl.bounce."""
    readers: dict[str, Callable[[bytes], object]] = {
        "read": parse,
        "read and classified": explain,
        "each text anew": anew,
        "flufl.bounce": flufl,
    }
    rates = dict.fromkeys(readers, 0.0)
    for _ in range(ROUNDS):
        for name, reader in readers.items():
            rates[name] = max(rates[name], per_second(reader, messages))
    size = sum(map(len, messages)) / len(messages)
    print(f"{title}: {len(messages)} messages, {size:.0f} octets on average")
    for name, rate in rates.items():
        print(f"  {name:<22}{rate:>9.0f} /s   {rate / rates['flufl.bounce']:5.1f} times flufl.bounce")


def main() -> None:
    """Measure all messages of a folder, and the plain reports among them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=TESTS)
    folder: Path = parser.parse_args().folder
    messages = [file.read_bytes() for file in sorted(folder.rglob("*.eml"))]
    packaged_rules()
    measure("all", messages)
    measure("plain RFC 3464", [message for message in messages if is_plain(message)])


if __name__ == "__main__":
    main()
