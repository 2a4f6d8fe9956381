"""Commands on a terminal of a given width: a real one, as a shell has it."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis import Redis
from rich.cells import cell_len

from bounced.core.contract.keys import Keyspace

from .conftest import MAIN, REDIS

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COUNTS = {
    "category:mailbox_unknown": 1_234_567,
    "category:reputation_block": 4_321,
    "category:complaint": 1,
    "transition:active:suppressed": 1_234_567,
    "domain:a-very-long-domain-name-of-a-university-department.example.ac.uk:mailbox_unknown": 1_234_567,
    "domain:gmail.com:reputation_block": 4_321,
    "campaign:summer-sale-of-the-northern-countries-members:hard": 1_234_567,
    "provider:google:reputation_block": 4_321,
    "rate:complaint:google": 7,
    "mailed_while_suppressed": 1_234,
}


@pytest.fixture
def config(tmp_path: Path, redis_url: str, key_prefix: str) -> Path:
    """Return the configuration of a list that has counted much within three hours."""
    key = tmp_path / "a.key"
    key.write_text("a secret for tests only, long enough")
    key.chmod(0o600)
    file = tmp_path / "bounced.toml"
    file.write_text(REDIS.format(url=redis_url, prefix=key_prefix) + MAIN)
    keys = Keyspace(key_prefix, "main")
    with Redis.from_url(redis_url) as redis:
        for ago in range(3):
            hour = datetime.now(UTC) - timedelta(hours=ago)
            redis.hset(keys.counts(f"{hour:%Y%m%d%H}"), mapping={**COUNTS})
    return file


def _on_a_terminal(columns: int, *words: str, **environment: str) -> list[str]:
    """Return the lines that a command writes to a terminal of so many columns, without colours."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    known = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    with subprocess.Popen(
        [sys.executable, "-m", "bounced", *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**known, "TERM": "xterm", **environment},
    ):
        os.close(theirs)
        written = b""
        while block := _read(ours):
            written += block
    os.close(ours)
    return ESCAPES.sub("", written.decode().replace("\r\n", "\n")).splitlines()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # how Linux says that nobody writes any more
        return b""


@pytest.mark.parametrize("columns", [80, 200])
@pytest.mark.parametrize("command", ["stats", "top"])
def test_no_line_is_wider_than_the_terminal(config: Path, command: str, columns: int) -> None:
    """A wider one would be broken anywhere, through the middle of a table."""
    lines = _on_a_terminal(columns, command, "--config", str(config))
    assert [line for line in lines if cell_len(line) > columns] == []


def test_a_chart_names_list_zone_scale_shares_and_total(config: Path) -> None:
    """Each column has a header, and numbers can be compared by their length."""
    lines = _on_a_terminal(80, "stats", "--config", str(config))
    assert re.fullmatch(r"main: what was said, \S+ \S+ to \S+ \S+ UTC", lines[0])
    rows = [line.strip("┃").split("┃") for line in lines[2 : lines.index(next(filter(_ends_header, lines)))]]
    header = [" ".join(cell.strip() for cell in column).strip() for column in zip(*rows, strict=True)]
    assert header == ["category", "class", "count", "share", "0 to 3,703,701", "over time"]
    assert any(re.search(r"mailbox_unknown +│ hard +│ 3,703,701 │ 99.7%", line) for line in lines)
    assert any(re.search(r"complaint +│ complaint +│ +3 │ <0.1%", line) for line in lines)
    assert any(re.search(r"total +│ +│ 3,716,667 │ +100%", line) for line in lines)
    assert "Over time: 2 h a column, the last is now; █ is the most of its own line." in lines


def _ends_header(line: str) -> bool:
    return line.startswith("┡")


def test_local_time_is_that_of_the_machine(config: Path) -> None:
    """With its name, so that nobody takes it for UTC."""
    lines = _on_a_terminal(80, "stats", "--local", "--config", str(config), TZ="XYZ-5:45")
    assert lines[0].endswith(" XYZ")
    assert re.search(r" \d\d:45 to ", lines[0])


def test_an_import_counts_with_separators(config: Path, tmp_path: Path) -> None:
    """As tables do; in a pipe they are digits alone."""
    file = tmp_path / "suppressed.csv"
    file.write_text("address,category\n" + "".join(f"user{n}@example.org,mailbox_unknown\n" for n in range(1001)))
    lines = _on_a_terminal(80, "import", str(file), "--dry-run", "--config", str(config))
    assert any(line.endswith("rows        1,001") for line in lines)
