"""A sender whose key is wrong loses its bounces, and the daemon says so with the likely cause."""

from datetime import UTC, datetime

from bounced.core.return_path import Keyring, ReturnPaths
from tests.support.daemon import unknown_user
from tests.support.misread import Misread

ALICE = "alice@example.org"


def test_a_key_with_its_newline_is_told_at_the_first_bounce(daemons):
    """To the operator; the peer hears what every forger hears."""
    daemon = daemons().start()
    secret = (daemon.folder / "a.key").read_bytes()
    paths = ReturnPaths("main", ("bounce.example.com",), Keyring(Misread("a", secret)))
    path = paths.encode(ALICE, issued=datetime.now(UTC).date())
    assert daemon.send(path, unknown_user(ALICE, path)) == (550, "5.1.1 No such return path")
    told = daemon.wait_for("key.doubted", list="main", reason="tampered", level="warning")
    assert "key a and the newline behind it" in told["text"]
    assert secret.decode() not in str(told)


def test_a_burst_of_paths_of_another_key_is_told(daemons):
    """Nothing proves that a sender of ours made them."""
    daemon = daemons().start()
    paths = ReturnPaths("main", ("bounce.example.com",), Keyring(Misread("a", b"a secret of somebody else")))
    for number in range(5):
        path = paths.encode(f"user{number}@example.org", issued=datetime.now(UTC).date())
        assert daemon.send(path, b"")[0] == 550
    told = daemon.wait_for("key.doubted", list="main", reason="tampered")
    assert "does the sender's key file hold the same as ours" in told["text"]
