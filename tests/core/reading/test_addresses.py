"""Whom a report names, and what it says of each, however its structure and its addresses are written."""

import json

import pytest

from bounced.core.reading.report import parse
from bounced.core.terms import Kind, PerRecipientFields, Report

OURS = "b-kujkcffxnkh27owach==alice=example.org@bounce.example.com"
SAID = "Action: failed\nStatus: 5.1.1\n"


def report(fields: str, words: str = "It failed.", *, head: str = "", part: str = "text/plain") -> Report:
    """Return what is read of a report with these fields of one recipient, or of several."""
    return parse(
        (
            f"{head}From: MAILER-DAEMON@mx.example.net\nTo: {OURS}\nSubject: failure notice\n"
            'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
            f"--b\nContent-Type: {part}\n\n{words}\n"
            f"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.net\n\n{fields}\n"
            "--b\nContent-Type: text/rfc822-headers\n\nFrom: news@sender.example\nTo: carol@example.net\n\n--b--\n"
        ).encode()
    )


def notice(words: str, author: str = "MAILER-DAEMON@mx.example.net") -> Report:
    """Return what is read of a notice in words alone."""
    head = f"From: {author}\nTo: {OURS}\nSubject: failure notice\nContent-Type: text/plain; charset=utf-8\n\n"
    return parse(f"{head}{words}".encode(), reverse_path="")


def only(found: Report) -> PerRecipientFields:
    """Return the one recipient."""
    assert found.kind is Kind.BOUNCE
    (fields,) = found.recipients
    return fields


@pytest.mark.parametrize(
    "written",
    [
        "rfc/822; alice@example.org",
        "rfc822; rfc822; alice@example.org",
        "rfc822;<rfc822;alice@example.org>",
        "RFC822: alice@example.org",
        "alice@example.org (Alice Example)",
        'rfc822; "alice@example.org"',
        "rfc822; <<alice@example.org>>",
    ],
)
def test_an_address_is_read_without_what_was_written_around_it(written: str) -> None:
    """A type that no standard knows, a type twice, quotes, a comment."""
    assert only(report(f"Final-Recipient: {written}\n{SAID}")).address == "alice@example.org"


@pytest.mark.parametrize("address", ["🦉@example.org", "👩\u200d🚀.ok@example.org", "żółw@example.org"])
def test_a_local_part_may_be_any_text(address: str) -> None:
    """In fields and in words.  (RFC 6531 section 3.3)"""
    assert only(report(f"Final-Recipient: utf-8; {address}\n{SAID}")).address == address
    words = f"Delivery to the following recipient failed permanently:\n\n     {address}\n\nIt failed.\n"
    assert only(notice(words)).address == address


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (f"Original-Recipient: rfc822; alice@example.org\nFinal-Recipient: rfc822; {OURS}\n{SAID}", "It failed."),
        (f"Final-Recipient: rfc822; {OURS}\n{SAID}", "<alice@example.org>: user unknown"),
        (f"Final-Recipient: x400; /G=Alice/S=Example/O=example/C=de/\n{SAID}", "<alice@example.org>: user unknown"),
        (SAID, "<alice@example.org>: user unknown"),
    ],
    ids=["original", "our own path", "X.400", "none"],
)
def test_the_recipient_is_named_by_other_fields_or_the_words(fields: str, words: str) -> None:
    """Where the Final-Recipient is our own return path, no mail address, or missing."""
    assert only(report(fields, words)).address == "alice@example.org"


def test_a_group_that_names_nobody_is_used() -> None:
    """The return path says whose it is."""
    head = "From: MAILER-DAEMON@mx.example.net\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
    part = "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\n"
    fields = only(parse(f"{head}{part}{SAID}Diagnostic-Code: smtp; 550 5.1.1 unknown\n\n--b--\n".encode()))
    assert (fields.address, fields.diagnostic_code) == (None, "550 5.1.1 unknown")


@pytest.mark.parametrize(
    "words",
    [
        "Your message to alice@example.org could not be delivered. Please contact bob@example.org instead.\n",
        "Your message could not be delivered to alice@example.org.\nFor assistance write to help@example.org.\n",
        "Your message was not delivered to alice@example.org: the new address is bob@example.org\n",
        "Your message could not be delivered to alice@example.org, her colleague is <bob@example.org>.\n",
        "Ihre Nachricht an alice@example.org konnte nicht zugestellt werden. Wenden Sie sich an bob@example.org\n",
    ],
)
def test_an_address_to_write_to_is_no_recipient(words: str) -> None:
    """A contact, a colleague, a new address."""
    assert only(notice(words)).address == "alice@example.org"


def test_a_filter_that_rejects_and_names_a_contact_speaks_of_its_own_mailbox() -> None:
    """The fields of its receipt say whose.  (RFC 5429 section 2.1)"""
    content = (
        "From: Mail Delivery Subsystem <postmaster@example.org>\nSubject: Rejected\n"
        "Content-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n"
        "--b\n\nYour message was automatically rejected:\nI have left.\n<bob@example.org>: write there.\n"
        "--b\nContent-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; alice@example.org\n"
        "Disposition: automatic-action/MDN-sent-automatically; deleted\n\n--b--\n"
    )
    for path in ("", None, "postmaster@example.org", "alice@example.org"):
        assert only(parse(content.encode(), reverse_path=path)).address == "alice@example.org"


def test_one_cause_below_several_addresses_on_one_line_is_that_of_each() -> None:
    """They stand behind each other with commas, or "and"."""
    words = "Not delivered to the following recipients:\n\na@example.org, b@example.org and c@example.org\n\n552 5.2.2 full\n"
    found = notice(words)
    assert [(each.address, each.diagnostic_code) for each in found.recipients] == [
        (f"{user}@example.org", "552 5.2.2 full") for user in "abc"
    ]


def test_what_qmail_says_below_a_reply_is_no_part_of_it() -> None:
    """It tells that qmail gives up, not why."""
    words = "<alice@example.org>:\nRemote host said: 550 5.1.1 no such user\nGiving up on 192.0.2.1.\n"
    assert only(notice(words)).diagnostic_code == "550 5.1.1 no such user"


@pytest.mark.parametrize("label", ["Message rejected by", "Nachricht abgelehnt von", "Message rejeté par "])
def test_who_refused_a_message_is_the_remote_mta(label: str) -> None:
    """Microsoft 365 says it in a line below the reply, in its languages; the line is no part of the reply."""
    words = f"Your message to alice@example.org couldn't be delivered.\nError: 550 5.7.1 no\n{label}: mx.example.org\n"
    found = only(notice(words))
    assert (found.diagnostic_code, found.remote_mta) == ("550 5.7.1 no", "mx.example.org")


def test_exchange_s_name_for_a_mailbox_without_an_address_gives_way_to_whom_the_words_name() -> None:
    """It holds no address of ours."""
    words = "Delivery has failed to these recipients or groups:\n\nalice@example.org\n"
    fields = f"Final-Recipient: rfc822; IMCEAEX-_O=ORG_CN=ALICE@example.org\n{SAID}"
    assert only(report(fields, words)).address == "alice@example.org"


def test_one_cause_below_several_addresses_is_that_of_each() -> None:
    """And of none that stands elsewhere."""
    words = (
        "The following recipients failed:\n\n"
        "  alice@example.org\n  bob@example.org\n    552 5.2.2 Mailbox full\n\n  carol@example.net\n    550 5.1.1 Unknown\n"
    )
    codes = {fields.address: fields.diagnostic_code for fields in notice(words).recipients}
    assert codes == {
        "alice@example.org": "552 5.2.2 Mailbox full",
        "bob@example.org": "552 5.2.2 Mailbox full",
        "carol@example.net": "550 5.1.1 Unknown",
    }
    groups = "\n".join(
        f"Final-Recipient: rfc822; {name}\nAction: failed\nStatus: 5.0.0\n"
        for name in ("alice@example.org", "bob@example.org", "carol@example.net")
    )
    assert {fields.address: fields.diagnostic_code for fields in report(groups, words).recipients} == codes


@pytest.mark.parametrize(
    ("words", "reply"),
    [
        (
            "Your message to alice@example.org couldn't be delivered.\n\nThe address may not exist.\n\n"
            "Status code: 550 5.7.350\n\nOriginal Message Details\nRecipient Address: alice@example.org\n\n"
            "Error Details\nError: 550 5.7.350 Remote server said -> 554 5.7.1 Spam\nMessage rejected by: mx.example.org\n",
            "550 5.7.350 Remote server said -> 554 5.7.1 Spam",
        ),
        (
            "Ihre Nachricht an alice@example.org konnte nicht zugestellt werden.\nStatuscode: 550 5.1.10\n"
            "Fehler: 550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found\n",
            "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found",
        ),
        (
            "Delivery to the following recipient failed permanently:\n\n     alice@example.org\n\n"
            "Technical details of permanent failure:\nIt was rejected by the server for the recipient domain.\n\n"
            "The error that the other server returned was:\n552 5.2.2 Mailbox full\n",
            "552 5.2.2 Mailbox full",
        ),
    ],
    ids=["Microsoft 365", "Microsoft 365 in German", "Gmail"],
)
def test_the_reply_that_a_notice_announces_is_its_reply(words: str, reply: str) -> None:
    """Not the code that stands in a summary, nor advice."""
    assert only(notice(words)).diagnostic_code == reply


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (
            "Hi. This is the Haraka Mailer program at mx.\nI'm afraid I wasn't able to deliver your message\n"
            "to the following addresses.\n\nIntended Recipients: <alice@example.org>\nFailure Reason: Tried all MXs\n",
            "Tried all MXs",
        ),
        (
            "Address not found\n\nYour message wasn't delivered to alice@example.org because the domain wasn't found.\n\n"
            "The response was:\n\nDNS type 'mx' lookup responded with code NXDOMAIN\n",
            "DNS type 'mx' lookup responded with code NXDOMAIN",
        ),
    ],
    ids=["Haraka", "Gmail"],
)
def test_the_reason_that_a_notice_announces_is_what_it_says(words: str, reason: str) -> None:
    """Where it quotes no reply."""
    assert only(notice(words)).text == reason


@pytest.mark.parametrize("blank", ["\n", "   \n", " \t\n \n"])
def test_blank_lines_before_the_header_are_skipped(blank: str) -> None:
    """As mail programs and shells leave them."""
    found = report(
        f"Final-Recipient: rfc822; alice@example.org\n{SAID}", head=f"{blank}Message-ID: <1@mx.example.net>\n"
    )
    assert (found.message_id, only(found).address) == ("<1@mx.example.net>", "alice@example.org")


def test_a_type_without_its_semicolon_is_a_type() -> None:
    """Its parameter follows on the next line."""
    words = "---The following addresses had delivery errors---\n\nalice@example.org [User unknown]"
    head = 'From: MAILER-DAEMON@mx.example.net\nContent-Type: multipart/mixed; boundary="b"\n\n'
    content = f'{head}--b\nContent-Type: text/plain\n  charset="utf-8"\n\n{words}\n--b\nContent-Type: message/rfc822\n\nTo: x\n--b--\n'
    fields = only(parse(content.encode()))
    assert fields.address == "alice@example.org"
    assert "User unknown" in (fields.text or "")


def test_a_text_under_the_type_of_the_fields_is_a_text() -> None:
    """Some systems give the same type to both parts."""
    words = "<alice@example.org>: 552 5.2.2 Mailbox full"
    fields = "Final-Recipient: rfc822; alice@example.org\nAction: failed\nStatus: 5.0.0\n"
    assert only(report(fields, words, part="message/delivery-status")).diagnostic_code == "552 5.2.2 Mailbox full"


def test_a_notification_of_amazon_in_the_envelope_of_sns_is_read() -> None:
    """So it comes to who subscribed without raw delivery."""
    bounce = {
        "notificationType": "Bounce",
        "bounce": {
            "bounceType": "Permanent",
            "bouncedRecipients": [
                {
                    "emailAddress": "alice@example.org",
                    "diagnosticCode": "smtp; 550 5.1.1 user unknown",
                    "status": "5.1.1",
                }
            ],
        },
    }
    envelope = {"Type": "Notification", "TopicArn": "arn:aws:sns:x", "Message": json.dumps(bounce)}
    for told in (bounce, envelope):
        content = f"From: AWS <no-reply@sns.amazonaws.com>\nSubject: AWS Notification\n\n{json.dumps(told)}\n"
        fields = only(parse(content.encode(), reverse_path="0100@eu-west-1.amazonses.com"))
        assert (fields.address, fields.diagnostic_code) == ("alice@example.org", "550 5.1.1 user unknown")
