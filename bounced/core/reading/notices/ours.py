"""What a notice quotes of our own message: its Subject and its author's name, which give no reason.

They are known where the message, or its header, came back.  Elsewhere they are told by what stands before them: a label
(``Subject: ...``), "with the subject", or "your message" before words in quotes.
"""

import re
from collections.abc import Callable, Iterable

from bounced.core.reading.message import Header, unwrap_words
from bounced.core.reading.patterns import PatternSet, Replacer

MAX_PHRASE_CHARS = 400
FEW_CHARS = 12
TAKEN_OUT = " ; "
"""What stands in the place of our words: it ends a sentence, so that no reason is put together around it."""

_LABELS = (
    *("subject", "subj", "betreff", "objet", "sujet", "oggetto", "asunto", "assunto", "temat", "onderwerp", "ämne"),
    *(
        "emne",
        "aihe",
        "předmět",
        "tárgy",
        "konu",
        "subiect",
        "тема",
        "θέμα",
        "件名",
        "主题",
        "主旨",
        "標題",
        "标题",
        "제목",
    ),
)
_DOCUMENTS = ("your document", "ihr dokument", "votre document", "su documento")
_OPEN, _CLOSE = "[\"'“”„«»\u2039\u2018「『]", "[\"'“”«»\u203a\u2019」』]"
_SHORT = '[^"“”„«»「」『』\n]{1,300}'
# A line; one that is as long as lines may be goes on in the next where that is indented.  Or the next line, where the
# label stands alone.
_BELOW = r"(?:(?:re|fwd?|aw|wg|sv|tr|antw|[^\n:]* [^\n:]*):[^\n]*|[^\n:]*)"
_LABELLED = Replacer(
    rf"^[ \t>*|-]*(?:(?:original |message |e-?mail )?(?:{'|'.join(_LABELS)})|{'|'.join(_DOCUMENTS)})[ \t*]*"
    rf"(?:[:：|]?[ \t*|]*\n{_BELOW}(\n|$)|[:：|](?:[^\n]{{60,}}\n[ \t]+[^\n:]*(\n|$)|[^\n]*))",
    rf"{TAKEN_OUT}\1\2",
)
# In quotes, or behind "with the" up to what the notice goes on with.
_CALLED = Replacer(
    rf"\b(?:subject|betreff|objet|sujet|asunto|oggetto|assunto|темой|temacie|onderwerp|titled|entitled)"
    rf"(?: line| of)?\s{{0,3}}[:：]?\s{{0,3}}{_OPEN}{_SHORT}{_CLOSE}"
    rf"|(?:\b(?:with|mit|avec|con|com|met|o)|\x{{441}})(?: the| a| dem| pour| le| el| il| l'| o| het)? ?"
    rf"(?:{'|'.join(_LABELS)}|темой|temacie)(?: line| of)?[ \t]{{0,3}}[:：]?[ \t]{{1,3}}[^\n\"'“„«「『][^\n]*?"
    r"( (?:sent|dated|was|could|has|have|cannot|did|gesendet|vom|konnte|n'a|envoyé|no pudo|non è)\b|\n|$)",
    rf"{TAKEN_OUT}\1",
)
_YOURS = Replacer(
    r"(?:\b(?:your|ihre|deine|votre|ton|su|tu|sua|uw|je|vostro|tuo|twoja)|ваше)(?: e-?mail)?"
    r" (?:e-?mail|mail|message|nachricht|courriel|correo|mensaje|messaggio|mensagem|bericht|wiadomość|сообщение|письмо)"
    rf"(?:\s{{0,3}}\n[ \t]*{_OPEN}[^\n]{{1,500}}{_CLOSE}[ \t]*$|\s{{1,12}}{_OPEN}{_SHORT}{_CLOSE})",
    TAKEN_OUT,
)
# Searched for first, since RE2 is quicker to say that nothing is there: one for each of the three.
_BEGINNINGS = PatternSet(
    (
        rf"(?:{'|'.join((*_LABELS, *_DOCUMENTS))})[ \t*]*[:：|\n]",
        rf"(?:{'|'.join((*_LABELS, 'темой', 'temacie', 'titled'))})(?: line| of)?\s{{0,3}}[:：]?\s",
        rf"(?:mail|message|nachricht|courriel|correo|mensaje|messaggio|mensagem|bericht|wiadomość|сообщение|письмо)\s{{1,12}}{_OPEN}",
    )
)
_REPLACERS = (_LABELLED, _CALLED, _YOURS)


def phrases_of(returned: str) -> tuple[str, ...]:
    """Return our own words in a header that came back: the Subject and the author's name, on one line each."""
    if not returned:
        return ()
    header = Header(returned)
    author = unwrap_words(header.get("from")).partition("<")[0].strip(" \"'")
    both = (unwrap_words(header.get("subject")), author if "@" not in author else "")
    return tuple(" ".join(parts) for phrase in both if (parts := phrase[:MAX_PHRASE_CHARS].split()))


def without_ours(words: str, phrases: Iterable[str]) -> str:
    """Return a notice's words without those of our message, of which ``phrases`` are known."""
    for phrase in phrases:
        words = _without(words, phrase)
    for number in _BEGINNINGS.matching(words):
        words = _REPLACERS[number].replaced(words)
    return words


def without_quoted(reply: str, phrases: Iterable[str]) -> str:
    """Return a reply without our words where it quotes them as such."""
    for phrase in phrases:
        reply = _replaced(reply, phrase, _is_quoted)
    return reply


def _without(words: str, phrase: str) -> str:
    """Take a phrase out, also where a notice wrapped it.

    A single short word is ours only in quotes or on a line of its own: it may be a word of the reason as well.
    """
    parts = phrase.split()
    if len(parts) == 1 and len(phrase) < FEW_CHARS:
        return _replaced(words, phrase, _is_quoted)
    words = _replaced(words, phrase, _is_whole)
    if len(parts) > 1 and all(part in words for part in parts) and phrase in " ".join(words.replace(">", " ").split()):
        wrapped = r"[\s>]++".join(map(re.escape, parts))
        return re.sub(rf"(?<!\w){wrapped}(?!\w)", TAKEN_OUT, words)
    return words


def _replaced(words: str, phrase: str, is_ours: Callable[[str, int, int], bool]) -> str:
    pieces: list[str] = []
    begin, start = 0, words.find(phrase)
    while start >= 0:
        end = start + len(phrase)
        if is_ours(words, start, end):
            pieces += (words[begin:start], TAKEN_OUT)
            begin = end
        start = words.find(phrase, end)
    return "".join((*pieces, words[begin:])) if pieces else words


def _is_whole(words: str, start: int, end: int) -> bool:
    return not (words[max(0, start - 1) : start].isalnum() or words[end : end + 1].isalnum())


def _is_quoted(words: str, start: int, end: int) -> bool:
    before, after = words[max(0, start - 1) : start] or "\n", words[end : end + 1] or "\n"
    return (before in _OPEN and after in _CLOSE) or (before == after == "\n")
