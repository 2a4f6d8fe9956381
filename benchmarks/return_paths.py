"""How long return paths take, and how many of a million tampered ones are accepted: none.

python benchmarks/return_paths.py [--tampered 1000000]
"""

import argparse
import random
from collections.abc import Callable
from datetime import UTC, datetime
from string import printable
from timeit import repeat

from bounced.core.return_path import BadReturnPath, Directory, Keyring, ReturnPaths, SigningKey

PATHS = ReturnPaths("main", ("bounce.example.com",), Keyring(SigningKey("k", b"example secret, exactly 32 bytes")))
DIRECTORY = Directory((PATHS,))
TODAY = datetime.now(UTC).date()
RETURN_PATH = PATHS.encode("alice@example.org", issued=TODAY, tag="nov")
HEADER = f"Received: from a by b; today\r\nSubject: {'hello ' * 500}\r\nReturn-Path: <{RETURN_PATH}>\r\n" * 2


def fastest_us(work: Callable[[], object], times: int = 2000) -> float:
    """Return microseconds for one call, the best of seven rounds."""
    return min(repeat(work, number=times, repeat=7)) / times * 1e6


def tampered(random_: random.Random) -> str:
    """Return the path with one to three characters replaced, added or left out."""
    path = RETURN_PATH
    for _ in range(random_.randint(1, 3)):
        at, character = random_.randrange(len(path)), random_.choice(printable)
        path = path[:at] + random_.choice((character, "", character + path[at])) + path[at + 1 :]
    return path


def accepted(path: str) -> bool:
    """Whether a changed path is taken for a good one."""
    if path.lower() == RETURN_PATH:
        return False
    try:
        DIRECTORY.decode(path, today=TODAY)
    except BadReturnPath:
        return False
    return True


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tampered", type=int, default=1_000_000)
    options = parser.parse_args()
    print(f"encode         {fastest_us(lambda: PATHS.encode('Alice@Example.org', issued=TODAY, tag='nov')):6.1f} µs")
    print(f"decode         {fastest_us(lambda: DIRECTORY.decode(RETURN_PATH, today=TODAY)):6.1f} µs")
    print(f"find in 6 KiB  {fastest_us(lambda: DIRECTORY.find(HEADER, TODAY), 200):6.1f} µs")
    source = random.Random(1)
    count = sum(accepted(tampered(source)) for _ in range(options.tampered))
    print(f"{count} of {options.tampered:,} tampered return paths accepted")
    raise SystemExit(count > 0)
