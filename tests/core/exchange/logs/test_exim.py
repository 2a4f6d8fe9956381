"""What lines of Exim's main log say."""

import json
from zoneinfo import ZoneInfo

import pytest

from bounced.core.exchange.hooks import Unclear
from bounced.core.exchange.logs import Source
from tests.support.logs import ADDRESS, PATH, exim, exim_begins, heard, parser, told

AT = "2026-06-15T12:00:00+00:00"
FIELDS = "R=dnslookup T=remote_smtp H=mx.example.net [192.0.2.1]"
ERROR = f"{FIELDS}: SMTP error from remote mail server after"
SENT = exim(f'=> {ADDRESS} {FIELDS} X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=yes DN="/CN=mx: y" C="250 OK: x"')
COMPLETED = exim("Completed")


def said(*lines: str, source: Source | None = None) -> list[dict[str, str]]:
    """Return the entries that lines make, behind the one that tells whose the message is."""
    return told(heard(parser("exim", source or Source()), exim_begins(), *lines))


def failed(text: str) -> dict[str, str]:
    """Return the entry of a failure."""
    (entry,) = said(exim(f"** {ADDRESS} {text}"))
    return entry


def test_a_delivery_is_told_under_the_return_path():
    """Whose the message is stands in the line of its arrival."""
    (entry,) = said(SENT)
    assert entry == {"type": "delivered", "address": ADDRESS, "at": AT, "return_path": PATH, "sent_at": AT}


def test_a_refusal_has_reply_server_and_stage():
    """Lines of the reply are separated by an escaped line end."""
    assert failed(f"{ERROR} RCPT TO:<{ADDRESS}>: 550-5.1.1 no such\\n550 5.1.1 user") == {
        "type": "rejected",
        "address": ADDRESS,
        "at": AT,
        "id": f"exim:/1xXdxX-00000B-1E/{AT}",
        "reply": "550-5.1.1 no such\n550 5.1.1 user",
        "mta": "mx.example.net",
        "stage": "RCPT",
        "action": "failed",
        "return_path": PATH,
        "sent_at": AT,
    }


@pytest.mark.parametrize(
    ("after", "stage"),
    [
        ("initial connection", "EHLO"),
        ("EHLO mail.example.com", "EHLO"),
        ("MAIL FROM:<b-abc@bounce.example.com> SIZE=1257", "MAIL"),
        ("pipelined MAIL FROM:<b-abc@bounce.example.com>", "MAIL"),
        ("pipelined RCPT TO:<jane@example.net>", "RCPT"),
        ("DATA", "DATA"),
        ("end of data", "DATA"),
        ("pipelined end of data", "DATA"),
    ],
)
def test_the_stage_is_the_command_that_was_answered(after: str, stage: str):
    """Whatever else stands in the reply."""
    entry = failed(f"{ERROR} {after}: 550 no: after RCPT TO:<x@y.example>: 550 no")
    assert (entry["stage"], entry["reply"]) == (stage, "550 no: after RCPT TO:<x@y.example>: 550 no")


def test_older_versions_name_the_server_in_the_text():
    """Before its reply."""
    entry = failed(f"{ERROR} RCPT TO:<{ADDRESS}>: host mx.example.net [192.0.2.1]: 550 no")
    assert entry["reply"] == "550 no"


def test_over_lmtp_a_reply_to_the_message_is_about_one_recipient():
    """(RFC 2033 section 4.2)"""
    entry = failed(f"{FIELDS}: LMTP error from remote mail server after end of data: 552 5.2.2 full")
    assert (entry["reply"], entry.get("stage")) == ("552 5.2.2 full", None)


def test_what_exim_says_itself_has_no_server():
    """There are no fields then."""
    (entry,) = said(exim(f"** {ADDRESS}: Unrouteable address"))
    assert entry["reply"] == "Unrouteable address"
    assert "mta" not in entry


@pytest.mark.parametrize("together", [True, False])
def test_an_expired_message_failed_with_the_last_reply(together: bool):
    """In the line itself, or in that of the deferral before."""
    reply = f"{FIELDS}: SMTP error from remote mail server after RCPT TO:<{ADDRESS}>: 452 4.2.2 full"
    later = exim(f"== {ADDRESS} {reply.replace(' H=', ' defer (-44) H=')}")
    ends = f"** {ADDRESS} {reply}: retry timeout exceeded" if together else f"** {ADDRESS}: retry timeout exceeded"
    (entry,) = said(later, exim(ends))
    assert (entry["category"], entry["reply"]) == ("expired", "452 4.2.2 full")
    assert (entry["mta"], entry["stage"]) == ("mx.example.net", "RCPT")


@pytest.mark.parametrize(
    "line",
    [
        exim(f"== {ADDRESS} {FIELDS} defer (-44): SMTP error from remote mail server after DATA: 451 later"),
        exim(f"=> joe@example.net <{ADDRESS}> {FIELDS}"),
        exim(f"** joe@example.net <{ADDRESS}> {ERROR} RCPT TO:<joe@example.net>: 550 no"),
        exim(f"=> |/usr/bin/filter <{ADDRESS}> R=aliases T=address_pipe"),
        exim(f"=> /var/mail/x <{ADDRESS}> R=aliases T=address_file"),
        exim(f"*> {ADDRESS} {FIELDS}"),
        exim(f"=> {ADDRESS} R=filter T=smtp H=127.0.0.1 [127.0.0.1]:10024"),
        exim("Frozen (delivery error message)"),
        exim(f"H=mx.example.net [192.0.2.1]: SMTP error from remote mail server after RCPT TO:<{ADDRESS}>: 451 no"),
        f"2026-06-15 12:00:00 ** {ADDRESS}: Unrouteable address",
        " Suggested action: use keep_environment.",
    ],
)
def test_other_lines_say_nothing(line: str):
    """Deferrals, members of an alias, filters, and what is about no message."""
    assert said(line, COMPLETED) == []


@pytest.mark.parametrize("sign", ["=>", "->", ">>"])
def test_a_further_recipient_of_one_delivery_is_heard(sign: str):
    """Also one to which Exim delivered while the message came in."""
    assert len(said(exim(f"{sign} {ADDRESS} {FIELDS}"))) == 1


def test_a_local_mailbox_is_named_behind_its_local_part():
    """``log_as_local`` writes it so."""
    (entry,) = said(exim(f"=> jane <{ADDRESS}> R=localuser T=maildir"))
    assert entry["address"] == ADDRESS


TLS = 'X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=yes DN="C=US,CN=mx: \\"y\\""'


@pytest.mark.parametrize(
    "begin", ["F=<b-abc@bounce.example.com> P=<b-abc@bounce.example.com> ", "ST=x S=1257 QT=1m2s "]
)
@pytest.mark.parametrize(
    "end", ["", "*", ":25", f" I=[192.0.2.9]:4711 {TLS}", f" {TLS} K L* PRX=[2001:db8::2]:80 DT=0.123s"]
)
def test_further_fields_are_passed_over(begin: str, end: str):
    """``log_selector`` chooses them; a remote server chose what stands in its certificate."""
    fields = f"{begin}R=dnslookup T=remote_smtp H=mx.example.net [2001:db8::1]{end}"
    entry = failed(f"{fields}: SMTP error from remote mail server after RCPT TO:<{ADDRESS}>: 550 no")
    assert (entry["reply"], entry["mta"], entry["stage"]) == ("550 no", "mx.example.net", "RCPT")


def test_fields_that_are_not_understood_are_no_reply():
    """Nothing is guessed of where it begins."""
    (unclear,) = heard(parser("exim"), exim_begins(), exim(f"** {ADDRESS} {FIELDS} novel {ERROR} DATA: 550 no"))
    assert isinstance(unclear, Unclear)


@pytest.mark.parametrize(
    ("at", "read"),
    [
        ("2026-06-15 14:00:00", "2026-06-15T14:00:00+02:00"),
        ("2026-06-15 14:00:00.123", "2026-06-15T14:00:00.123000+02:00"),
        ("2026-06-15 12:00:00 +0000", "2026-06-15T12:00:00+0000"),
        ("2026-06-15 14:00:00 [4711]", "2026-06-15T14:00:00+02:00"),
    ],
)
def test_times_are_those_of_the_configured_zone(at: str, read: str):
    """Unless they name one; the process may stand behind them."""
    reader = parser("exim", Source(zone=ZoneInfo("Europe/Vienna")))
    (entry,) = told(heard(reader, exim_begins(), exim(f"=> {ADDRESS} {FIELDS}", at=at)))
    assert entry["at"] == read


def test_through_syslog_the_host_is_known():
    """Exim's own time may be left out there, or stand in the text."""
    begins, ends = exim_begins().partition(" 12:00:00 ")[2], SENT
    lines = [f"<22>Jun 15 12:00:00 mx1 exim[1]: {text}" for text in (begins, ends)]
    assert len(heard(parser("exim", Source(hosts=frozenset({"mx1"}))), *lines)) == 1
    assert heard(parser("exim", Source(hosts=frozenset({"mx2"}))), *lines) == []
    assert heard(parser("exim", Source(program="exim4")), *lines) == []


def test_ids_of_later_versions_are_longer():
    """From 4.97 on."""
    lines = [each.replace("1xXdxX-00000B-1E", "1xXdxX-0000000000B-01Ea") for each in (exim_begins(), SENT)]
    assert len(heard(parser("exim"), *lines)) == 1


def test_what_is_not_ours_is_not_heard():
    """A bounce of our own has a null reverse-path, and a message that is completed is forgotten."""
    assert heard(parser("exim"), exim("<= <> R=1xXdxX-00000B-1H U=exim P=local S=1698"), SENT) == []
    assert heard(parser("exim"), exim_begins(), COMPLETED, SENT) == []
    assert heard(parser("exim"), SENT) == []


def test_after_a_restart_messages_are_known():
    """Through JSON."""
    before, after = parser("exim"), parser("exim")
    heard(before, exim_begins())
    after.restore(json.loads(json.dumps(before.state())))
    assert len(heard(after, SENT)) == 1


@pytest.mark.parametrize(
    "text",
    [
        f'=> jane doe@example.net <"jane doe"@example.net> {FIELDS}',
        f'** victim@example.org R=x T=y: no@x.example <"victim@example.org R=x T=y: no"@x.example> {ERROR} DATA: no',
    ],
)
def test_a_local_part_that_needs_quotes_changes_nobody(text: str):
    """Exim logs it without them, so that it could imitate the line of somebody else."""
    (unclear,) = heard(parser("exim"), exim_begins(), exim(text))
    assert isinstance(unclear, Unclear)
