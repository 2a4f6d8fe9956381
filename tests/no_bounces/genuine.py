"""Genuine notices of failure without a status part, written in TOML, and the messages that are made of them."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.utils import format_datetime
from typing import Any

from bounced.core.terms import Category
from tests.no_bounces.mails import HERE, OUR_SUBJECT, filled, html, multipart

RETURNED = """
Return-Path: <{path}>
Received: from news.sender.example by mx.example.net; {date}
From: Example News <news@sender.example>
To: {me}
Subject: {ours}
Message-ID: <n1@sender.example>
Date: {date}
""".strip()


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice.  ``categories`` are those that it may be given."""

    system: str
    categories: tuple[Category, ...]
    told: Mapping[str, Any]

    def content(self, recipient: str, return_path: str, at: datetime) -> bytes:
        """Return it as it comes at the return path that was made for a recipient."""
        charset = self.told.get("charset", "utf-8")
        values = {
            "returned": RETURNED,
            "me": recipient,
            "domain": recipient.partition("@")[2],
            "path": return_path,
            "ours": OUR_SUBJECT,
            "date": format_datetime(at),
        }
        subject = filled(self.told["subject"], values)
        head = [
            f"From: {filled(self.told['from'], values)}",
            f"To: {return_path}",
            f"Subject: {subject if subject.isascii() else Header(subject, charset, header_name='Subject').encode()}",
            f"Date: {format_datetime(at)}",
            f"Message-ID: <{self.system}@mx.example.net>",
            "MIME-Version: 1.0",
            *(filled(field, values) for field in self.told.get("fields", ())),
        ]
        text = filled(self.told["text"], values).lstrip("\n")
        header = "".join(f"{field}\n" for field in head).encode()
        return (header + self._body(text, charset, filled(RETURNED, values))).replace(b"\n", b"\r\n")

    def _body(self, text: str, charset: str, returned: str) -> bytes:
        """Return the words in their layout, with the fields that say what it is.  Old MTAs write plain text alone."""
        layout = self.told.get("layout", "plain")
        if layout == "html":
            return part("text/html", html(text), charset)
        if layout == "mixed":
            attached = b"Content-Type: message/rfc822\n\n" + returned.encode()
            return multipart("mixed", part("text/plain", text, charset), attached)
        return b"\n" + text.encode() if text.isascii() else part("text/plain", text, charset)


def part(type_: str, text: str, charset: str) -> bytes:
    """Return a text with its fields."""
    fields = f"Content-Type: {type_}; charset={charset}\nContent-Transfer-Encoding: 8bit\n\n"
    return fields.encode() + text.encode(charset)


def genuine() -> list[Notice]:
    """Return all notices."""
    told = tomllib.loads((HERE / "notices.toml").read_text(encoding="utf-8"))["notice"]
    return [Notice(each["system"], tuple(Category(name) for name in each["categories"]), each) for each in told]
