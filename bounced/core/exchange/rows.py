"""One row of a suppression list in a file."""

from dataclasses import dataclass, field

from bounced.core.state import AddressState
from bounced.core.terms import CLASS_OF, Category, Class, Origin, State, Word

CONDEMNING = frozenset(
    {
        *(category for category, class_ in CLASS_OF.items() if class_ is Class.HARD),
        Category.COMPLAINT,
        Category.UNSUBSCRIBED,
        Category.OPERATOR,
    }
)
"""The reasons for which an import may suppress an address that never failed here."""


class SkipReason(Word):
    """Why a row is left out."""

    SOFT = "soft"
    BLOCK = "block"
    TRANSIENT = "transient"
    UNDETERMINED = "undetermined"
    NO_FAILURE = "no failure"
    NOT_BLOCKED = "not blocked"
    SOME_MAIL = "some mail only"
    ENDED = "ended"
    BAD_ADDRESS = "bad address"
    NOT_UNDERSTOOD = "not understood"


@dataclass(frozen=True, slots=True)
class Row:
    """An address that a file calls held or suppressed, and the state that says so, why, and since when.

    ``address`` stands as in the file; ``said`` is the state of an address of which nothing else is known.
    """

    line: int
    address: str
    said: AddressState

    @property
    def condemns(self) -> bool:
        """Whether the reason alone is one to suppress an address; a hard category that counts as soft is none."""
        category = self.said.category
        if category is None or category not in CONDEMNING:
            return False
        return CLASS_OF[category] is not Class.HARD or self.said.class_ is Class.HARD

    @property
    def decided(self) -> bool:
        """Whether a daemon of ours can have decided so: it also holds, and it suppresses after many soft failures.

        A soft failure with the origin OPERATOR was suppressed, by mistake, by an import of an older version.
        """
        said = self.said
        failed_often = said.class_ is Class.SOFT and said.origin is not Origin.OPERATOR
        return self.condemns or failed_often or said.state is State.HELD


@dataclass(frozen=True, slots=True)
class SkippedRow:
    """A line of a file that is not imported, what is wrong with it, and the reason in one word."""

    line: int
    text: str
    why: SkipReason = field(default=SkipReason.NOT_UNDERSTOOD, compare=False)


def skip_reason(class_: Class) -> SkipReason:
    """Return why a failure of this class is skipped."""
    return _WHY.get(class_, SkipReason.NO_FAILURE)


_WHY = {
    Class.SOFT: SkipReason.SOFT,
    Class.BLOCK: SkipReason.BLOCK,
    Class.TRANSIENT: SkipReason.TRANSIENT,
    Class.UNDETERMINED: SkipReason.UNDETERMINED,
}
