"""Settings become the objects that work."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from bounced.config import build, load
from bounced.config.model import Redis
from bounced.core.terms import ReturnPath

Write = Callable[[str], Path]

MAIN = """
[lists.main]
domains = ["bounce.example.com", "bounce.example.net"]
keys = [{ id = "a", file = "a.key" }]
tags = { spring = "Spring sale" }
"""


def test_return_paths_made_from_the_settings_are_read_by_them(write: Write) -> None:
    """With the key of the file, the domain that comes first, and the campaign's name."""
    config = load(write(MAIN))
    paths = build.return_paths("main", config.lists["main"])
    today = date(2026, 5, 4)
    made = paths.encode("alice@example.org", issued=today, tag="spring")
    local_part, _, domain = made.partition("@")
    assert domain == "bounce.example.com"
    read = paths.decode_local_part(local_part, today=today)
    assert isinstance(read, ReturnPath)
    assert (read.recipient, read.tag, read.list) == ("alice@example.org", "Spring sale", "main")


def test_line_ends_after_a_secret_do_not_belong_to_it(write: Write, tmp_path: Path) -> None:
    """Editors add them, and other languages read the file otherwise."""
    config = load(write(MAIN))
    bare = build.keyring(config.lists["main"]).signing.secret
    (tmp_path / "a.key").write_bytes(bare + b"\r\n")
    assert build.keyring(config.lists["main"]).signing.secret == bare


def test_addresses_stand_hashed_in_keys_only_where_asked(write: Write) -> None:
    """A list in plain uses its pepper for those who were erased only."""
    plain = build.keyspace(load(write(MAIN + 'pepper_file = "a.key"')), "main")
    hashed = build.keyspace(load(write(MAIN + 'pepper_file = "a.key"\naddress_form = "hmac"')), "main")
    assert plain.address_id("alice@example.org") == "alice@example.org"
    assert plain.erased_id("alice@example.org") == hashed.address_id("alice@example.org")
    assert len(hashed.address_id("alice@example.org")) == 64


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://localhost:6379/1", "redis://bounced:p%40ss@localhost:6379/1"),
        ("rediss://old:word@[::1]:6380/0", "rediss://bounced:p%40ss@[::1]:6380/0"),
        ("unix:///run/redis.sock?db=1", "unix://bounced:p%40ss@/run/redis.sock?db=1"),
        ("embedded", "embedded"),
    ],
)
def test_the_password_comes_from_its_file(tmp_path: Path, url: str, expected: str) -> None:
    """And goes to the server's client only."""
    (tmp_path / "password").write_text("p@ss\n")
    settings = Redis(url=url, username="bounced", password_file=tmp_path / "password")
    assert build.redis_url(settings) == expected


def test_a_url_without_credentials_stays_as_it_is() -> None:
    """Also one with a password in it."""
    assert build.redis_url(Redis(url="redis://:word@localhost")) == "redis://:word@localhost"


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://user:secret@one.example:6379/2", "redis://one.example:6379/2"),
        ("redis+sentinel://:secret@a:1,b:2/group/0?sentinel_password=other", "redis+sentinel://a:1,b:2/group/0"),
        ("unix:///run/redis.sock?db=3&password=secret", "unix:///run/redis.sock?db=3"),
        ("embedded", "embedded"),
    ],
)
def test_where_a_server_is_holds_no_password(url: str, place: str) -> None:
    """The database does belong to it."""
    assert build.redis_place(Redis(url=url)) == place
