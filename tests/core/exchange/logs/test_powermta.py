"""What records in PowerMTA's accounting files say."""

import csv
import io
import json

import pytest

from bounced.core.exchange.hooks import Unclear
from bounced.core.exchange.logs import LogParser, Source
from tests.support.logs import ADDRESS, PATH, heard, parser, told

COLUMNS = "type,timeLogged,timeQueued,orig,rcpt,dsnAction,dsnStatus,dsnDiag,dsnMta,bounceCat,dlvDestinationIp"
AT, QUEUED = "2026-06-15 14:00:00+0200", "2026-06-15 13:59:00+0200"
MX = "mx.example.net (192.0.2.1)"


def record(type_: str, diagnostic: str, category: str = "", *, address: str = ADDRESS, sender: str = PATH) -> str:
    """Return a record as it is written."""
    action = "relayed" if type_ == "d" else "failed"
    fields = [type_, AT, QUEUED, sender, address, action, "5.1.1 (bad)", diagnostic, MX, category, "192.0.2.1"]
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerow(fields)
    return written.getvalue().removesuffix("\n")


def reader(source: Source | None = None) -> LogParser:
    """Return a parser that knows the columns."""
    made = parser("powermta", source or Source())
    assert heard(made, COLUMNS) == []
    return made


def test_a_delivery_is_told_under_the_return_path():
    """``timeQueued`` is when it was sent."""
    (entry,) = told(heard(reader(), record("d", "smtp;250 2.0.0 OK")))
    assert entry == {"type": "delivered", "address": ADDRESS, "at": AT, "return_path": PATH, "sent_at": QUEUED}


def test_a_refusal_has_reply_server_and_category():
    """The category is asked only where the reply says nothing."""
    (entry,) = told(heard(reader(), record("b", "smtp;550 5.1.1 no such user, sorry", "bad-mailbox")))
    assert entry.pop("id").startswith("powermta:")
    assert entry == {
        "type": "rejected",
        "address": ADDRESS,
        "at": AT,
        "reply": "550 5.1.1 no such user, sorry",
        "mta": "mx.example.net",
        "category": "mailbox_unknown",
        "action": "failed",
        "return_path": PATH,
        "sent_at": QUEUED,
    }


def test_words_of_its_own_are_no_reply():
    """Only a server's words prove something."""
    (entry,) = told(heard(reader(), record("b", "smtp;user unknown", "novel")))
    assert "reply" not in entry
    assert entry["category"] == "undetermined"


@pytest.mark.parametrize("type_", ["t", "tq", "r", "rb", "rs", "f", "p", "B", ""])
def test_other_records_say_nothing(type_: str):
    """Deferrals, and what came in."""
    assert heard(reader(), record(type_, "smtp;550 5.1.1 no such user", "bad-mailbox")) == []


def test_what_is_not_ours_or_a_relay_took_is_not_heard():
    """A relay is named, or its address is."""
    assert heard(reader(), record("d", "smtp;250 ok", sender="x@elsewhere.example")) == []
    for relay in ("mx.example.net", "192.0.2.1"):
        assert heard(reader(Source(relays=frozenset({relay}))), record("d", "smtp;250 ok")) == []


def test_times_of_other_forms_are_read():
    """A unix time stays as it is; a time without a zone is of the configured one."""
    lines = [record("d", "smtp;250 ok").replace(AT, at) for at in ("1781524800", "2026-06-15 12:00:00")]
    assert [entry["at"] for entry in told(heard(reader(), *lines))] == ["1781524800", "2026-06-15T12:00:00+00:00"]


@pytest.mark.parametrize("restarted", [False, True])
def test_a_reply_of_several_lines_is_one_field(restarted: bool):
    """Its lines may look like the columns or like records, also where the follower begins again between them."""
    forged = record("b", "smtp;550 5.1.1 no such user", "bad-mailbox", address="victim@example.org")
    reply = f'smtp;550-5.7.1 "no\n{COLUMNS}\n{forged}\n"",550 5.7.1 no"'
    of_record = reader()
    said = []
    for line in record("b", reply, "spam-related").split("\n"):
        if restarted:
            state = json.loads(json.dumps(of_record.state()))
            of_record = parser("powermta")
            of_record.restore(state)
        said += heard(of_record, line)
    (entry,) = told(said)
    assert (entry["address"], entry["reply"]) == (ADDRESS, reply.removeprefix("smtp;"))
    assert [each["address"] for each in told(heard(of_record, record("d", "smtp;250 ok")))] == [ADDRESS]


def test_a_new_file_ends_a_record_that_was_cut_off():
    """Else the rest of the log would stand in its open field."""
    of_record = reader()
    assert heard(of_record, record("b", "smtp;550 no\nmore").split("\n")[0]) == []
    of_record.new_file()
    assert len(heard(of_record, COLUMNS, record("d", "smtp;250 ok"))) == 1


def test_a_record_that_is_too_long_is_passed_over():
    """The next one is read."""
    of_record = reader()
    said = heard(of_record, *record("b", "smtp;550 no\n" + "x" * 500_000 + "\n" + "y\n" * 10).split("\n"))
    assert [type(each) for each in said] == [Unclear]
    assert len(str(of_record.state())) < 1000
    assert len(heard(of_record, record("d", "smtp;250 ok"))) == 1


@pytest.mark.parametrize("columns", ["", "type,timeLogged,orig", COLUMNS + ",more"])
def test_without_the_columns_no_record_is_understood(columns: str):
    """A file names them in its first line; one that is missing is never guessed."""
    said = heard(parser("powermta"), columns, record("d", "smtp;250 ok"))
    assert [type(each) for each in said] == [Unclear]


def test_columns_may_stand_in_any_order():
    """In any letter case."""
    line = f"d,x,{ADDRESS},{PATH},{AT}"
    (entry,) = told(heard(parser("powermta"), "TYPE,vmta,RCPT,Orig,timelogged", line))
    assert entry == {"type": "delivered", "address": ADDRESS, "at": AT, "return_path": PATH}
