"""Delivery status fields to values.  (RFC 3464 section 2, RFC 6533 section 3)"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from bounced.core.limits import MAX_VALUE_CHARS
from bounced.core.reading.message import unwrap_words
from bounced.core.terms import Action, PerRecipientFields

MAX_RECIPIENTS = 200
MAX_LINES = 4000
MAX_REASONS = 10
"""Of one recipient, where they contradict each other: for each, all its fields are copied."""
MAX_NAME_CHARS = 80
REMEMBERED_NAMES = 512

Fields = dict[str, str]

_NAME = re.compile(r"[!-9;-~]{1,76}")
_INDENTED = frozenset(
    {
        "final-recipient",
        "original-recipient",
        "action",
        "status",
        "remote-mta",
        "diagnostic-code",
        "last-attempt-date",
    }
)
_STATUS = re.compile(r"[245](?<![\d.].)\.\d{1,3}\.\d{1,3}(?![\d.]*\d)")
_ANGLED = re.compile(r"<([^<>\s]{1,320})>")
_ADDRESS_TYPE = re.compile(r"<?\s*(?:rfc[ /-]?822|smtp|mailto|utf-?8|internet|unknown)\s*[:;]\s*(?=\S)", re.IGNORECASE)
_DECORATED = re.compile(r"^\"?([^\s\"()|/]+@[\w.-]+)\"?\s*(?:\([^()]*\))?$")
"""An address in quotes, or with a comment behind it."""
_CODE_POINT = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_ABOUT_RECIPIENT = frozenset({"final-recipient", "original-recipient", "action", "status", "diagnostic-code"})
_REASONS = frozenset({"status", "diagnostic-code"})
_ACTIONS = (
    ("fail", Action.FAILED),
    ("delay", Action.DELAYED),
    ("deliver", Action.DELIVERED),
    ("relay", Action.RELAYED),
    ("expand", Action.EXPANDED),
    ("expire", Action.FAILED),
    ("undeliver", Action.FAILED),
    ("error", Action.FAILED),
    ("reject", Action.FAILED),
)


def read(text: str) -> tuple[Fields, list[Fields]]:
    """Return the per-message fields and a group for each recipient, names in lower case.

    Accepts what MTAs really write: groups without a blank line between them, or with blank lines inside them.
    """
    message: Fields = {}
    recipients: list[Fields] = []
    for group in _groups(text):
        if _ABOUT_RECIPIENT.isdisjoint(group):
            (recipients[-1] if recipients else message).update(
                {name: value for name, value in group.items() if name not in message}
            )
        elif recipients and not _clashes(recipients[-1], group):
            recipients[-1] |= group
        elif len(recipients) < MAX_RECIPIENTS:
            recipients.append(group)
    return message, recipients


def recipient(group: Mapping[str, str]) -> PerRecipientFields:
    """Return the group of one recipient as values."""
    get = group.get
    type_, diagnostic = typed(get("diagnostic-code") or get("x-supplementary-info") or "")
    final = get("final-recipient") or get("x-actual-recipient")
    return PerRecipientFields(
        original_recipient=address(get("original-recipient")),
        final_recipient=address(final),
        action=action(get("action", "")) or _implied(get("status", "")),
        status=status(get("status", "")),
        diagnostic_code=" ".join(unwrap_words(diagnostic[:MAX_VALUE_CHARS]).split()) or None,
        diagnostic_type=type_.lower() or None,
        remote_mta=typed(get("remote-mta", ""))[1] or None,
        actual_recipient=address(get("x-actual-recipient")),
    )


def typed(value: str) -> tuple[str, str]:
    """Return the type and the rest of ``type; value``; an empty type where there is none."""
    type_, semicolon, rest = value.partition(";")
    type_ = type_.strip()
    if semicolon and type_[:1].isalpha() and type_.replace("-", "").isalnum():
        return type_, rest.strip()
    return "", value.strip()


def address(value: str | None) -> str | None:
    """Return the address in a recipient field, without type, angle brackets and encoding.  (RFC 6533 section 3)"""
    if not value:
        return None
    type_, rest = typed(value)
    while (";" in rest or ":" in rest) and (found := _ADDRESS_TYPE.match(rest)):
        rest = rest[found.end() :]  # a type that RFC 3464 does not know, or one written twice
    angled = _ANGLED.search(rest) if "<" in rest else None
    rest = angled[1] if angled else rest.strip("<> \t;")
    if rest.endswith((")", '"')):
        rest = _DECORATED.sub(r"\1", rest)
    if "\\x{" in rest and type_.lower() == "utf-8":
        rest = _CODE_POINT.sub(lambda found: _character(int(found[1], 16)), rest)
    return rest or None


def action(value: str) -> Action | None:
    """Return the action, whatever comment follows it."""
    word = value.strip().lower()
    for start, meant in _ACTIONS:
        if word.startswith(start):
            return meant
    return None


def status(value: str) -> str | None:
    """Return a Status field from its enhanced status code on, with the comment that some MTAs add."""
    found = _STATUS.search(value)
    return value[found.start() :].strip() if found else None


def _implied(status_field: str) -> Action | None:
    """Return what a group without an Action must mean: 2.x.x is a success."""
    return Action.DELIVERED if status_field.strip().startswith("2.") else None


def _groups(text: str) -> Iterator[Fields]:
    """Yield the fields between blank lines; more where none stands between two recipients or two reasons."""
    group: Fields = {}
    key, reasons = "", 1
    for line in text.strip().split("\n", MAX_LINES)[:MAX_LINES]:
        name, colon, value = line.partition(":")
        if colon and (found := _key(name[:MAX_NAME_CHARS])):
            if found == "final-recipient" and found in group:
                yield group
                group, reasons = {}, 1
            key = "" if found in group else found  # the first of several fields counts
            if not key and reasons < MAX_REASONS and _contradicts(group, found, value.strip()):
                yield dict(group)  # as if it were the reason of another: what contradicts itself proves nothing
                del group[found]
                key, reasons = found, reasons + 1
            if key:
                group[key] = value.lstrip(" \t")
        elif not line or line.isspace():
            yield group
            group, key, reasons = {}, "", 1
        elif key:  # a folded line, or one that was wrapped without indentation
            group[key] = f"{group[key]} {line.strip()}"[:MAX_VALUE_CHARS]
    yield group


def _contradicts(group: Fields, name: str, value: str) -> bool:
    """Tell whether a group gives one recipient a second reason that is not the first."""
    return name in _REASONS and "final-recipient" in group and not group[name].startswith(value)


@lru_cache(REMEMBERED_NAMES)
def _key(name: str) -> str:
    """Return a field's name in lower case; empty where what stands before a colon is none.

    A folded line may hold a colon too: among those that are indented only the names of this format are fields.
    """
    key = name.strip().lower()
    return key if _NAME.fullmatch(key) and (key in _INDENTED or not name[0].isspace()) else ""


def _clashes(group: Fields, other: Fields) -> bool:
    """Tell whether two groups speak of two recipients rather than one that a blank line cut in two."""
    return "final-recipient" in other or any(name in group for name in other)


def _character(code_point: int) -> str:
    return chr(code_point) if code_point < 0xD800 or 0xE000 <= code_point < 0x110000 else "\ufffd"  # noqa: PLR2004 - surrogates
