"""What a recogniser of notices is."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from bounced.core.notices.notice import Notice
from bounced.core.terms import PerRecipientFields


@dataclass(frozen=True, slots=True)
class Family:
    """Notices of one origin.

    ``mark`` is a phrase of theirs in X-Mailer, From, Subject or the first words; ``read`` finds the recipients.
    """

    name: str
    mark: re.Pattern[str]
    read: Callable[[Notice], tuple[PerRecipientFields, ...]]

    def recognises(self, notice: Notice) -> bool:
        """Tell whether a notice is one of this family."""
        return bool(self.mark.search(notice.marked))
