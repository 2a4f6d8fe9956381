"""One worker's counts, in plain numbers: counting one thing must cost nothing beside taking in a message.

What was counted since the last time goes to the parent as lines, which adds up all workers (``totals``).  A worker
that is killed takes what it counted in the last two seconds with it.
"""

import json
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Sequence

from bounced.core.state import Evidence, EvidenceType, Transition
from bounced.core.terms import Action, Category, Class, Kind, Origin, Verdict
from bounced.edges.watch.metrics import declared
from bounced.edges.watch.metrics.declared import Metric
from bounced.edges.watch.metrics.known import OTHER, WORK_SPENT

Series = tuple[str, ...]
"""A metric's name, and the values of its labels; for a histogram a bound, or SUM."""

SUM = "sum"


def bounds(metric: Metric) -> Sequence[str]:
    """Return a histogram's upper bounds as they stand in series, infinity included."""
    return (*map(str, metric.buckets), "+Inf")


class Meter:
    """Counts what the door, the pipeline and the store of one worker do."""

    def __init__(self) -> None:
        self._counts: Counter[Series] = Counter()
        self._replies: defaultdict[int, int] = defaultdict(int)  # several for each message, so without a tuple each
        self._sessions = 0
        self._sums: dict[str, float] = {}
        self._open = 0
        self._commit_bounds = bounds(declared.COMMIT_SECONDS)
        self._batch_bounds = bounds(declared.BATCH_SIZE)

    def session_opened(self) -> None:
        """Count a peer that was let in."""
        self._open += 1
        self._sessions += 1

    def session_closed(self) -> None:
        """Count a peer that has gone."""
        self._open -= 1

    def connection_refused(self, reason: str) -> None:
        """Count a peer that was sent away."""
        self._counts[declared.CONNECTIONS_REFUSED.name, reason] += 1

    def path_refused(self, reason: str) -> None:
        """Count a forward-path that stands for nobody."""
        self._counts[declared.PATHS_REFUSED.name, reason] += 1

    def replied(self, code: int) -> None:
        """Count a reply."""
        self._replies[code] += 1

    def failed(self) -> None:
        """Count a fault of our own."""
        self._counts[(declared.FAULTS.name,)] += 1

    def deferred(self, list_: str, reason: str) -> None:
        """Count a report that the peer has to bring again."""
        self._counts[declared.DEFERRED.name, list_, reason] += 1

    def not_read(self, fault: str) -> None:
        """Count a message that could not be read; a fault of ours has many names, which the log tells."""
        self._counts[declared.UNREAD.name, fault if fault == WORK_SPENT else OTHER] += 1

    def committed(self, list_: str, transition: Transition | None, elapsed_s: float) -> None:
        """Count a report that came by a door and was acknowledged; no transition: it had been counted before."""
        self._observe(declared.COMMIT_SECONDS, self._commit_bounds, elapsed_s)
        if transition is None:
            self._counts[declared.DUPLICATES.name, list_] += 1
            return
        evidence, verdict = transition.evidence, transition.evidence.verdict
        self._reported(list_, evidence.origin, evidence.kind or "", verdict)
        if nobody := evidence.unattributed:
            provider = nobody.provider if nobody.known else OTHER
            self._counts[declared.COMPLAINTS_OF_NOBODY.name, list_, provider] += 1

    def written(self, list_: str, transition: Transition, /) -> None:
        """Count what a commit made of an address, whoever spoke."""
        before, after, evidence = transition.before.state, transition.after.state, transition.evidence
        self._counts[declared.COMMITS.name, list_, evidence.origin, evidence.type] += 1
        if evidence.origin is Origin.INTAKE and not evidence.shared_from:
            self._told(list_, evidence)
        if before is not after:
            self._counts[declared.TRANSITIONS.name, list_, before, after] += 1
        if transition.mailed_while_suppressed:
            self._counts[declared.MAILED_WHILE_SUPPRESSED.name, list_] += 1

    def intake_failed(self, list_: str) -> None:
        """Count an entry of the intake that was set aside."""
        self._counts[declared.INTAKE_FAILED.name, list_] += 1

    def counter_overflowed(self, list_: str, quota: str, /) -> None:
        """Count a counter of an hour that came when its quota was used up."""
        self._counts[declared.COUNTERS_OVERFLOWED.name, list_, quota] += 1

    def batch_flushed(self, commands: int, /) -> None:
        """Count commits that went to Redis together."""
        self._observe(declared.BATCH_SIZE, self._batch_bounds, commands)

    def server_failed(self) -> None:
        """Count a connection to Redis that was given up."""
        self._counts[(declared.REDIS_ERRORS.name,)] += 1

    def job_failed(self, job: str) -> None:
        """Count a round of a job that ended with a fault of ours."""
        self._counts[declared.JOB_FAILURES.name, job] += 1

    def take(self) -> bytes:
        """Return what was counted since the last time, a line for each series, and begin anew."""
        lines = [[*series, count] for series, count in self._counts.items()]
        lines += [[name, SUM, total] for name, total in self._sums.items()]
        lines += [[declared.REPLIES.name, str(code), count] for code, count in self._replies.items()]
        lines += [[declared.SESSIONS.name, self._sessions], [declared.SESSIONS_OPEN.name, self._open]]
        self._counts.clear()
        self._replies.clear()
        self._sessions = 0
        self._sums.clear()
        return b"".join(json.dumps(line).encode() + b"\n" for line in lines)

    def _reported(self, list_: str, origin: Origin, kind: str, verdict: Verdict | None) -> None:
        category, class_ = (verdict.category, verdict.class_) if verdict else ("", "")
        self._counts[declared.REPORTS.name, list_, origin, kind, category, class_] += 1
        if verdict and verdict.doubt:
            self._counts[declared.DOUBTFUL.name, list_, category] += 1
        if verdict and verdict.refuses_sender:
            self._counts[declared.SENDER_REFUSED.name, list_] += 1

    def _told(self, list_: str, evidence: Evidence) -> None:
        """Count what a sender told as the report that the recipient's MTA would have sent."""
        verdict = evidence.verdict
        if verdict is not None:
            kind = Kind.DELAYED if verdict.action is Action.DELAYED else Kind.BOUNCE
            self._reported(list_, evidence.origin, kind, verdict)
        elif evidence.type is EvidenceType.COMPLAINED:
            told = (Kind.COMPLAINT, Category.COMPLAINT, Class.COMPLAINT)
            self._counts[declared.REPORTS.name, list_, evidence.origin, *told] += 1

    def _observe(self, metric: Metric, upper_bounds: Sequence[str], value: float) -> None:
        self._counts[metric.name, upper_bounds[bisect_left(metric.buckets, value)]] += 1
        self._sums[metric.name] = self._sums.get(metric.name, 0.0) + value
