"""Mail that is no bounce: how it is written down in TOML, and the messages that are made of it.

A file is a group.  It has sets; a set has frames (who sends it, with which fields, in which layout) and words (what it
says, in which language).  Every frame of a set goes with all its words, so that five words in four frames are twenty
mails.  Braces name what is filled in: another value of the words, or one of those in ``_filled``.
"""

import base64
import quopri
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.header import Header
from email.utils import format_datetime
from html import escape
from pathlib import Path
from typing import Any, Self

from bounced.core.terms import Kind

HERE = Path(__file__).parent
NO_BOUNCES = ("automatic", "challenges", "helpdesks", "machines", "people")
REQUESTS = "requests"
OUR_SUBJECT = "November news"

_PLAIN, _HTML = "text/plain", "text/html"


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail.  ``kinds`` are what it may be called, the best first; nobody but its reader may see ``private`` words.

    ``recipient`` is whose return path it comes to: most often its author's.
    """

    group: str
    name: str
    kinds: tuple[Kind, ...]
    private: bool
    recipient: str
    frame: Mapping[str, Any]
    words: Mapping[str, str]

    def of(self, recipient: str) -> Self:
        """Return the same mail of somebody else."""
        return replace(self, recipient=recipient)

    @property
    def reverse_path(self) -> str:
        """The envelope's reverse path where it is not null."""
        return filled(str(self.frame.get("reverse_path", "{me}")), self._named)

    @property
    def may_be_null(self) -> bool:
        """Whether it is no bounce by a null reverse path either."""
        return bool(self.frame.get("null", True))

    def said(self, at: datetime) -> list[str]:
        """Return what it says, subject and text, line by line."""
        return [self._filled(self._subject, "", at), *self._text("", at).splitlines()]

    def content(self, return_path: str, at: datetime) -> bytes:
        """Return it as it comes at a return path."""
        from_ = str(self.frame.get("from", "Alice Example <{me}>"))
        fields = [
            f"From: {self._filled(from_, return_path, at)}",
            f"To: {return_path}",
            f"Subject: {self._encoded(self._filled(self._subject, return_path, at))}",
            f"Date: {format_datetime(at)}",
            f"Message-ID: <{self.name}@mail.example.net>",
            *(self._filled(field, return_path, at) for field in self.frame.get("fields", ())),
            "MIME-Version: 1.0",
        ]
        head = "".join(f"{field}\n" for field in fields).encode()
        return (head + self._body(return_path, at)).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")

    @property
    def _subject(self) -> str:
        return str(self.frame.get("subject", "{subject}"))

    def _text(self, return_path: str, at: datetime) -> str:
        return self._filled(str(self.frame.get("text", "{text}")), return_path, at).strip("\n") + "\n"

    def _body(self, return_path: str, at: datetime) -> bytes:
        text = self._text(return_path, at)
        layout = self.frame.get("layout", "plain")
        if layout == "plain":
            return self._part(_PLAIN, text)
        if layout == "html":
            return self._part(_HTML, html(text))
        if layout == "both":
            return multipart("alternative", self._part(_PLAIN, text), self._part(_HTML, html(text)))
        attached = self._filled(self.words["attached"], return_path, at)
        part = f"Content-Type: {self.frame['attached_type']}\n\n{attached.lstrip()}".encode()
        return multipart(layout, self._part(_PLAIN, text), part)

    def _part(self, type_: str, text: str) -> bytes:
        """Return a text with the fields that say how it is encoded."""
        charset = self.words.get("charset", "utf-8")
        octets = text.encode(charset)
        encoding = self.frame.get("encoding", "8bit")
        if encoding == "base64":
            octets = base64.encodebytes(octets)
        elif encoding == "quoted-printable":
            octets = quopri.encodestring(octets)
        return f"Content-Type: {type_}; charset={charset}\nContent-Transfer-Encoding: {encoding}\n\n".encode() + octets

    def _encoded(self, subject: str) -> str:
        """Return a subject in encoded words, where it needs them.  (RFC 2047)"""
        if subject.isascii():
            return subject
        return Header(subject, self.words.get("charset", "utf-8"), header_name="Subject").encode()

    @property
    def _named(self) -> dict[str, str]:
        return {"me": self.recipient, "domain": self.recipient.partition("@")[2]}

    def _filled(self, text: str, return_path: str, at: datetime) -> str:
        values = {
            **self.words,
            **self._named,
            "path": return_path,
            "ours": OUR_SUBJECT,
            "date": format_datetime(at),
            "day": (at + timedelta(days=9)).date().isoformat(),
        }
        return filled(filled(text, values), values)


def mails(group: str) -> Iterator[Mail]:
    """Yield the mails of one file."""
    told = tomllib.loads((HERE / f"{group}.toml").read_text(encoding="utf-8"))
    for set_ in told["set"]:
        kinds = tuple(Kind(kind) for kind in set_["kinds"])
        for frame in set_["frame"]:
            for words in set_["words"]:
                name = "-".join(filter(None, (group, set_["name"], frame["name"], words["name"])))
                yield Mail(group, name, kinds, set_.get("private", False), "alice@example.org", frame, words)


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return a text with its names in braces replaced by their values; what has no value stays."""
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def html(text: str) -> str:
    """Return a text as a page that a mail program would write."""
    body = "".join(f"<p>{escape(line)}</p>\n" if line else "<p>&nbsp;</p>\n" for line in text.splitlines())
    return f'<html><head><style>p {{ margin: 0 }}</style></head><body dir="auto">\n{body}</body></html>\n'


def multipart(kind: str, *parts: bytes) -> bytes:
    """Return parts with their own fields as one body.  (RFC 2046)"""
    inner = b"".join(b"--=_part\n" + part + b"\n" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="=_part"\n\n'.encode() + inner + b"--=_part--\n"
