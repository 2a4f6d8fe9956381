"""Real bounces changed where their structure is: fields, parts, boundaries, encodings, charsets, numbers."""

import base64
import quopri
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.support.nasty import ATOMS

MAX_BYTES = 300_000

_NUMBER = re.compile(rb"\d+")
_WORD = re.compile(rb"[A-Za-z]{3,}")
_BOUNDARY = re.compile(rb'boundary="?([^"\s;]+)', re.IGNORECASE)
_FIELD = re.compile(rb"^([A-Za-z-]+):(.*)$", re.MULTILINE)
_NUMBERS = (b"0", b"-1", b"9" * 30, b"9" * 4400, b"00000000001", b"1e999", b"\xd9\xa3", b"4.4.4.4", b"5.999.999")
_ENCODINGS = (b"base64", b"quoted-printable", b"7bit", b"binary", b"uuencode", b"BASE64 ", b"x" * 300, b"")
_CHARSETS = (
    *(b"utf-8", b"utf-16", b"utf-16le", b"utf-7", b"iso-2022-jp", b"iso-2022-kr", b"gb18030", b"big5", b"euc-kr"),
    *(b"punycode", b"idna", b"unicode_escape", b"raw_unicode_escape", b"hex", b"zip", b"undefined", b"mbcs", b"\xff"),
)
_TYPES = (
    *(b"text/html", b"text/plain", b"multipart/mixed", b"multipart/report", b"message/rfc822", b"message/partial"),
    *(b"message/delivery-status", b"message/global-delivery-status", b"message/feedback-report"),
    *(b"message/disposition-notification", b"text/rfc822-headers", b"", b"/", b"text"),
)
_NAMES = (
    *(b"Final-Recipient", b"Original-Recipient", b"Action", b"Status", b"Diagnostic-Code", b"Remote-MTA", b"Date"),
    *(b"Reporting-MTA", b"Feedback-Type", b"Original-Rcpt-To", b"Original-Mail-From", b"Received", b"Return-Path"),
    *(b"From", b"To", b"Subject", b"Message-ID", b"X-Failed-Recipients", b"Auto-Submitted", b"Delivered-To"),
    *(b"Content-Type", b"Content-Transfer-Encoding", b"MIME-Version", b"X-Actual-Recipient", b"Will-Retry-Until"),
)

Mutation = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Mutator:
    """Changes messages by chance; the same ``chance`` makes the same changes."""

    seeds: Sequence[bytes]
    chance: random.Random

    def message(self) -> bytes:
        """Return a real message that was changed once to six times."""
        message = self.chance.choice(self.seeds)
        for _ in range(self.chance.randrange(1, 7)):
            message = self.chance.choice(self._mutations)(message)[:MAX_BYTES]
        return message

    @property
    def _mutations(self) -> tuple[Mutation, ...]:
        return (
            self.other_number,
            self.other_value,
            self.other_name,
            self.field_added,
            self.field_repeated,
            self.other_charset,
            self.other_encoding,
            self.really_encoded,
            self.other_type,
            self.boundary_changed,
            self.part_repeated,
            self.part_nested,
            self.word_replaced,
            self.run_inserted,
            self.lines_mixed,
            self.cut,
            self.octets_flipped,
            self.spliced,
        )

    def other_number(self, message: bytes) -> bytes:
        """Write another number in the place of one."""
        return self._replaced(message, _NUMBER, lambda _found: self.chance.choice(_NUMBERS))

    def other_value(self, message: bytes) -> bytes:
        """Give a field a value made of nasty pieces."""
        return self._replaced(message, _FIELD, lambda found: found[1] + b": " + self._nasty())

    def other_name(self, message: bytes) -> bytes:
        """Give a field's value to another field."""
        return self._replaced(message, _FIELD, lambda found: self.chance.choice(_NAMES) + b":" + found[2])

    def field_added(self, message: bytes) -> bytes:
        """Add a field before a field."""
        added = self.chance.choice(_NAMES) + b": " + self._nasty()
        return self._replaced(message, _FIELD, lambda found: added + b"\n" + found[0])

    def field_repeated(self, message: bytes) -> bytes:
        """Write a field many times."""
        count = self.chance.choice((2, 20, 700))
        return self._replaced(message, _FIELD, lambda found: (found[0] + b"\n") * count)

    def other_charset(self, message: bytes) -> bytes:
        """Say that some text is in another charset."""
        charset = self.chance.choice(_CHARSETS)
        if b"charset=" not in message:
            return message.replace(b"text/plain", b"text/plain; charset=" + charset)
        return re.sub(rb'charset="?[^"\s;]*', lambda _found: b"charset=" + charset, message)

    def other_encoding(self, message: bytes) -> bytes:
        """Say that some part is encoded in another way."""
        return self._field_of_parts(message, b"Content-Transfer-Encoding", self.chance.choice(_ENCODINGS))

    def other_type(self, message: bytes) -> bytes:
        """Say that some part is of another type."""
        return self._field_of_parts(message, b"Content-Type", self.chance.choice(_TYPES))

    def really_encoded(self, message: bytes) -> bytes:
        """Encode all that stands behind the header."""
        header, _, body = message.partition(b"\n\n")
        by, encoded = self.chance.choice(
            ((b"base64", base64.encodebytes(body)), (b"quoted-printable", quopri.encodestring(body)))
        )
        return header + b"\nContent-Transfer-Encoding: " + by + b"\n\n" + encoded

    def boundary_changed(self, message: bytes) -> bytes:
        """Write a boundary otherwise where it is declared, or where it is used."""
        found = _BOUNDARY.search(message)
        if not found:
            return message
        other = self.chance.choice((found[1][:-1], found[1] + b"x", b"", b"-" * 70, self._nasty()[:70]))
        return message.replace(found[1], other, self.chance.choice((1, -1)))

    def part_repeated(self, message: bytes) -> bytes:
        """Bring a part many times."""
        found = _BOUNDARY.search(message)
        pieces = message.split(b"--" + found[1]) if found else [message]
        at = self.chance.randrange(len(pieces))
        pieces[at:at] = pieces[at : at + 1] * self.chance.choice((1, 10, 60))
        return (b"--" + found[1] if found else b"\n").join(pieces)

    def part_nested(self, message: bytes) -> bytes:
        """Put the message into a part of another, many times over."""
        for level in range(self.chance.choice((1, 2, 12))):
            kind = self.chance.choice((b"multipart/mixed; boundary=n%d" % level, b"message/rfc822"))
            start = b"--n%d\n" % level if kind.startswith(b"multipart") else b""
            message = b"Content-Type: " + kind + b"\n\n" + start + message
        return message

    def word_replaced(self, message: bytes) -> bytes:
        """Write a nasty piece in the place of a word."""
        return self._replaced(message, _WORD, lambda _found: self._nasty())

    def run_inserted(self, message: bytes) -> bytes:
        """Insert one piece many times, anywhere."""
        at = self.chance.randrange(len(message) + 1)
        return message[:at] + self.chance.choice(ATOMS) * self.chance.choice((3, 100, 5000)) + message[at:]

    def lines_mixed(self, message: bytes) -> bytes:
        """Bring some lines in another order."""
        lines = message.split(b"\n")
        begin = self.chance.randrange(len(lines))
        some = lines[begin : begin + 20]
        self.chance.shuffle(some)
        return b"\n".join(lines[:begin] + some + lines[begin + 20 :])

    def cut(self, message: bytes) -> bytes:
        """Cut a message anywhere."""
        return message[: self.chance.randrange(len(message) + 1)] or b"\n"

    def octets_flipped(self, message: bytes) -> bytes:
        """Change some octets."""
        octets = bytearray(message or b"\n")
        for _ in range(self.chance.randrange(1, 40)):
            octets[self.chance.randrange(len(octets))] = self.chance.randrange(256)
        return bytes(octets)

    def spliced(self, message: bytes) -> bytes:
        """Continue with the second half of another message."""
        other = self.chance.choice(self.seeds)
        return message[: self.chance.randrange(len(message) + 1)] + other[self.chance.randrange(len(other)) :]

    def _nasty(self) -> bytes:
        pieces = self.chance.choices((*ATOMS, *_NUMBERS), k=self.chance.randrange(1, 4))
        return b"".join(piece * self.chance.choice((1, 1, 3, 200)) for piece in pieces)

    def _replaced(self, message: bytes, pattern: re.Pattern[bytes], by: Callable[[re.Match[bytes]], bytes]) -> bytes:
        found = list(pattern.finditer(message))
        if not found:
            return message
        chosen = self.chance.choice(found)
        return message[: chosen.start()] + by(chosen) + message[chosen.end() :]

    def _field_of_parts(self, message: bytes, name: bytes, value: bytes) -> bytes:
        field = re.compile(rb"^" + re.escape(name) + rb":[^;\n]*", re.MULTILINE | re.IGNORECASE)
        if not field.search(message):
            return name + b": " + value + b"\n" + message
        return self._replaced(message, field, lambda _found: name + b": " + value)
