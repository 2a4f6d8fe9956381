"""Mail that is no bounce comes to signed paths of the real daemon and changes nothing; genuine notices are counted.

No word of private mail is kept, except in ``unrecognised``, where an operator looks for bounces that nobody proved.
"""

import re
import smtplib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, count

import pytest
from redis import Redis

from bounced.core.terms import Class, Kind
from tests.no_bounces.genuine import Notice, genuine
from tests.no_bounces.mails import NO_BOUNCES, OUR_SUBJECT, REQUESTS, Mail, mails
from tests.support.daemon import GOOD, Daemon

FAILURES = ("bounce", "delayed")
ENOUGH_GENUINE = 60
LONG_ENOUGH = 12
"""A piece of a mail with fewer letters may stand somewhere by chance."""

KEPT_FOR_THE_OPERATOR = "unrecognised"
GENUINE_BY = {"null": "", "daemon": "MAILER-DAEMON@mx.example.net", "stored": None}
"""The reverse paths of genuine notices; stored mail tells none."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One mail as it was sent, and by which reverse path.  Its recipient, and the domain, are no other delivery's."""

    mail: Mail
    reverse_path: str

    def __str__(self) -> str:
        """Return its name and by which reverse path it came."""
        return f"{self.mail.name} {'by its author' if self.reverse_path else 'by null'}"


@dataclass(frozen=True, slots=True)
class Reported:
    """One genuine notice, how it came, and whose failure it tells; each of another address in another domain."""

    notice: Notice
    way: str
    recipient: str

    def __str__(self) -> str:
        """Return its name and by which reverse path it came."""
        return f"{self.notice.system} by {self.way}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the daemon made of all: the last event about each address, whose state changed, and what it kept and logged.

    ``kept`` is all that stands in Redis and in the log, letters and digits alone; ``raw`` are the messages that are
    kept as they came, for an operator.
    """

    deliveries: list[Delivery]
    reported: list[Reported]
    at: datetime
    events: dict[str, dict[str, str]]
    changed: set[str]
    kept: str
    raw: str

    def of(self, *groups: str) -> Iterator[tuple[Delivery, dict[str, str]]]:
        """Yield what became of the mails of some groups."""
        for delivery in self.deliveries:
            if delivery.mail.group in groups:
                yield delivery, self.events[delivery.mail.recipient]


by_group = pytest.mark.parametrize("group", NO_BOUNCES)
"""Run a test for each group."""


@pytest.fixture(scope="module")
def outcome(lasting_daemons: Callable[..., Daemon]) -> Outcome:
    """Send everything, once, and return what became of it."""
    at = datetime.now(UTC)
    daemon = lasting_daemons().start()
    deliveries, reported = list(_deliveries()), list(_reported())
    with daemon.session() as client:
        for delivery in deliveries:
            mail = delivery.mail
            path = daemon.return_path(mail.recipient)
            _deliver(client, delivery.reverse_path, path, mail.content(path, at))
        kept, raw = _kept(daemon)  # before there are bounces, which say what people quote
        for report in reported:
            _report(client, daemon, report, at)
    assert daemon.command("ingest", str(daemon.folder / "stored")).returncode == 0
    with _redis(daemon) as redis:
        events = {fields["address"]: fields for _, fields in redis.xrange("bounced:{main}:events")}
        changed = {key.rpartition(":")[2] for key in redis.scan_iter("bounced:{main}:address:*")}
    daemon.stop()
    logged = "\n".join(str(value) for event in daemon.events for value in event.values())
    return Outcome(deliveries, reported, at, events, changed, _letters(kept + logged), raw)


@by_group
def test_mail_that_is_no_bounce_changes_no_state(outcome: Outcome, group: str) -> None:
    """Not of the address to whose return path it came."""
    changed = [str(delivery) for delivery, _ in outcome.of(group) if delivery.mail.recipient in outcome.changed]
    assert changed == []


def test_at_most_one_mail_that_is_no_bounce_is_called_one(outcome: Outcome) -> None:
    """By whichever reverse path it came."""
    called = {delivery.mail.name for delivery, event in outcome.of(*NO_BOUNCES) if event["kind"] in FAILURES}
    assert len(called) <= 1, sorted(called)


@by_group
def test_mail_is_called_what_it_is(outcome: Outcome, group: str) -> None:
    """An automatic answer is one in every language, a question of a filter is one, other mail is other."""
    wrong = [
        f"{delivery}: {event['kind']}"
        for delivery, event in outcome.of(group)
        if event["kind"] not in delivery.mail.kinds
    ]
    assert wrong == []


@by_group
def test_no_words_of_private_mail_are_kept(outcome: Outcome, group: str) -> None:
    """What people write, and what programs answer for them, stands in no event, no history and no log."""
    mails = {delivery.mail.name: delivery.mail for delivery, _ in outcome.of(group) if delivery.mail.private}
    found = [
        f"{mail.name}: {piece}"
        for mail in mails.values()
        for piece in _pieces(mail, outcome.at)
        if _letters(piece) in outcome.kept
    ]
    assert found == []


def test_no_mail_is_kept_as_it_came_but_what_may_be_a_bounce(outcome: Outcome) -> None:
    """What nobody proved to be a bounce is kept for an operator; what is known to be another thing is not."""
    wrong = [
        str(delivery)
        for delivery, event in outcome.of(*NO_BOUNCES, REQUESTS)
        if (f"{delivery.mail.recipient.partition('@')[2]}" in outcome.raw) != (event["kind"] == Kind.UNPROVEN)
    ]
    assert wrong == []


@pytest.mark.parametrize("way", GENUINE_BY)
def test_a_genuine_notice_without_a_status_part_is_counted(outcome: Outcome, way: str) -> None:
    """Each is a bounce that names whom its return path was made for, and says why.

    All but blocks, which are the sender's fault, change what is known of the address.
    """
    reported = [report for report in outcome.reported if report.way == way]
    assert len(reported) >= ENOUGH_GENUINE
    wrong = [str(report) for report in reported if not _is_counted(report, outcome)]
    assert wrong == []


def test_who_asks_to_be_taken_off_the_list_is_unsubscribed(outcome: Outcome) -> None:
    """By a click in a mail program, or in the words of one of many languages."""
    ignored = [str(delivery) for delivery, event in outcome.of(REQUESTS) if event.get("category") != "unsubscribed"]
    assert ignored == []


def _deliveries() -> Iterator[Delivery]:
    numbers = count()
    for mail in chain.from_iterable(map(mails, (*NO_BOUNCES, REQUESTS))):
        for is_null in (False, True)[: 1 + mail.may_be_null]:
            own = mail.of(f"alice@d{next(numbers)}.example")
            yield Delivery(own, "" if is_null else own.reverse_path)


def _reported() -> Iterator[Reported]:
    numbers = count()
    for way in GENUINE_BY:
        for notice in genuine():
            yield Reported(notice, way, f"alice@g{next(numbers)}.example")


def _is_counted(report: Reported, outcome: Outcome) -> bool:
    event = outcome.events[report.recipient]
    changes = event["class"] != Class.BLOCK
    named = event["kind"] == Kind.BOUNCE and event["category"] in report.notice.categories
    return named and (report.recipient in outcome.changed) is changes


def _deliver(client: smtplib.SMTP, reverse_path: str, path: str, content: bytes) -> None:
    assert client.mail(reverse_path)[0] == GOOD
    assert client.rcpt(path)[0] == GOOD
    assert client.data(content)[0] == GOOD


def _report(client: smtplib.SMTP, daemon: Daemon, report: Reported, at: datetime) -> None:
    """Send a genuine notice, or store it."""
    path = daemon.return_path(report.recipient)
    content = report.notice.content(report.recipient, path, at)
    reverse_path = GENUINE_BY[report.way]
    if reverse_path is not None:
        _deliver(client, reverse_path, path, content)
        return
    folder = daemon.folder / "stored"
    folder.mkdir(exist_ok=True)
    (folder / f"{report.notice.system}.eml").write_bytes(content)


def _redis(daemon: Daemon) -> Redis:
    path = str(daemon.folder / "data" / "server.sock")
    return Redis(unix_socket_path=path, decode_responses=True, encoding_errors="replace")


def _kept(daemon: Daemon) -> tuple[str, str]:
    """Return all keys and values in Redis, and apart the whole messages that are kept for the operator to read."""
    kept: list[str] = []
    raw: list[str] = []
    with _redis(daemon) as redis:
        for key in redis.scan_iter():
            (raw if KEPT_FOR_THE_OPERATOR in key else kept).extend((key, *map(str, _values(redis, key))))
    return "\n".join(kept), "\n".join(raw)


def _values(redis: Redis, key: str) -> Iterator[object]:
    """Yield all values of a key."""
    kind = redis.type(key)
    if kind == "hash":
        yield from redis.hgetall(key).values()
    elif kind == "list":
        yield from redis.lrange(key, 0, -1)
    elif kind == "set":
        yield from redis.smembers(key)
    elif kind == "zset":
        yield from redis.zrange(key, 0, -1)
    elif kind == "stream":
        yield from (value for _, fields in redis.xrange(key) for value in fields.values())
    else:
        assert kind == "string", kind
        yield redis.get(key)


def _pieces(mail: Mail, at: datetime) -> list[str]:
    """Return the sentences of a mail that are long enough to be its own."""
    sentences = [piece for line in mail.said(at) for piece in re.split(r"[.:;,!?、。,:]\s*", line)]
    return [
        piece
        for piece in sentences
        if piece != OUR_SUBJECT and "@" not in piece and len(_letters(piece)) >= LONG_ENOUGH
    ]


def _letters(text: str) -> str:
    """Return the letters and digits of a text in one case, so that no escape or line end hides what it says."""
    return "".join(filter(str.isalnum, text.casefold()))
