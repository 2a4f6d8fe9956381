"""A notice as its recognisers see it: who wrote it, what it says, and what it returned."""

import re
from typing import NamedTuple

from bounced.core.reading.message import Header, Message, header_of, unwrap_words
from bounced.core.reading.message.limits import NOTICE_UNITS_A_CHAR, Work
from bounced.core.reading.notices import finality
from bounced.core.reading.notices.ours import phrases_of, without_ours
from bounced.core.reading.notices.phrases import RETURNED
from bounced.core.terms import Action

MAX_WORDS_CHARS = 16_000
MAX_MARKED_CHARS = 4000

_ADDRESS = re.compile(r"(?<![^\s<>\",;:()\[\]@])[^\s<>\",;:()\[\]@]{1,100}@[\w.-]{1,255}")


class Notice(NamedTuple):
    """What a notice says in its own words.

    ``words`` end where the returned message begins, and are without what they quote of it; ``returned`` is its header,
    from a part of its own or from below the words.  ``marked`` is what a family is known by: X-Mailer, From, Subject
    and the first words, a line each.
    ``senders`` are the addresses to which the notice went, in lower case: they are no recipients.  ``action`` is what
    the words say was done.  ``work`` is what reading the message may still take.
    """

    header: Header
    subject: str
    author: str
    words: str
    returned: str
    senders: frozenset[str]
    marked: str
    action: Action
    work: Work

    @property
    def anonymous(self) -> bool:
        """Whether it came with a null sender, or from nobody."""
        return self.header.get("return-path") == "<>" or not self.author.strip("<> ")

    def spend(self) -> None:
        """Pay for one reader of the words.  Raises WorkSpent."""
        self.work.spend(len(self.words) * NOTICE_UNITS_A_CHAR)


def from_message(message: Message) -> Notice:
    """Return a message as a notice."""
    words, rest = divided(message.words)
    header = message.header
    returned = message.returned_header or (header_of(rest.encode()) if rest else "")
    ours = phrases_of(returned)
    words = without_ours(words, ours)
    subject, author = without_ours(unwrap_words(header.get("subject")), ours), unwrap_words(header.get("from"))
    return Notice(
        header=header,
        subject=subject,
        author=author,
        words=words,
        marked=f"{header.get('x-mailer')}\n{author}\n{subject}\n{words[:MAX_MARKED_CHARS]}",
        returned=returned,
        action=finality.action(subject, words),
        senders=frozenset(address.lower() for address in addresses(header.get("to"))),
        work=message.work,
    )


def addresses(field: str) -> list[str]:
    """Return the addresses in a field, without display names."""
    return _ADDRESS.findall(field)


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
