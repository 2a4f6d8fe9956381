"""Every series that a labelled counter begins with, at 0: what ``rate()`` and alerts do not see, they cannot compare.

The values of all labels are words of ours, from closed sets, and names of lists.  Nothing that a peer or a sender
writes becomes the value of a label.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations, product

from bounced.core.contract.hourly_counters import COMMANDS, MAX_FIELDS
from bounced.core.contract.intake import TELLABLE
from bounced.core.meaning.providers import KNOWN_PROVIDERS
from bounced.core.return_path.errors import Reason
from bounced.core.state import EvidenceType
from bounced.core.terms import CLASS_OF, Category, Class, Kind, Origin, State
from bounced.edges.smtp import replies
from bounced.edges.smtp.observer import Deferral
from bounced.edges.watch.metrics import declared

Labels = tuple[str, ...]
"""The values of a metric's labels, in their order."""

OTHER = "other"
"""A provider that bounced does not know by name; a fault that is none of a message's."""
WORK_SPENT = "WorkSpent"
"""A message that makes more work than one may."""

JOBS = ("releaser", "disputer", "provider_disputer", "intake", "alarms")
NOT_LET_IN = (
    "connections",
    "connections_per_peer",
    "handshakes",
    "not_a_proxy",
    "bad_proxy_header",
    "talked_early",
    "shutting_down",
)
DOORS = (Origin.SMTP, Origin.LMTP)
BY_DAEMON = (EvidenceType.DUE, EvidenceType.DISPUTE)

_OF_A_KIND = {
    Kind.DELIVERED: Category.SUCCESS,
    Kind.RELAYED: Category.SUCCESS,
    Kind.EXPANDED: Category.SUCCESS,
    Kind.COMPLAINT: Category.COMPLAINT,
    Kind.AUTO_REPLY: Category.AUTO_REPLY,
    Kind.CHALLENGE: Category.CHALLENGE,
    Kind.SUBSCRIPTION: Category.SUBSCRIPTION,
}
_FAILING = frozenset({Class.HARD, Class.SOFT, Class.BLOCK, Class.TRANSIENT, Class.UNDETERMINED})
_HARD = tuple(category for category, class_ in CLASS_OF.items() if class_ is Class.HARD)
_FAILURES = (
    *((category, class_) for category, class_ in CLASS_OF.items() if class_ in _FAILING),
    *((category, Class.SOFT) for category in _HARD),  # in doubt
)


@dataclass(frozen=True, slots=True)
class Known:
    """The lists that a daemon keeps, None where it is not known, and of SMTP and LMTP those that it listens on."""

    lists: tuple[str, ...] | None = None
    doors: tuple[Origin, ...] = DOORS

    def series(self) -> Mapping[str, Iterable[Labels]]:
        """Return the values of the labels that each counter begins with, by the counter's name."""
        by_name: dict[declared.Metric, Iterable[Labels]] = {
            declared.CONNECTIONS_REFUSED: _alone(NOT_LET_IN),
            declared.REPLIES: _alone(_CODES),
            declared.PATHS_REFUSED: _alone((*Reason, *Deferral)),
            declared.UNREAD: _alone((WORK_SPENT, OTHER)),
            declared.JOB_FAILURES: _alone(JOBS),
            declared.REPORTS: self._by_list(self._reports()),
            declared.DOUBTFUL: self._by_list(_alone(_HARD)),
            declared.SENDER_REFUSED: self._by_list([()]),
            declared.COMPLAINTS_OF_NOBODY: self._by_list(_alone((*KNOWN_PROVIDERS, OTHER))),
            declared.COMMITS: self._by_list(self._commits()),
            declared.COMMANDS: self._by_list(COMMANDS),
            declared.DUPLICATES: self._by_list([()]),
            declared.DEFERRED: self._by_list(_alone(Deferral)),
            declared.INTAKE_FAILED: self._by_list([()]),
            declared.TRANSITIONS: self._by_list(permutations(State, 2)),
            declared.MAILED_WHILE_SUPPRESSED: self._by_list([()]),
            declared.COUNTERS_OVERFLOWED: self._by_list(_alone(MAX_FIELDS)),
        }
        return {metric.name: series for metric, series in by_name.items()}

    def covers(self, metric: declared.Metric, labels: Labels) -> bool:
        """Whether a series is shown: not that of a list which a reload took away."""
        if self.lists is None or "list" not in metric.labels:
            return True
        return labels[metric.labels.index("list")] in self.lists

    def _by_list(self, rest: Iterable[Labels]) -> Iterable[Labels]:
        return [(list_, *labels) for list_, labels in product(self.lists or (), tuple(rest))]

    def _reports(self) -> Iterator[Labels]:
        """Yield what is known of reports: by origin, kind, category and class."""
        for origin in (*self.doors, Origin.INTAKE):
            for kind, (category, class_) in product((Kind.BOUNCE, Kind.DELAYED), _FAILURES):
                yield origin, kind, category, class_
        yield Origin.INTAKE, Kind.COMPLAINT, Category.COMPLAINT, CLASS_OF[Category.COMPLAINT]
        for origin in self.doors:
            for kind, category in _OF_A_KIND.items():
                yield origin, kind, category, CLASS_OF[category]
            yield origin, Kind.UNPROVEN, "", ""
            yield origin, Kind.OTHER, "", ""

    def _commits(self) -> Iterator[Labels]:
        yield from ((origin, EvidenceType.REPORT) for origin in self.doors)
        yield from ((Origin.INTAKE, type_) for type_ in TELLABLE.values())
        yield from ((Origin.DAEMON, type_) for type_ in BY_DAEMON)


def _alone(values: Iterable[str]) -> tuple[Labels, ...]:
    return tuple((value,) for value in dict.fromkeys(values))


_CODES = sorted(
    {text[:3] for name, text in vars(replies).items() if name.isupper() and isinstance(text, str)} | {"220"}
)
