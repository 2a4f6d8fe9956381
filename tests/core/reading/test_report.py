"""Reports in the standard formats, as RFC 3464, 6533, 5965, 8098 and 3834 have them and as MTAs write them."""

import base64
import quopri

import pytest

from bounced.core.meaning.attribute import group_for
from bounced.core.reading.report import parse
from bounced.core.reading.report.status import MAX_REASONS
from bounced.core.terms import Action, Kind, PerRecipientFields

HEADER = b"""From: Mail Delivery System <MAILER-DAEMON@mx.example.net>
To: news@sender.example
Subject: Undelivered Mail Returned to Sender
Message-ID: <42@mx.example.net>
MIME-Version: 1.0
"""
WORDS = b"This is the mail system at host mx.example.net.\n"
STATUS = b"""Reporting-MTA: dns; mx.example.net
Arrival-Date: Thu, 1 Apr 2021 10:00:00 +0000

Final-Recipient: rfc822; alice@example.org
Original-Recipient: rfc822;alice@example.org
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.example.org
Diagnostic-Code: smtp; 550-5.1.1 No such user
    550 5.1.1 here
Last-Attempt-Date: Thu, 1 Apr 2021 10:00:01 +0000
"""


def report(
    status: bytes,
    *,
    words: bytes = WORDS,
    type_: bytes = b"message/delivery-status",
    encoding: bytes = b"7bit",
    outer: bytes = b"multipart/report; report-type=delivery-status",
    returned: bytes = b"Return-Path: <b-x=@bounce.sender.example>\nTo: alice@example.org\n",
) -> bytes:
    """Return a notification with these fields."""
    return b"".join(
        (
            HEADER,
            b"Content-Type: " + outer + b'; boundary="b"\n\npreamble\n\n--b\n\n',
            words,
            b"\n--b\nContent-Type: " + type_ + b"\nContent-Transfer-Encoding: " + encoding + b"\n\n",
            status,
            b"\n--b\nContent-Type: text/rfc822-headers\n\n",
            returned,
            b"\n--b--\n",
        )
    )


def only(content: bytes) -> PerRecipientFields:
    """Return the one recipient of a report."""
    (fields,) = parse(content).recipients
    return fields


def test_every_field_of_a_notification_is_read() -> None:
    """Per-message fields, per-recipient fields, the returned header.  (RFC 3464 section 2)"""
    found = parse(report(STATUS))
    assert found.kind is Kind.BOUNCE
    assert found.reader == "rfc3464"
    assert found.reporting_mta == "mx.example.net"
    assert found.message_id == "<42@mx.example.net>"
    assert found.fields["arrival-date"] == "Thu, 1 Apr 2021 10:00:00 +0000"
    assert "b-x=@bounce.sender.example" in found.returned_header
    assert found.text.strip() == WORDS.decode().strip()
    assert found.recipients == (
        PerRecipientFields(
            original_recipient="alice@example.org",
            final_recipient="alice@example.org",
            action=Action.FAILED,
            status="5.1.1",
            diagnostic_code="550-5.1.1 No such user 550 5.1.1 here",
            diagnostic_type="smtp",
            remote_mta="mx.example.org",
        ),
    )


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r\r\n"])
def test_line_ends_do_not_matter(line_end: bytes) -> None:
    """Also those that were converted twice."""
    assert only(report(STATUS).replace(b"\n", line_end)).status == "5.1.1"


@pytest.mark.parametrize(
    ("encoding", "status"),
    [(b"base64", base64.encodebytes(STATUS)), (b"quoted-printable", quopri.encodestring(STATUS))],
)
def test_an_encoded_status_part_is_decoded(encoding: bytes, status: bytes) -> None:
    """RFC 3464 says 7bit; not everybody reads it."""
    assert only(report(status, encoding=encoding)).address == "alice@example.org"


def test_a_status_part_inside_multipart_mixed_counts() -> None:
    """OpenSMTPD and gateways do not say multipart/report."""
    assert only(report(STATUS, outer=b"multipart/mixed")).status == "5.1.1"


def test_international_addresses_are_decoded() -> None:
    """utf-8 addresses may come as code points.  (RFC 6533 section 3)"""
    status = STATUS.replace(b"rfc822; alice@", rb"utf-8; al\x{EF}ce@").replace(
        b"Original-Recipient: rfc822;alice@example.org\n", b""
    )
    assert only(report(status, type_=b"message/global-delivery-status")).address == "alïce@example.org"


def test_groups_without_a_blank_line_between_them_are_two_recipients() -> None:
    """The next Final-Recipient begins the next group."""
    status = STATUS + STATUS.partition(b"\n\n")[2].replace(b"alice", b"bob")
    assert [fields.address for fields in parse(report(status)).recipients] == ["alice@example.org", "bob@example.org"]


def test_a_blank_line_inside_a_group_does_not_make_two_recipients() -> None:
    """Some gateways double the line ends."""
    assert only(report(STATUS.replace(b"\nAction:", b"\n\nAction:"))).action is Action.FAILED


def test_a_reply_wrapped_without_indentation_stays_one_reply() -> None:
    """The lines after Diagnostic-Code that are no field belong to it."""
    status = STATUS.replace(b"\n    550 5.1.1 here", b"\nsays the other side")
    assert only(report(status)).diagnostic_code == "550-5.1.1 No such user says the other side"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (b"Status: 5.1.1", b"Status: 4.2.2"),
        (b"Diagnostic-Code: smtp; 550 5.1.1 no such user", b"Diagnostic-Code: smtp; 554 5.7.1 spam"),
    ],
)
def test_a_group_with_two_reasons_condemns_nobody(first: bytes, second: bytes) -> None:
    """Each stands in a group of its own, as if two members of an alias had failed; the same twice is one."""
    begin = b"Reporting-MTA: dns; mx.example.org\n\nFinal-Recipient: rfc822; alice@example.org\nAction: failed\n"
    twice = parse(report(begin + first + b"\n" + second + b"\n"))
    attribution = group_for(twice, "alice@example.org")
    assert len(twice.recipients) == len({first, second})
    assert attribution.fields
    assert attribution.fields.status == "4.2.2" or not attribution.names_recipient
    assert only(report(begin + first + b"\n" + first + b"\n")).address == "alice@example.org"


def test_a_group_with_a_thousand_reasons_becomes_few() -> None:
    """Each would be a copy of all its fields."""
    begin = b"Reporting-MTA: dns; mx.example.org\n\nFinal-Recipient: rfc822; alice@example.org\nAction: failed\n"
    reasons = b"".join(b"Status: 5.1.%d\n" % number for number in range(1000))
    assert len(parse(report(begin + reasons)).recipients) == MAX_REASONS


def test_fields_that_were_indented_altogether_are_fields() -> None:
    """What looks like a folded line is the next field if it is one of those that a group has."""
    indented = b"\n".join(b" " + line for line in STATUS.splitlines())
    assert only(report(indented)).status == "5.1.1"
    assert only(report(indented)).remote_mta == "mx.example.org"


@pytest.mark.parametrize("type_", [b"application/octet-stream", b'text/plain; name="ATT00001.dat"'])
def test_a_status_part_under_another_name_is_known_by_its_first_field(type_: bytes) -> None:
    """Gateways and mail programs rename what they do not know."""
    assert only(report(STATUS, type_=type_)).status == "5.1.1"


def test_the_fields_of_a_part_without_a_blank_line_are_read() -> None:
    """The status part's own header ran into its content."""
    content = report(STATUS).replace(b"7bit\n\nReporting-MTA", b"7bit\nReporting-MTA")
    found = parse(content)
    assert found.reporting_mta == "mx.example.net"
    assert found.recipients[0].status == "5.1.1"


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        (b"failed", Kind.BOUNCE),
        (b"Failed (permanent)", Kind.BOUNCE),
        (b"delayed", Kind.DELAYED),
        (b"delivered", Kind.DELIVERED),
        (b"relayed (to non-DSN-aware mailer)", Kind.RELAYED),
        (b"expanded", Kind.EXPANDED),
    ],
)
def test_the_action_says_what_kind_of_report_it_is(action: bytes, kind: Kind) -> None:
    """Whatever comment follows it: Sendmail adds one to ``relayed``."""
    content = report(STATUS.replace(b"Action: failed", b"Action: " + action))
    assert parse(content.replace(b"Undelivered Mail Returned to Sender", b"Mail status")).kind is kind


def test_one_failure_among_successes_is_a_bounce() -> None:
    """The kind is that of the gravest group; each recipient keeps its own action."""
    status = STATUS + b"\n" + STATUS.partition(b"\n\n")[2].replace(b"alice", b"bob").replace(b"failed", b"delivered")
    found = parse(report(status))
    assert found.kind is Kind.BOUNCE
    assert [fields.action for fields in found.recipients] == [Action.FAILED, Action.DELIVERED]


def test_the_reply_in_the_words_stands_in_for_a_missing_diagnostic_code() -> None:
    """OpenSMTPD writes no Diagnostic-Code, and Status 5.0.0 for everything."""
    status = b"Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822; alice@example.org\nAction: failed\nStatus: 5.0.0\n"
    words = b"the following list of recipients:\n\nalice@example.org: 552 5.2.2 over quota\n"
    assert only(report(status, words=words)).diagnostic_code == "552 5.2.2 over quota"


def test_a_delay_that_says_it_expired_is_a_bounce() -> None:
    """OpenSMTPD calls its last notice a delay, and claims to keep the message."""
    status = b"Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822; alice@example.org\nAction: delayed\nStatus: 4.4.7\n"
    words = b"A message is delayed for the following list of recipients:\n\nalice@example.org: Envelope expired\n"
    found = parse(report(status, words=words).replace(b"Undelivered Mail Returned to Sender", b"delayed"))
    assert found.kind is Kind.BOUNCE
    assert found.recipients[0].action is Action.FAILED


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        (b"Returned mail: Could not send message", b"The message could not be sent for 7 days.\n"),
        (b"Mail status", b"It has been in the queue too long, giving up.\n"),
    ],
)
def test_a_delay_that_is_returned_is_a_bounce(subject: bytes, words: bytes) -> None:
    """Expiry is a delay to nullmailer as well; the subject or the words know better."""
    status = b"Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822; alice@example.org\nAction: delayed\nStatus: 4.4.7\n"
    content = report(status, words=words).replace(b"Undelivered Mail Returned to Sender", subject)
    assert parse(content).kind is Kind.BOUNCE


@pytest.mark.parametrize(
    "subject",
    [
        b"Delayed Mail (still being retried)",
        b"Warning: message 1X delayed 24 hours",
        b"Undeliverable: your message",
        b"Delivery failure",
    ],
)
def test_a_delay_called_one_by_its_subject_is_a_delay(subject: bytes) -> None:
    """Whatever reason is quoted; a subject that fits both leaves the Action its word."""
    status = STATUS.replace(b"failed", b"delayed").replace(b"5.1.1", b"4.4.1").replace(b"550", b"450")
    content = report(status).replace(b"Undelivered Mail Returned to Sender", subject)
    assert parse(content).kind is Kind.DELAYED


def test_a_delay_that_goes_on_is_a_delay() -> None:
    """Postfix says that it will be retried."""
    status = STATUS.replace(b"failed", b"delayed").replace(b"5.1.1", b"4.4.1").replace(b"550", b"450")
    words = b"# THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE. #\nIt will be retried.\n"
    assert parse(report(status, words=words)).kind is Kind.DELAYED


def test_a_program_is_reported_for_the_mailbox_behind_it() -> None:
    """Exim names the pipe; the words name whose it is."""
    status = b"Reporting-MTA: dns; x\n\nAction: failed\nFinal-Recipient: rfc822;|/usr/bin/filter alice\nStatus: 5.0.0\n"
    content = b"X-Failed-Recipients: alice@example.org\n" + report(status)
    found = only(content)
    assert found.address == "alice@example.org"
    assert found.final_recipient == "|/usr/bin/filter alice"


def test_a_group_that_forgets_whose_it_is_speaks_of_whom_the_words_name() -> None:
    """An empty Final-Recipient still has a Status."""
    status = b"Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822;\nAction: failed\nStatus: 5.2.1\n"
    found = only(report(status, words=b"<alice@example.org>: mailbox disabled\n"))
    assert (found.address, found.status) == ("alice@example.org", "5.2.1")


def test_fields_in_the_text_are_a_notification_too() -> None:
    """Amazon WorkMail, and gateways that flatten MIME."""
    content = HEADER + b"\nSorry.\n\nTechnical report:\n\n" + STATUS + b"\nReturn-Path: <x@sender.example>\n"
    found = parse(content)
    assert found.reader == "fields-in-text"
    assert found.recipients[0].diagnostic_code == "550-5.1.1 No such user 550 5.1.1 here"
    assert found.text.split() == ["Sorry.", "Technical", "report:"]


def test_a_field_that_is_only_mentioned_makes_no_notification() -> None:
    """Words about Final-Recipient: inside a line are words."""
    content = b"From: a@b.example\nSubject: hi\n\nThe Final-Recipient: field is explained in RFC 3464.\n"
    assert parse(content).kind is Kind.OTHER


def test_a_notification_passed_on_as_an_attachment_is_read() -> None:
    """Virus gateways wrap what they pass on."""
    head = b'From: postmaster@y.example\nContent-Type: multipart/mixed; boundary="w"\n\n'
    content = head + b"--w\nContent-Type: message/rfc822\n\n"
    assert only(content + report(STATUS) + b"\n--w--\n").status == "5.1.1"


def test_a_group_without_an_action_but_with_a_status_of_success_is_one() -> None:
    """2.1.5 is no failure."""
    assert parse(report(STATUS.replace(b"Action: failed\n", b"").replace(b"5.1.1", b"2.1.5"))).kind is Kind.DELIVERED


ARF = b"""From: feedback@isp.example
Subject: complaint
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b

This is an email abuse report.

--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: SomeGenerator/1.0
Version: 1
Original-Rcpt-To: <alice@example.org>
Original-Rcpt-To: rfc822; bob@example.org

--b
Content-Type: message/rfc822

Return-Path: <b-x=@bounce.sender.example>
To: alice@example.org

spam
--b--
"""


@pytest.mark.parametrize("type_", [b"abuse", b"fraud", b"opt-out", b"opt-out-list", b"Abuse"])
def test_feedback_of_these_types_is_a_complaint(type_: bytes) -> None:
    """All recipients that the report names complained.  (RFC 5965 section 3.2)"""
    found = parse(ARF.replace(b"Type: abuse", b"Type: " + type_))
    assert found.kind is Kind.COMPLAINT
    assert [fields.address for fields in found.recipients] == ["alice@example.org", "bob@example.org"]
    assert "b-x=@bounce.sender.example" in found.returned_header


@pytest.mark.parametrize("type_", [b"not-spam", b"auth-failure", b"dmarc"])
def test_feedback_of_other_types_is_no_complaint(type_: bytes) -> None:
    """Somebody took the message out of the junk folder, or a signature failed."""
    assert parse(ARF.replace(b"Type: abuse", b"Type: " + type_)).kind is Kind.OTHER


def test_a_redacted_complaint_is_attributed_to_whom_the_returned_message_went() -> None:
    """Where the report hides the recipient, the original may not."""
    redacted = ARF.replace(b"Original-Rcpt-To: <alice@example.org>\n", b"").replace(
        b"Original-Rcpt-To: rfc822; bob@example.org\n", b"Original-Rcpt-To: redacted\n"
    )
    assert [fields.address for fields in parse(redacted).recipients] == ["alice@example.org"]


@pytest.mark.parametrize("media", [b"message/rfc822", b"text/rfc822-headers"])
def test_a_complaint_feed_without_arf_is_a_complaint(media: bytes) -> None:
    """Microsoft forwards the message alone, or its header, with a subject of its own."""
    content = (
        b"From: staff@hotmail.com\nSubject: complaint about message from 192.0.2.1\n"
        b'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: ' + media + b"\n\n"
        b"X-HmXmrOriginalRecipient: alice@example.org\nTo: list@sender.example\n\nspam\n--b--\n"
    )
    found = parse(content)
    assert found.kind is Kind.COMPLAINT
    assert [fields.address for fields in found.recipients] == ["alice@example.org"]


RECEIPT = b"""From: alice@example.org
Subject: Read: Newsletter 42
Content-Type: multipart/report; report-type=disposition-notification; boundary="b"

--b

Your message was displayed.

--b
Content-Type: message/disposition-notification

Final-Recipient: rfc822;alice@example.org
Disposition: manual-action/MDN-sent-manually; displayed

--b--
"""


def test_a_receipt_is_no_bounce() -> None:
    """Somebody read it, or threw it away: that says nothing of delivery.  (RFC 8098)"""
    assert parse(RECEIPT).kind is Kind.OTHER


def test_a_receipt_that_rejects_is_a_bounce() -> None:
    """Sieve's reject answers with a receipt, whose words say why.  (RFC 5429 section 2.1)"""
    rejected = (
        RECEIPT.replace(
            b"Your message was displayed.",
            b"Your message to <alice@example.org> was automatically rejected:\nQuota exceeded",
        )
        .replace(b"Read: Newsletter 42", b"Automatically rejected mail")
        .replace(b"manual-action/MDN-sent-manually; displayed", b"automatic-action/MDN-sent-automatically; deleted")
        .replace(b"From: alice@example.org", b"From: Mail Delivery Subsystem <postmaster@example.org>")
    )
    found = parse(rejected)
    assert found.kind is Kind.BOUNCE
    assert found.recipients[0].address == "alice@example.org"
    assert "Quota exceeded" in (found.recipients[0].text or "")


@pytest.mark.parametrize(
    "header",
    [
        b"Auto-Submitted: auto-replied",
        b"Auto-Submitted: auto-replied (vacation)",
        b"X-Autoreply: yes",
        b"Precedence: auto_reply",
        b"Subject: Out of Office: Newsletter 42",
        b"Subject: =?utf-8?Q?Automatische_Antwort=3A_Newsletter?=",
        b"Subject: Re: Auto: Abwesenheit\nX-MS-Exchange-Inbox-Rules-Loop: alice@example.org",
    ],
)
def test_an_automatic_answer_is_one_whatever_it_quotes(header: bytes) -> None:
    """A null sender and ``550 5.1.1`` in the text do not make it a bounce.  (RFC 3834)"""
    content = (
        b"Return-Path: <>\nFrom: Alice <alice@example.org>\n"
        + header
        + (
            b"\n\nI left the company. Mail to my old address fails:\n"
            b"<alice@old.example>: 550 5.1.1 User unknown, could not be delivered\n"
        )
    )
    found = parse(content)
    assert found.kind is Kind.AUTO_REPLY
    assert found.recipients[0].address == "alice@example.org"


def test_an_automatic_answer_of_a_mail_system_is_a_bounce() -> None:
    """Exim and Gmail mark their bounces as automatic answers."""
    content = HEADER + b"Auto-Submitted: auto-replied\n\n<alice@example.org>: 550 5.1.1 User unknown\n"
    assert parse(content).kind is Kind.BOUNCE


@pytest.mark.parametrize(
    "subject",
    [
        b"Please confirm your message",
        b"Your email requires verification (conf#0123456789abcdef0123)",
        b"Sender verification",
    ],
)
def test_a_challenge_is_one(subject: bytes) -> None:
    """Somebody's filter wants to know whether a human wrote."""
    assert parse(b"From: alice@example.org\nSubject: " + subject + b"\n\nClick here.\n").kind is Kind.CHALLENGE


@pytest.mark.parametrize(
    ("subject", "body", "request_"),
    [
        (b"unsubscribe", b"", "unsubscribe"),
        (b"UNSUBSCRIBE me", b"please", "unsubscribe"),
        (b"", b"unsubscribe\n", "unsubscribe"),
        (b"x", b"List-Unsubscribe=One-Click", "unsubscribe"),
        (b"unsubscribe:k3j2h4", b"", "unsubscribe"),
        (b"Remove me!", b"", "unsubscribe"),
        (b"subscribe", b"", "subscribe"),
    ],
)
def test_a_request_to_leave_or_join_is_a_subscription(subject: bytes, body: bytes, request_: str) -> None:
    """As mail programs write it when somebody presses the button.  (RFC 2369, RFC 8058)"""
    found = parse(b"From: alice@example.org\nSubject: " + subject + b"\n\n" + body)
    assert found.kind is Kind.SUBSCRIPTION
    assert found.fields["request"] == request_


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"hello",
        b"From: alice@example.org\nSubject: Re: Newsletter 42\n\nThanks! My old mailbox was full, by the way.\n",
        b"From: alice@example.org\nSubject: hi\n\nCould you write to bob@example.org? Mail to him was returned.\n",
    ],
)
def test_what_is_no_report_is_other(content: bytes) -> None:
    """People write to return paths too."""
    found = parse(content)
    assert found.kind is Kind.OTHER
    assert found.recipients == ()


@pytest.mark.parametrize("subject", [b"Remove stains with ease", b"Subscribe to our channel", b"Re: opt out of what?"])
def test_words_that_only_begin_like_a_request_are_none(subject: bytes) -> None:
    """Spam comes to return paths as well."""
    assert parse(b"From: alice@example.org\nSubject: " + subject + b"\n\nBuy now.\n").kind is Kind.OTHER


def test_people_who_hand_a_bounce_on_are_no_mail_system() -> None:
    """A forwarded or answered bounce says nothing of the return path's recipient."""
    quoted = b"\n\nLook what I got:\n\nHi. This is the qmail-send program.\n\n<bob@example.org>:\nUser unknown\n"
    for subject in (b"Fwd: failure notice", b"Re: Undelivered Mail Returned to Sender"):
        assert parse(b"From: alice@example.org\nSubject: " + subject + quoted).kind is Kind.OTHER


def test_what_no_human_wrote_and_is_no_bounce_is_an_automatic_answer() -> None:
    """A ticket system says so itself.  (RFC 3834 section 5)"""
    content = b"From: desk@example.org\nAuto-Submitted: auto-generated\nSubject: Your ticket 42\n\nWe got it.\n"
    assert parse(content).kind is Kind.AUTO_REPLY


def test_a_bounce_that_names_nobody_is_still_a_bounce() -> None:
    """The return path knows whose it is."""
    found = parse(HEADER + b"\nYour message could not be delivered.\n")
    assert found.kind is Kind.BOUNCE
    assert found.recipients == ()


SES = b"""From: AWS <no-reply@sns.amazonaws.com>
Subject: AWS Notification Message

{"notificationType":"Bounce","bounce":{"bounceType":"Permanent","reportingMTA":"dsn; a.example",
"bouncedRecipients":[{"emailAddress":"Alice Example <alice@example.org>","status":"5.1.1","action":"failed",
"diagnosticCode":"smtp; 550 5.1.1 user unknown"}]},"mail":{}}

--
If you wish to stop receiving notifications
"""


def test_amazon_notifications_are_read_from_their_json() -> None:
    """SES by way of SNS, subscribed by mail."""
    found = parse(SES)
    assert found.kind is Kind.BOUNCE
    assert found.recipients[0].address == "alice@example.org"
    assert found.recipients[0].diagnostic_code == "550 5.1.1 user unknown"


@pytest.mark.parametrize("broken", [SES[:200], SES.replace(b'"bounce":{', b'"bounce":[{', 1), SES.replace(b"{", b"[")])
def test_broken_json_raises_nothing(broken: bytes) -> None:
    """What cannot be parsed is no notification."""
    assert parse(broken).reader != "amazon-ses"


@pytest.mark.parametrize("order", [("alice", "bob"), ("bob", "alice")])
def test_of_a_dialogue_in_a_notice_each_recipient_hears_its_own_reply(order: tuple[str, str]) -> None:
    """Sendmail lists all of them first, and shows one dialogue to all."""
    names = "".join(f"<{name}@example.net>\n" for name in order)
    said = {"alice": "550 5.1.1 no such user", "bob": "554 5.7.1 go away"}
    dialogue = "".join(f">>> RCPT TO:<{name}@example.net>\n<<< {said[name]}\n" for name in order)
    notice = parse(
        "From: MAILER-DAEMON@mx.example.org\nSubject: Returned mail: see transcript for details\n\n"
        f"   ----- The following addresses had permanent fatal errors -----\n{names}\n"
        f"   ----- Transcript of session follows -----\n{dialogue}".encode()
    )
    heard = {each.final_recipient: each.diagnostic_code for each in notice.recipients}
    assert heard == {f"{name}@example.net": reply for name, reply in said.items()}
