"""Find an SMTP reply in a text, and split it into reply code, enhanced status code and words."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from bounced.core.limits import MAX_REPLY_CHARS

ADDRESS = "@"
"""What ``neutral`` puts in the place of a mail address."""
HOST = "~"
"""What ``neutral`` puts in the place of a host name, an IP address or a URL."""

# What must not stand before is looked at behind the first digit: Python's engine skips to a first character alone.
_ENHANCED = re.compile(r"(?P<status>[245](?<![\d.].)\.\d{1,3}\.\d{1,3})(?!\.?\d)")
_LEADING = re.compile(r"[^\w(]{0,3}(?P<code>[245]\d\d)(?=[\s:;,\-]|$)[:;,\-]?\s*")
_QUOTED_CODE = re.compile(
    r"(?<![\w.\-])(?P<code>[245]\d\d)(?=-['\"]|[ -]#?[245]\.\d)"
    r"|(?:[:;,\"'(\[<]|\bcode\b)[ :]{0,4}(?P<marked>[245]\d\d)(?=[ ,\-][ ,]*['\"<]?[A-Za-z])",
    re.IGNORECASE,
)
# How one system hands on what another said: by words that announce it, or as a reply with another code in marks.
_CODE = r"(?:42\d|43[0-2]|45\d|471|50[0-4]|51\d|52[0-3]|53\d|54[0-2]|55\d|57[01])"
_SECOND_CODE = re.compile(r"[245]\d\d")
_INTRODUCED = re.compile(
    r"(?:\bsaid:|\bsmtp;|<<<|->|\breturned(?: was)?:?|\bresponse was:?|\bresponded with(?: failure)?:?"
    r"|\berror message:?|\breason:|\banswered:?|\breplied:?)\s*(?P<reply>['\"\[<(]{0,2}\s?[245]\d\d[\s\-:].*)",
    re.IGNORECASE | re.DOTALL,
)
_INTRODUCTIONS = (
    "said:",
    "smtp;",
    "<<<",
    "->",
    "returned",
    "respon",
    "error message",
    "reason:",
    "answered",
    "replied",
)
_MARKED = re.compile(
    rf"(?:[:;(\[<'\"]\s{{0,2}}|\s(?={_CODE}-['\"]))(?P<reply>{_CODE}(?:[ -]#?[245]\.\d|[ ]['\"<]?[A-Za-z]|-['\"]).*)",
    re.DOTALL,
)
# It begins with the characters that may stand before a reply, so that the others are skipped over.
_REPLY_IN_TEXT = re.compile(
    r"[\n:;'\"\[(<>](?:(?<=\n)[ \t>]*(?:<<<[ \t]*)?| |(?<!>))(?P<reply>[45]\d\d(?:[ \-]|: )[ \t]*\S[^\n]*)"
)
_DIALOGUE = re.compile(r"<<<[ \t]*(?P<reply>[45]\d\d[ \-][^\n]*)")

IN_DIALOGUE = ">>> RCPT"
"""What stands in a notice that shows a dialogue."""
_COMMANDS = re.compile(r"(?:^[ \t]*>>>[^\n]*(?:\n|$))+(?:^[ \t]*<<<[^\n]*(?:\n|$))*", re.MULTILINE)
"""What a client said and what the server answered: one command, or several that were sent without waiting."""
_RECIPIENT = re.compile(r"[ \t]*>>> RCPT TO:? {0,3}<([^<>\s]{1,320})>", re.IGNORECASE)
_LAST_LINE = re.compile(r"^[ \t]*<<<[ \t]*\d{3}(?!-)")
"""The last line of a server's answer, or its only one.  (RFC 5321 section 4.2.1)"""

# What notices write below a reply, in its paragraph.
_NEXT_FIELD = re.compile(
    r"\n[ \t]*+(?:remote[ -](?:system|mta|host)|(?:reporting|received-from)-mta|(?:final|original)-recipient"
    r"|action|status|last-attempt-date|message-id|subject|from|to|date):|\n[ \t]*+giving up on ",
    re.IGNORECASE,
)
_PARAGRAPH = re.compile(r"\n[ \t\r]*\n\s*|\n(?=[ \t]{0,8}[A-Z][a-z]{2,15}: )")
"""An empty line, or one that begins with the name of a field: ``User: bob`` does not go on with ``Reason: unknown``."""
_ADDRESS = re.compile(
    r"(?<![^\s<>()\[\]{},;:'\"|@])[^\s<>()\[\]{},;:'\"|@]+@(?:\[[^\]\s]*\]?|\.{0,2}[\w\-]+(?:\.{1,2}[\w\-]+)*|(?=[>)\]]))"
)
"""Three dots end one: ``alice@example.org... User unknown`` is Sendmail's form, which others write without blanks."""
_URL = re.compile(r"((?:https?://|www\.)[^\s<>'\")\]]*)", re.IGNORECASE)
_HOST = re.compile(
    r"(?<![\w.\-])((?:[\w\-]++\.)+(?:[a-z][a-z0-9\-]*[a-z]|[A-Z][A-Z0-9\-]*[A-Z])(?!\.?[\w\-])"
    r"|\d{1,3}(?:\.\d{1,3}){3}(?!\.?\d)|(?:[0-9a-fA-F]{0,4}:){3,}[0-9a-fA-F:.]*)"
)


class Reply(NamedTuple):
    """An SMTP reply: ``code`` such as 550, ``status`` such as 5.1.1 (None where missing), ``text`` on one line.

    (RFC 5321 section 4.2, RFC 3463)
    """

    code: str | None
    status: str | None
    text: str


def layers(line: str) -> tuple[str, ...]:
    """Return what was said, from the outermost system that hands a reply on to the server that gave it.

    ``554 5.4.0 error: 550 5.1.1 unknown`` has two layers.  A reply without another in it has one.
    """
    found: list[str] = []
    rest = line[:MAX_REPLY_CHARS].strip()
    while inner := _quoted(rest):
        outer = rest[: inner.start("reply")].strip(" \t:;,'\"[<(->")
        if outer:
            found.append(outer)
        rest = inner["reply"].lstrip("'\"[<( ")
    return (*found, rest)


def split(line: str) -> Reply:
    """Split a reply on one line, such as a Diagnostic-Code's, into its parts.

    The reply of the last server counts where one server quotes another, and marks of continuation
    (``550-5.1.1``) are taken out of the words.
    """
    return innermost(layers(line))


def innermost(said: Sequence[str]) -> Reply:
    """Return the parts of the reply that the layers of ``layers`` hand on."""
    line = said[-1]
    leading = _LEADING.match(line)
    if leading:
        code, rest = leading["code"], _without_continuation(line[leading.end() :], leading["code"])
    else:
        quoted = _QUOTED_CODE.search(line)
        code, rest = quoted["code"] or quoted["marked"] if quoted else None, line
    enhanced = next((found for layer in reversed((*said[:-1], rest)) if (found := _ENHANCED.search(layer))), None)
    return Reply(code, enhanced["status"] if enhanced else None, " ".join(rest.split()))


def find(text: str) -> str | None:
    """Return the reply that a notice quotes in its own words, on one line; None where it quotes none.

    What a server said in a transcript (``<<<``) comes before what the reporting MTA made of it.
    """
    if "4" not in text and "5" not in text:
        return None
    text = f"\n{text}"
    found = _DIALOGUE.search(text) or _REPLY_IN_TEXT.search(text)
    if not found:
        return None
    paragraph = text[found.start("reply") : found.start("reply") + MAX_REPLY_CHARS].replace("\r", "")
    words = _NEXT_FIELD.split(paragraph.partition("\n\n")[0], maxsplit=1)[0]
    return " ".join(words.replace("<<<", " ").split())


def without_others(recipient: str, text: str) -> str:
    """Return a notice's words without what its dialogue says of others, where it shows one about several recipients.

    Who is none of these was not asked for: what a server said of them is nothing said of the recipient.
    """
    if IN_DIALOGUE not in text:
        return text
    recipient, dialogue = recipient.lower(), _dialogue(text)
    if len(dialogue.named) < 2:  # noqa: PLR2004 - the recipient may have another name there
        return text
    return "".join(piece for about, piece in dialogue.pieces if not about or recipient in about)


class _Dialogue(NamedTuple):
    """Whom a notice's dialogue names, and its pieces, each with those of them whom it is about; none for everybody."""

    named: frozenset[str]
    pieces: tuple[tuple[frozenset[str], str], ...]


@lru_cache(maxsize=8)
def _dialogue(text: str) -> _Dialogue:
    """Take a notice's dialogue apart; remembered, since each of its recipients asks."""
    named = frozenset(each[1].lower() for each in map(_RECIPIENT.match, text.splitlines()) if each)
    pieces: list[tuple[frozenset[str], str]] = []
    if len(named) > 1:
        end = 0
        for said in _COMMANDS.finditer(text):
            pieces += _of_whom(text[end : said.start()], named)
            pieces += _asked_and_answered(said[0])
            end = said.end()
        pieces += _of_whom(text[end:], named)
    return _Dialogue(named, tuple(pieces))


def _of_whom(text: str, named: frozenset[str]) -> Iterator[tuple[frozenset[str], str]]:
    """Yield lines between the dialogue's with those whom they name: ``550 5.1.1 <bob@example.net>... User unknown``."""
    for line in text.splitlines(keepends=True):
        yield named.intersection(map(str.lower, _ADDRESS.findall(line)) if "@" in line else ()), line


def _asked_and_answered(said: str) -> Iterator[tuple[frozenset[str], str]]:
    """Yield each command with its answer, and the recipient whom it names.

    Of several commands in a row the answers come in the same order.  If some are not shown, nobody knows whose the
    others are, and all are left out.
    """
    lines = said.splitlines(keepends=True)
    commands = [line for line in lines if line.lstrip().startswith(">>>")]
    answers, began = [], len(commands)
    for place, line in enumerate(lines[began:], began + 1):
        if _LAST_LINE.match(line) or place == len(lines):
            answers.append("".join(lines[began:place]))
            began = place
    if len(commands) == 1:
        answers = ["".join(lines[1:])]
    elif len(commands) != len(answers):
        answers = [""] * len(commands)
    for command, answer in zip(commands, answers, strict=True):
        about = _RECIPIENT.match(command)
        yield frozenset({about[1].lower()} if about else ()), command + answer


def status_in(text: str) -> str | None:
    """Return the first enhanced status code in a text.  (RFC 3463)"""
    found = _ENHANCED.search(text)
    return found["status"] if found else None


class Neutral(NamedTuple):
    """A text without names, and the host names and links that were taken out, with spaces between them."""

    text: str
    names: str


def neutral(text: str) -> Neutral:
    """Take addresses, host names, IP addresses and URLs out of ``text``, so that no name is read as a reason.

    ``mailspamprotection.example`` does not say spam.  An address becomes ``@``, all others ``~``.  Paragraphs become
    sentences of one line, ended by a semicolon.
    """
    names: list[str] = []
    if "\u2019" in text:  # as Microsoft writes "couldn't" in its notices
        text = text.replace("\u2019", "'")
    if "\n" in text:
        text = _PARAGRAPH.sub(" ; ", text)
    words = [
        _neutral_word(word, names)
        if not word.isalpha() and ("." in word[:-1] or "@" in word or ":" in word[:-1])
        else word
        for word in text.split()
    ]
    return Neutral(" ".join(words), " ".join(names))


def _neutral_word(word: str, names: list[str]) -> str:
    if _ENHANCED.fullmatch(word):
        return word
    if "@" in word:
        word = _ADDRESS.sub(ADDRESS, word)
    if "://" in word or word[:4].lower() == "www.":
        word = _without(_URL, word, names)
    return _without(_HOST, word, names) if "." in word or ":" in word else word


def _without(pattern: re.Pattern[str], word: str, names: list[str]) -> str:
    """Take what a pattern finds out of a word; the pattern is one group, so that every second piece is a name."""
    pieces = pattern.split(word)
    names += pieces[1::2]
    return HOST.join(pieces[::2])


def _quoted(line: str) -> re.Match[str] | None:
    """Return where a line begins to hand on what another system said."""
    if not _SECOND_CODE.search(line, 3):
        return None
    if any(map(line.lower().__contains__, _INTRODUCTIONS)) and (introduced := _INTRODUCED.search(line)):
        return introduced
    marked = _MARKED.search(line, 3)
    if marked is None:
        return None
    own = _LEADING.match(line)
    return None if own and _is_same(line[own.start("code") :], marked["reply"]) else marked


def _is_same(first: str, second: str) -> bool:
    """Tell a further line of one reply from the reply of another system: the codes are the same."""
    codes = [_ENHANCED.search(each[:20]) for each in (first, second)]
    return first[:3] == second[:3] and (codes[1] is None or (codes[0] is not None and codes[0][0] == codes[1][0]))


def _without_continuation(rest: str, code: str) -> str:
    """Take ``550-5.7.1`` and a last ``550 5.7.1`` out of the words that they interrupt."""
    if code not in rest:
        return rest
    enhanced = _ENHANCED.search(rest)
    status = rf"(?:[ \-]*{re.escape(enhanced['status'])})?" if enhanced else ""
    cleaned = re.sub(rf"{code[0]}(?<!\S.){code[1:]}(?:-|\s|$){status}", " ", rest)
    return f"{enhanced['status']} {cleaned}" if enhanced and enhanced["status"] not in cleaned else cleaned
