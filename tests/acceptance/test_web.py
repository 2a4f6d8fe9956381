"""``bounced web`` as a process: in the hands of a service manager, reloaded, drained, with each listener alone."""

import json
import os
import secrets
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.certificate import write_certificate
from tests.support.daemon import WAIT_S, Daemon, _Log

HAND_OVER = """
import os, sys
for place, descriptor in enumerate(map(int, sys.argv[1].split(","))):
    os.dup2(descriptor, 3 + place)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(sys.argv[1].count(",") + 1)}
os.environ["LISTEN_FDNAMES"] = sys.argv[2]
os.execv(sys.executable, [sys.executable, "-m", "bounced", "web", *sys.argv[3:]])
"""

CONFIGURATION = """
[redis]
url = "{url}"
prefix = "{prefix}"
[web.private]
listen = "127.0.0.1:0"
{private}
[web.public]
listen = "unix:{folder}/public"
{public}
[lists.main]
domains = ["bounce.example.com"]
keys = [{{ id = "a", file = "a.key" }}]
"""


class Application:
    """``bounced web`` in a folder of its own.  ``doors`` is where it listens."""

    def __init__(self, folder: Path, url: str, prefix: str) -> None:
        self.folder = folder
        self._url, self._prefix = url, prefix
        self._process: subprocess.Popen[str] | None = None
        (folder / "a.key").touch(mode=0o600)
        (folder / "a.key").write_text(secrets.token_urlsafe(32))
        self.write()

    @property
    def config(self) -> str:
        """The configuration file."""
        return str(self.folder / "bounced.toml")

    def write(self, private: str = "", public: str = "") -> None:
        """Write the configuration."""
        private += "" if "tokens_file" in private else '\ntokens_file = "tokens.toml"'
        tables = {"private": private, "public": public, "folder": self.folder}
        text = CONFIGURATION.replace('listen = "127.0.0.1:0"\n', "") if "listen" in private else CONFIGURATION
        Path(self.config).write_text(text.format(url=self._url, prefix=self._prefix, **tables))

    def start(self, *words: str, command: tuple[str, ...] = ("-m", "bounced", "web"), **popen: object) -> list[str]:
        """Start, and return where it listens."""
        self._process = subprocess.Popen(
            [sys.executable, *command, *words, "--config", self.config],
            stderr=subprocess.PIPE,
            text=True,
            **popen,  # type: ignore[call-overload]
        )
        assert self._process.stderr is not None
        self._log = _Log(self._process.stderr)
        return [str(door) for door in self.wait_for("service.started")["doors"]]

    def wait_for(self, event: str) -> dict[str, Any]:
        """Read the log until an event comes."""
        for line in self._log.lines(WAIT_S):
            found = json.loads(line) if line.startswith("{") else {"event": line}
            if found["event"] == event:
                return dict(found)
        raise AssertionError(f"ended without {event}")

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self) -> int:
        """End it and return its exit status."""
        if self._process is None:
            return 0
        process, self._process = self._process, None
        process.send_signal(signal.SIGTERM)
        try:
            list(self._log.lines(WAIT_S))
            return process.wait(WAIT_S)
        finally:
            process.kill()

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command with the same configuration."""
        run = [sys.executable, "-m", "bounced", *words, "--config", self.config]
        return subprocess.run(run, capture_output=True, text=True, timeout=WAIT_S, check=False)


@pytest.fixture
def application(tmp_path: Path, redis_url: str, key_prefix: str) -> Iterator[Application]:
    """Return an application that was not started."""
    application = Application(tmp_path, redis_url, key_prefix)
    yield application
    application.stop()


def over_unix(path: Path) -> httpx.Client:
    """Return a client of a Unix socket."""
    return httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://localhost", timeout=WAIT_S)


def test_both_listeners_answer_each_on_its_own_socket(application: Application) -> None:
    """The private one on loopback, the public one on a Unix socket; SIGTERM ends both, with exit status 0."""
    unix, tcp = application.start()
    assert unix == f"unix:{application.folder}/public"
    assert httpx.get(f"http://{tcp}/readyz", timeout=WAIT_S).text == "ready\n"
    with over_unix(application.folder / "public") as client:
        assert client.get("/readyz").status_code == 404
    assert application.stop() == 0


@pytest.mark.parametrize(("option", "scheme"), [("--public", "unix"), ("--private", "127")])
def test_each_listener_runs_alone(application: Application, option: str, scheme: str) -> None:
    """As its own user, in its own unit."""
    (door,) = application.start(option)
    assert door.startswith(scheme)


def test_a_token_works_soon_after_it_was_made_and_a_revoked_one_no_more(application: Application) -> None:
    """Without a signal; whoever follows events with a revoked one is cut off."""
    _, tcp = application.start()
    rights = ("--right", "check", "--right", "read")
    token = application.command("web", "token", "add", "crm", "--list", "main", *rights).stdout.strip()
    assert application.wait_for("access.changed")["tokens"] == 1
    headers = {"authorization": f"Bearer {token}", "accept": "text/event-stream"}
    with httpx.Client(base_url=f"http://{tcp}/api/v1/lists/main", headers=headers, timeout=WAIT_S) as client:
        assert client.post("/check", json={"addresses": ["a@example.org"]}).status_code == 200
        with client.stream("GET", "/events") as followed:
            assert application.command("web", "token", "revoke", "crm").returncode == 0
            assert followed.read().startswith(b"retry:")
        assert client.post("/check", json={"addresses": ["a@example.org"]}).status_code == 401


@pytest.mark.parametrize("mistake", ["bounced", "tokens", "users"])
def test_a_file_with_a_mistake_changes_nothing(application: Application, mistake: str) -> None:
    """The log says what is wrong, and the application goes on."""
    application.write(private='users_file = "users.toml"')
    _, tcp = application.start()
    file = application.folder / f"{mistake}.toml"
    file.touch(mode=0o640)
    file.write_text("[nonsense]\n")
    application.signal(signal.SIGHUP)
    assert "nonsense" in str(application.wait_for("reload.failed")["errors"])
    assert httpx.get(f"http://{tcp}/readyz", timeout=WAIT_S).status_code == 200


@pytest.mark.parametrize("key", ["tokens_file", "users_file", "tls_certificate", "tls_key"])
def test_a_file_that_cannot_be_read_is_named_before_anything_is_answered(application: Application, key: str) -> None:
    """Exit code 2 with the file's name, whichever file it is."""
    write_certificate(application.folder)
    (application.folder / "folder").mkdir()
    files = {"tls_certificate": "mx.pem", "tls_key": "mx.key", "tokens_file": "tokens.toml", key: "folder"}
    application.write(private="\n".join(f'{name} = "{file}"' for name, file in files.items()))
    done = application.command("web")
    assert done.returncode == 2
    assert str(application.folder / "folder") in done.stderr
    assert "Traceback" not in done.stderr


def test_a_sighup_during_the_start_is_a_reload_after_it(application: Application) -> None:
    """It ends nothing.  The configuration is a pipe here, so it is known when the program reads it."""
    file = Path(application.config)
    text = as_pipe(file)
    with ThreadPoolExecutor(1) as feeding:
        fed = feeding.submit(feed, file, text, lambda: application.signal(signal.SIGHUP))
        application.start()
        application.wait_for("service.reloaded")
        fed.result(WAIT_S)


def test_a_sighup_during_the_daemons_start_is_a_reload_after_it(daemons: Callable[..., Daemon], redis_url: str) -> None:
    """As with the application: it ends nothing, and the configuration is read again."""
    daemon = daemons(url=redis_url)
    text = as_pipe(daemon.config_file)
    with ThreadPoolExecutor(1) as feeding:
        fed = feeding.submit(feed, daemon.config_file, text, lambda: daemon.send_signal(signal.SIGHUP))
        daemon.begin()
        daemon.wait_for("configuration.loaded")
        fed.result(WAIT_S)


def as_pipe(file: Path) -> str:
    """Put a pipe in the place of a file and return the file's text."""
    text, pipe = file.read_text(), file.with_name("pipe")
    os.mkfifo(pipe)
    pipe.replace(file)
    return text


def feed(file: Path, text: str, when_asked: Callable[[], None]) -> None:
    """Be a file with this text: as a pipe once, after something was done, and as a file from then on."""
    with file.open("w") as pipe:
        when_asked()
        pipe.write(text)
        file.with_name("file").write_text(text)
        file.with_name("file").replace(file)


def test_a_manager_hands_the_sockets_over_and_hears_what_happens(application: Application) -> None:
    """By their names, in place of the configured ones; READY, RELOADING, STOPPING."""
    private, public = socket.create_server(("127.0.0.1", 0)), socket.create_server(("127.0.0.1", 0))
    heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    heard.bind(str(application.folder / "notify"))
    heard.settimeout(WAIT_S)
    with private, public, heard:
        given = f"{private.fileno()},{public.fileno()}"
        doors = application.start(
            given,
            "web-private:web-public",
            command=("-c", HAND_OVER),
            env={**os.environ, "NOTIFY_SOCKET": str(application.folder / "notify")},
            pass_fds=[private.fileno(), public.fileno()],
        )
        ports = {f"127.0.0.1:{each.getsockname()[1]}" for each in (private, public)}
        assert set(doors) == ports
        assert heard.recv(100) == b"READY=1"
        application.signal(signal.SIGHUP)
        assert heard.recv(100).startswith(b"RELOADING=1")
        assert heard.recv(100) == b"READY=1"
        application.signal(signal.SIGTERM)
        assert heard.recv(100) == b"STOPPING=1"


def test_sigterm_ends_streams_and_lets_a_request_come_to_its_end(application: Application) -> None:
    """Whoever follows is not waited for; a request whose body is still under way is answered."""
    token = application.command(
        "web", "token", "add", "a", "--list", "main", "--right", "check", "--right", "read"
    ).stdout
    _, tcp = application.start()
    host, _, port = tcp.rpartition(":")
    head = f"Host: localhost\r\nAuthorization: Bearer {token.strip()}\r\n"
    body = b'{"addresses": ["alice@example.org"]}'
    with (
        socket.create_connection((host, int(port)), WAIT_S) as stream,
        socket.create_connection((host, int(port))) as slow,
    ):
        path = "/api/v1/lists/main/events"
        stream.sendall(f"GET {path} HTTP/1.1\r\n{head}Accept: text/event-stream\r\n\r\n".encode())
        assert b"200 OK" in stream.recv(4096)
        path = "/api/v1/lists/main/check"
        fields = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n"
        slow.sendall(f"POST {path} HTTP/1.1\r\n{head}{fields}\r\n".encode())
        assert b"100 Continue" in slow.recv(4096)
        application.signal(signal.SIGTERM)
        while stream.recv(4096):
            pass
        slow.sendall(body)
        answer = b"".join(iter(lambda: slow.recv(4096), b""))
    assert b"200 OK" in answer
    assert b'"checked":1' in answer
    assert application.stop() == 0


def test_whoever_has_just_come_when_it_stops_is_answered(application: Application) -> None:
    """A request is a way behind its connection; the connection of somebody who was answered already is closed."""
    _, tcp = application.start()
    host, _, port = tcp.rpartition(":")
    ask = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with (
        socket.create_connection((host, int(port)), WAIT_S) as new,
        socket.create_connection((host, int(port)), WAIT_S) as idle,
    ):
        idle.sendall(ask)
        assert b"200 OK" in idle.recv(4096)
        application.signal(signal.SIGTERM)
        while idle.recv(4096):
            pass
        new.sendall(ask)
        assert b"200 OK" in b"".join(iter(lambda: new.recv(4096), b""))
    assert application.stop() == 0


def test_people_sign_in_soon_and_a_restart_signs_them_out(application: Application) -> None:
    """The user is made beside the running process, whose log has neither password nor cookie."""
    password = "a password that is long enough"
    application.write(private='users_file = "users.toml"')
    _, tcp = application.start()
    run = [sys.executable, "-m", "bounced", "web", "user", "add", "alice", "--config", application.config]
    subprocess.run(run, input=password, text=True, capture_output=True, timeout=WAIT_S, check=True)
    assert application.wait_for("access.changed")["users"] == 1
    with httpx.Client(base_url=f"http://{tcp}", timeout=WAIT_S) as browser:
        form = browser.get("/sign-in").text.partition('name="form" value="')[2].partition('"')[0]
        browser.post("/sign-in", data={"form": form, "name": "alice", "password": password})
        assert "<strong>alice</strong>" in browser.get("/").text
        said = application.wait_for("person.signed_in")
        assert (said["person"], said["door"]) == ("alice", "password")
        assert password not in str(said)
        assert application.stop() == 0
        _, tcp = application.start()
        again = httpx.get(f"http://{tcp}/", cookies={"bounced": browser.cookies["bounced"]}, timeout=WAIT_S)
        assert again.status_code == 303


def test_a_certificate_is_replaced_by_sighup(application: Application) -> None:
    """New connections see the new one."""
    write_certificate(application.folder, "first.example.com")
    application.write(private='tls_certificate = "mx.pem"\ntls_key = "mx.key"')
    _, tcp = application.start()
    host, _, port = tcp.rpartition(":")

    def served() -> bytes:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        plain = socket.create_connection((host, int(port)), WAIT_S)
        with plain, context.wrap_socket(plain) as encrypted:
            return encrypted.getpeercert(binary_form=True) or b""

    first = served()
    write_certificate(application.folder, "second.example.com")
    application.signal(signal.SIGHUP)
    application.wait_for("service.reloaded")
    assert b"first.example.com" in first
    assert b"second.example.com" in served()


@pytest.mark.parametrize(
    ("private", "public", "complaints"),
    [
        (
            'listen = "0.0.0.0:9027"',
            "",
            [
                "web.private.hosts must name the hosts that other machines may ask for, got none",
                "web.private.listen must be a loopback address or a Unix socket, or web.private.allow_remote be true",
            ],
        ),
        (
            'tls_certificate = "mx.pem"',
            'base_url = "http://x"',
            ["web.public.base_url", "web.private.tls_key", "web.private.tls_certificate"],
        ),
        ('listen = "unix:FOLDER/public"', "", ["web.private.listen must be free (web.public.listen listens there)"]),
        ("", 'redis_password_file = "none"', ["web.public.redis_username", "web.public.redis_password_file"]),
    ],
)
def test_all_mistakes_are_told_at_once(
    application: Application, private: str, public: str, complaints: list[str]
) -> None:
    """With exit status 2, and nothing listens."""
    application.write(private=private.replace("FOLDER", str(application.folder)), public=public)
    done = application.command("web")
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert len(lines) == len(complaints)
    for line, complaint in zip(lines, complaints, strict=True):
        assert complaint in line


def test_tokens_are_made_shown_and_revoked(application: Application) -> None:
    """The secret is printed once; the file has its hash, and a mode that only its group may read."""
    made = application.command(
        "web", "token", "add", "crm", "--list", "main", "--right", "check", "--rate", "7", "--json"
    )
    secret = json.loads(made.stdout)["token"]
    file = application.folder / "tokens.toml"
    assert (file.stat().st_mode & 0o777, secret in file.read_text()) == (0o640, False)
    (shown,) = map(json.loads, application.command("web", "token", "list", "--json").stdout.splitlines())
    assert (shown["name"], shown["lists"], shown["rights"], shown["rate"]) == ("crm", ["main"], ["check"], 7)
    again = application.command("web", "token", "add", "crm", "--list", "main", "--right", "check")
    assert (again.returncode, "there is a token 'crm'" in again.stderr) == (2, True)
    nowhere = application.command("web", "token", "add", "b", "--list", "nowhere", "--right", "check")
    assert (nowhere.returncode, "no list 'nowhere'" in nowhere.stderr) == (2, True)
    assert application.command("web", "token", "revoke", "crm").returncode == 0
    assert application.command("web", "token", "revoke", "crm").returncode == 1
    assert application.command("web", "token", "list", "--json").stdout == ""


def test_what_is_reported_over_http_the_daemon_commits(
    application: Application, tmp_path_factory: pytest.TempPathFactory, redis_url: str, key_prefix: str
) -> None:
    """Two processes that share Redis and nothing else: a report, its event in the stream, and then the check."""
    application.write(private="writes = true")
    rights = [word for right in ("check", "read", "report") for word in ("--right", right)]
    token = application.command("web", "token", "add", "crm", "--list", "main", *rights).stdout.strip()
    _, tcp = application.start()
    daemon = Daemon(tmp_path_factory.mktemp("daemon"), url=redis_url, prefix=key_prefix).start()
    headers = {"authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"http://{tcp}/api/v1/lists/main", timeout=WAIT_S, headers=headers) as client:
        asked = {"accept": "text/event-stream"}
        with client.stream("GET", "/events?type=transition", headers=asked) as stream:
            entry = {
                "type": "rejected",
                "address": "alice@example.org",
                "reply": "550 5.1.1 no such user",
                "stage": "rcpt",
            }
            assert client.post("/report", json={"entries": [entry]}).status_code == 200
            told = next(line for line in stream.iter_lines() if line.startswith("data: "))
        event = json.loads(told.removeprefix("data: "))
        assert (event["address"], event["after"], event["origin"]) == ("alice@example.org", "suppressed", "intake")
        assert client.post("/check", json={"addresses": ["alice@example.org"]}).json()["suppressed"]
        why = client.post("/lookup", json={"address": "alice@example.org"}).json()
        assert (why["category"], why["class"]) == ("mailbox_unknown", "hard")
    assert daemon.stop() == 0


def test_one_click_unsubscribes_and_lookup_says_so(
    application: Application, tmp_path_factory: pytest.TempPathFactory, redis_url: str, key_prefix: str
) -> None:
    """As a mailbox provider does it: the URL of the header field, one POST, and a daemon that commits it."""
    application.write(private="writes = true", public='base_url = "https://mail.example.com"')
    rights = [word for right in ("read", "report") for word in ("--right", right)]
    token = application.command("web", "token", "add", "crm", "--list", "main", *rights).stdout.strip()
    _, tcp = application.start()
    daemon = Daemon(tmp_path_factory.mktemp("daemon"), url=redis_url, prefix=key_prefix).start()
    headers = {"authorization": f"Bearer {token}"}
    with (
        httpx.Client(base_url=f"http://{tcp}/api/v1/lists/main", timeout=WAIT_S, headers=headers) as client,
        httpx.Client(transport=httpx.HTTPTransport(uds=f"{application.folder}/public"), timeout=WAIT_S) as provider,
    ):
        asked = {"accept": "text/event-stream"}
        with client.stream("GET", "/events?type=transition", headers=asked) as stream:
            fields = client.post("/return-path", json={"address": "alice@example.org"}).json()["headers"]
            path = fields["List-Unsubscribe"].partition("https://mail.example.com")[2].partition(">")[0]
            form = {"List-Unsubscribe": "One-Click"}
            assert provider.post(f"http://localhost{path}", data=form).status_code == 200
            next(line for line in stream.iter_lines() if line.startswith("data: "))
    told = json.loads(application.command("lookup", "alice@example.org", "--json").stdout)
    assert (told["state"], told["category"]) == ("suppressed", "unsubscribed")
    assert daemon.stop() == 0
