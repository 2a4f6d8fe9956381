"""What the counters of a list tell over a span of time: by hour or by day, by category, and who came and went."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import groupby

from bounced.core.contract.hourly_counters import (
    DAYS_KEPT,
    KEPT_DAYS,
    MAILED_WHILE_SUPPRESSED,
    SENT,
    UNATTRIBUTED,
    rate_counters,
)
from bounced.core.contract.times import day, hour
from bounced.core.spoken_times import in_zone
from bounced.core.terms import CLASS_OF, Category, Class, Kind, State
from bounced.web.pages.chart import Bar, Chart, Piece
from bounced.web.pages.layout import words
from bounced.web.pages.view import View
from bounced.web.problems import bad_request

MOST_DAYS = DAYS_KEPT
BY_HOUR = timedelta(hours=72)
"""A longer span is shown by the day."""
ORDER = (Class.HARD, Class.SOFT, Class.BLOCK, Class.TRANSIENT, Class.COMPLAINT, Class.UNDETERMINED, Class.NONE)
"""The classes from the bottom of a bar to its top."""

_SENT = rate_counters(SENT, "", "")[0]
_OF_NOBODY = rate_counters(UNATTRIBUTED, "", "")[0]
_CHANGES = {
    f"transition:{before}:{after}": (before, after) for before in State for after in State if before is not after
}
_HARD = [category for category in Category if CLASS_OF[category] is Class.HARD]


@dataclass(frozen=True, slots=True)
class Row:
    """What was said, under the name that people read; ``counter`` counts it, less what ``less`` counts."""

    name: str
    class_: Class
    counter: str
    less: str = ""

    def count(self, counts: Mapping[str, int]) -> int:
        """Return how often it was said."""
        return max(0, counts.get(self.counter, 0) - counts.get(self.less, 0))


ROWS: tuple[Row, ...] = tuple(
    sorted(
        (
            *(Row(words(each), CLASS_OF[each], f"category:{each}") for each in Category if each not in _HARD),
            *(Row(words(each), Class.HARD, f"category:{each}", f"doubtful:{each}") for each in _HARD),
            *(Row(f"{words(each)} (doubtful)", Class.SOFT, f"doubtful:{each}") for each in _HARD),
            Row("not proven", Class.NONE, f"kind:{Kind.UNPROVEN}"),
            Row("no report", Class.NONE, f"kind:{Kind.OTHER}"),
            Row("complaints that name nobody", Class.COMPLAINT, _OF_NOBODY),
        ),
        key=lambda row: ORDER.index(row.class_),
    )
)
"""Everything that is shown as having come in.  What looks hard and is not proven stands apart: it counts as soft."""
NAMES: tuple[str, ...] = (
    *(f"category:{each}" for each in Category),
    *(f"doubtful:{each}" for each in _HARD),
    *(f"kind:{each}" for each in (Kind.UNPROVEN, Kind.OTHER)),
    *_CHANGES,
    _OF_NOBODY,
    _SENT,
    MAILED_WHILE_SUPPRESSED,
)
"""The counters that are asked for."""


@dataclass(frozen=True, slots=True)
class Span:
    """One hour or one day: its name for people, and its hours and whole days as the counters have them."""

    name: str
    hours: Sequence[str]
    days: Sequence[str] = ()


def spans(view: View) -> tuple[Span, ...]:
    """Return the hours or days between two times.  Raises Problem."""
    since, until = _ends(view)
    return _by_hour(view, since, until) if until - since <= BY_HOUR else _by_day(view, since, until)


def spans_of_counters(view: View) -> tuple[Span, ...]:
    """Return the hours or days between two times, with those counters that are kept of each.  Raises Problem.

    Before ``hours_kept_since`` there are counters of whole days of UTC only.  No hour is counted twice.
    """
    since, until = _ends(view)
    kept = hours_kept_since(view)
    if since >= kept:
        return spans(view)
    found = {span.name: span for span in _by_day(view, kept, until)}
    whole = []
    at = since.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    while at < min(until, kept):
        name = at.date().isoformat()
        also = found.pop(name, None)  # where people are, the evening of the last day has hours
        whole.append(Span(name, also.hours if also else (), (day(at),)))
        at += timedelta(days=1)
    return *whole, *found.values()


def hours_kept_since(view: View) -> datetime:
    """Return the first midnight, in UTC, since when the counters of all hours are kept."""
    oldest = view.now.astimezone(UTC) - timedelta(days=KEPT_DAYS)
    return oldest.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def days_kept(view: View) -> list[str]:
    """Return the days of which counters may be kept, the oldest first."""
    return [day(view.now - timedelta(days=back)) for back in reversed(range(DAYS_KEPT + 1))]


def _ends(view: View) -> tuple[datetime, datetime]:
    """Return the beginning and the end of the span.  Raises Problem."""
    assert view.since is not None
    until = min(view.until or view.now, view.now)
    if until - view.since > timedelta(days=MOST_DAYS, hours=1):
        raise bad_request("bad-span", f"A span has at most {MOST_DAYS} days here.")
    return view.since, until


def _by_hour(view: View, since: datetime, until: datetime) -> tuple[Span, ...]:
    return tuple(Span(view.shown(at), (hour(at),)) for at in _hours(since, until))


def _by_day(view: View, since: datetime, until: datetime) -> tuple[Span, ...]:
    days = groupby(_hours(since, until), lambda at: in_zone(at, local=view.local).date().isoformat())
    return tuple(Span(name, tuple(map(hour, hours))) for name, hours in days)


def unit_of(shown: Sequence[Span]) -> str:
    """Return how long one of these spans is."""
    return "hour" if all(len(span.hours) == 1 for span in shown) else "day"


@dataclass(frozen=True)
class Counted:
    """What was counted in each span of time.  What is made of it is made once: a page shows most of it twice."""

    spans: Sequence[Span]
    counts: Sequence[Counter[str]]

    @cached_property
    def total(self) -> Counter[str]:
        """The counts of all spans together."""
        return sum(self.counts, Counter())

    @property
    def unit(self) -> str:
        """How long one span is."""
        return unit_of(self.spans)

    @cached_property
    def rows(self) -> list[tuple[Row, int]]:
        """What came in, by category, without what did not; the most of each class first."""
        total = self.total
        rows = [(row, count) for row in ROWS if (count := row.count(total))]
        return sorted(rows, key=lambda row: (ORDER.index(row[0].class_), -row[1]))

    @cached_property
    def classes(self) -> list[tuple[Class, int]]:
        """What came in, by class, in the order of the bars."""
        by_class = Counter[Class]()
        for row, count in self.rows:
            by_class[row.class_] += count
        return [(class_, by_class[class_]) for class_ in ORDER if by_class[class_]]

    @cached_property
    def came_in(self) -> Chart:
        """The chart of what came in."""
        rows = [row for row, _ in self.rows]
        return Chart(
            f"What came in by category and {self.unit}; the table below has the sums",
            [
                Bar(span.name, [Piece(row.name, row.count(counts), f"of-{row.class_}") for row in rows])
                for span, counts in zip(self.spans, self.counts, strict=True)
            ],
        )

    @cached_property
    def changes(self) -> Chart:
        """The chart of who came onto the suppression list and who left it."""
        return Chart(
            f"Addresses that came onto the suppression list and left it, by {self.unit}",
            [Bar(span.name, _changed(counts)) for span, counts in zip(self.spans, self.counts, strict=True)],
        )

    def moved(self, state: State) -> tuple[int, int]:
        """Return how often an address came into a state, and how often one left it."""
        total = self.total
        came = sum(total[name] for name, (_, after) in _CHANGES.items() if after is state)
        left = sum(total[name] for name, (before, _) in _CHANGES.items() if before is state)
        return came, left

    @cached_property
    def said(self) -> int:
        """How many verdicts there were."""
        return sum(self.total[f"category:{each}"] for each in Category)

    @property
    def undetermined(self) -> int:
        """How many of them gave no reason that anybody could tell."""
        return self.total[f"category:{Category.UNDETERMINED}"]

    @cached_property
    def doubtful(self) -> int:
        """How many of them looked hard, and were not proven."""
        return sum(self.total[f"doubtful:{each}"] for each in _HARD)

    @property
    def mailed_while_suppressed(self) -> int:
        """How often an address was mailed a day after it was suppressed, or later."""
        return self.total[MAILED_WHILE_SUPPRESSED]

    @property
    def sent(self) -> int:
        """How many messages the sender told of."""
        return self.total[_SENT]


def _changed(counts: Mapping[str, int]) -> Sequence[Piece]:
    return [
        Piece("suppressed", _into(counts, State.SUPPRESSED), "of-hard"),
        Piece("held", _into(counts, State.HELD), "of-soft"),
        Piece("left the list", _left(counts), "of-left", down=True),
    ]


def _into(counts: Mapping[str, int], state: State) -> int:
    """Return how many came onto the list in a state; from held to suppressed nobody comes."""
    changes = ((name, before) for name, (before, after) in _CHANGES.items() if after is state)
    return sum(counts.get(name, 0) for name, before in changes if not before.on_suppression_list)


def _left(counts: Mapping[str, int]) -> int:
    return sum(
        counts.get(name, 0)
        for name, (before, after) in _CHANGES.items()
        if before.on_suppression_list and not after.on_suppression_list
    )


def _hours(since: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the beginnings of the hours that a span touches."""
    at = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    while at < until:
        yield at
        at += timedelta(hours=1)
