"""The lines of docs/questions.md do what the page says, with a real daemon, and a real Postfix where they are its."""

import ast
import os
import re
import shutil
import signal
import smtplib
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from bounced.config import Config, load
from bounced.core.terms import Engagement, OptIn, Profile
from tests.support.daemon import WAIT_S, Daemon, port_of, unknown_user
from tests.support.mta import EXIM_OF_DEBIAN, POSTFIX_ASKING, running
from tests.support.ports import free_port
from tests.support.programs import find
from tests.support.recipients import listening
from tests.support.redis_server import redis_server

PROJECT = Path(__file__).parents[2]
PAGE = PROJECT / "docs/questions.md"
ALICE, BOB, CAROL, DAVE = (f"{name}@example.org" for name in ("alice", "bob", "carol", "dave"))
ALIGNED = "Is the bounce domain aligned for DMARC? Does DKIM matter?"
BEHIND = "My Exim has port 25. Can it pass the bounce domain on?"
CANNOT = "My application cannot set its envelope. Can Postfix do it?"
HANDED = "Can Postfix pass the bounce domain on to bounced?"
HELD = "What does my own database do with `held`?"
KEPT = "What do I back up?"
LOST = "The key is lost. What now?"
MANY = "One message has many recipients. What becomes of its bounces?"
ONE_HOST = "Can my own Postfix and bounced be on one host?"
OUTAGE = "What happens while Redis is away?"
PORTS = "Which ports does it use?"
SECOND = "Do I need a second MX at another site?"
TEST = "How do I test without mail from outside?"
WHY = "How do I see why somebody was suppressed?"
YEARS = "An address was suppressed years ago. May I write to it again?"

NOT_RUN = {
    (ALIGNED, ""): "records of the DNS: tests/doctor/test_dns.py tries what is made of them",
    (SECOND, ""): "records of the DNS",
    (ONE_HOST, "ini"): "the address that Postfix binds is given to it in its master.cf here, whose port is not 25",
}
"""Blocks of the page that no test runs, and why."""
LEFT_OUT = {
    "systemctl reload bounced": "there is no systemd here: tests/acceptance/test_systemd.py reloads; here it is SIGHUP"
}
"""Lines of blocks that are run, which are not."""

with_postfix = pytest.mark.skipif(
    POSTFIX_ASKING.find() is None or os.geteuid() != 0, reason="needs Postfix (tests/install-programs) and root"
)
with_exim = pytest.mark.skipif(
    EXIM_OF_DEBIAN.find() is None or os.geteuid() != 0, reason="needs Exim (tests/install-programs) and root"
)
with_redis_cli = pytest.mark.skipif(
    find("redis", "redis-cli") is None, reason="redis-cli is not here: tests/install-programs"
)
with_jq = pytest.mark.skipif(not shutil.which("jq"), reason="jq is not here")


@cache
def answers() -> Mapping[tuple[str, str], str]:
    """Return the blocks of each question, those of one language together."""
    found: dict[tuple[str, str], str] = {}
    for answer in re.split(r"^### ", PAGE.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        question = answer.partition("\n")[0]
        for language, block in re.findall(r"^```(\w*)\n(.*?)^```$", answer, re.DOTALL | re.MULTILINE):
            found[question, language] = found.get((question, language), "") + block
    return found


def lines(question: str, language: str, replaced: Mapping[str, str] | None = None) -> str:
    """Return the lines of an answer; what stands for the reader's own names becomes that of the test."""
    text = "".join(
        line for line in answers()[question, language].splitlines(keepends=True) if line.strip() not in LEFT_OUT
    )
    for written, own in (replaced or {}).items():
        assert written in text, f"the answer to {question!r} does not say {written}"
        text = text.replace(written, own)
    return text


def run(folder: Path, script: str, *, expected: int = 0) -> str:
    """Run lines of the page in a shell that stops at the first one that fails; return what they print."""
    programs = [
        str(Path(sys.executable).parent),
        *(str(Path(found).parent) for found in map(_program, ("redis-cli", "swaks")) if found),
    ]
    environment = os.environ | {
        "PATH": ":".join([*programs, os.environ["PATH"]]),
        "BOUNCED_CONFIG": str(folder / "bounced.toml"),
        "HOME": str(folder),
    }
    done = subprocess.run(
        ["sh", "-euc", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=WAIT_S, check=False
    )
    assert done.returncode == expected, f"{script}\n{done.stdout}{done.stderr}"
    return done.stdout


def _program(name: str) -> str | None:
    return find(name.removesuffix("-cli"), name)


def state_of(daemon: Daemon, address: str, list_: str = "main") -> str:
    """Return the state of an address."""
    with Redis.from_url(daemon._url, decode_responses=True) as redis:
        return str(redis.hget(f"bounced:{{{list_}}}:address:{address}", "state") or "active")


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """Return a running daemon, whose Redis has a port."""
    with _with_server(tmp_path) as running_:
        yield running_


@pytest.fixture
def outside() -> Iterator[Path]:
    """Return a folder that Postfix's unprivileged processes can reach, unlike pytest's."""
    with tempfile.TemporaryDirectory(prefix="bounced-questions-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_every_block_of_the_page_is_run_or_says_why_not() -> None:
    """A block that is added to the page needs a test, or a reason in NOT_RUN."""
    calls = (node for node in ast.walk(ast.parse(Path(__file__).read_text("utf-8"))) if isinstance(node, ast.Call))
    used = {
        (globals()[call.args[0].id], call.args[1].value)
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "lines"
        if isinstance(call.args[0], ast.Name) and isinstance(call.args[1], ast.Constant)
    }
    assert used.isdisjoint(NOT_RUN)
    assert used | set(NOT_RUN) == set(answers())
    written = {line.strip() for block in answers().values() for line in block.splitlines()}
    assert set(LEFT_OUT) <= written


@with_postfix
def test_postfix_makes_a_path_for_each_recipient_in_the_place_of_the_application(outside: Path) -> None:
    """One message with one plain sender to three; each that fails is suppressed by a notice of its own."""
    lmtp = free_port()
    (outside / "shop").touch(mode=0o600)
    (outside / "shop").write_text("an example key, long enough\n")
    shop = lines(CANNOT, "toml", {"/etc/bounced/keys/shop": str(outside / "shop")})
    table = outside / "verp.regexp"
    table.write_text(lines(CANNOT, "regexp"))
    example = lines(CANNOT, "ini", {"/etc/postfix/verp.regexp": str(table)}) + _transport("verp.example.com", lmtp)
    with _postfix(outside, f"{_lmtp(lmtp)}\n{shop}", example) as (daemon, port):
        with smtplib.SMTP("127.0.0.1", port, "app.example.com", WAIT_S) as client:
            client.sendmail("shop@example.com", [ALICE, CAROL, DAVE], b"Subject: News\r\n\r\nHello!\r\n")
        for _ in (CAROL, DAVE):
            assert daemon.wait_for("report.committed")["list"] == "shop"
        states = [state_of(daemon, each, "shop") for each in (ALICE, CAROL, DAVE)]
        assert states == ["active", "suppressed", "suppressed"]


@with_postfix
def test_a_client_that_postfix_does_not_know_cannot_send_as_the_application(outside: Path) -> None:
    """As the page says of those outside smtpd_authorized_verp_clients."""
    table = outside / "verp.regexp"
    table.write_text(lines(CANNOT, "regexp"))
    example = lines(CANNOT, "ini", {"/etc/postfix/verp.regexp": str(table), "$mynetworks": "192.0.2.1"})
    with (
        running(POSTFIX_ASKING, outside, NEXT_HOP=free_port(), EXAMPLE=example) as port,
        smtplib.SMTP("127.0.0.1", port, "app.example.com", WAIT_S) as client,
    ):
        client.ehlo()
        assert client.mail("shop@example.com")[0] // 100 == 5
        assert client.mail("other@example.com")[0] == 250


@with_postfix
def test_of_many_recipients_only_the_paths_own_is_touched_and_softly(outside: Path) -> None:
    """As the page warns: carol and dave fail, alice has a soft failure, nothing is known of the two."""
    lmtp = free_port()
    with _postfix(outside, _lmtp(lmtp), _transport("bounce.example.com", lmtp)) as (daemon, port):
        with smtplib.SMTP("127.0.0.1", port, "app.example.com", WAIT_S) as client:
            client.sendmail(daemon.return_path(ALICE), [ALICE, CAROL, DAVE], b"Subject: News\r\n\r\nHello!\r\n")
        assert daemon.wait_for("report.committed")["after"] == "bouncing"
        assert [state_of(daemon, each) for each in (ALICE, CAROL, DAVE)] == ["bouncing", "active", "active"]
        assert "(soft)" in daemon.command("lookup", ALICE).stdout


@with_postfix
def test_postfix_hands_over_by_lmtp_and_refuses_what_bounced_refuses(outside: Path) -> None:
    """A bounce suppresses its recipient; a forged path hears 550 from Postfix itself."""
    lmtp = free_port()
    further, example = (lines(HANDED, "toml", {"9024": str(lmtp)}), lines(HANDED, "ini", {"9024": str(lmtp)}))
    with (
        _postfix(outside, further, example) as (daemon, port),
        smtplib.SMTP("127.0.0.1", port, "mx.example.org", WAIT_S) as client,
    ):
        path = daemon.return_path(ALICE)
        assert client.sendmail("", [path], unknown_user(ALICE, path)) == {}
        assert daemon.wait_for("report.committed", origin="lmtp")["after"] == "suppressed"
        client.mail("")
        assert client.rcpt("x" + path)[0] == 550


@with_exim
def test_exim_passes_on_and_refuses_what_bounced_refuses(outside: Path) -> None:
    """A bounce with a long line suppresses its recipient; a forged path hears 550; while bounced is away all waits."""
    with _with_server(outside) as daemon:
        shown = lines(BEHIND, "exim", {"port = 2525": f"port = {daemon.port}"})
        router, transport, callout, macros = re.split(r"^# /etc/exim4/.*\n", shown, flags=re.MULTILINE)[1:]
        (relay,) = re.findall(r"`(dc_relay_domains=.*?)`", PAGE.read_text("utf-8"))
        filled_in = {"ROUTER": router, "TRANSPORT": transport, "CALLOUT": callout, "MACROS": macros, "RELAY": relay}
        with running(EXIM_OF_DEBIAN, _folder(outside / "mta"), **filled_in) as port:
            alice, bob = daemon.return_path(ALICE), daemon.return_path(BOB)
            with smtplib.SMTP("127.0.0.1", port, "mx.example.org", WAIT_S, ("127.0.0.2", 0)) as client:
                client.ehlo()
                client.mail("")
                assert client.rcpt("x" + alice)[0] == 550
                client.rset()
                bounce = unknown_user(ALICE, alice) + b"x" * 1200 + b"\r\n"
                assert client.sendmail("", [alice], bounce) == {}
                assert daemon.wait_for("report.committed", origin="smtp")["after"] == "suppressed"
                daemon.stop()
                client.mail("")
                assert client.rcpt(bob)[0] // 100 == 4


@with_postfix
def test_postfix_and_the_daemon_have_the_same_port_at_two_addresses(outside: Path) -> None:
    """Each answers at its own."""
    with running(POSTFIX_ASKING, outside, NEXT_HOP=free_port(), EXAMPLE="") as port:
        daemon = Daemon(outside)
        listen = lines(ONE_HOST, "toml", {"192.0.2.80:25": f"127.0.0.2:{port}"})
        text = daemon.config_file.read_text()
        daemon.config_file.write_text(text.replace('[smtp]\nlisten = ["127.0.0.1:0"]\n', listen))
        daemon.begin()
        try:
            assert daemon.wait_for("service.started")["doors"] == [f"127.0.0.2:{port}"]
            for address, name in (("127.0.0.1", b"relay.example.com"), ("127.0.0.2", b"mx.example.com")):
                with smtplib.SMTP(address, port, timeout=WAIT_S) as client:
                    assert client.ehlo()[1].startswith(name)
        finally:
            daemon.stop()


def test_a_bounce_that_comes_to_both_sites_counts_once(tmp_path: Path) -> None:
    """Two daemons with one key and one Redis."""
    with redis_server(tmp_path) as port:
        url = f"redis://127.0.0.1:{port}/0"
        written = lines(SECOND, "toml", {"rediss://redis.example.com:6380/0": url})
        with _serving(Daemon(_folder(tmp_path / "one"), url=url)) as first:
            second = Daemon(_folder(tmp_path / "two"), url=url)
            shutil.copy(first.folder / "a.key", second.folder / "a.key")
            lists = second.config_file.read_text().partition("[lists.main]")
            second.config_file.write_text(f'{written}\n[smtp]\nlisten = ["127.0.0.1:0"]\n{lists[1]}{lists[2]}')
            second.begin()
            try:
                second.port = port_of(second.wait_for("service.started"))
                path = first.return_path(ALICE)
                content = unknown_user(ALICE, path)
                assert [each.send(path, content)[0] for each in (first, second)] == [250, 250]
                assert first.wait_for("report.committed")["after"] == "suppressed"
                assert second.wait_for("report.duplicated")
            finally:
                second.stop()


def test_the_ports_are_those_of_the_configuration(tmp_path: Path) -> None:
    """What has a default is at it; what has none says so."""
    section = PAGE.read_text("utf-8").partition(f"### {PORTS}")[2].partition("\n## ")[0]
    rows = {
        match[2]: match[1] for match in re.finditer(r"^\| ([^|]+) \|[^|]*?`([\w.]+\.listen)`", section, re.MULTILINE)
    }
    config = load(Daemon(tmp_path).config_file)
    ours = {
        "smtp.listen": Config.model_fields["smtp"].get_default(call_default_factory=True).listen[0],
        "http.listen": config.http.listen,
        "lookup.listen": config.lookup.listen,
        "web.private.listen": config.web.private.listen,
        "web.public.listen": config.web.public.listen,
    }
    expected = {name: "of your choice" if at is None else str(at.port) for name, at in ours.items()}
    assert {name: said.partition(",")[0] for name, said in rows.items()} == expected


@pytest.mark.skipif(not shutil.which("curl") or find("swaks", "swaks") is None, reason="needs curl and swaks")
def test_a_bounce_is_made_by_hand_sent_by_curl_and_swaks_and_undone(daemon: Daemon, tmp_path: Path) -> None:
    """All lines of the answer, one after the other in one shell."""
    own = {"127.0.0.1:25": f"127.0.0.1:{daemon.port}", "--port 25": f"--port {daemon.port}"}
    said = run(tmp_path, lines(TEST, "sh", own))
    assert f"{ALICE} in main: suppressed, must not be mailed" in said
    assert "<~  250 2.0.0 OK" in said or "<-  250 2.0.0 OK" in said
    assert "refused, as it should" in said
    assert said.count("mailbox_unknown") >= 3
    assert state_of(daemon, ALICE) == "active"
    assert daemon.wait_for("report.committed")["after"] == "suppressed"
    assert daemon.wait_for("report.duplicated")
    assert daemon.wait_for("path.refused")


def test_why_somebody_was_suppressed_is_told(daemon: Daemon, tmp_path: Path) -> None:
    """In the words of the other server; and it is taken back."""
    path = daemon.return_path(ALICE)
    daemon.send(path, unknown_user(ALICE, path))
    said = run(tmp_path, lines(WHY, "sh"))
    assert "User unknown in virtual mailbox table" in said
    assert re.search(r"^rule +mailbox\.", said, re.MULTILINE)
    assert state_of(daemon, ALICE) == "active"


@with_jq
@with_redis_cli
def test_who_is_held_comes_with_the_day_on_which_it_ends(daemon: Daemon, tmp_path: Path) -> None:
    """A confirmed and active address that is called unknown: held for a day, and in the set."""
    path = daemon.return_path(ALICE, Profile(OptIn.CONFIRMED, Engagement.ACTIVE))
    daemon.send(path, unknown_user(ALICE, path))
    said = run(tmp_path, lines(HELD, "sh", {"redis-cli": f"redis-cli -u {daemon._url}"}))
    assert re.search(rf"^{ALICE}\theld\t20\d\d-\d\d-\d\dT[\d:]+Z$", said, re.MULTILINE)
    assert said.splitlines()[-1] == "1"


@with_redis_cli
def test_who_signs_up_again_is_mailed_and_an_old_list_is_sent_with_care(daemon: Daemon, tmp_path: Path) -> None:
    """A suppression is lifted by the entry; nobody has been on the list for so long; a path says imported."""
    path = daemon.return_path(ALICE)
    daemon.send(path, unknown_user(ALICE, path))
    assert state_of(daemon, ALICE) == "suppressed"
    own = {"redis-cli": f"redis-cli -u {daemon._url}"}
    entry, *rest = lines(YEARS, "sh", own).splitlines()
    with Redis.from_url(daemon._url, decode_responses=True) as redis:
        stream: Any = "bounced:{main}:events"
        last = redis.xinfo_stream(stream)["last-generated-id"]
        run(tmp_path, entry)
        told: Any = redis.xread({stream: last}, block=10_000)
    assert told[0][1][0][1]["type"] == "subscribed"
    assert state_of(daemon, ALICE) == "active"
    looked, encoded, campaigns = rest
    run(tmp_path, looked, expected=1)  # nobody is on the list for so long
    made = run(tmp_path, encoded).strip()
    assert "imported" in daemon.command("return-path", "decode", made).stdout
    assert "verdict" in run(tmp_path, campaigns)


def test_while_redis_is_away_451_is_said_and_status_says_no(tmp_path: Path) -> None:
    """And a wrong path is refused as always."""
    cannot_be_reached = 3
    with ExitStack() as redis:
        port = redis.enter_context(redis_server(tmp_path))
        with _serving(Daemon(tmp_path, url=f"redis://127.0.0.1:{port}/0")) as daemon:
            path = daemon.return_path(ALICE)
            redis.close()
            assert daemon.send(path, unknown_user(ALICE, path))[0] == 451
            assert daemon.send("x" + path, b"")[0] == 550
            assert ": NO\n" in run(tmp_path, lines(OUTAGE, "sh"), expected=cannot_be_reached)


def test_with_a_new_key_the_old_paths_are_refused(daemon: Daemon, tmp_path: Path) -> None:
    """And the list stays as it was."""
    old = daemon.return_path(ALICE)
    daemon.send(old, unknown_user(ALICE, old))
    (tmp_path / "keys").mkdir()
    run(tmp_path, lines(LOST, "sh", {"/etc/bounced": str(tmp_path), "chgrp bounced": f"chgrp {os.getgid()}"}))
    text = daemon.config_file.read_text()
    keys = lines(LOST, "toml", {"/etc/bounced": str(tmp_path)})
    daemon.config_file.write_text(text[: text.index("[[lists.main.keys]]")] + keys)
    daemon.send_signal(signal.SIGHUP)
    daemon.wait_for("service.reloaded")
    new = run(tmp_path, f"bounced return-path encode {BOB}").strip()
    assert daemon.send(old, unknown_user(ALICE, old))[0] == 550
    assert daemon.send(new, unknown_user(BOB, new))[0] == 250
    assert [state_of(daemon, each) for each in (ALICE, BOB)] == ["suppressed", "suppressed"]


def test_what_was_exported_is_brought_into_an_empty_redis(tmp_path: Path) -> None:
    """The archive has the configuration and the key; the export who is suppressed."""
    old, new = _folder(tmp_path / "etc/bounced"), _folder(tmp_path / "new")
    *save, bring = lines(
        KEPT, "sh", {"-C /etc": f"-C {tmp_path}/etc", "-czf ": f"-czf {new}/", "> main": f"> {new}/main"}
    ).splitlines()
    with _with_server(old) as daemon:
        path = daemon.return_path(ALICE)
        daemon.send(path, unknown_user(ALICE, path))
        run(old, "\n".join(save))
    run(new, "tar -xzf bounced-etc.tar.gz --strip-components 1 bounced/bounced.toml bounced/a.key")
    with _with_server(new) as daemon:
        assert state_of(daemon, ALICE) == "active"
        run(new, bring)
        assert state_of(daemon, ALICE) == "suppressed"


def _lmtp(port: int) -> str:
    return f'[[listeners]]\nprotocol = "lmtp"\naddress = "127.0.0.1:{port}"\n'


def _transport(domain: str, port: int) -> str:
    return f"transport_maps = inline:{{ {domain}=lmtp:inet:127.0.0.1:{port} }}\n"


def _folder(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


@contextmanager
def _serving(daemon: Daemon) -> Iterator[Daemon]:
    """Run a daemon."""
    try:
        yield daemon.start()
    finally:
        daemon.stop()


@contextmanager
def _with_server(folder: Path, further: str = "") -> Iterator[Daemon]:
    """Run a daemon upon a Redis that has a port."""
    with (
        redis_server(folder) as port,
        _serving(Daemon(folder, url=f"redis://127.0.0.1:{port}/0", further=further)) as daemon,
    ):
        yield daemon


@contextmanager
def _postfix(folder: Path, further: str, example: str) -> Iterator[tuple[Daemon, int]]:
    """Run a daemon, and a Postfix whose mail to carol and dave is refused; give the daemon and Postfix's port."""
    nobody = dict.fromkeys(("carol", "dave"), "550 5.1.1 no such user here")
    with (
        _with_server(folder, further) as daemon,
        listening(nobody) as (hop, _),
        running(POSTFIX_ASKING, _folder(folder / "mta"), NEXT_HOP=hop, EXAMPLE=example) as port,
    ):
        yield daemon, port
