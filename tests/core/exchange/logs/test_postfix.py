"""What lines of Postfix say."""

import json

import pytest

from bounced.core.exchange.hooks import Unclear
from bounced.core.exchange.logs import Source
from tests.support.logs import ADDRESS, PATH, heard, parser, postfix, postfix_begins, postfix_ends, told

REMOVED = postfix("qmgr", "4bXyZ12abcz: removed")
AT = "2026-06-15T12:00:00+00:00"
SAID = "host mx.example.net[192.0.2.1] said: "


def said(*lines: str, source: Source | None = None) -> list[dict[str, str]]:
    """Return the entries that lines make, behind the one that tells whose the message is."""
    return told(heard(parser("postfix", source or Source()), postfix_begins(), *lines))


def test_a_delivery_is_told_under_the_return_path():
    """The queue manager has told whose the message is."""
    (entry,) = said(postfix_ends("sent", "250 2.0.0 Ok: queued as 4D2", dsn="2.0.0"))
    assert entry == {"type": "delivered", "address": ADDRESS, "at": AT, "return_path": PATH, "sent_at": AT}


def test_a_refusal_has_reply_server_and_stage():
    """What Postfix adds behind the reply is no part of it."""
    (entry,) = said(postfix_ends("bounced", f"{SAID}550 5.1.1 no such user (in reply to RCPT TO command)"))
    assert entry == {
        "type": "rejected",
        "address": ADDRESS,
        "at": AT,
        "id": f"postfix:mx1/4bXyZ12abcz/{AT}",
        "reply": "550 5.1.1 no such user",
        "mta": "mx.example.net",
        "stage": "RCPT",
        "action": "failed",
        "return_path": PATH,
        "sent_at": AT,
    }


@pytest.mark.parametrize(
    ("text", "stage"),
    [
        (f"{SAID}550 no (in reply to end of DATA command)", "DATA"),
        (f"{SAID}550 no (in reply to DATA command)", "DATA"),
        (f"{SAID}550 no (in reply to MAIL FROM command)", "MAIL"),
        (f"{SAID}550 no (in reply to EHLO command)", "EHLO"),
        ("host mx.example.net[192.0.2.1] refused to talk to me: 554 no", "EHLO"),
        (f"{SAID}550 no (in reply to RCPT TO command) (in reply to end of DATA command)", "DATA"),
        (f"{SAID}550 no", ""),
    ],
)
def test_the_stage_is_what_postfix_says_at_the_end(text: str, stage: str):
    """Whatever a reply looks like."""
    (entry,) = said(postfix_ends("bounced", text))
    assert entry.get("stage", "") == stage


def test_a_line_that_syslog_has_cut_off_is_heard():
    """Its stage is missing then."""
    line = postfix_ends("bounced", f"{SAID}550 5.1.1 no such user (in reply to RCPT TO command)")
    (entry,) = said(line[: line.index("RCPT")])
    assert (entry["address"], entry["mta"], entry.get("stage")) == (ADDRESS, "mx.example.net", None)
    assert entry["reply"].startswith("550 5.1.1 no such user")


def test_a_server_may_have_an_ipv6_address():
    """In the relay and in what it said."""
    relay, text = "mx.example.net[2001:db8::1]:25", "host mx.example.net[2001:db8::1] said: 550 no"
    (entry,) = said(postfix_ends("bounced", text, relay=relay))
    assert (entry["reply"], entry["mta"]) == ("550 no", "mx.example.net")


def test_over_lmtp_a_reply_to_the_message_is_about_one_recipient():
    """(RFC 2033 section 4.2)"""
    text = "host store[private/lmtp] said: 552 5.2.2 full (in reply to end of DATA command)"
    (entry,) = said(postfix_ends("bounced", text, daemon="lmtp", relay="store[private/lmtp]"))
    assert (entry["reply"], entry["mta"], entry.get("stage")) == ("552 5.2.2 full", "store", None)


def test_what_postfix_says_itself_has_no_server():
    """The status stands before it, as in a bounce."""
    (entry,) = said(postfix_ends("bounced", 'unknown user: "jane"', daemon="local", relay="local"))
    assert entry["reply"] == '5.1.1 unknown user: "jane"'
    assert "mta" not in entry


@pytest.mark.parametrize(
    "line",
    [
        postfix_ends("deferred", f"{SAID}451 4.7.1 later (in reply to RCPT TO command)", dsn="4.7.1"),
        postfix_ends("deliverable", "delivery via mx", dsn="2.0.0"),
        postfix_ends("undeliverable", f"{SAID}550 no (in reply to RCPT TO command)"),
        postfix_ends("SOFTBOUNCE", f"{SAID}550 no (in reply to RCPT TO command)"),
        postfix_ends("sent", "delivered via filter service", daemon="pipe", relay="filter", dsn="2.0.0"),
        postfix_ends("sent", "forwarded as 4bXyZ12abcy", daemon="local", relay="local", dsn="2.0.0"),
        postfix_ends("sent", "250 Ok", relay="127.0.0.1[127.0.0.1]:10024", dsn="2.0.0"),
        postfix_ends("bounced", f"{SAID}550 no").replace("relay=", "orig_to=<team@example.net>, relay="),
        postfix("qmgr", f"4bXyZ12abcz: from=<{PATH}>, status=force-expired, returned to sender"),
        postfix("smtp", "4bXyZ12abcz: host mx.example.net[192.0.2.1] said: 450 4.2.0 later, status=bounced"),
        postfix("bounce", "4bXyZ12abcz: sender non-delivery notification: 4bXyZ12abcw status=bounced"),
    ],
)
def test_other_lines_say_nothing(line: str):
    """Deferrals, probes, filters, members of an alias, and what an administrator ended."""
    assert said(line, REMOVED) == []


def test_of_an_address_written_in_two_ways_it_is_one():
    """``orig_to`` differs in letter case only."""
    line = postfix_ends("bounced", f"{SAID}550 no").replace("relay=", "orig_to=<Jane@example.net>, relay=")
    assert [entry["address"] for entry in said(line)] == [ADDRESS]


def test_an_expired_message_failed_with_the_last_reply():
    """The queue manager names no recipient, so the deferrals before it tell whom it is about."""
    later = postfix_ends("deferred", f"{SAID}452 4.2.2 full (in reply to RCPT TO command)", dsn="4.2.2")
    expires = postfix("qmgr", f"4bXyZ12abcz: from=<{PATH}>, status=expired, returned to sender")
    (entry,) = said(later, postfix_begins(), expires, REMOVED)
    assert (entry["type"], entry["address"], entry["category"]) == ("rejected", ADDRESS, "expired")
    assert (entry["reply"], entry["mta"], entry["stage"]) == ("452 4.2.2 full", "mx.example.net", "RCPT")


def test_who_got_it_did_not_expire():
    """Of two recipients one was deferred to the end."""
    later = [postfix_ends("deferred", f"{SAID}452 full", dsn="4.2.2", to=to) for to in (ADDRESS, "joe@example.net")]
    sent = postfix_ends("sent", "250 Ok", dsn="2.0.0")
    expires = postfix("qmgr", f"4bXyZ12abcz: from=<{PATH}>, status=expired, returned to sender")
    assert [(e["type"], e["address"]) for e in said(*later, sent, expires)] == [
        ("delivered", ADDRESS),
        ("rejected", "joe@example.net"),
    ]


@pytest.mark.parametrize("to", ['"jane doe"@example.net', '"a\\"b>, relay=x"@example.net', "jane+x@example.net"])
def test_a_quoted_local_part_is_an_address(to: str):
    """Postfix quotes it as SMTP does."""
    (entry,) = said(postfix_ends("sent", "250 Ok", dsn="2.0.0", to=to))
    assert entry["address"] == to


@pytest.mark.parametrize("daemon", ["smtp", "slow/smtp", "relay/smtp"])
def test_services_of_other_names_are_heard(daemon: str):
    """As ``-o syslog_name=postfix/$service_name`` writes them."""
    assert len(said(postfix_ends("sent", "250 Ok", dsn="2.0.0", daemon=daemon))) == 1


def test_fields_that_postfix_adds_are_passed_over():
    """``conn_use``, and those of later versions."""
    line = postfix_ends("sent", "250 Ok", dsn="2.0.0").replace("delay=", "conn_use=2, delay=", 1)
    assert len(said(line.replace("dsn=", "tls=verified, dsn="))) == 1


def test_another_program_or_host_is_not_heard():
    """Both are configured."""
    source = Source(program="postfix-out", hosts=frozenset({"mx2"}))
    lines = [postfix_begins(), postfix_ends("sent", "250 Ok", dsn="2.0.0")]
    named = [line.replace("postfix/", "postfix-out/") for line in lines]
    right = [line.replace(" mx1 ", " mx2 ") for line in named]
    assert heard(parser("postfix", source), *lines, *named) == []
    assert len(heard(parser("postfix", source), *right)) == 1
    assert heard(parser("postfix"), *named) == []


def test_what_is_not_ours_is_not_heard():
    """A bounce of our own has a null reverse-path."""
    lines = postfix_begins(sender=""), postfix_ends("sent", "250 Ok", dsn="2.0.0")
    assert heard(parser("postfix"), *lines) == []
    assert heard(parser("postfix"), lines[1]) == []


def test_a_queue_id_that_is_used_again_is_another_message():
    """Short queue IDs are, and each host has its own."""
    reader = parser("postfix")
    assert heard(reader, postfix_begins(), postfix_begins(sender="x@elsewhere.example")) == []
    assert heard(reader, postfix_ends("sent", "250 Ok", dsn="2.0.0")) == []
    heard(reader, postfix_begins())
    assert heard(reader, postfix_ends("sent", "250 Ok", dsn="2.0.0").replace(" mx1 ", " mx2 ")) == []
    assert heard(reader, REMOVED, postfix_ends("sent", "250 Ok", dsn="2.0.0")) == []


def test_after_a_restart_messages_are_known():
    """With the reply of their last deferral, through JSON."""
    before, after = parser("postfix"), parser("postfix")
    heard(before, postfix_begins(), postfix_ends("deferred", f"{SAID}452 4.2.2 full", dsn="4.2.2"))
    after.restore(json.loads(json.dumps(before.state())))
    assert after.state() == before.state()
    expires = postfix("qmgr", f"4bXyZ12abcz: from=<{PATH}>, status=expired, returned to sender")
    assert [entry["reply"] for entry in told(heard(after, expires))] == ["452 4.2.2 full"]


@pytest.mark.parametrize("text", ["x", "to=<jane@example.net>"])
def test_a_line_of_ours_in_another_form_is_not_understood(text: str):
    """It is counted, and changes nobody."""
    line = postfix("smtp", f"4bXyZ12abcz: to=<jane doe@example.net>, relay={text}, status=bounced")
    (unclear,) = heard(parser("postfix"), postfix_begins(), line)
    assert isinstance(unclear, Unclear)


@pytest.mark.parametrize("status", ["sent", "bounced"])
def test_an_address_without_quotes_that_looks_like_a_line_changes_nobody(status: str):
    """With ``info_log_addr_form = internal`` a local part could imitate the line of somebody else."""
    text = f"250 Ok)@evil.example>, relay=mx[1.2.3.4]:25, delay=1, delays=1/1/1/1, dsn=2.0.0, status={status} (x"
    (said_,) = heard(parser("postfix"), postfix_begins(), postfix_ends(status, text, to="victim@example.org"))
    assert isinstance(said_, Unclear)
