"""Whom a reply is about: the recipient that it quotes.

Replies quote the recipient (``550 5.1.1 <bob@example.net>: Recipient address rejected``), and beside it the sender, a
contact, the recipient's new address, or the id of a message.  The first address that is none of these is the
recipient.  Words before an address tell what it is: those of its own sentence, behind the address before it.
"""

import re
from collections.abc import Container, Iterator

from bounced.core import mailbox
from bounced.core.limits import MAX_REPLY_CHARS
from bounced.core.reading.patterns import PatternSet

MAX_BEFORE_CHARS = 100
MAX_AFTER_CHARS = 40
MAX_ADDRESSES = 20

_URL = re.compile(r"(?:https?://|www\.)[^\s<>'\")\]]*", re.IGNORECASE)
_RCPT = re.compile(r"\bRCPT TO:? {0,3}<([^<>\s]{1,320})>", re.IGNORECASE)
# A user without a domain: ``550 5.1.1 <bob>: ...``, and Sendmail's ``550 5.1.1 bob... User unknown``.
_LOCAL_USER = re.compile(
    r"[\s\d.#:-]{0,30}(?:<(?P<angled>[\w.+-]{1,64})>(?=[:,\s]|\.\.\.)|(?P<bare>[\w.+-]{1,64}?)\.\.\. ?user unknown)",
    re.IGNORECASE,
)
# A user without a domain in quotes: Postfix's ``unknown user: "bob"``.
_NAMED_USER = re.compile(
    r"\b(?:(?:unknown|no such) user|user(?: unknown| not found)?):? [\"'<](?P<user>[\w.+-]{1,64})[\"'>]",
    re.IGNORECASE,
)
_CODES_ONLY = re.compile(r"[\s\d.#<(\['\":-]*")
_SENTENCE = re.compile(r"[.;!?]\s")
_CLOSING = ".,;:!?'\"\\"

# Who answers questions, unless the reply begins with it or says that it failed.
_OFFICES = re.compile(
    r"(?:post-?master|mailer-daemon|abuse|support|help-?desk|administrator|admin|hostmaster|webmaster|noc|security|"
    r"unblock\w*|delist\w*)@",
    re.IGNORECASE,
)
# What Exchange writes in the place of a name of its own, and senders that a gateway rewrote or signed.
_NOBODY = re.compile(r"imceaex-|srs[01][=+-]|prvs=|btv1=", re.IGNORECASE)
_OTHERS = PatternSet(
    (
        # the sender
        r"\b(from|sender|originator|return[- ]?path|reply-to|behalf of|authenticated as|helo)\b[ :=<'\"]*[^:]{0,25}$",
        r"\b(absender|exp[ée]diteur|remitente|remetente|mittente|nadawc|afzender|odes[ií]latel)",
        r"отправител|发件人|寄件人|發件人|送信者|差出人",
        # a contact, or a new address
        r"\b(please|contact\w*|consult|ask|notify|write|call|try|use|visit|complain\w*|questions?|assistance|moved)\b",
        r"\b(help|new|changed|instead|replaced|forward(ing)?|report (this|it|problems?|to)|whitelist|removal)\b",
        r"\b(bitte|wenden|kontakt|veuillez|contactez|por favor|p[óo]ngase|contatt|rivolg|scriv|contate|entre em )",
        r"\b(skontaktuj|prosz|neem |opgevolgd|nouvelle |neue |nuevo |nuovo )",
        r"обрат|свяжитесь|пишите|联系|聯絡|連絡|お問い合わせ",
        # a message
        r"\b(message-?id|msg-?id|id|envelope)\b ?[:=#]?[^\w]*$",
    )
)
_FAILS = re.compile(
    r"[>'\")\]]{0,3}[ :.,;-]{0,4}(?:(?:does|could|was|is) ?(?:n[o']t |not )|(?:is |was )?(?:an? )?"
    r"(?:unknown|invalid|unavailable|no such|no longer|no mailbox|not found|"
    r"user unknown|user not|recipient address rejected)\b)",
    re.IGNORECASE,
)
_SENDER_FOLLOWS = re.compile(r"[>'\")\]]{0,3}[ :.,;-]{0,4}(?:\(?sender\b|\(?as sender\b)", re.IGNORECASE)


def recipient_in(reply: str, ours: Container[str] = ()) -> str | None:
    """Return the address, or the local user, that a reply is about; None where it quotes nobody.

    ``ours`` are addresses of the sender, in lower case.
    """
    text = reply[:MAX_REPLY_CHARS]
    if "//" in text or "www." in text.lower():
        text = _URL.sub(" ", text)
    local = _LOCAL_USER.match(text)
    if local:
        return local["angled"] or local["bare"]
    if "@" not in text:
        named = _NAMED_USER.search(text)
        return named["user"] if named else None
    return next(_recipients(text, ours), None)


def told_at_rcpt(words: str) -> list[str]:
    """Return the recipients of the dialogue that words quote: ``after RCPT TO:<bob@example.net>``."""
    return _RCPT.findall(words) if "rcpt to" in words.lower() else []


def _recipients(text: str, ours: Container[str]) -> Iterator[str]:
    end = 0
    for count, found in enumerate(mailbox.ADDRESS_LIKE.finditer(text)):
        if count >= MAX_ADDRESSES:
            return
        address = found[0].rstrip(_CLOSING)
        leads = bool(_CODES_ONLY.fullmatch(text, 0, found.start()))
        before = _SENTENCE.split(text[max(end, found.start() - MAX_BEFORE_CHARS) : found.start()])[-1]
        after = text[found.end() : found.end() + MAX_AFTER_CHARS]
        end = found.end()
        if _NOBODY.match(address) or _SENDER_FOLLOWS.match(after) or address.lower() in ours:
            continue
        failed = leads or _FAILS.match(after)
        if failed or not (_OFFICES.match(address) or _OTHERS.matching(before)):
            yield address
