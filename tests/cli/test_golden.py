"""What every command prints, as text and as JSON, is what stands in golden/; ``UPDATE_GOLDEN=1`` writes it anew.

The commands run one after the other upon the same real server.  The daemon's own lines are compared where it runs
anyway, in tests/acceptance.
"""

import os
import re
import signal
import socket
import stat
from collections.abc import Callable, Iterator
from email.utils import format_datetime
from functools import cache, partial
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import structlog
from click.testing import CliRunner, Result
from redis import Redis

from bounced import rules
from bounced.cli.root import COMMANDS, bounced
from bounced.config import build, load
from bounced.core.contract.keys import Keyspace
from bounced.core.contract.state_hash import to_fields
from bounced.core.state import AddressState
from bounced.core.terms import Category, Class, Origin, State
from bounced.demo.scenes import SCENES
from bounced.edges.lookup import netstring
from bounced.opening import now
from tests.support.golden import GOLDEN, differing, neutral

UNKNOWN_USER, FULL_MAILBOX, SPAM_BLOCK, DELAYED, COMPLAINT, _ = SCENES

CONFIG = """\
host_name = "mx.example.com"
workers = 1
[smtp]
listen = ["unix:{folder}/smtp"]
[redis]
url = "{url}"
prefix = "{prefix}"
data_dir = "{folder}/data"
durability = "fsync"
[lookup]
listen = "unix:{folder}/lookup"
[lists.main]
domains = ["bounce.example.com"]
keys = [{{ id = "a", file = "a.key" }}]
"""
EAGER = "[rules.mailbox_full]\nfailures = 1\nover_days = 0\n"
SES = """\
EmailAddress,Reason,LastUpdateTime
xenia@mailbox.example,BOUNCE,2026-10-01T00:00:00Z
erin@mailbox.example,COMPLAINT,2026-10-02T00:00:00Z
no address,BOUNCE,2026-10-02T00:00:00Z
"""
REPLIES = """\
# what our MTA heard

550 5.1.1 <alice@mailbox.example>: User unknown
550 possibly the mailbox does not exist
"""
BLOCKED = "550 5.7.1 Service unavailable; client host [192.0.2.1] blocked using zen.spamhaus.org"

STEPS = {
    "ingest": "ingest inbox --json",
    "ingest-again": "ingest inbox",
    "explain": "explain unknown_user.eml spam_block.eml",
    "explain-json": "explain unknown_user.eml --json",
    "explain-replies": "explain --replies replies.txt --about alice@mailbox.example",
    "explain-replies-json": "explain --replies replies.txt --json",
    "return-path-decode": "return-path decode PATH",
    "return-path-decode-json": "return-path decode PATH --json",
    "return-path-decode-forged": "return-path decode FORGED",
    "return-path-encode": "return-path encode alice@example.org --tag spring --date 2026-11-21",
    "return-path-encode-json": "return-path encode alice@example.org --date 2026-11-21 --json",
    "lookup-suppressed": "lookup alice@mailbox.example",
    "lookup-suppressed-json": "lookup alice@mailbox.example --json",
    "lookup-bouncing": "lookup bob@mailbox.example",
    "lookup-nothing": "lookup nobody@mailbox.example",
    "lookup-nothing-json": "lookup nobody@mailbox.example --json",
    "recover-dry-run": "recover --category mailbox_unknown --dry-run",
    "recover-json": "recover --category mailbox_unknown --dry-run --json",
    "release": "release alice@mailbox.example --reason repaired",
    "release-json": "release alice@mailbox.example --json",
    "suppress": "suppress zoe@mailbox.example --reason asked",
    "suppress-json": "suppress zoe@mailbox.example yan@mailbox.example --json --reason asked",
    "lookup-released": "lookup alice@mailbox.example",
    "lookup-operator": "lookup zoe@mailbox.example",
    "events": "events",
    "events-json": "events --json --limit 3",
    "events-of-one": "events --address alice@mailbox.example --type transition",
    "stats": "stats",
    "stats-json": "stats --json --hours 2",
    "alarms": "alarms",
    "alarms-json": "alarms --json",
    "blocks": "blocks",
    "blocks-json": "blocks --json",
    "campaigns": "campaigns",
    "campaigns-json": "campaigns --json",
    "complaints": "complaints",
    "complaints-json": "complaints --json",
    "top": "top",
    "top-json": "top --json",
    "export": "export",
    "export-json": "export --json",
    "check-config": "check-config",
    "check-config-json": "check-config --json",
    "doctor": "doctor --no-dns",
    "doctor-json": "doctor --no-dns --json",
    "import-dry-run": "import ses.csv --dry-run",
    "import": "import ses.csv",
    "import-json": "import ses.csv --json",
    "simulate": "simulate eager.toml",
    "simulate-json": "simulate eager.toml --json",
    "simulate-invented": "simulate eager.toml --generate 3 --days 90",
    "reclassify": "reclassify",
    "reclassify-json": "reclassify --apply --json",
    "reclassify-nothing": "reclassify",
    "reclassify-nothing-json": "reclassify --json",
    "recover-nothing": "recover --category mailbox_unknown --yes --reason mistake",
    "release-chosen": "release --category mailbox_unknown --yes --reason mistake",
    "events-bulk": "events --limit 4",
    "events-bulk-json": "events --limit 4 --json",
    "accept-redis": "accept-redis",
    "accept-redis-json": "accept-redis --json",
    "erase": "erase bob@mailbox.example",
    "erase-json": "erase zoe@mailbox.example --json",
    "erase-nothing-json": "erase zoe@mailbox.example --json",
    "erase-complaint": "erase erin@mailbox.example",
}

NOT_UNDERSTOOD = {
    "unknown": "unknown",
    "unknown-json": "unknown --json",
    "unknown-one": "unknown 1",
    "unknown-doubtful": "unknown 2",
    "unknown-not-added": "unknown --add 1 --category rate_limited --rules-file own.toml",
    "unknown-added": "unknown --add 1 --category rate_limited --rules-file own.toml --yes",
    "unknown-added-json": "unknown --add 1 --category rate_limited --rules-file other.toml --yes --json",
    "unknown-condemns": "unknown --add 2 --category mailbox_unknown --rules-file own.toml",
    "unknown-no-file": "unknown --add 1 --category policy",
}
UNKNOWN_ON_A_TERMINAL = {"unknown-terminal": "unknown"}

ON_A_TERMINAL = {
    "explain-terminal": "explain unknown_user.eml",
    "lookup-terminal": "lookup alice@mailbox.example",
    "events-terminal": "events --limit 3",
    "stats-terminal": "stats",
    "blocks-terminal": "blocks",
    "campaigns-terminal": "campaigns",
    "complaints-terminal": "complaints",
    "top-terminal": "top",
    "simulate-terminal": "simulate eager.toml",
    "doctor-terminal": "doctor --no-dns",
    "demo-terminal": "demo --once --port 0 --web-port 0 --folder demo",
}

ELSEWHERE = {
    "run": "run",
    "hooks-list": "hooks",
    "hooks-list-nobody": "hooks",
    "hooks-resume": "hooks",
    "hooks-resume-nothing": "hooks",
    "hooks-test": "hooks",
    "hooks-test-refused": "hooks",
}
"""Names of files, and the commands, that other tests compare."""

WITHOUT_FILE = {"status"}
"""Commands whose facts are of one server and daemon: tests/acceptance/test_status.py looks at them there."""

MISTAKES = {
    "no-such-command": "bounce",
    "no-such-list": "lookup alice@example.org --list other",
    "no-address": "lookup alice",
    "no-file": "explain missing.eml",
    "no-configuration": "lookup alice@example.org --config missing.toml",
    "bad-configuration": "stats --config bad.toml",
    "no-server": "lookup alice@example.org --config nobody.toml",
    "no-server-to-examine": "doctor --no-dns --config nobody.toml",
    "bad-hours": "stats --hours 0",
    "bad-option": "lookup --colour",
    "replies-and-messages": "explain unknown_user.eml --replies replies.txt",
    "bad-rules": "explain unknown_user.eml --rules bad.toml",
    "bad-tag": "return-path encode alice@example.org --tag much-too-long",
    "nothing-to-suppress": "suppress",
    "no-reason": "suppress alice@example.org bob@example.org",
    "nothing-to-recover": "recover",
    "bad-provider": "recover --provider hotmail",
    "bad-category": "recover --category mailbox_unknow",
    "bad-rule": "recover --rule mailbox.unknown-usr",
    "bad-times": "recover --since 2026-05-02 --until 2026-05-01",
    "bad-event-type": "events --type mailed-while-suppressed",
    "bad-time": "recover --since sometime",
    "nothing-to-ingest": "ingest missing.eml",
    "nothing-to-import": "import missing.csv",
    "port-taken": "run --config taken.toml",
}


@pytest.fixture(autouse=True)
def rules_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare each of many commands a fifth of a second."""
    read = cache(rules.load)
    monkeypatch.setattr(rules, "load", lambda files=(): read(tuple(files)))


@pytest.fixture(autouse=True)
def log_of_each_command(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let no command's log outlive it: a process of ours runs only one."""
    configure = structlog.configure
    monkeypatch.setattr(structlog, "configure", partial(_uncached, configure))
    yield
    structlog.reset_defaults()


def _uncached(configure: Callable[..., None], **settings: Any) -> None:
    configure(**settings | {"cache_logger_on_first_use": False})


@pytest.fixture
def folder(tmp_path: Path, redis_url: str, key_prefix: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a configuration, a key, and the demonstration's bounces, and stand in it."""
    key = tmp_path / "a.key"
    key.write_text("a secret for tests only, long enough")
    key.chmod(stat.S_IRUSR | stat.S_IWUSR)
    config = tmp_path / "bounced.toml"
    config.write_text(CONFIG.format(folder=tmp_path, url=redis_url, prefix=key_prefix))
    nobody = CONFIG.format(folder=tmp_path, url="unix:///nobody/listens/here", prefix=key_prefix)
    (tmp_path / "nobody.toml").write_text(nobody)
    (tmp_path / "bad.toml").write_text('[smtp]\nlisten = ["25"]\n[redis]\nport = 1\n')
    (tmp_path / "smtp").touch()
    (tmp_path / "taken.toml").write_text(config.read_text())
    (tmp_path / "eager.toml").write_text(EAGER)
    (tmp_path / "ses.csv").write_text(SES)
    (tmp_path / "replies.txt").write_text(REPLIES)
    (tmp_path / "inbox").mkdir()
    paths = build.return_paths("main", load(config).lists["main"])
    for number, scene in enumerate((UNKNOWN_USER, FULL_MAILBOX, SPAM_BLOCK, DELAYED, COMPLAINT)):
        path = paths.encode(scene.address, issued=now().date(), tag="issue42")
        content = f"Received: by mx.example.com; {format_datetime(now())}\r\nDelivered-To: {path}\r\n".encode()
        content += scene.content(path)
        (tmp_path / "inbox" / f"{number}.eml").write_bytes(content)
        (tmp_path / f"{scene.message}.eml").write_bytes(content)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BOUNCED_CONFIG", "bounced.toml")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("SUDO_USER", "olivia")
    return tmp_path


def _run(line: str, folder: Path) -> Result:
    path = re.search(rb"(?m)^Delivered-To: (.*)\r$", (folder / "unknown_user.eml").read_bytes())
    assert path is not None
    genuine = path[1].decode()
    forged = genuine[:12] + ("a" if genuine[12] != "a" else "b") + genuine[13:]
    words = [{"PATH": genuine, "FORGED": forged}.get(word, word) for word in line.split()]
    return CliRunner().invoke(bounced, words, prog_name="bounced")


def _told(line: str, result: Result) -> str:
    told = f"$ bounced {line}\n{result.stdout}"
    if result.stderr:
        told += f"--- standard error\n{result.stderr}"
    return f"{told}--- exit code {result.exit_code}\n"


def _differing(steps: dict[str, str], folder: Path) -> list[str]:
    """Run all steps, and return what is not as it was."""
    found = (differing(name, _told(line, _run(line, folder)), folder) for name, line in steps.items())
    return list(filter(None, found))


def test_every_command_prints_what_it_printed(folder: Path, redis_url: str) -> None:
    """Text in a pipe and JSON lines, of all that works."""
    leave_a_mistake(redis_url, load(folder / "bounced.toml").redis.prefix)
    assert _differing(STEPS, folder) == []


def test_what_was_not_understood_is_shown_in_groups(
    folder: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the row that would understand it."""
    given = {"type": "report", "id": "1", "at": "2026-11-21T10:00:00Z", "kind": "bounce"}
    pool = {"category": "undetermined", "class": "undetermined", "rule": "none"}
    guess = {"category": "mailbox_unknown", "class": "soft", "rule": "mailbox.some", "doubt": "it is only a guess"}
    with Redis.from_url(redis_url) as redis:
        for number, name in enumerate(("alice", "bob", "carol")):
            address, words = f"{name}@mailbox.example", f"550 Sending pool frobnicated (PX-{number})"
            verdicts: tuple[dict[str, str], ...] = ({**pool, "diagnostic": f"{words} for <{address}>"},)
            if number == 0:
                verdicts += ({**guess, "diagnostic": "550 perhaps no such wizard is in this tower"},)
            for verdict in verdicts:
                fields: Any = {**given, "address": address, **verdict}
                redis.xadd(Keyspace(load(folder / "bounced.toml").redis.prefix).events, fields)
    assert _differing(NOT_UNDERSTOOD, folder) == []
    for name, value in {"FORCE_COLOR": "1", "TERM": "dumb", "COLUMNS": "100", "LINES": "25"}.items():
        monkeypatch.setenv(name, value)
    assert _differing(UNKNOWN_ON_A_TERMINAL, folder) == []


def leave_a_mistake(url: str, prefix: str) -> None:
    """Leave an address that older rules suppressed for a block, for ``reclassify`` to find."""
    keys, address = Keyspace(prefix), "wally@mailbox.example"
    reason = (Category.MAILBOX_UNKNOWN, Class.HARD)
    state = AddressState(State.SUPPRESSED, *reason, now(), diagnostic=BLOCKED, origin=Origin.SMTP, version=1)
    with Redis.from_url(url) as redis:
        redis.hset(keys.address(address), mapping=to_fields(state))
        redis.sadd(keys.suppressed, address)


def test_on_a_terminal_there_are_tables_and_charts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 80 columns; a dumb one, so that no colours stand in the files."""
    _run("ingest inbox", folder)
    for name, value in {"FORCE_COLOR": "1", "TERM": "dumb", "COLUMNS": "80", "LINES": "25"}.items():
        monkeypatch.setenv(name, value)
    assert _differing(ON_A_TERMINAL, folder) == []


def test_every_mistake_is_told_with_what_to_do(folder: Path) -> None:
    """No traceback, an exit code that says whose fault it is."""
    assert _differing(MISTAKES, folder) == []
    for name in MISTAKES:
        told = (GOLDEN / f"{name}.txt").read_text("utf-8")
        assert "Traceback" not in told
        assert re.search(r"--- exit code [23]\n$", told), name


@pytest.mark.parametrize("style", ["json", "console"])
def test_the_lookup_server_says_where_it_listens_and_answers(
    folder: Path, monkeypatch: pytest.MonkeyPatch, style: str
) -> None:
    """Until SIGTERM comes."""
    _run("suppress zoe@mailbox.example", folder)
    with (folder / "bounced.toml").open("a") as config:
        config.write(f'[log]\nformat = "{style}"\n')
    answers: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(folder / "notify"))
        manager.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(folder / "notify"))
        asking = Thread(target=lambda: answers.extend(_ask_and_stop(manager, folder)))
        asking.start()
        result = _run("lookup-server", folder)
        asking.join()
    told = _told("lookup-server", result) + "".join(f"{line}\n" for line in answers)
    assert differing(f"lookup-server-{style}", told, folder) == ""


def _ask_and_stop(manager: socket.socket, folder: Path) -> list[str]:
    """Wait until the server is ready, ask it about two addresses as Postfix does, and stop this very process."""
    try:
        assert manager.recv(100) == b"READY=1"
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(folder / "lookup"))
            return [_asked(client, f"access {name}@mailbox.example") for name in ("zoe", "yan")]
    finally:
        os.kill(os.getpid(), signal.SIGTERM)


def _asked(client: socket.socket, question: str) -> str:
    client.sendall(netstring(question))
    return f"C: {question}\nS: {client.recv(1000).decode()}"


def test_every_command_has_a_golden_file() -> None:
    """All that people call."""
    covered = {line.split()[0] for steps in (STEPS, NOT_UNDERSTOOD, ON_A_TERMINAL) for line in steps.values()}
    without = {name for name, entry in COMMANDS.items() if entry.summary} - covered
    assert without == {"lookup-server", "web", "deliver", "follow", *ELSEWHERE.values(), *WITHOUT_FILE}


def test_no_golden_file_is_left_over() -> None:
    """Each belongs to a step."""
    named = {
        *STEPS,
        *NOT_UNDERSTOOD,
        *UNKNOWN_ON_A_TERMINAL,
        *ON_A_TERMINAL,
        *MISTAKES,
        *ELSEWHERE,
        "lookup-server-json",
        "lookup-server-console",
    }
    assert {file.stem for file in GOLDEN.glob("*.txt")} == named


def test_what_is_counted_in_two_hours_is_the_same_as_in_one() -> None:
    """The hour may end between two commands."""
    one = '{"list": "main", "hour": "2001-01-01T10:00:00Z", "counts": {"kind:bounce": 3, "type:report": 4}}\n'
    two = (
        '{"list": "main", "hour": "2001-01-01T09:00:00Z", "counts": {"kind:bounce": 1, "type:report": 4}}\n'
        '{"list": "main", "hour": "2001-01-01T10:00:00Z", "counts": {"kind:bounce": 2}}\n'
    )
    assert neutral(two) == neutral(one)
    assert neutral("│ 3     │ ██████       │ ··········▅█ │") == neutral("│ 3     │ ██████       │ ···········█ │")
