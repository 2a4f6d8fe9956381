"""AOL of old: screen names without a domain, which is the domain of the notice's author."""

import re

from bounced.core.reading.notices import layout
from bounced.core.reading.notices.family import Family
from bounced.core.reading.notices.notice import Notice, addresses
from bounced.core.terms import PerRecipientFields

_SCREEN_NAME = re.compile(r"^[ \t]+(?P<name>[A-Za-z0-9]{3,32})[ \t]*+$", re.MULTILINE)


def _read(notice: Notice) -> tuple[PerRecipientFields, ...]:
    author = addresses(notice.author)
    if not author:
        return ()
    domain = author[0].rpartition("@")[2].lower()
    found = [layout.Named(f"{name['name']}@{domain}") for name in _SCREEN_NAME.finditer(notice.words)]
    return layout.recipients(found, notice, certain=True)


AOL = Family("aol", r"@aol\.com\b[^\n]*\n[^\n]*\n\s*your mail to the following recipients", _read)
