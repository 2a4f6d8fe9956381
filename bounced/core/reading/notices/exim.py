"""Exim, and those that borrowed its words (mail.ru, GMX, 1&1): an address, and below it, indented, what happened."""

import re

from bounced.core.reading.notices import layout
from bounced.core.reading.notices.expansion import alias_in
from bounced.core.reading.notices.family import Family
from bounced.core.reading.notices.notice import Notice, addresses
from bounced.core.terms import PerRecipientFields

_MALFORMED = re.compile(rf"malformed address: {{0,3}}<?(?P<address>{layout.ADDRESS})>?", re.IGNORECASE)


def _read(notice: Notice) -> tuple[PerRecipientFields, ...]:
    malformed = layout.named(notice.words, _MALFORMED)
    if malformed:
        return layout.recipients([layout.Named(item.address) for item in malformed], notice)
    found = layout.led(notice.words)
    failed = addresses(notice.header.get("x-failed-recipients"))
    if failed:
        reasons = {item.address.lower(): item for item in reversed(found)}
        of_aliases = {alias.lower(): item for item in reversed(found) if (alias := alias_in(item.reason))}
        found = [
            reasons.get(address.lower())
            or of_aliases.get(address.lower(), layout.Named(address))._replace(address=address)
            for address in failed
        ]
    return layout.recipients(found, notice, certain=bool(failed))


EXIM = Family(
    "exim",
    r"this message was created automatically by (the )?(mail delivery (software|system)|mail server)"
    r"|contained one or more recipient addresses that were\s+incorrectly constructed"
    r"|a message that you (have )?sent (has not yet been|could not be) delivered",
    _read,
)
