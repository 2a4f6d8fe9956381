"""Real MTAs log what became of their mail, and their lines are heard."""

import os
import shutil
import smtplib
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bounced.core.exchange.hooks import Entry
from bounced.core.exchange.logs import PARSERS, Source
from tests.support.mta import EXIM, POSTFIX, WAIT_S, Mta, running
from tests.support.recipients import listening

DOMAIN = "bounce.example.com"
VICTIM = "victim@example.org"
TAKEN = f'250 2.0.0 Ok: queued as "4D2" to=<{VICTIM}>, status=bounced (550 no)'
REFUSED = "550-5.1.1 no such\r\n550 5.1.1 user (in reply to end of DATA command)"
HOSTILE = f"550 5.1.1 to=<{VICTIM}>, status=bounced (host x[1.2.3.4] said: 550 no) ** {VICTIM}: 550 no"
REPLIES = {"unknown": REFUSED, "hostile": HOSTILE}
LOGS = {"postfix": "log", "exim": "mainlog"}

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root and unshare to run an MTA"),
]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder that an MTA's unprivileged processes can reach, unlike pytest's."""
    with tempfile.TemporaryDirectory(prefix="bounced-logs-") as name:
        yield Path(name)


@pytest.mark.parametrize("mta", [POSTFIX, EXIM], ids=str)
def test_what_an_mta_logs_is_heard(mta: Mta, folder: Path) -> None:
    """A delivery, and refusals at three stages; a reply that imitates lines is only a reply."""
    if not mta.find():
        pytest.skip(f"{mta} is not here: tests/install-programs")
    names = ["living", "unknown", "hostile", "content", "unwanted"]
    with listening(REPLIES, TAKEN) as (refuser, _), listening({}) as (daemon, bounces):
        with running(mta, folder, DAEMON=daemon, REFUSER=refuser) as port:
            with smtplib.SMTP("127.0.0.1", port, "app.sender.example", WAIT_S) as client:
                for name in names:
                    client.sendmail(f"b-{name}@{DOMAIN}", f"{name}@example.net", b"Subject: News\r\n\r\nHello.\r\n")
            came = {bounces.get(timeout=WAIT_S).recipient for _ in names[1:]}
        assert came == {f"b-{name}@{DOMAIN}" for name in names[1:]}
    entries = _heard(mta, (folder / "var/mta" / LOGS[mta.name]).read_bytes())
    assert {entry["address"]: entry["return_path"] for entry in entries} == {
        f"{name}@example.net": f"b-{name}@{DOMAIN}" for name in names
    }
    by_name = {entry["address"].partition("@")[0]: entry for entry in entries}
    assert len(entries) == len(names)
    assert by_name["living"]["type"] == "delivered"
    assert {name: by_name[name]["stage"] for name in names[1:]} == {
        "unknown": "RCPT",
        "hostile": "RCPT",
        "content": "DATA",
        "unwanted": "MAIL",
    }
    assert by_name["unknown"]["reply"].split() == REFUSED.split()
    assert by_name["hostile"]["reply"] == HOSTILE
    assert by_name["content"]["reply"] == "554 5.6.0 not this"


def _heard(mta: Mta, log: bytes) -> list[dict[str, str]]:
    reader = PARSERS[mta.name](Source(relays=frozenset()), lambda sender: sender.endswith(f"@{DOMAIN}"))
    said = [each for line in log.splitlines(keepends=True) for each in reader.feed(line, datetime.now(UTC))]
    return [dict(each.fields) for each in said if isinstance(each, Entry)]
