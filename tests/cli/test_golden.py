"""What every command prints, as text and as JSON, is what stands in golden/; ``UPDATE_GOLDEN=1`` writes it anew.

The commands run one after the other upon the same real server.  Times, folders and what is drawn by lot are replaced.
"""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bounced.cli.root import COMMANDS, bounced
from bounced.config import build, load
from bounced.demo.scenes import SCENES
from bounced.service import now

GOLDEN = Path(__file__).parent / "golden"
UNKNOWN_USER, FULL_MAILBOX, SPAM_BLOCK, DELAYED, COMPLAINT, _ = SCENES

CONFIG = """\
host_name = "mx.example.com"
workers = 1
[smtp]
listen = ["unix:{folder}/smtp"]
[redis]
url = "{url}"
prefix = "{prefix}"
durability = "fsync"
[lists.main]
domains = ["bounce.example.com"]
keys = [{{ id = "a", file = "a.key" }}]
"""

STEPS = {
    "ingest": "ingest inbox --json",
    "ingest-again": "ingest inbox",
    "explain": "explain unknown_user.eml spam_block.eml",
    "explain-json": "explain unknown_user.eml --json",
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
    "release": "release alice@mailbox.example --reason repaired",
    "release-json": "release alice@mailbox.example --json",
    "suppress": "suppress zoe@mailbox.example --reason asked",
    "suppress-json": "suppress zoe@mailbox.example yan@mailbox.example --json",
    "lookup-released": "lookup alice@mailbox.example",
    "lookup-operator": "lookup zoe@mailbox.example",
    "events": "events",
    "events-json": "events --json --limit 3",
    "events-of-one": "events --address alice@mailbox.example --type transition",
    "stats": "stats",
    "stats-json": "stats --json --hours 1",
    "top": "top",
    "top-json": "top --json",
    "export": "export",
    "export-json": "export --json",
    "check-config": "check-config",
    "check-config-json": "check-config --json",
    "doctor": "doctor --no-dns",
    "doctor-json": "doctor --no-dns --json",
}

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
    "bad-rules": "explain unknown_user.eml --rules bad.toml",
    "bad-tag": "return-path encode alice@example.org --tag much-too-long",
    "nothing-to-suppress": "suppress",
    "nothing-to-ingest": "ingest missing.eml",
    "nothing-to-import": "import missing.csv",
    "port-taken": "run --config taken.toml",
}

REPLACED = (
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "<time>"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?", "<time>"),
    (r"(issued +|(?:issued|sent_on)\": \")\d{4}-\d\d-\d\d", r"\1<day>"),
    (r"(soft|hard):1:\d+:\d+", r"\1:1:<time>:<time>"),
    (r"b-[a-z2-7]{18}=(issue42)?=(?!example)", r"b-<signed>=\1="),
    (r"(path +|\"path\": \")[a-z2-7]{13}", r"\1<mac>"),
    (r"\b[0-9a-f]{16}\b", "<id>"),
    (r"\d+-\d+(?=\")", "<stream-id>"),
    (r"(Redis|Valkey) [\d.]+", "Valkey <version>"),
    (r"\d+ MiB used", "<n> MiB used"),
    (r"[\d.]+ s apart", "<n> s apart"),
    (r"unix://\S+?/server\.sock", "<url>"),
    (r"test-[0-9a-f]{12}", "<prefix>"),
)


@pytest.fixture
def folder(tmp_path: Path, redis_url: str, key_prefix: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a configuration, a key, and the demonstration's bounces, and stand in it."""
    if (now().minute, now().second // 40) == (59, 1):
        pytest.skip("the hour is about to change, and with it the counters")
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
    (tmp_path / "inbox").mkdir()
    paths = build.return_paths("main", load(config).lists["main"])
    for number, scene in enumerate((UNKNOWN_USER, FULL_MAILBOX, SPAM_BLOCK, DELAYED, COMPLAINT)):
        path = paths.encode(scene.address, issued=now().date(), tag="issue42")
        content = f"Delivered-To: {path}\r\n".encode() + scene.content(path)
        (tmp_path / "inbox" / f"{number}.eml").write_bytes(content)
        (tmp_path / f"{scene.message}.eml").write_bytes(content)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BOUNCED_CONFIG", "bounced.toml")
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


def _run(line: str, folder: Path) -> Result:
    path = re.search(rb"(?m)^Delivered-To: (.*)\r$", (folder / "unknown_user.eml").read_bytes())
    assert path is not None
    genuine = path[1].decode()
    forged = genuine[:12] + ("a" if genuine[12] != "a" else "b") + genuine[13:]
    words = [{"PATH": genuine, "FORGED": forged}.get(word, word) for word in line.split()]
    return CliRunner().invoke(bounced, words, prog_name="bounced")


def _told(line: str, result: Result, folder: Path) -> str:
    told = f"$ bounced {line}\n{result.stdout}"
    if result.stderr:
        told += f"--- standard error\n{result.stderr}"
    told = told.replace(str(folder), "<folder>")
    for pattern, replacement in REPLACED:
        told = re.sub(pattern, replacement, told)
    return f"{told}--- exit code {result.exit_code}\n"


def _differing(steps: dict[str, str], folder: Path) -> Iterator[str]:
    """Run all steps, and yield what is not as it was."""
    for name, line in steps.items():
        told = _told(line, _run(line, folder), folder)
        file = GOLDEN / f"{name}.txt"
        if os.environ.get("UPDATE_GOLDEN"):
            file.write_text(told, "utf-8")
        if not file.exists() or file.read_text("utf-8") != told:
            yield f"{name}:\n{told}"


def test_every_command_prints_what_it_printed(folder: Path) -> None:
    """Text in a pipe and JSON lines, of all that works."""
    assert list(_differing(STEPS, folder)) == []


def test_every_mistake_is_told_with_what_to_do(folder: Path) -> None:
    """No traceback, an exit code that says whose fault it is."""
    assert list(_differing(MISTAKES, folder)) == []
    for name in MISTAKES:
        told = (GOLDEN / f"{name}.txt").read_text("utf-8")
        assert "Traceback" not in told
        assert re.search(r"--- exit code [23]\n$", told), name


def test_every_command_has_a_golden_file() -> None:
    """All but those that do not end, and those that write files of their own tests."""
    without = {"demo", "run", "lookup-server", "import", "simulate", "reclassify", "erase"}
    covered = {line.split()[0] for line in STEPS.values()}
    assert {name for name, entry in COMMANDS.items() if entry.summary} - covered <= without


def test_no_golden_file_is_left_over() -> None:
    """Each belongs to a step."""
    assert {file.stem for file in GOLDEN.glob("*.txt")} == {*STEPS, *MISTAKES}
