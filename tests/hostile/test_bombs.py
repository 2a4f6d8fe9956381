"""No message costs more than its share: each of these was made to cost a reader seconds."""

import time
from collections.abc import Mapping

import pytest

from bounced.core.reading.report import parse
from bounced.explain import explain, packaged_rules

LIMIT_S = 0.05
ROUNDS = 5
MIB = 1024 * 1024
HEADER = b"From: MAILER-DAEMON@x.example\nTo: a@b.example\nSubject: Undelivered Mail Returned to Sender\n"
GROUP = b"Final-Recipient: rfc822; u%d@x.example\nAction: failed\n"


def multipart(body: bytes) -> bytes:
    """Return a delivery status notification with these octets for parts."""
    return HEADER + b'Content-Type: multipart/report; report-type=delivery-status; boundary="B"\n\n' + body


def status(fields: bytes) -> bytes:
    """Return a delivery status notification with these fields for its recipients."""
    return multipart(b"--B\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n" + fields + b"\n--B--\n")


def html(markup: bytes) -> bytes:
    """Return a notice in HTML."""
    return HEADER + b"Content-Type: text/html\n\n" + markup


def notice(words: bytes) -> bytes:
    """Return a notice in plain text."""
    return HEADER + b"\n" + words


BOMBS: Mapping[str, bytes] = {
    "a megabyte of blank lines": notice(b"\n" * MIB),
    "a megabyte of blank lines with spaces": notice(b" \n" * (MIB // 2)),
    "a megabyte of spaces": notice(b" " * MIB),
    "a megabyte of at signs": notice(b"@" * MIB),
    "a megabyte of dashes": notice(b"-" * MIB),
    "a megabyte of quotes": notice(b'"' * MIB),
    "a megabyte of NUL": b"\0" * MIB,
    "a megabyte of 0xff": b"\xff" * MIB,
    "a megabyte of CR": b"\r" * MIB,
    "one endless local part": notice(b"a" * MIB + b"@b.example"),
    "many endless local parts": notice((b"a" * 199 + b"@\n") * (MIB // 201)),
    "an endless domain": notice(b"a@b." + b"b." * (MIB // 2)),
    "30,000 recipients in words": notice(b"".join(b"<u%d@b.example>: 550 5.1.1 no\n" % i for i in range(30_000))),
    "100,000 header fields": b"".join(b"X-H%d: v\n" % i for i in range(100_000)) + b"\nbody",
    "300,000 folded lines": b"Subject: a\n" + b" b\n" * 300_000 + b"\nbody",
    "an endless header field": b"Subject: " + b"a" * MIB + b"\n\nbody",
    "lines that are no field": b"Subject x\n" * 100_000,
    "multiparts 20,000 deep": b"".join(
        b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (i, i) for i in range(20_000)
    ),
    "150,000 sibling parts": multipart(b"--B\n\nx\n" * 150_000),
    "200,000 lines like a delimiter": multipart(b"--Bx\n" * 200_000),
    "10,000 recipients in fields": status(b"".join(GROUP % i + b"Status: 5.1.1\n\n" for i in range(10_000))),
    "3,000 recipients without a reason": status(b"".join(GROUP % i + b"\n" for i in range(3_000))),
    "an endless reply": status(GROUP % 1 + b"Diagnostic-Code: smtp; 550 " + b"-550 5.1.1 " * 90_000),
    "a reply quoted 90,000 times": status(GROUP % 1 + b"Diagnostic-Code: smtp; " + b"said: 550 " * 90_000),
    "a reply with 90,000 continuations": status(GROUP % 1 + b"Diagnostic-Code: smtp; 550-x\n" + b" 550-x\n" * 90_000),
    "lines that are no status field": status(GROUP % 1 + b"zzz\n" * 200_000),
    "gaps that are no gaps": status(GROUP % 1 + b"\n \t" * 200_000),
    "90,000 encoded words in one": HEADER.replace(b"Undelivered", b"=?utf-8?Q?" * 90_000) + b"\nx",
    "60,000 encoded words": b"Subject: " + b"=?utf-8?B?YWFh?= " * 60_000 + b"\n\nx",
    "HTML of nothing but <": html(b"<" * MIB),
    "HTML of styles without end": html(b"<style>" * 150_000),
    "HTML of 250,000 line breaks": html(b"<br>" * 250_000),
    "HTML of tags without end": html(b"<br " * 250_000),
    "HTML of character references": html(b"&#9999999;" * 100_000),
    "quoted-printable of nothing but =": HEADER + b"Content-Transfer-Encoding: quoted-printable\n\n" + b"=" * MIB,
    "base64 of nothing but padding": HEADER + b"Content-Transfer-Encoding: base64\n\n" + b"A=\n" * (MIB // 3),
    "50,000 failed recipients": HEADER
    + b"X-Failed-Recipients: "
    + b",".join(b"u%d@x.example" % i for i in range(50_000))
    + b"\n\nThis message was created automatically by mail delivery software.\n",
    "JSON 500,000 deep": notice(b'{"notificationType":"Bounce","a":' + b"[" * 500_000),
    "25,000 dialogues": notice(
        b"-- Transcript of session follows\n" + b">>> RCPT TO:<a@b.example>\n<<< 550 x\n" * 25_000
    ),
    "40,000 verdicts": notice(b"-- Transcript of session follows\n" + b"550 <a@b.example>... x\n" * 40_000),
    "codes and nothing else": notice(b"550 5.1.1 " * 100_000),
    "words that introduce an address": notice(b"deliver " * (MIB // 8)),
    "words that announce recipients": notice(b"the following recipients " * 40_000),
    "words that announce the returned message": notice(b"original message " * 60_000),
    "IP addresses": notice(b"1.2.3.4 " * 100_000),
    "host names": notice(b"a.b.c.d.e.example " * 50_000),
    "30,000 complaining recipients": multipart(
        b"--B\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n"
        + b"Original-Rcpt-To: a@b.example\n" * 30_000
        + b"\n--B--\n"
    ),
}


def cost_s(content: bytes) -> float:
    """Return the CPU time in seconds that reading and classifying a message takes, at its quickest."""
    return min(_once_s(content) for _ in range(ROUNDS))


def _once_s(content: bytes) -> float:
    start = time.process_time()
    explain(content)
    return time.process_time() - start


@pytest.mark.parametrize("bomb", BOMBS)
def test_no_message_holds_the_loop(bomb: str) -> None:
    """Whatever a message is made of, it costs less than 50 ms."""
    packaged_rules()
    assert cost_s(BOMBS[bomb]) < LIMIT_S


def test_recipients_beyond_the_limit_are_left_out() -> None:
    """A report of 10,000 recipients is read for the first two hundred."""
    assert len(parse(BOMBS["10,000 recipients in fields"]).recipients) == 200


def test_content_beyond_a_megabyte_is_not_looked_at() -> None:
    """What stands behind the first mebibyte is as if it had not come."""
    late = multipart(b"--B\n\n" + b"x" * MIB + b"\n--B\nContent-Type: message/delivery-status\n\n" + GROUP % 1)
    assert parse(late).reader != "rfc3464"
