"""A notice as its recognisers see it: who wrote it, what it says, and what it returned."""

import re
from dataclasses import dataclass

from bounced.core.message import Header, Message, header_of, unwrap_words
from bounced.core.notices.phrases import RETURNED

MAX_WORDS_CHARS = 16_000
MAX_MARKED_CHARS = 4000

_LOCAL_PART = re.compile(r"[<\s\"(]?([\w.+=-]{1,100})@")
_ADDRESS = re.compile(r"(?<![^\s<>\",;:()\[\]@])[^\s<>\",;:()\[\]@]{1,100}@[\w.-]{1,255}")


@dataclass(frozen=True, slots=True)
class Notice:
    """What a notice says in its own words.

    ``marked`` is what a family is known by: X-Mailer, From, Subject and the first words, a line each.
    ``full`` is the whole text part; ``words`` end where the returned message begins.  ``returned`` is the header of
    what came back, in a part of its own or below the words.
    ``senders`` are the addresses to which the notice went, in lower case: they are no recipients.
    """

    header: Header
    subject: str
    author: str
    words: str
    returned: str
    senders: frozenset[str]
    marked: str
    full: str

    @property
    def author_local_part(self) -> str:
        """The local part of From in lower case; the whole of From where it holds no address."""
        found = _LOCAL_PART.search(self.author)
        return (found[1] if found else self.author).lower()


def from_message(message: Message) -> Notice:
    """Return a message as a notice."""
    full = message.words
    words, rest = _divided(full)
    header = message.header
    subject, author = unwrap_words(header.get("subject")), unwrap_words(header.get("from"))
    return Notice(
        header=header,
        subject=subject,
        author=author,
        words=words,
        marked=f"{header.get('x-mailer')}\n{author}\n{subject}\n{words[:MAX_MARKED_CHARS]}",
        returned=message.returned_header or (header_of(rest.encode()) if rest else ""),
        full=full,
        senders=frozenset(address.lower() for address in addresses(header.get("to"))),
    )


def addresses(field: str) -> list[str]:
    """Return the addresses in a field, without display names."""
    return _ADDRESS.findall(field)


def _divided(text: str) -> tuple[str, str]:
    found = RETURNED.first(text)
    if not found:
        return text[:MAX_WORDS_CHARS], ""
    start, end = found
    rest = text[start:]
    if ":" not in text[start:end]:  # a line of words, not the first field itself
        rest = rest.partition("\n")[2]
    return text[:start][:MAX_WORDS_CHARS], rest
