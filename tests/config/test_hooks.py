"""Webhooks in the configuration: what contradicts itself is told at once, and before anything is sent."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bounced.config import ConfigError, load_for_deliver, read_configuration

Write = Callable[[str], Path]
Complaints = Callable[[str], list[str]]

LISTS = """
[redis]
url = "redis://127.0.0.1:6379/0"
[lists.main]
domains = ["bounce.example.com"]
keys = [{ id = "a", file = "a.key" }]
[lists.hashed]
domains = ["bounce.example.org"]
keys = [{ id = "a", file = "a.key" }]
address_form = "hmac"
pepper_file = "a.key"
"""


def hook(url: str = "https://crm.example.com/", *more: str, signed: bool = True) -> str:
    """Return the table of a webhook."""
    secret = ('secret_files = ["crm.secret"]',) if signed else ()
    return "\n".join([LISTS, "[[hooks]]", 'name = "crm"', f'url = "{url}"', *secret, *more, ""])


@pytest.mark.parametrize(
    "url",
    [
        "https://crm.example.com/bounced?key=1",
        "https://8.8.8.8/",
        "http://127.0.0.1:9000/",
        "http://localhost/",
        "http://[::1]:9000/",
    ],
)
def test_https_goes_anywhere_public_and_http_to_loopback(complaints: Complaints, url: str) -> None:
    """Nothing has to be named for it."""
    assert complaints(hook(url)) == []


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://crm.example.com/", "https, or allow name its host"),
        ("http://8.8.8.8/", "http to another host"),
        ("https://10.0.0.1/", "no public address"),
        ("https://169.254.169.254/", "no public address"),
        ("https://[::ffff:10.0.0.1]/", "no public address"),
    ],
)
def test_other_targets_have_to_be_named(complaints: Complaints, url: str, why: str) -> None:
    """By host, address or network."""
    (told,) = complaints(hook(url))
    assert told.startswith("hooks[0].url must ")
    assert why in told
    allow = 'allow = ["crm.example.com", "8.8.8.8", "10.0.0.0/8", "169.254.169.254"]'
    assert complaints(hook(url, allow)) == []


@pytest.mark.parametrize(
    "url", ["ftp://a.example/", "https://", "https://user:pass@a.example/", "https://a.example/#b"]
)
def test_what_is_no_url_for_a_webhook_is_refused(complaints: Complaints, url: str) -> None:
    """A login in a URL would stand in every log."""
    (told,) = complaints(hook(url))
    assert told.startswith('hooks[0].url must be an "https://" or "http://" URL')


def test_all_mistakes_are_told_at_once(complaints: Complaints) -> None:
    """Each with its place."""
    text = hook(
        "http://crm.example.com/",
        'lists = ["main", "nobody"]',
        'authorization = "basic"',
        signed=False,
    )
    text += '[[hooks]]\nname = "crm"\nurl = "https://a.example/"\nbody = "listmonk"\ntypes = ["alarm"]\n'
    assert [told.partition(" must ")[0] for told in complaints(text)] == [
        "hooks[0].lists[1]",
        "hooks[0].url",
        "hooks[0].secret_files",
        "hooks[0].authorization_file",
        "hooks[1].name",
        "hooks[1].types",
        "hooks[1].lists",
    ]


def test_a_type_that_no_event_has_is_refused(complaints: Complaints) -> None:
    """The message names those that there are."""
    (told,) = complaints(hook("https://a.example/", 'types = ["transitions"]'))
    assert told.startswith("hooks[0].types[0] must be a type of event: report,")


def test_the_deliverer_reads_its_own_secrets_and_those_of_no_list(write: Write, tmp_path: Path) -> None:
    """It runs as a user who may not read them."""
    (tmp_path / "crm.secret").touch(mode=0o600)
    (tmp_path / "crm.secret").write_text("whsec_" + "QUJD" * 8)
    (tmp_path / "a.key").unlink()
    config = load_for_deliver(read_configuration(write(hook())))
    assert [list_.pepper_file for list_ in config.lists.values()] == [None, None]


@pytest.mark.parametrize(
    ("secret", "mode", "why"),
    [
        ("too short", 0o600, 'begin with "whsec_"'),
        ("whsec_QUJD", 0o600, "hold 24 to 64 octets"),
        ("whsec_" + "QUJD" * 8, 0o644, "not be readable by everybody"),
    ],
)
def test_a_bad_secret_ends_the_start_and_is_not_repeated(
    write: Write, tmp_path: Path, secret: str, mode: int, why: str
) -> None:
    """What it should be is said in its place."""
    (tmp_path / "crm.secret").touch(mode=0o600)
    (tmp_path / "crm.secret").write_text(secret)
    (tmp_path / "crm.secret").chmod(mode)
    with pytest.raises(ConfigError, match=r"hooks\[0\]\.secret_files\[0\]") as refused:
        load_for_deliver(read_configuration(write(hook())))
    assert why in str(refused.value)
    assert secret not in str(refused.value)


def test_without_a_webhook_there_is_nothing_to_deliver(write: Write) -> None:
    """The program says so and ends."""
    with pytest.raises(ConfigError, match="hooks must hold a webhook"):
        load_for_deliver(read_configuration(write(LISTS)))
