"""Where a notice names its recipients and says why: the few layouts that all families share."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from bounced.core.reading import reply
from bounced.core.reading.notices.notice import Notice
from bounced.core.reading.notices.phrases import ANNOUNCEMENTS, END_OF_REASON, INTRODUCTIONS, REASONS, REFUSED_BY
from bounced.core.terms import Action, PerRecipientFields

MAX_RECIPIENTS = 200
MAX_ADDRESSES = 400
MAX_LINES = 1500
MAX_LINE_CHARS = 1000
MAX_REASON_CHARS = 2000
MAX_INTRODUCTION_CHARS = 70
MAX_REASONS = 4
"""So many marks of a reason are looked for, one behind the other: Gmail has two."""

_LOCAL = r"\w.!#$%&*+/=?^`{|}~\u200d\u2190-\u21ff\u2600-\u27bf\ufe0f\U0001f000-\U0001faff-"
# An address begins where no other could have begun before it, so that each character is tried for one beginning only:
# a quote may stand before it, but not one that stands inside a word.
ADDRESS = (
    rf"(?:\"[^\"\n@]{{1,64}}\"|(?<![{_LOCAL}])(?<![{_LOCAL}]')[{_LOCAL}]{{1,200}}+(?:'[{_LOCAL}]{{0,200}}+){{0,20}}+)"
    r"@(?:\[[\d.]{7,15}\]|[^\W_](?:[\w.-]{0,250}[^\W_])?)"
)
_ANY_ADDRESS = re.compile(ADDRESS)
# An address that leads its line, in brackets, quotes or behind a bullet; what follows it is the reason.
_LED = re.compile(
    rf"[ \t]*+(?:(?:[*\u2022>-]{{1,3}}|--|\d{{1,3}}[.)]|recipient(?: address)?:)[ \t]++)?"
    rf"(?:smtp[: ][ \t]*+(?=[<\w])|mailto:|rfc822;[ \t]*+)?"
    rf"[<\[\"'(\u201c]{{0,2}}(?:smtp:|mailto:)?(?P<address>{ADDRESS})[>\]\"')\u201d]{{0,2}}(?P<rest>.*)",
    re.IGNORECASE,
)
# A display name and an address, alone on a line.
_WITH_NAME = re.compile(
    rf"^[ \t]*+(?:[*\u2022-] )?\"?[^\W\d_][^\n<>@:\"]{{1,60}}\"?[ \t]<(?P<address>{ADDRESS})>[ \t]*+$", re.MULTILINE
)
# Whom a message came from is not whom it went to.
_FROM = re.compile(r"\b(?:from|från|fra|от)[ \t]*+[<\"'(\[]{0,2}$", re.IGNORECASE)
_MAILTO = re.compile(r"^[ \t]*+(?:\([^()]*\))?[ \t]*+<mailto:[^<>]*>")
_ONE_MORE = re.compile(r"[>\"')]{0,2}[ \t]*+(?:,|;|&|and|or|und|et|y|e)[ \t]*+[<\"'(]{0,2}", re.IGNORECASE)
_EMPTY_REST = " \t:;,.-*>\"'"
_STATUS = re.compile(r"([245](?<![\d.:/@\w-].)\.\d{1,3}\.\d{1,3})(?!\.?\d)")
# These write notices or ask questions; nobody mails them newsletters.
_OFFICES = ("postmaster@", "mailer-daemon@", "abuse@", "support@", "helpdesk@", "administrator@", "hostmaster@")


class Named(NamedTuple):
    """A recipient that a notice names, and the words about it; empty where they stand elsewhere.

    ``loose`` words only come after the address, in paragraphs of their own: others may say more.
    """

    address: str
    reason: str = ""
    loose: bool = False


def led(words: str) -> list[Named]:
    """Return the recipients that lead a line, each with the reason that follows.

    Behind words that announce "the following recipients" they are looked for first; where none leads a line at all, a
    display name may stand before them there.

    qmail ``<alice@example.org>:`` and a reason below; Exim, indented; Postfix, OpenSMTPD and many others, on one line.
    The reason ends with its paragraph; where an address stands in a paragraph of its own, with the next recipient.
    """
    announced = ANNOUNCEMENTS.first(words)
    if not announced:
        return _led(words)
    behind = words[announced[1] :]
    return _led(behind) or _led(words) or (named(behind, _WITH_NAME) if "<" in behind else [])


def named(words: str, phrase: re.Pattern[str]) -> list[Named]:
    """Return the recipients that follow a phrase, each with the words up to the next."""
    found = list(islice(phrase.finditer(words), MAX_RECIPIENTS))
    ends = [match.start() for match in found[1:]] + [len(words)]
    return [
        Named(match["address"], words[_line_start(words, match.start()) : end].strip(), loose=True)
        for match, end in zip(found, ends, strict=False)
    ]


def introduced(words: str) -> list[Named]:
    """Return the recipients that words on the same line introduce, as in ``not delivered to <alice@example.org>``."""
    found: list[tuple[str, int]] = []
    start = looked_at = 0
    for line in words.split("\n", MAX_LINES)[:MAX_LINES]:
        if "@" in line and len(found) < MAX_RECIPIENTS and looked_at < MAX_ADDRESSES:
            looked_at += line.count("@")
            found += ((address, start) for address in _introduced(line[:MAX_LINE_CHARS]))
        start += len(line) + 1
    found = [(address, start) for address, start in found if not address.lower().startswith(_OFFICES)] or found
    starts = sorted({start for _, start in found})
    ends = dict(zip(starts, [*starts[1:], len(words)], strict=False))
    return [Named(address, words[start : ends[start]].strip(), loose=True) for address, start in found]


def lines(words: str) -> Iterator[str]:
    """Return the lines of a notice, as many and as much of each as is looked at."""
    return (line[:MAX_LINE_CHARS].rstrip() for line in words.split("\n", MAX_LINES)[:MAX_LINES])


def recipients(found: Iterable[Named], notice: Notice, *, certain: bool = False) -> tuple[PerRecipientFields, ...]:
    """Return what was found in a notice as recipients, each once.

    Who got the notice, or answers questions about it, is a recipient only if nobody else is, or where it is
    ``certain``.  Words that speak of nobody in particular speak of everybody.
    """
    unique: dict[str, Named] = {}
    for item in found:
        known = unique.setdefault(item.address.lower(), item)
        if known is not item and item.reason:
            unique[item.address.lower()] = _both(known, item)
    likely = [item for key, item in unique.items() if certain or _is_likely(key, notice)]
    named = (likely or list(unique.values()))[:MAX_RECIPIENTS]
    if len(named) == 1:
        return (_alone(named[0], notice),)
    reasons = [item.reason or notice.words for item in named]
    # Many may share a reason, which is read once; of a dialogue each hears its own part.
    asked = [(_spoken_of(item.address, why), why) for item, why in zip(named, reasons, strict=True)]
    read = {each: about(*each, notice.action) for each in dict.fromkeys(asked)}
    return tuple(read[each]._replace(final_recipient=item.address) for item, each in zip(named, asked, strict=True))


def _spoken_of(address: str, reason: str) -> str:
    """Return an address where a dialogue in a reason names it, else nothing."""
    return (
        address if reply.IN_DIALOGUE in reason and f"<{address}>".lower() in reason[:MAX_REASON_CHARS].lower() else ""
    )


def _alone(item: Named, notice: Notice) -> PerRecipientFields:
    """Return the only recipient with the words about it.

    These are its own where they hold a reply; else what the notice announces as the reason; else its own again, if they
    say enough; else all of the notice's.
    """
    own = about(item.address, item.reason, notice.action)
    if own.diagnostic_code and not item.loose:
        return own
    reason = told(notice.words)
    if reason is not notice.words:
        refused_by = REFUSED_BY.search(notice.words)
        fields = about(item.address, reason, notice.action)
        return fields._replace(remote_mta=refused_by["host"]) if refused_by else fields
    says_enough = item.reason and (not item.loose or own.diagnostic_code or own.status)
    return own if says_enough else about(item.address, notice.words, notice.action)


def told(words: str) -> str:
    """Return the reason in a notice about one recipient, where it says that the reason follows; else all its words."""
    reason = words
    for _ in range(MAX_REASONS):
        if not (mark := REASONS.first(reason)):
            break
        reason = reason[_before_code(reason, mark[1]) :].strip()
    if reason is words:
        return words
    end = END_OF_REASON.search(reason)
    return (reason[: end.start()].strip() if end else reason) or words


def _before_code(words: str, end: int) -> int:
    """Return where a mark ends: in front of the reply code, or what DNS said, that belongs to some."""
    last = words[end - 4 : end - 1]
    return end - 4 if last.isdigit() or last == "DNS" else end


def about(address: str, reason: str, action: Action = Action.FAILED) -> PerRecipientFields:
    """Return what a reason in a notice's words says of one recipient."""
    reason = reply.without_others(address, reason[:MAX_REASON_CHARS])
    quoted = reply.find(reason)
    status = None if quoted else _STATUS.search(reason)
    return PerRecipientFields(
        final_recipient=address,
        action=action,
        status=status[1] if status else None,
        diagnostic_code=quoted,
        text=reason or None,
    )


def _introduced(line: str) -> Iterator[str]:
    end = -1  # of the last recipient on this line
    for match in _ANY_ADDRESS.finditer(line):
        joined = end >= 0 and _ONE_MORE.fullmatch(line, end, match.start())
        before = line[: match.start()][-MAX_INTRODUCTION_CHARS:].rpartition("@")[2]
        if joined or (INTRODUCTIONS.matching(before) and not _FROM.search(before)):
            end = match.end()
            yield match[0]


def _line_start(words: str, at: int) -> int:
    return words.rfind("\n", 0, at) + 1


def _is_likely(address: str, notice: Notice) -> bool:
    return address not in notice.senders and not address.startswith(_OFFICES)


def _both(known: Named, more: Named) -> Named:
    reason = f"{known.reason}\n{more.reason}".strip() if not known.loose else more.reason
    return Named(known.address, reason[:MAX_REASON_CHARS], loose=known.loose and more.loose)


@dataclass(slots=True)
class _Reading:
    """The recipient whose reason is being read, line by line."""

    address: str
    indent: int
    reason: list[str]
    loose: bool = False

    def gives_way(self, indent: int) -> bool:
        """Tell a new recipient from an address at the start of a line inside this one's reason."""
        return self.loose or indent <= self.indent or not self.reason

    def named(self) -> Named:
        """Return what was read."""
        return Named(self.address, "\n".join(self.reason).strip(), self.loose)


def _led(words: str) -> list[Named]:
    found: list[Named] = []
    reading: _Reading | None = None
    for line in lines(words[_line_start(words, words.find("@")) :] if "@" in words else ""):
        match = _LED.match(line) if "@" in line and len(found) < MAX_RECIPIENTS else None
        indent = len(line) - len(line.lstrip()) if match else 0
        if match and (reading is None or reading.gives_way(indent)):
            found += [reading.named()] if reading else []
            *others, address = match["address"], *_further(match["rest"])
            found += map(Named, others)
            rest = "" if others else _rest(match)
            reading = _Reading(address, indent, [rest] if rest else [])
        elif reading is None:
            continue
        elif line:
            reading.reason.append(line.strip())
        elif reading.reason and not reading.loose:
            found.append(reading.named())
            reading = None
        else:  # the address stands in a paragraph of its own
            reading.loose = True
            reading.reason.append("")
    return _with_shared_reasons([*found, reading.named()] if reading else found)


def _with_shared_reasons(found: list[Named]) -> list[Named]:
    """Give an address without a reason that of the next one, where they stand on lines that follow each other."""
    for number in range(len(found) - 2, -1, -1):
        item, following = found[number : number + 2]
        if not item.reason and not item.loose:
            found[number] = following._replace(address=item.address)
    return found


def _further(rest: str) -> list[str]:
    """Return the recipients that follow one on its line, where nothing else stands there."""
    found: list[str] = []
    end = 0
    for match in islice(_ANY_ADDRESS.finditer(rest), MAX_RECIPIENTS) if "@" in rest else ():
        if not _ONE_MORE.fullmatch(rest, end, match.start()):
            return []
        found.append(match[0])
        end = match.end()
    return [] if rest[end:].strip(_EMPTY_REST) else found


def _rest(match: re.Match[str]) -> str:
    """Return what follows an address on its line, but for the same address once more and punctuation."""
    rest = _MAILTO.sub("", match["rest"]).strip(_EMPTY_REST)
    return rest if rest.replace(match["address"], "").strip(_EMPTY_REST + "<()") else ""
