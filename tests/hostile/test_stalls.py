"""No message holds the event loop: what some pattern may get stuck on, repeated in every place of a bounce."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime

import pytest

from bounced.core.contract.digest import report_digest
from bounced.core.meaning.understand import Understood, understand
from bounced.core.reading.report import parse
from bounced.core.return_path import Directory, Keyring, ReturnPaths, SigningKey
from bounced.core.return_path.keyring import KeyStatus
from bounced.core.terms import Envelope, ReturnPath
from bounced.explain import packaged_rules
from tests.support.nasty import ATOMS, MARKS, OPENINGS

LIMIT_S = 0.1
"""50 ms on the machine for which it was made; twice that, so that a slower one does not fail."""
ROUNDS = 5
SHORT = 4
"""Where a piece is repeated very often, the short form takes one piece of so many, others in each place."""
MANY_BYTES = 50_000
NOW = datetime(2026, 11, 1, tzinfo=UTC)
KEYS = Keyring(SigningKey("a", b"a secret of enough octets", KeyStatus.SIGNING))
PATH = ReturnPath("main", "alice@xn--bcher-kva.example", "MAC", date(2026, 11, 1))
DIRECTORY = Directory((ReturnPaths("main", ("bounce.example.com",), KEYS),))
HEADER = b"From: MAILER-DAEMON@x.example\nTo: a@b.example\nSubject: Undelivered Mail Returned to Sender\n"
GROUP = b"Final-Recipient: rfc822; u@x.example\nAction: failed\n"
MANY_FIELDS = b"".join(b"%d:\n" % number for number in range(2000))


def one_line(text: bytes) -> bytes:
    """Return what may stand in one field."""
    return text.replace(b"\n", b" ")


def parts(body: bytes, boundary: bytes = b"B") -> bytes:
    """Return a multipart report with these octets for parts."""
    return HEADER + b'Content-Type: multipart/report; report-type=delivery-status; boundary="%s"\n\n' % boundary + body


def status(fields: bytes, words: bytes = b"It failed.") -> bytes:
    """Return a delivery status notification."""
    head = b"--B\n\n" + words + b"\n--B\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n"
    return parts(head + fields + b"\n--B--\n")


def bounded_by(text: bytes) -> bytes:
    """Return a message whose boundary is this, and whose parts begin almost like it."""
    boundary = one_line(text[:70]).replace(b'"', b"'")
    return parts((b"--" + boundary + b"\n\nx\n" + b"\n--" + boundary + b"x") * (60_000 // len(text[:70])), boundary)


def feedback(text: bytes) -> bytes:
    """Return a complaint: what it says, and the header that it brings back."""
    report = b"--B\n\nx\n--B\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n" + text[:60_000]
    return parts(report + b"\n--B\nContent-Type: message/rfc822\n\n" + text[:60_000] + b"\n--B--\n")


PLACES: Mapping[str, tuple[int, Callable[[bytes], bytes]]] = {
    "the text": (20_000, lambda x: HEADER + b"\n" + x),
    "a text of a megabyte": (900_000, lambda x: HEADER + b"\n" + x),
    "a text with the marks of all families": (18_000, lambda x: HEADER + b"\n" + MARKS + b"@\n" + x),
    "a text with every opening that flufl.bounce knows": (18_000, lambda x: HEADER + b"\n" + MARKS + OPENINGS + x),
    "HTML": (64_000, lambda x: HEADER + b"Content-Type: text/html\n\n" + x),
    "Subject": (
        60_000,
        lambda x: b"From: MAILER-DAEMON@x\nSubject: failure notice " + one_line(x) + b"\n\nx@y.example\n",
    ),
    "From": (60_000, lambda x: b"From: " + one_line(x) + b"\nSubject: failure notice\n\nto x@y.example\n"),
    "To": (60_000, lambda x: b"From: MAILER-DAEMON@x\nTo: " + one_line(x) + b"\nSubject: failure\n\nto x@y.example\n"),
    "Content-Type": (60_000, lambda x: HEADER + b"Content-Type: " + one_line(x) + b"\n\nx\n"),
    "X-Failed-Recipients": (60_000, lambda x: HEADER + b"X-Failed-Recipients: " + one_line(x) + b"\n\n" + MARKS),
    "the header": (900_000, lambda x: x + b"\n\nbody"),
    "the status part": (900_000, status),
    "Diagnostic-Code": (60_000, lambda x: status(GROUP + b"Diagnostic-Code: smtp; 550 " + x)),
    "Final-Recipient": (60_000, lambda x: status(b"Final-Recipient: rfc822; " + one_line(x) + b"\nAction: failed\n")),
    "the status of many fields": (60_000, lambda x: status(GROUP + MANY_FIELDS + x)),
    "the text beside a status part": (20_000, lambda x: status(GROUP, x)),
    "the text beside a status part that names nobody": (20_000, lambda x: status(b"Status: 5.0.0\n", OPENINGS + x)),
    "the returned message": (900_000, lambda x: parts(b"--B\n\nfailed\n--B\nContent-Type: message/rfc822\n\n" + x)),
    "a feedback report": (60_000, feedback),
    "the parts": (900_000, parts),
    "parts whose boundary is unknown": (900_000, lambda x: HEADER + b"Content-Type: multipart/mixed\n\n" + x),
    "the boundary": (70, bounded_by),
}


def take_in(content: bytes) -> Understood:
    """Do with a message all that the pipeline does with it at a stretch."""
    report = parse(content)
    DIRECTORY.find(report.returned_header, NOW.date())
    envelope = Envelope("", "", "", content, NOW)
    understood = understand(report, PATH, envelope, packaged_rules(), trust_unsigned=False)
    report_digest("path", understood.report.kind, understood.report.message_id, content)
    return understood


def cost_s(content: bytes) -> float:
    """Return the CPU time in seconds that a message takes at its quickest; one that is quick enough is tried once."""
    best = float("inf")
    for _ in range(ROUNDS):
        begun = time.process_time()
        take_in(content)
        best = min(best, time.process_time() - begun)
        if best < LIMIT_S / 4:
            break
    return best


def slow(place: str, pieces: tuple[bytes, ...]) -> list[str]:
    """Return the pieces that, repeated in a place, hold the loop too long."""
    packaged_rules()
    size, message = PLACES[place]
    costs = {piece: cost_s(message((piece * (size // len(piece) + 1))[:size])) for piece in pieces}
    return [f"{cost * 1000:.0f} ms: {piece!r}" for piece, cost in costs.items() if cost > LIMIT_S]


@pytest.mark.parametrize("place", PLACES)
def test_no_piece_holds_the_loop(place: str) -> None:
    """Repeated as often as there is room, it costs less than 50 ms."""
    size, _ = PLACES[place]
    first = list(PLACES).index(place) % SHORT
    assert slow(place, ATOMS[first::SHORT] if size > MANY_BYTES else ATOMS) == []


@pytest.mark.soak
@pytest.mark.parametrize("place", PLACES)
def test_no_two_pieces_hold_the_loop(place: str) -> None:
    """Nor do two in turn."""
    pairs = tuple(one + other for one in ATOMS for other in ATOMS[:: 2 * SHORT])
    assert slow(place, ATOMS + pairs) == []
