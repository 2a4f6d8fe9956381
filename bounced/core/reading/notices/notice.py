"""A notice as its recognisers see it: who wrote it, what it says, and what it returned."""

import re
from typing import NamedTuple

from bounced.core.reading.message import RETURNED_TYPES, Header, Message, header_of, unwrap_words
from bounced.core.reading.message.limits import NOTICE_UNITS_A_CHAR, Work
from bounced.core.reading.notices.ours import phrases_of, without_ours
from bounced.core.reading.notices.phrases import QUOTATIONS, RETURNED
from bounced.core.terms import Action

MAX_WORDS_CHARS = 16_000
MAX_MARKED_CHARS = 4000

_QUOTED_LINE = re.compile(r"\n[ \t]*+>[^\n]*")
_ADDRESS = re.compile(r"(?<![^\s<>\",;:()\[\]@])[^\s<>\",;:()\[\]@]{1,100}@(?:[\w-]|\.(?!\.\.)){1,255}")


class Notice(NamedTuple):
    """What a notice says in its own words.

    ``words`` end where the returned message begins, and are without what they quote of it; ``returned`` is its header,
    from a part of its own or from below the words; ``brings_back`` says that something came back, header or not.
    ``senders`` are the addresses to which the notice went, in lower case: they are no recipients.  ``work`` is what
    reading the message may still take.  ``action`` is what was done, where somebody asked the words for it.
    """

    header: Header
    subject: str
    author: str
    words: str
    returned: str
    brings_back: bool
    senders: frozenset[str]
    work: Work
    action: Action = Action.FAILED

    @property
    def marked(self) -> str:
        """What a family is known by: X-Mailer, From, Subject and the first words, a line each."""
        return f"{self.header.get('x-mailer')}\n{self.author}\n{self.subject}\n{self.words[:MAX_MARKED_CHARS]}"

    def spend(self) -> None:
        """Pay for one reader of the words.  Raises WorkSpent."""
        self.work.spend(len(self.words) * NOTICE_UNITS_A_CHAR)


def from_message(message: Message, ours: tuple[str, ...] = ()) -> Notice:
    """Return a message as a notice.  ``ours`` are the phrases of its returned header, where somebody knows them."""
    words, rest = divided(message.words)
    header = message.header
    returned = message.returned_header or (header_of(rest.encode()) if rest else "")
    ours = ours or phrases_of(returned)
    words = without_ours(words, ours)
    subject, author = without_ours(unwrap_words(header.get("subject")), ours), unwrap_words(header.get("from"))
    return Notice(
        header=header,
        subject=subject,
        author=author,
        words=words,
        returned=returned,
        brings_back=bool(returned or rest.strip()) or message.first(*RETURNED_TYPES) is not None,
        senders=frozenset(address.lower() for address in addresses(header.get("to"))),
        work=message.work,
    )


def addresses(field: str) -> list[str]:
    """Return the addresses in a field, without display names."""
    return _ADDRESS.findall(field)


def own_words(words: str) -> str:
    """Return what the author of a message wrote, on one line: without what is quoted, and with plain apostrophes."""
    quotation = QUOTATIONS.first(words)
    own = words[: quotation[0]] if quotation else words
    if ">" in own:
        own = _QUOTED_LINE.sub("", f"\n{own}")
    return " ".join(own.split()).replace("\u2019", "'")


def divided(text: str) -> tuple[str, str]:
    """Return a notice's own words, and the message that was returned below them."""
    lowered = text.lower()
    found = RETURNED.search("\n" + (lowered if len(lowered) == len(text) else text))
    if not found:
        return text[:MAX_WORDS_CHARS], ""
    start, end = found.start(), found.end() - 1
    rest = text[start:]
    if ":" not in text[start:end]:  # a line of words, not the first field itself
        rest = rest.partition("\n")[2]
    return text[:start][:MAX_WORDS_CHARS], rest
