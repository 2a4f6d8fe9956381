"""Unsubscribing by mail: by SMTP and LMTP, to the real daemon, at the address that the client wrote."""

import json
import re
import smtplib
from urllib.parse import unquote

import pytest
from redis import Redis

from bounced.client import Client, Keyspace, MailFields
from bounced.config import build, load
from tests.support.daemon import unknown_user

FURTHER = """
[lists.news]
domains = ["news.example.com"]
token_days = 90
keys = [{ id = "n", file = "a.key" }]

[[listeners]]
protocol = "lmtp"
address = "unix:FOLDER/lmtp"
"""
PLAIN, TOKEN = "alice@example.org", "José@example.org"
STORED = {PLAIN: PLAIN, TOKEN: "josé@example.org"}


@pytest.fixture(scope="module")
def daemon(lasting_daemons):
    """Return a running daemon with an LMTP door."""
    return lasting_daemons(further=FURTHER).start()


@pytest.fixture
def redis(daemon):
    """Return a look inside."""
    with Redis(unix_socket_path=f"{daemon.folder}/data/server.sock", decode_responses=True) as redis:
        redis.delete("bounced:{news}:suppressed", *(f"bounced:{{news}}:address:{stored}" for stored in STORED.values()))
        yield redis


def mailto(daemon, redis, recipient, tag):
    """Return the address in the List-Unsubscribe of a campaign's message to somebody."""
    paths = build.return_paths("news", load(daemon.config_file).lists["news"])
    client = Client(redis, paths, keys=Keyspace(list_="news"), mail_fields=MailFields("https://mail.example.com"))
    (found,) = re.findall(r"<mailto:([^?>]+)", client.headers_for(recipient, tag=tag)["List-Unsubscribe"])
    return unquote(found)


def write(daemon, door, path, content, reverse_path):
    """Send one message by a door and return the code of the reply that decided."""
    lmtp = smtplib.LMTP(f"{daemon.folder}/lmtp") if door == "lmtp" else None
    with lmtp or smtplib.SMTP("127.0.0.1", daemon.port, local_hostname="mail.example.net") as client:
        client.ehlo_or_helo_if_needed()
        client.mail(reverse_path)
        code = client.rcpt(path)[0]
        return client.data(content)[0] if code == 250 else code


@pytest.mark.parametrize("door", ["smtp", "lmtp"])
@pytest.mark.parametrize("recipient", [PLAIN, TOKEN])
def test_who_writes_to_it_is_unsubscribed_and_a_bounce_to_it_changes_nothing(daemon, redis, door, recipient):
    """Both are answered 250; forged addresses are refused like any bad path."""
    path = mailto(daemon, redis, recipient, door)
    assert write(daemon, door, path, unknown_user(recipient, path), "") == 250
    assert not redis.sismember("bounced:{news}:suppressed", STORED[recipient])
    forged = re.sub(r"alice|(?<=u-t)..", lambda found: "bob" if found[0] == "alice" else "zz", path)
    assert write(daemon, door, forged, b"Subject: unsubscribe\r\n\r\n", "alice@example.org") == 550
    assert write(daemon, door, path, b"", "alice@example.org") == 250
    assert redis.sismember("bounced:{news}:suppressed", STORED[recipient])
    state = redis.hgetall(f"bounced:{{news}}:address:{STORED[recipient]}")
    assert (state["category"], state["campaign"], state["origin"]) == ("unsubscribed", door, door)


def test_the_commands_know_it(daemon, redis):
    """It is made and read on the command line, and explained."""
    made = daemon.command("return-path", "encode", PLAIN, "--unsubscribe", "--list", "news").stdout.strip()
    assert made.startswith("u-n")
    read = json.loads(daemon.command("return-path", "decode", made, "--json").stdout)
    assert (read["recipient"], read["unsubscribes"]) == (PLAIN, "yes: who writes to it is unsubscribed")
    token = daemon.command("return-path", "encode", TOKEN, "--unsubscribe", "--list", "news").stdout.strip()
    assert token.startswith("u-t")
    assert daemon.command("return-path", "decode", token).returncode == 0
    letter = daemon.folder / "letter.eml"
    letter.write_text(f"From: {PLAIN}\nTo: {made}\nSubject: Re: News\n\nNo more, please.\n")
    for reverse_path, told in ((PLAIN, "list news, unsubscribes"), ("", "changes nothing")):
        assert told in daemon.command("explain", str(letter), "--reverse-path", reverse_path).stdout
    said = daemon.command("explain", str(letter), "--reverse-path", PLAIN, "--json").stdout
    assert json.loads(said)["unsubscribes"] is True


def test_a_lists_tokens_live_as_long_as_it_says(daemon, redis):
    """The daemon takes them for as long, and remembers a report for longer."""
    path = daemon.command("return-path", "encode", TOKEN, "--list", "news").stdout.strip()
    token = path.removeprefix("b-t").partition("@")[0]
    assert 89 * 86_400 < redis.ttl(f"bounced:{{news}}:token:{token}") <= 90 * 86_400
    assert write(daemon, "smtp", path, unknown_user(TOKEN, path), "") == 250
    assert redis.ttl(f"bounced:{{news}}:seen:{token}") > 99 * 86_400
