"""Several keys verify, one signs, a revoked one does nothing."""

import hmac
import json
import re
from datetime import date
from pathlib import Path

import pytest

from bounced.core.return_path import BadReturnPath, Directory, Keyring, KeyStatus, Reason, ReturnPaths, SigningKey
from bounced.core.terms import ReturnPath

VECTORS = json.loads((Path(__file__).parents[3] / "tests/vectors/return_paths.json").read_text())
SECRET = b"a secret of some length"
TODAY = date(2026, 11, 21)


def paths(*keys: SigningKey) -> ReturnPaths:
    """Return a list with these keys."""
    return ReturnPaths("main", ("bounce.example.com",), Keyring(*keys))


OLD_PATH = paths(SigningKey("a", SECRET)).encode("alice@example.org", issued=TODAY)


@pytest.mark.parametrize("id_", ["", "A", "1", "ab", "-", "é"])
def test_a_key_is_named_by_one_base32_character(id_: str) -> None:
    """More does not fit HEAD."""
    with pytest.raises(ValueError, match="one character of a-z2-7"):
        SigningKey(id_, SECRET)


def test_a_short_secret_is_refused() -> None:
    """It could be guessed offline by anybody who has one return path."""
    with pytest.raises(ValueError, match="key a: a secret has at least 16 octets, got 15"):
        SigningKey("a", b"fifteen octets.")


@pytest.mark.parametrize("vector", VECTORS["keys"], ids=lambda vector: vector["note"])
def test_a_key_is_the_same_however_it_was_read(vector: dict[str, str | None], tmp_path: Path) -> None:
    """From a file, from octets; what is no good key is an error, from a file one that names it."""
    octets = bytes.fromhex(vector["file_hex"] or "")
    file = tmp_path / "a.key"
    file.write_bytes(octets)
    if vector["secret_hex"] is None:
        with pytest.raises(ValueError, match="key a: a secret"):
            SigningKey("a", octets)
        with pytest.raises(ValueError, match=rf"^{re.escape(str(file))}: key a: a secret"):
            SigningKey.from_file("a", file)
    else:
        wanted = bytes.fromhex(vector["secret_hex"])
        for key in (SigningKey("a", octets), SigningKey.from_file("a", file), SigningKey.from_file("a", str(file))):
            assert key.secret == wanted
            assert key.hmac(b"x") == hmac.digest(wanted, b"x", "sha256")


def test_a_key_from_the_environment_is_the_same() -> None:
    """A shell's `export KEY="$(cat file)"` drops one newline, others drop none."""
    assert SigningKey.from_text("a", "\ufeff a secret of some length\r\n") == SigningKey("a", SECRET)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """As the system says it."""
    with pytest.raises(OSError, match=r"missing\.key"):
        SigningKey.from_file("a", tmp_path / "missing.key")


def test_a_secret_is_never_shown() -> None:
    """A key may be logged."""
    assert "secret" not in repr(SigningKey("a", SECRET))


@pytest.mark.parametrize("length", [16, 63, 64, 65, 200])
def test_a_key_computes_what_the_standard_library_does(length: int) -> None:
    """Below, at and beyond the block of SHA-256, twice with one key."""
    secret = bytes(range(length))
    key = SigningKey("a", secret)
    for message in (b"", b"a message"):
        assert key.hmac(message) == hmac.digest(secret, message, "sha256")


@pytest.mark.parametrize("statuses", [(), (KeyStatus.VERIFY,), (KeyStatus.SIGNING, KeyStatus.SIGNING)])
def test_exactly_one_key_signs(statuses: tuple[KeyStatus, ...]) -> None:
    """Neither none nor two."""
    with pytest.raises(ValueError, match="exactly one key signs"):
        Keyring(*(SigningKey(id_, SECRET, status) for id_, status in zip("ab", statuses, strict=False)))


def test_two_keys_of_one_id_are_refused() -> None:
    """The id is all that a return path says of its key."""
    with pytest.raises(ValueError, match="share one id"):
        Keyring(SigningKey("a", SECRET), SigningKey("a", SECRET, KeyStatus.VERIFY))


def test_an_old_key_still_verifies_after_rotation() -> None:
    """Bounces come back for weeks."""
    rotated = paths(SigningKey("a", SECRET, KeyStatus.VERIFY), SigningKey("b", b"another secret, newer"))
    decoded = Directory((rotated,)).decode(OLD_PATH, today=TODAY)
    assert isinstance(decoded, ReturnPath)
    assert decoded.recipient == "alice@example.org"
    assert rotated.encode("alice@example.org", issued=TODAY).startswith("b-b")


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ((SigningKey("a", SECRET, KeyStatus.REVOKED), SigningKey("b", SECRET)), Reason.REVOKED_KEY),
        ((SigningKey("b", SECRET),), Reason.UNKNOWN_KEY),
        ((SigningKey("a", b"another secret altogether"),), Reason.TAMPERED),
    ],
)
def test_a_revoked_a_forgotten_and_a_replaced_key_verify_nothing(keys: tuple[SigningKey, ...], reason: Reason) -> None:
    """Each has its own reason in the log."""
    with pytest.raises(BadReturnPath) as refused:
        Directory((paths(*keys),)).decode(OLD_PATH, today=TODAY)
    assert refused.value.reason is reason
