"""What a family of notices is: one origin, known by its phrases, read by its layout."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bounced.core.reading.notices.notice import Notice
from bounced.core.reading.patterns import PatternSet
from bounced.core.terms import PerRecipientFields

Read = Callable[[Notice], tuple[PerRecipientFields, ...]]


@dataclass(frozen=True, slots=True)
class Family:
    """Notices of one origin.

    ``mark`` is an RE2 pattern for a phrase of theirs in X-Mailer, From, Subject or the first words; letter case does
    not count.  ``read`` finds the recipients; it returns none where the notice is not what it seemed.
    """

    name: str
    mark: str
    read: Read


class Families:
    """Families in the order in which they are asked."""

    def __init__(self, families: Sequence[Family]) -> None:
        """Compile the marks, so that all are searched for at once."""
        self._families = tuple(families)
        self._marks = PatternSet(family.mark for family in families)

    def of(self, notice: Notice) -> Iterator[Family]:
        """Yield the families whose mark a notice bears."""
        return (self._families[index] for index in self._marks.matching(notice.marked))
