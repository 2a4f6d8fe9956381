"""A notice as its recognisers see it: who wrote it, what it says, and what it returned."""

import re
from dataclasses import dataclass

from bounced.core.message import RETURNED_TYPES, Header, Message, divide, unwrap_words

MAX_WORDS_CHARS = 16_000
MAX_MARKED_CHARS = 4000

# Where the returned message begins.  Each line is one family's phrase or a few families' common one.
_RETURNED = re.compile(
    r"^[ \t>*|#-]*+(?:"
    r"this is a copy of (?:the|your) message"
    r"|(?:below (?:this|the next) line|(?:below|enclosed|included|here|following|attached) is a copy)"
    r" (?:is a copy )?of the"
    r"|(?:a )?(?:copy of )?(?:the |your )?(?:original|unsent|undelivered|returned|rejected) (?:mail |e-?mail )?"
    r"(?:message|mail|e-?mail)?(?: headers?| details?| info| text)?"
    r"[ \t]*+(?:follows|following|below|this line|attached|is attached|-|:|=|$)"
    r"|(?:the )?headers? of the (?:original|returned|message)"
    r"|(?:message|original) (?:headers?|text) (?:follows?|:)"
    r"|message text follows"
    r"|your message reads"
    r"|the first \d+ (?:lines|bytes|characters)"
    r"|original[ -]message(?: headers)?[ \t]*+-"
    r"|mensaje original|message d'origine|messaggio originale|mensagem original"
    r"|urspr(?:\xfc|ue?)ngliche (?:nachricht|mail)|es folgt d|(?:en[ -]?t\xeate|kopfzeilen)"
    r"|copy of (?:the )?(?:original|returned|your)"
    r"|start of (?:the )?returned message|begin (?:of )?(?:the )?(?:original|returned)"
    r"|(?:return-path|received|message-id):[ \t]*+[<(]?\S"
    r")",
    re.MULTILINE | re.IGNORECASE,
)
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
    returned: Header | None
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
    full = notice_text(message)
    words, rest = _divided(full)
    header = message.header
    part = message.first(*RETURNED_TYPES)
    returned = divide(part.octets)[0] if part else (divide(rest.encode())[0] if rest else None)
    subject, author = unwrap_words(header.get("subject")), unwrap_words(header.get("from"))
    return Notice(
        header=header,
        subject=subject,
        author=author,
        words=words,
        marked=f"{header.get('x-mailer')}\n{author}\n{subject}\n{words[:MAX_MARKED_CHARS]}",
        returned=returned,
        full=full,
        senders=frozenset(address.lower() for address in addresses(header.get("to"))),
    )


def notice_text(message: Message) -> str:
    """Return the explanatory text: plain text where there is any, else HTML, before any returned part."""
    found = {"text/plain": "", "text/html": ""}
    for part in message.parts:
        if part.content_type in RETURNED_TYPES:
            break
        content_type = part.content_type
        if content_type.startswith("multipart/"):  # its boundary is nowhere to be found
            content_type = "text/plain"
        if content_type in found and len(found[content_type].strip()) < 20:  # noqa: PLR2004 - a bare greeting
            found[content_type] += part.text
    text = found["text/plain"]
    return (text if text.strip() else found["text/html"]).replace("\r", "\n")


def addresses(field: str) -> list[str]:
    """Return the addresses in a field, without display names."""
    return _ADDRESS.findall(field)


def _divided(text: str) -> tuple[str, str]:
    found = _RETURNED.search(text)
    if not found:
        return text[:MAX_WORDS_CHARS], ""
    rest = text[found.start() :]
    if ":" not in found[0]:  # a line of words, not the first field itself
        rest = rest.partition("\n")[2]
    return text[: found.start()][:MAX_WORDS_CHARS], rest
