"""SIGHUP: what changes, for whom, and what does not; no connection is dropped."""

import os
import signal
import smtplib
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.daemon import Daemon, send, unknown_user

OWN_RULE = """\
[[rule]]
id = "own.virtual"
pattern = "unknown in virtual mailbox table"
category = "policy"
example = "550 5.1.1 <a@b.example>: Recipient address rejected: User unknown in virtual mailbox table"
source = "a test"
"""


@pytest.fixture(scope="module")
def lasting(lasting_daemons: Callable[..., Daemon]) -> Daemon:
    """Return a running daemon with one worker."""
    return lasting_daemons().start()


@pytest.fixture
def daemon(lasting: Daemon) -> Iterator[Daemon]:
    """Return the module's daemon, which follows its first configuration again at the end."""
    yield lasting
    lasting.write_config()
    _reload(lasting)


def _reload(daemon: Daemon, event: str = "service.reloaded") -> None:
    daemon.send_signal(signal.SIGHUP)
    daemon.wait_for(event)


def _bounce(client: smtplib.SMTP, daemon: Daemon, recipient: str) -> tuple[int, str]:
    path = daemon.return_path(recipient)
    return send(client, path, unknown_user(recipient, path))


def test_rules_change_within_an_open_session(daemon: Daemon) -> None:
    """The next message of a session that was open before is read by the new rules."""
    with daemon.session() as client:
        assert _bounce(client, daemon, "anna@mailbox.example")[0] == 250
        assert daemon.wait_for("report.committed")["category"] == "mailbox_unknown"
        (daemon.folder / "own.toml").write_text(OWN_RULE)
        daemon.write_config('[rules]\nfiles = ["own.toml"]\n')
        _reload(daemon)
        assert _bounce(client, daemon, "bert@mailbox.example")[0] == 250
        assert daemon.wait_for("report.committed")["category"] == "policy"


def test_a_revoked_key_verifies_nothing_from_then_on(daemon: Daemon) -> None:
    """Its return paths are refused in the very session in which they were good; those of the new key are taken."""
    old = daemon.return_path("anna@mailbox.example")
    (daemon.folder / "b.key").touch(mode=0o600)
    (daemon.folder / "b.key").write_text("another secret, long enough")
    with daemon.session() as client:
        assert send(client, old, unknown_user("anna@mailbox.example", old))[0] == 250
        daemon.write_config('status = "revoked"\n[[lists.main.keys]]\nid = "b"\nfile = "b.key"\n')
        _reload(daemon)
        assert send(client, old, unknown_user("anna@mailbox.example", old))[0] == 550
        new = daemon.return_path("bert@mailbox.example")
        assert send(client, new, unknown_user("bert@mailbox.example", new))[0] == 250


def test_limits_hold_for_sessions_that_begin_after_it(daemon: Daemon) -> None:
    """One that began before keeps those that it was promised."""
    with daemon.session() as before:
        daemon.write_config("[limits]\nerrors_per_session = 1\n")
        _reload(daemon)
        for _ in range(3):
            assert before.docmd("NONSENSE")[0] == 500
        with daemon.session() as after:
            assert after.docmd("NONSENSE")[0] == 421
        assert before.noop()[0] == 250


def test_a_renewed_certificate_is_shown_to_who_comes_next(daemons: Callable[..., Daemon], tmp_path: Path) -> None:
    """No restart for a renewal."""
    _issue(tmp_path, "first.example")
    daemon = daemons(further="")
    text = daemon.config_file.read_text().replace(
        "[smtp]\n", '[smtp]\ntls_certificate = "chain.pem"\ntls_key = "key.pem"\n'
    )
    daemon.config_file.write_text(text)
    daemon.start()
    daemon.config_file.write_text(text)
    assert _shown(daemon) == "first.example"
    _issue(tmp_path, "second.example")
    _reload(daemon)
    assert _shown(daemon) == "second.example"


@pytest.mark.parametrize(
    "broken",
    [
        "[smtp\n",
        "[limits]\nidle_s = -1\n",
        '[rules]\nfiles = ["missing.toml"]\n',
        '[rules]\nfiles = ["broken.toml"]\n',
    ],
    ids=["no TOML", "wrong value", "missing file", "broken rules"],
)
def test_a_broken_configuration_changes_nothing_and_is_said(daemon: Daemon, broken: str) -> None:
    """The daemon goes on as it was, in sessions open and new, and the next good one is taken."""
    (daemon.folder / "broken.toml").write_text(OWN_RULE.replace('"policy"', '"no such category"'))
    good = daemon.config_file.read_text()
    with daemon.session() as client:
        daemon.config_file.write_text(good + broken)
        daemon.send_signal(signal.SIGHUP)
        errors = daemon.wait_for("reload.failed")["errors"]
        assert any("bounced.toml" in line or "broken.toml" in line for line in errors)
        daemon.config_file.write_text(good)
        assert _bounce(client, daemon, "anna@mailbox.example")[0] == 250
        with daemon.session() as another:
            assert _bounce(another, daemon, "bert@mailbox.example")[0] == 250
        _reload(daemon)


@pytest.mark.parametrize(
    ("before", "after", "key"),
    [
        ("workers = 1", "workers = 2", "workers"),
        ('data_dir = "data"', 'data_dir = "other"', "redis"),
        ("[lists.main]", "[keep]\nevents_max = 10\n[lists.main]", "keep"),
    ],
)
def test_what_only_a_restart_changes_is_said(daemon: Daemon, before: str, after: str, key: str) -> None:
    """It stays as it was, and the rest is taken on."""
    text = daemon.config_file.read_text()
    assert before in text
    daemon.config_file.write_text(text.replace(before, after))
    daemon.send_signal(signal.SIGHUP)
    daemon.wait_for("configuration.doubted", key=key)
    daemon.wait_for("service.reloaded")


def test_a_reload_does_no_harm_to_a_worker_that_is_just_starting(daemons: Callable[..., Daemon]) -> None:
    """The signal waits until the worker can hear it."""
    daemon = daemons()
    daemon.begin()
    daemon.wait_for("worker.started")
    daemon.send_signal(signal.SIGHUP)
    daemon.wait_for("service.reloaded")
    assert "worker.died" not in {event["event"] for event in daemon.events}


@pytest.mark.parametrize("edit", ["this is no TOML", '[redis]\nurl = "redis://127.0.0.1:1"'])
def test_a_worker_that_is_replaced_takes_nothing_on_that_was_not_reloaded(daemon: Daemon, edit: str) -> None:
    """An editor may have the file open, and what only a restart changes must be the same for all workers."""
    text = daemon.config_file.read_text()
    daemon.config_file.write_text(text.replace('[redis]\nurl = "embedded"', edit))
    started = [event["pid"] for event in daemon.events if event["event"] == "worker.started"]
    os.kill(started[-1], signal.SIGKILL)
    daemon.wait_for("service.started")
    daemon.config_file.write_text(text)
    with daemon.session() as client:
        assert _bounce(client, daemon, "anna@mailbox.example")[0] == 250


def _issue(folder: Path, name: str) -> None:
    """Write a certificate for a name, signed by itself, and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    days = timedelta(days=1)
    builder = x509.CertificateBuilder(
        subject, subject, key.public_key(), x509.random_serial_number(), now - days, now + days
    )
    (folder / "chain.pem").write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").touch(mode=0o600)
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def _shown(daemon: Daemon) -> str:
    """Return the name in the certificate that STARTTLS shows."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with daemon.session() as client:
        client.starttls(context=context)
        assert isinstance(client.sock, ssl.SSLSocket)
        shown = client.sock.getpeercert(binary_form=True)
    assert shown is not None
    (name,) = x509.load_der_x509_certificate(shown).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(name.value)


def test_a_worker_that_is_started_after_a_reload_asks_for_no_file_of_before(daemons: Callable[..., Daemon]) -> None:
    """A key that was rotated out and deleted would keep it from ever starting."""
    daemon = daemons().start()
    (daemon.folder / "a.key").rename(daemon.folder / "b.key")
    daemon.port = 0  # as it was started, lest it has to be started again for another
    daemon.write_config()
    daemon.config_file.write_text(daemon.config_file.read_text().replace("a.key", "b.key"))
    _reload(daemon)
    (started,) = [event["pid"] for event in daemon.events if event["event"] == "worker.started"]
    os.kill(started, signal.SIGKILL)
    daemon.wait_for("service.started")
    assert daemon.stop() == 0
