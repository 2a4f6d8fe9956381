"""Who refused the sender: by the hour, by provider, reason and sending address, in which words, and what to do."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, partial

from starlette.responses import Response

from bounced.core.contract.times import hour
from bounced.core.escape import visible
from bounced.core.meaning.providers import known_as
from bounced.core.meaning.refused import Meaning, meaning_of
from bounced.core.terms import Category, Class, class_of
from bounced.edges.redis.refusals import MOST_KEPT, Refusal, refusals
from bounced.web.pages.chart import Bar, Chart, Piece, leading
from bounced.web.pages.counted import ORDER, Span, spans, unit_of
from bounced.web.pages.layout import Visit, page, rendered, words

USUAL = "24h"
CHOICES = (("24h", "24 hours"), ("48h", "48 hours"), ("7d", "7 days"), ("35d", "35 days"))
"""The spans that one click chooses."""
FILTERS = ("provider", "category", "ip")
"""What the URL may name of a refusal."""
MOST_SHOWN = 25
MOST_CHARS = 255
"""Of what a filter says."""
MOST_CHOICES = 200
MOST_CAMPAIGNS = 5


@dataclass(frozen=True, slots=True)
class Row:
    """One provider: how often it refused the sender, by category the most first, and when."""

    provider: str
    categories: Sequence[tuple[str, int]]
    first: datetime
    last: datetime

    @property
    def count(self) -> int:
        """How often it refused."""
        return sum(count for _, count in self.categories)


@dataclass(frozen=True)
class Refused:
    """The refusals of a span of time that are shown.  ``every`` are those that no filter left out."""

    spans: Sequence[Span]
    every: Sequence[Refusal]
    asked: Mapping[str, str]
    kept_since: datetime | None

    @cached_property
    def shown(self) -> list[Refusal]:
        """Those that the filters ask for, the most frequent first."""
        return [
            each
            for each in self.every
            if all(not wanted or _said(each, name) == wanted for name, wanted in self.asked.items())
        ]

    @cached_property
    def count(self) -> int:
        """How often the sender was refused."""
        return sum(each.count for each in self.shown)

    @property
    def unit(self) -> str:
        """How long one bar is."""
        return unit_of(self.spans)

    @cached_property
    def rows(self) -> list[Row]:
        """The providers, the one that refused most first."""
        by_provider: dict[str, list[Refusal]] = {}
        for each in self.shown:
            by_provider.setdefault(each.about.provider, []).append(each)
        return sorted((_row(*each) for each in by_provider.items()), key=lambda row: (-row.count, row.provider))

    @cached_property
    def categories(self) -> list[tuple[str, Class, int]]:
        """The reasons with their classes, in the order of the bars."""
        counted = Counter[str]()
        for each in self.shown:
            counted[each.about.category] += each.count
        found = [(name, _class(name), count) for name, count in counted.items()]
        return sorted(found, key=lambda each: (ORDER.index(each[1]), -each[2], each[0]))

    @cached_property
    def chart(self) -> Chart:
        """The chart of refusals."""
        by_hour: dict[str, Counter[str]] = {}
        for each in self.shown:
            for at, count in each.hours.items():
                by_hour.setdefault(hour(at), Counter())[each.about.category] += count
        bars = []
        for span in self.spans:
            counts = sum((by_hour[name] for name in span.hours if name in by_hour), Counter[str]())
            pieces = [Piece(words(name), counts[name], f"of-{class_}") for name, class_, _ in self.categories]
            bars.append(Bar(span.name, pieces))
        return Chart(f"Refusals of the sender by category and {self.unit}; the tables below have the sums", bars)

    def choices(self, name: str) -> list[str]:
        """Return what a filter may say: what stands in this time, and what it says now."""
        found = Counter[str]()
        for each in self.every:
            found[_said(each, name)] += each.count
        common = [value for value, _ in found.most_common(MOST_CHOICES)]
        return sorted({*common, self.asked[name]} - {""})

    def told(self) -> Iterator[tuple[Refusal, Meaning, Sequence[tuple[str, int]]]]:
        """Yield each kind of refusal with what it means and the campaigns whose mail it was."""
        for each in self.shown[:MOST_SHOWN]:
            yield each, meaning_of(each.about.category), each.campaigns.most_common(MOST_CAMPAIGNS)


@page(USUAL)
async def providers(visit: Visit) -> Response:
    """Show the refusals of the sender in a span of time."""
    view = visit.view
    assert view.since is not None
    shown = spans(view)
    asked = {name: visit.request.query_params.get(name, "").strip()[:MOST_CHARS] for name in FILTERS}
    asked["provider"] = known_as(asked["provider"])
    until = view.until or view.now + timedelta(seconds=1)
    found = await refusals(visit.desk.store, [view.list_], view.since, until)
    kept_since = found.kept_since.get(view.list_)
    refused = Refused(shown, found.ranked(), asked, kept_since if kept_since and kept_since > view.since else None)
    kept = {name: value for name, value in asked.items() if value}
    return rendered(
        visit,
        "providers.html",
        here="providers",
        refused=refused,
        drawn=leading(refused.chart, partial(view.url, "/providers", **kept)),
        asked={name: visible(value) for name, value in asked.items()},
        kept=kept,
        choices=CHOICES,
        usual=USUAL,
        most_shown=MOST_SHOWN,
        most_kept=MOST_KEPT,
    )


def _said(refusal: Refusal, name: str) -> str:
    about = refusal.about
    return {"provider": about.provider, "category": about.category, "ip": about.sending_ip}[name]


def _row(provider: str, refused: Sequence[Refusal]) -> Row:
    counted = Counter[str]()
    for each in refused:
        counted[each.about.category] += each.count
    first, last = min(each.first for each in refused), max(each.last for each in refused)
    return Row(provider, counted.most_common(), first, last)


def _class(category: str) -> Class:
    known = category in tuple(Category)
    return class_of(Category(category)) if known else Class.UNDETERMINED
