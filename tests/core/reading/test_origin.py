"""A message is a notice of failure only where something proves that a mail system wrote it."""

import pytest

from bounced.core.reading.report import parse
from bounced.core.reading.report.origin import ReversePath
from bounced.core.terms import Kind

NULL, DAEMON, UNKNOWN, SOMEBODY = "", "MAILER-DAEMON@mx.example.net", None, "dana@example.net"
PERSON = "Dana Example <dana@example.net>"
SYSTEM = "Mail Delivery System <postmaster@mx.example.net>"
PHRASE = "This is the mail system at host mx.example.net.\n\n<alice@example.org>: user unknown\n"
VAGUE = "alice@example.org is somebody whom we do not know.\n"
RETURNED = "\n--- Below this line is a copy of the message.\n\nReturn-Path: <news@sender.example>\nSubject: News\n"
STATUS = (
    "Reporting-MTA: dns; mx.example.net\n\n"
    "Final-Recipient: rfc822; alice@example.org\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 unknown\n"
)


def mail(author: str, words: str, *, subject: str = "your mail", fields: str = "") -> bytes:
    """Return a message without parts."""
    return f"From: {author}\nSubject: {subject}\n{fields}\n{words}".encode()


def with_part(
    author: str, part: str, *, subject: str = "failure notice", outer: str = "mixed", words: str = ""
) -> bytes:
    """Return a message with a text and another part, given with its fields."""
    head = f'From: {author}\nSubject: {subject}\nContent-Type: multipart/{outer}; boundary="b"\n\n'
    return f"{head}--b\nContent-Type: text/plain\n\n{words}\n--b\n{part}\n--b--\n".encode()


def attached(content: bytes) -> str:
    """Return a message as a part of another one."""
    return f"Content-Type: message/rfc822\n\n{content.decode()}"


@pytest.mark.parametrize(
    ("path", "whose"),
    [
        (None, ReversePath.UNKNOWN),
        ("", ReversePath.SYSTEM),
        ("<>", ReversePath.SYSTEM),
        ("MAILER-DAEMON", ReversePath.SYSTEM),
        ("postmaster@mx.example.net", ReversePath.SYSTEM),
        ("double-bounce@mx.example.net", ReversePath.SYSTEM),
        ("dana@example.net", ReversePath.SOMEBODY),
        ("postmaster-team@example.net", ReversePath.SOMEBODY),
    ],
)
def test_a_reverse_path_is_a_mail_systems_or_unknown_or_somebodys(path: str | None, whose: ReversePath) -> None:
    """Old MTAs report with an address of their own; Postfix gives a pipe MAILER-DAEMON for the null one."""
    assert ReversePath.of(path) is whose


@pytest.mark.parametrize(
    ("author", "words", "proven_by"),
    [
        (PERSON, VAGUE, ()),
        (PERSON, PHRASE, (NULL, DAEMON)),
        (PERSON, PHRASE + RETURNED, (NULL, DAEMON)),
        (SYSTEM, VAGUE, (NULL, DAEMON)),
        (SYSTEM, PHRASE, (NULL, DAEMON, UNKNOWN)),
        (SYSTEM, VAGUE + RETURNED, (NULL, DAEMON, UNKNOWN)),
        (SYSTEM, PHRASE + RETURNED, (NULL, DAEMON, UNKNOWN, SOMEBODY)),
    ],
    ids=["nothing", "phrase", "phrase returned", "author", "author phrase", "author returned", "all"],
)
@pytest.mark.parametrize("path", [NULL, DAEMON, UNKNOWN, SOMEBODY])
def test_what_proves_a_notice_depends_on_the_reverse_path(
    author: str, words: str, proven_by: tuple[str | None, ...], path: str | None
) -> None:
    """What shows a sign of a mail system and is not proven is `unproven`; mail without any is other mail."""
    unproven = Kind.UNPROVEN if author == SYSTEM or words != VAGUE else Kind.OTHER
    found = parse(mail(author, words), reverse_path=path)
    assert found.kind is (Kind.BOUNCE if path in proven_by else unproven)


@pytest.mark.parametrize("path", [NULL, UNKNOWN, SOMEBODY])
@pytest.mark.parametrize(
    "content",
    [
        with_part(
            PERSON, f"Content-Type: message/delivery-status\n\n{STATUS}", outer="report; report-type=delivery-status"
        ),
        mail(PERSON, VAGUE, fields="X-Failed-Recipients: alice@example.org\nAuto-Submitted: auto-replied\n"),
    ],
    ids=["status part", "failed recipients"],
)
def test_structure_proves_a_notice_by_every_reverse_path(content: bytes, path: str | None) -> None:
    """Whoever its author is."""
    found = parse(content, reverse_path=path)
    assert found.kind is Kind.BOUNCE
    assert [fields.address for fields in found.recipients] == ["alice@example.org"]


@pytest.mark.parametrize("path", [NULL, UNKNOWN, SOMEBODY])
@pytest.mark.parametrize(
    "content",
    [
        with_part(
            PERSON,
            attached(
                with_part(SYSTEM, f"Content-Type: message/delivery-status\n\n{STATUS}", outer="report")
                .replace(b"--b", b"--c")
                .replace(b'"b"', b'"c"')
            ),
            subject="Fwd: failure notice",
        ),
        with_part(PERSON, attached(mail(SYSTEM, PHRASE)), subject="", words="Look at this."),
        with_part(PERSON, f"Content-Type: message/delivery-status\n\n{STATUS}", subject="WG: failure notice"),
    ],
    ids=["a report attached", "a notice attached", "a report with its parts"],
)
def test_a_report_that_a_person_hands_on_is_not_proven(content: bytes, path: str | None) -> None:
    """It is about somebody whom that person wrote to."""
    found = parse(content, reverse_path=path)
    assert found.kind is Kind.UNPROVEN
    assert "attached" in found.signs


@pytest.mark.parametrize("path", [NULL, UNKNOWN, SOMEBODY])
@pytest.mark.parametrize(
    "words",
    [
        "I get this:\n\n> This is the mail system at host mx.example.net.\n> <alice@example.org>: user unknown\n",
        f"See below.\n\n---------- Forwarded message ---------\nFrom: Mail Delivery System\n\n{PHRASE}",
        f"I get this when I write to you:\n\n{STATUS}",
        "My qmail and Zoho Mail say: 550 5.1.1 unknown user <alice@example.org>, could not be delivered.\n",
    ],
    ids=["quoted", "forwarded", "status fields", "names of products"],
)
def test_what_people_quote_proves_nothing(words: str, path: str | None) -> None:
    """Nor do products, reply codes and words of bounces."""
    content = mail(PERSON, words, subject="can you help?", fields="X-Mailer: qmail\n")
    assert parse(content, reverse_path=path).kind in (Kind.OTHER, Kind.UNPROVEN)


@pytest.mark.parametrize("path", [NULL, UNKNOWN, SOMEBODY])
@pytest.mark.parametrize(
    ("author", "subject", "words"),
    [
        (
            "Help desk <desk@example.net>",
            "Ticket 4711 by unknown user",
            "Your mail could not be delivered to a customer.",
        ),
        (
            "Parcel Delivery System <delivery@carrier.example>",
            "Delivery failed",
            "Recipient unknown: alice@example.org",
        ),
        ("Postmaster team <postmaster-team@example.net>", "Re: rejected", "The user is known here."),
        (
            "root <root@watch.example>",
            "Daily report",
            "The following addresses failed:\n\n<alice@example.org>: 550 5.1.1\n",
        ),
    ],
)
def test_programs_with_the_words_of_bounces_are_no_mail_systems(
    author: str, subject: str, words: str, path: str | None
) -> None:
    """A ticket by an unknown user suppresses nobody."""
    assert parse(mail(author, words, subject=subject), reverse_path=path).kind is Kind.OTHER


@pytest.mark.parametrize(
    "words",
    [
        "Ihre Nachricht an alice@example.org konnte nicht zugestellt werden.",
        "Votre message à alice@example.org n'a pas pu être remis.",
        "No se pudo entregar el mensaje a alice@example.org.",
        "Échec de la remise à ces destinataires ou groupes :\nalice@example.org",
        "К сожалению, Ваше письмо не может быть доставлено одному или нескольким получателям:\n\n  alice@example.org",
        "alice@example.org へのメッセージを配信できませんでした。",
        "抱歉，您的邮件被退回来了。\n\n无法发送到 alice@example.org",
        "Delivery has failed to these recipients or groups:\nalice@example.org",
        "The message that you sent was undeliverable to the following:\n\talice@example.org (user not found)",
        "Your message\n\n  Subject: News\n\nwas not delivered to:\n\n  alice@example.org\n\nbecause:\n\n  Quota exceeded",
        "Hi. This is the qmail-send program at mx.example.net.\n\n<alice@example.org>:\nSorry.",
        "This message was created automatically by mail delivery software.\n\n  alice@example.org\n    Unrouteable address",
        "This is the DragonFly Mail Agent v0.13 at mx.\n\nThere was an error delivering your mail to <alice@example.org>.",
    ],
)
def test_fixed_phrases_of_known_systems_prove_a_notice_in_many_languages(words: str) -> None:
    """By a null reverse path even where the author is nobody whom one could know."""
    found = parse(mail("Example <noreply@mx.example.net>", words), reverse_path=NULL)
    assert found.kind is Kind.BOUNCE
    assert [fields.address for fields in found.recipients] == ["alice@example.org"]


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (
            "Delivery to these recipients or groups is complete, but no delivery notification was sent by the\n"
            "destination server:\n\nalice@example.org\n",
            Kind.RELAYED,
        ),
        ("Your message was successfully delivered to the following recipients:\n\nalice@example.org\n", Kind.DELIVERED),
    ],
)
def test_a_notice_in_words_that_all_went_well_is_no_bounce(words: str, kind: Kind) -> None:
    """Exchange and others tell in words alone."""
    assert parse(mail(SYSTEM, words), reverse_path=NULL).kind is kind


def test_what_is_not_proven_holds_no_word_of_the_mail() -> None:
    """A person may have written it."""
    found = parse(mail(PERSON, PHRASE + "My doctor is worried.\n"), reverse_path=SOMEBODY)
    assert found.signs == ("phrase",)
    assert "doctor" not in repr(found)
