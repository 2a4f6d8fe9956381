"""What a sender did wrong is found out from one of its return paths, and a forger's shows nothing."""

from base64 import b64encode
from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256
from hmac import digest

import pytest

from bounced.core.return_path import (
    BadReturnPath,
    Directory,
    Keyring,
    KeyStatus,
    ReturnPaths,
    SigningKey,
    base32,
    likely_cause,
    signed,
)
from bounced.core.return_path.diagnosis import Cause

TODAY = date(2026, 11, 21)
SECRET, OLD = b64encode(bytes(range(32))), b"an old secret, revoked since"
MAIN = ReturnPaths(
    "main", ("bounce.example.com",), Keyring(SigningKey("a", SECRET), SigningKey("o", OLD, KeyStatus.REVOKED))
)
NEWS = ReturnPaths("news", ("news.example.com",), Keyring(SigningKey("n", b"the other list's secret")))
DIRECTORY = Directory((MAIN, NEWS))


def path(
    secret: bytes = SECRET,
    *,
    id_: str = "a",
    list_: str = "main",
    prefix: str = "b-",
    domain: str = "bounce.example.com",
    form: str = "",
) -> str:
    """Return a path as somebody makes it who takes these octets for the secret."""
    day = base32.from_int((TODAY - signed.EPOCH).days, 3)
    covered = f"{form}{list_}\0{id_}\0{day}\0a\0nov\0alice@example.org"
    mac = base32.leading(digest(secret, covered.encode(), "sha256"), 13)
    masked = base32.ALPHABET[digest(secret, b"profile\0" + mac.encode(), "sha256")[0] >> 3]
    return f"{prefix}{id_}{day}{masked}{mac}=nov=alice=example.org@{domain}"


def cause(forward_path: str) -> Cause | None:
    """Return why a path is refused, which it must be."""
    with pytest.raises(BadReturnPath) as refused:
        DIRECTORY.decode(forward_path, today=TODAY)
    return likely_cause(DIRECTORY, forward_path, refused.value.reason)


def test_a_path_made_rightly_is_accepted() -> None:
    """The paths of these tests are wrong in nothing else."""
    assert DIRECTORY.decode(path(), today=TODAY) == DIRECTORY.decode(
        MAIN.encode("alice@example.org", issued=TODAY, tag="nov"), today=TODAY
    )


@pytest.mark.parametrize(
    ("forward_path", "words"),
    [
        (path(SECRET + b"\n"), "newline behind it"),
        (path(SECRET + b"\r\n"), "CRLF behind it"),
        (path(SECRET + b" "), "blank behind it"),
        (path(b" " + SECRET), "blank before it"),
        (path(b"\xef\xbb\xbf" + SECRET), "byte order mark before it"),
        (path(bytes(range(32))), "decoded from base64"),
        (path(id_="q"), "the secret of key a under the id q"),
        (path(OLD, id_="o"), "key o, which is revoked"),
        (path(list_="news"), "for list 'news'"),
        (path(list_=""), "for list ''"),
        (path(b"the other list's secret", id_="n"), "with a key of list news"),
        (path(prefix="bounce-"), "begins with 'bounce-' instead of 'b-'"),
        (path(prefix=""), "begins with '' instead of 'b-'"),
        (path(domain="bounces.example.org"), "no bounce domain in the configuration"),
        (path(SECRET + b"\n", list_="news", prefix="x."), "newline behind it"),
        (path(SECRET + b"\n", prefix="u-", form="unsubscribe\0"), "newline behind it"),
        (path(list_="news", prefix="u-", form="unsubscribe\0"), "for list 'news'"),
    ],
)
def test_what_a_holder_of_a_key_did_wrong_is_proven(forward_path: str, words: str) -> None:
    """By the signature: nobody else could have made it."""
    found = cause(forward_path)
    assert found is not None
    assert (words in found.text, found.proven) == (True, True)


@pytest.mark.parametrize(
    ("forward_path", "words"),
    [
        (path(b"a secret of somebody else"), "another secret"),
        (path().replace("alice", "alicf"), "another secret"),
        (path(b"a secret of somebody else", id_="q"), "list main has not (it has a o)"),
        (path(prefix="u-"), "another secret"),
        (path(form="unsubscribe\0"), "another secret"),
    ],
)
def test_what_anybody_can_have_made_is_a_suspicion(forward_path: str, words: str) -> None:
    """It says what to compare, and is no proof."""
    found = cause(forward_path)
    assert found is not None
    assert (words in found.text, found.proven, found.list) == (True, False, "main")


@pytest.mark.parametrize(
    "forward_path", ["info@bounce.example.com", "alice@example.org", "b-x@bounce.example.com", "x"]
)
def test_what_does_not_look_like_ours_is_nobodys_mistake(forward_path: str) -> None:
    """Spammers try many."""
    assert cause(forward_path) is None


def test_no_secret_is_told() -> None:
    """The log is read by more people than the key."""
    for made in (path(SECRET + b"\n"), path(id_="q"), path(b"x" * 20)):
        found = cause(made)
        assert found is not None
        assert SECRET.decode() not in found.text
        assert sha256(SECRET).hexdigest() not in found.text


def test_the_work_is_bounded_however_many_keys_there_are() -> None:
    """With two hundred lists no more signatures are tried than with one."""
    lists = tuple(
        replace(
            NEWS,
            list=f"list-{n}",
            domains=(f"d{n}.example",),
            keyring=Keyring(SigningKey("a", b"secret of list %d......" % n)),
        )
        for n in range(1, 200)
    )
    directory = Directory((MAIN, *lists))
    with pytest.raises(BadReturnPath) as refused:
        directory.decode(path(b"a secret of somebody else"), today=TODAY + timedelta(days=1))
    assert likely_cause(directory, path(b"a secret of somebody else"), refused.value.reason) is not None
