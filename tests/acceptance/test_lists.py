"""Several lists in one daemon: sharing, keyed hashes, unsigned schemes; and stored mail by the same path."""

import json
import mailbox
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path

import pytest
from redis import Redis

from bounced.client import Client, Keyspace
from bounced.demo.scenes import Scene
from tests.support.daemon import unknown_user

PEPPER = "an example pepper, long enough"
FURTHER = """
[lists.news]
domains = ["news.example.com"]
keys = [{ id = "n", file = "a.key" }]
shares_hard_with = ["brand"]

[lists.brand]
domains = ["brand.example.com"]
keys = [{ id = "b", file = "a.key" }]

[lists.newsletter]
domains = ["letters.example.com"]
keys = [{ id = "l", file = "a.key" }]
shares_hard_with = ["transactional"]

[lists.transactional]
domains = ["service.example.com"]
keys = [{ id = "t", file = "a.key" }]
shares_hard_with = ["newsletter"]

[lists.hashed]
domains = ["hashed.example.com"]
keys = [{ id = "h", file = "a.key" }]
address_form = "hmac"
pepper_file = "pepper"

[lists.old]
domains = ["old.example.com"]
keys = [{ id = "o", file = "a.key" }]
patterns = ["bounces+{local}={domain}"]
trust_unsigned = true

[lists.wary]
domains = ["wary.example.com"]
keys = [{ id = "w", file = "a.key" }]
patterns = ["bounces+{local}={domain}"]
"""


@pytest.fixture(scope="module")
def daemon(lasting_daemons):
    """Return a running daemon of eight lists."""
    daemon = lasting_daemons(further=FURTHER)
    (daemon.folder / "pepper").touch(mode=0o600)
    (daemon.folder / "pepper").write_text(PEPPER)
    return daemon.start()


@pytest.fixture
def redis(daemon):
    """Return a look inside."""
    with Redis(unix_socket_path=f"{daemon.folder}/data/server.sock", decode_responses=True) as redis:
        yield redis


def bounce(daemon, path, recipient):
    """Send a bounce and return the reply's code."""
    return daemon.send(path, unknown_user(recipient, path))[0]


def test_a_list_of_keyed_hashes_holds_no_address(daemon, redis):
    """And the client that knows the pepper is answered as ever."""
    assert bounce(daemon, daemon.return_path("alice@example.org", list_="hashed"), "alice@example.org") == 250
    held = {}
    for key in redis.scan_iter("bounced:{hashed}:*"):
        kind = redis.type(key)
        read = {"hash": redis.hgetall, "set": redis.smembers, "list": lambda k: redis.lrange(k, 0, -1)}.get(kind)
        held[key] = str(read(key) if read else redis.xrange(key) if kind == "stream" else redis.zrange(key, 0, -1))
    assert held
    assert not [key for key, text in held.items() if "alice" in key + text]
    keys = Keyspace(list_="hashed", pepper=PEPPER.encode())
    assert Client(redis, keys=keys).is_suppressed("alice@example.org")


def test_an_unsigned_scheme_suppresses_only_where_it_is_trusted(daemon, redis):
    """Anybody can forge it."""
    for list_ in ("old", "wary"):
        path = f"bounces+bob=example.org@{list_}.example.com"
        assert bounce(daemon, path, "bob@example.org") == 250
    assert redis.sismember("bounced:{old}:suppressed", "bob@example.org")
    assert not redis.exists("bounced:{wary}:address:bob@example.org")
    [event] = [fields for _, fields in redis.xrange("bounced:{wary}:events")]
    assert (event["address"], event["reason"]) == ("bob@example.org", "untrusted")


def test_hard_verdicts_are_shared_with_the_lists_named_and_no_others(daemon, redis):
    """An address that is bad by itself is bad for every brand."""
    assert bounce(daemon, daemon.return_path("carol@example.org", list_="news"), "carol@example.org") == 250
    assert redis.sismember("bounced:{news}:suppressed", "carol@example.org")
    assert redis.sismember("bounced:{brand}:suppressed", "carol@example.org")
    assert not redis.exists("bounced:{main}:address:carol@example.org")


LEAVE = b"From: %s\r\nTo: %s\r\nSubject: unsubscribe\r\nMessage-ID: <leave@example.org>\r\n\r\n"


def test_who_leaves_the_newsletter_still_gets_the_password_reset(daemon, redis):
    """One list a stream: what a person says of one stream stays there, what is true of the address is shared."""
    fred, gina = "fred@example.org", "gina@example.org"
    news = daemon.return_path(fred, list_="newsletter")
    with daemon.session() as client:
        client.mail(fred)
        client.rcpt(news)
        assert client.data(LEAVE % (fred.encode(), news.encode()))[0] == 250
    assert redis.hget(f"bounced:{{newsletter}}:address:{fred}", "category") == "unsubscribed"
    reset = Client(redis, keys=Keyspace(list_="transactional"))
    assert not reset.is_suppressed(fred)
    assert bounce(daemon, daemon.return_path(gina, list_="newsletter"), gina) == 250
    assert reset.is_suppressed(gina)
    assert redis.hget(f"bounced:{{transactional}}:address:{gina}", "shared_from") == "newsletter"
    assert "list newsletter" in daemon.command("lookup", gina, "--list", "transactional").stdout


def test_a_complaint_that_names_nobody_is_counted_and_not_kept_beside_a_list_without_addresses(daemon, redis):
    """By its provider, and shown by the command; one list of this daemon holds keyed hashes."""
    content = Scene("complaint", "jane@gmail.com").content("b-forged@elsewhere.example")
    assert daemon.send("fbl@letters.example.com", content)[0] == 250
    told = daemon.command("complaints", "--list", "newsletter", "--json").stdout.splitlines()
    (provider,) = map(json.loads, told)
    assert (provider["provider"], provider["attributed"], provider["unattributed"]) == ("google", 0, 1)
    assert not redis.exists("bounced:{newsletter}:complaints")


@pytest.mark.parametrize(("name", "complains"), [("hugo", False), ("iris", True)])
def test_a_subscription_lifts_the_shared_verdict_where_it_says_so(daemon, redis, name, complains):
    """And leaves what a person said in the other list."""
    address = f"{name}@example.org"
    assert bounce(daemon, daemon.return_path(address, list_="newsletter"), address) == 250
    if complains:
        Client(redis, keys=Keyspace(list_="transactional")).report_complained(address)
        wait_for(redis, "transactional", "complained", address)
    Client(redis, keys=Keyspace(list_="newsletter")).report_subscribed(address, shared=True)
    wait_for(redis, "newsletter", "subscribed", address)
    assert not redis.sismember("bounced:{newsletter}:suppressed", address)
    assert redis.sismember("bounced:{transactional}:suppressed", address) == complains


def wait_for(redis, list_, type_, address):
    """Return when a list has told of such an event."""
    newest, stream = "0", f"bounced:{{{list_}}}:events"
    while True:
        answer = redis.xread({stream: newest}, block=10_000)
        assert answer, f"no {type_} within ten seconds"
        [(_, entries)] = answer
        if any((fields["type"], fields.get("address")) == (type_, address) for _, fields in entries):
            return
        newest = entries[-1][0]


def test_stored_mail_and_pipes_count_like_smtp(daemon, redis, tmp_path):
    """Maildir, mbox and standard input, each once, however often."""
    stored = {name: f"{name}@example.org" for name in ("maildir", "mbox", "pipe")}
    paths = {name: daemon.return_path(address) for name, address in stored.items()}
    content = {name: unknown_user(stored[name], paths[name]) for name in stored}
    mailbox.Maildir(tmp_path / "Maildir").add(message_from_bytes(content["maildir"]))
    box = mailbox.mbox(tmp_path / "box")
    box.add(message_from_bytes(content["mbox"]))
    box.close()
    for expected in ("committed", "duplicate"):
        told = daemon.command("ingest", str(tmp_path / "Maildir"), str(tmp_path / "box"), "--json")
        assert [json.loads(line)["outcome"] for line in told.stdout.splitlines()] == [expected] * 2
    for _ in range(2):
        assert pipe(daemon.config_file, paths["pipe"], content["pipe"]) == 0
    assert pipe(daemon.config_file, "b-forged@bounce.example.com", content["pipe"]) == 67
    assert redis.smembers("bounced:{main}:suppressed") == set(stored.values())


def test_a_pipe_takes_a_bounce_that_is_dated_before_the_mail_and_puts_off_what_is_in_doubt(daemon):
    """An MTA gives a message up for any exit status but 75."""
    today = datetime.now(UTC)
    path = daemon.return_path("dave@example.org")
    long_ago = Scene("unknown_user", "dave@example.org").content(path, today - timedelta(days=90))
    assert pipe(daemon.config_file, path, long_ago) == 0
    to_come = daemon.return_path("dave@example.org", days_ago=-5)
    assert pipe(daemon.config_file, to_come, long_ago) == 75
    nameless = b"Subject: no recipient here\r\n\r\n"
    assert pipe(daemon.config_file, "", nameless) == 75


def pipe(config: Path, recipient: str, content: bytes) -> int:
    """Hand a message over as an MTA's pipe does and return the exit status."""
    words = ["ingest", "--pipe", "--recipient", recipient, "--config", str(config), "-"]
    return subprocess.run([sys.executable, "-m", "bounced", *words], input=content, check=False).returncode
