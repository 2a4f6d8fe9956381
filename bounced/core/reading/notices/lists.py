"""Mailing lists that refuse a post."""

import re

from bounced.core.reading.notices import layout
from bounced.core.reading.notices.family import Family
from bounced.core.reading.notices.notice import Notice
from bounced.core.terms import PerRecipientFields

_LIST = re.compile(
    rf"(?:mailing list|member of|post to|list)[^\n@<]{{0,40}}<?(?P<address>{layout.ADDRESS})>?", re.IGNORECASE
)


def _read(notice: Notice) -> tuple[PerRecipientFields, ...]:
    return layout.recipients(layout.named(notice.words, _LIST)[:1], notice)


MAILING_LIST = Family(
    "mailing-list",
    r"you are not (a )?member of this mailing list|your address is not (a )?(registered|subscribed)"
    r"|\bare not (a )?member \([^()\n]{1,40} ml\)|not allowed to post to this (mailing )?list",
    _read,
)
