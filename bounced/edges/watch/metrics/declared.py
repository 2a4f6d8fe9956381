"""Every metric there is: its name, its kind, its meaning, its labels.  docs/metrics.md is written from here."""

from dataclasses import dataclass
from enum import StrEnum


class MetricKind(StrEnum):
    """What a metric does over time.  (https://prometheus.io/docs/concepts/metric_types/)"""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.  ``name`` is without the suffix that Prometheus adds (``_total``, ``_bucket``, ...)."""

    kind: MetricKind
    name: str
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def series(self) -> tuple[str, ...]:
        """The names under which its values are asked for."""
        match self.kind:
            case MetricKind.COUNTER:
                return (f"{self.name}_total",)
            case MetricKind.HISTOGRAM:
                return (f"{self.name}_bucket", f"{self.name}_sum", f"{self.name}_count")
            case MetricKind.GAUGE:
                return (self.name,)


def _counter(name: str, meaning: str, *labels: str) -> Metric:
    return Metric(MetricKind.COUNTER, name, meaning, labels)


def _gauge(name: str, meaning: str, *labels: str) -> Metric:
    return Metric(MetricKind.GAUGE, name, meaning, labels)


_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)

SESSIONS = _counter("bounced_sessions", "Sessions with peers that were let in.")
SESSIONS_OPEN = _gauge(
    "bounced_sessions_open", "Sessions now, with those whose peer has gone and whose commit still runs."
)
CONNECTIONS_REFUSED = _counter(
    "bounced_connections_refused",
    "Peers sent away before the greeting: over a limit, no proxy where one is needed, talked before the greeting. The "
    "reason `handshakes` is a TLS handshake that was broken off because another peer needed its place.",
    "reason",
)
REPLIES = _counter("bounced_replies", "Replies given, by their three digits. 451 means: come again.", "code")
PATHS_REFUSED = _counter(
    "bounced_paths_refused",
    "Forward-paths refused at RCPT, by reason: malformed, tampered, expired, ... The reply is 550, or 451 where it may "
    "be our fault, such as `store_timeout`: Redis could not be asked about a token.",
    "reason",
)
FAULTS = _counter(
    "bounced_faults", "Faults of our own, in a session or in the line to Redis, each answered with 451 and logged."
)
REPORTS = _counter(
    "bounced_reports",
    "Reports that were committed, each once, by the door through which they came: `smtp`, `lmtp`, or `intake`. In the "
    "intake `rejected` is a bounce, or delayed where the reply is temporary, and `complained` is a complaint. Kind "
    '"other" is mail that is no report. Kind "unproven" may be a bounce and is not proven to be one. Neither has a '
    "category or a class. What `bounced ingest` takes in is in `bounced_commands`.",
    "list",
    "origin",
    "kind",
    "category",
    "class",
)
DOUBTFUL = _counter(
    "bounced_doubtful",
    "Reports among bounced_reports that look hard and are not proven, so they count as soft. If they are many beside "
    "those of class hard, dead addresses are still mailed: look at them with `bounced unknown`.",
    "list",
    "category",
)
SENDER_REFUSED = _counter(
    "bounced_sender_refused",
    "Reports among bounced_reports that refuse the sender: those of class block, and those of category "
    "rate_limited that limit what this sender may send (Gmail's 4.7.28). Limits of a mailbox (X.2.X) do not count "
    "here. `bounced blocks` says who refuses.",
    "list",
)
COMPLAINTS_OF_NOBODY = _counter(
    "bounced_complaints_unattributed",
    "Complaints at a feedback address that contain no return path of ours, so nobody is suppressed. The provider is "
    "one that bounced knows by name, else `other`. `bounced complaints` tells more.",
    "list",
    "provider",
)
COMMITS = _counter(
    "bounced_commits",
    "Commits of the daemon, by the door (smtp, lmtp, intake; daemon is what time brings and what the daemon noticed "
    "itself) and by the type of what was told: report, delivered, rejected, sent, due, ...",
    "list",
    "origin",
    "type",
)
COMMANDS = _counter(
    "bounced_commands",
    "Commits of commands, which are processes of their own: reports by `bounced ingest`, what operators suppress and "
    "release. They are counted in Redis by the hour and read from there, so every host shows the same figure: use `max "
    "by`. Reports of a time more than two days ago (old mail) are left out.",
    "list",
    "origin",
    "type",
)
DUPLICATES = _counter(
    "bounced_duplicates",
    "Reports by SMTP or LMTP that had been counted before. They were acknowledged and changed nothing.",
    "list",
)
DEFERRED = _counter(
    "bounced_deferred",
    "Reports that came in whole and were answered with 451, by reason. `store_unavailable` and `store_timeout`: Redis "
    "did not confirm that they are stored; `deadline`: reading and storing took longer than `redis.timeout_s`; "
    "`shutdown`: the daemon stopped first; `fault`: a fault of ours, see `bounced_faults`.",
    "list",
    "reason",
)
UNREAD = _counter(
    "bounced_unread",
    "Messages that could not be read. They are acknowledged, logged, and kept as bounces that give no reason. Fault "
    "WorkSpent: the message makes more work than one message may. Fault `other` is ours: the log has its name.",
    "fault",
)
INTAKE_FAILED = _counter(
    "bounced_intake_failed",
    "Intake entries that could not be understood and were set aside in `intake-failed`. They have no effect until "
    "somebody sends them again.",
    "list",
)
TRANSITIONS = _counter(
    "bounced_transitions", "Changes of an address's state by what this daemon committed.", "list", "before", "after"
)
MAILED_WHILE_SUPPRESSED = _counter(
    "bounced_mailed_while_suppressed",
    "Reports and intake entries about mail that was sent to a suppressed address, on a later day than that of the "
    "suppression: the sender does not ask the list, or asks another one.",
    "list",
)
COUNTERS_OVERFLOWED = _counter(
    "bounced_counters_overflowed",
    "Counters of an hour that found the quota of their kind used up (domains, campaigns, providers; unsigned is what "
    "unsigned reports name). `stats`, `top` and alarms for these names lack them. The list's own figures are right.",
    "list",
    "quota",
)
COMMIT_SECONDS = Metric(
    MetricKind.HISTOGRAM,
    "bounced_commit_seconds",
    "Seconds from the end of a message to its commit: reading, deciding, writing, waiting for durability.",
    buckets=_SECONDS,
)
BATCH_SIZE = Metric(
    MetricKind.HISTOGRAM, "bounced_commit_batch_size", "Commits that went to Redis together.", buckets=_SIZES
)
REDIS_ERRORS = _counter(
    "bounced_redis_errors", "Connections to Redis that were closed after an error, a time-out or a failed wait."
)
JOB_FAILURES = _counter(
    "bounced_job_failures",
    "Rounds of a job (releaser, disputer, provider_disputer, intake, alarms) that ended with a fault of ours. The job "
    "is tried again with growing pauses.",
    "job_name",
)
BUILD_INFO = _gauge(
    "bounced_build_info", "Always 1; the labels say which bounced runs, under which Python.", "version", "python"
)
CERTIFICATE_EXPIRY = _gauge(
    "bounced_certificate_expiry_timestamp_seconds",
    "When the certificate that STARTTLS offers expires, in unix time: the one that is loaded, not a renewed file that "
    "waits for a reload. Absent without STARTTLS.",
)
WORKERS = _gauge("bounced_workers", "Workers that take in mail now.")
WORKER_DEATHS = _counter("bounced_worker_deaths", "Workers that ended without being told to, and were replaced.")
REDIS_UP = _gauge(
    "bounced_redis_up", "1 if Redis would take a commit now, else 0. While it is 0 the next ones are absent."
)
REPLACED = _gauge(
    "bounced_redis_replaced",
    "1 while the Redis of a list is not the one that kept it before, and nobody has accepted that, else 0.",
    "list",
)
CLOCK_APART = _gauge(
    "bounced_clock_apart_seconds",
    "By how many seconds our clock is ahead of Redis'. Beyond a day, return paths that seem expired are put off.",
    "list",
)
SUPPRESSED = _gauge(
    "bounced_suppressed_addresses", "Addresses that must not be mailed now: held or suppressed.", "list"
)
BY_STATE = _gauge(
    "bounced_addresses",
    "Addresses by state. Bouncing ones may be mailed. Of those that must not be mailed, held are those that time alone "
    "will change (see bounced_due_addresses), suppressed are the rest.",
    "list",
    "state",
)
DUE = _gauge(
    "bounced_due_addresses",
    "Addresses that time alone will change: a hold ends, a delivery is believed, a suppression expires.",
    "list",
)
OVERDUE = _gauge(
    "bounced_overdue_addresses", "Due addresses whose time has come and that are not released yet.", "list"
)
DISPUTED = _gauge("bounced_disputed_domains", 'Domains and providers whose "user unknown" is not believed now.', "list")
ALARMS = _gauge("bounced_alarms", "Alarms that stand now, of any kind: `bounced alarms` shows them.", "list")
STREAM_ENTRIES = _gauge(
    "bounced_stream_entries",
    "Entries of a stream: events, bulk, blocks, intake, intake-failed, unrecognised.",
    "list",
    "stream",
)
INTAKE_OLDEST = _gauge(
    "bounced_intake_oldest_seconds", "Age of the oldest intake entry that waits; 0 where none does.", "list"
)

_HOOK = ("list", "hook")
HOOK_BEHIND = _gauge(
    "bounced_hook_behind_seconds", "Age of the oldest event that a webhook does not have; 0 for none.", *_HOOK
)
HOOK_SET_ASIDE = _gauge(
    "bounced_hook_set_aside", "Events that a webhook's receiver did not take, and that are kept.", *_HOOK
)
HOOK_STOPPED = _gauge(
    "bounced_hook_stopped", "Whether a webhook is stopped until somebody resumes it: its receiver said 410.", *_HOOK
)
HOOK_DELIVERED = _counter("bounced_hook_delivered", "Events that a webhook's receiver took.", *_HOOK)
HOOK_TRIMMED = _counter(
    "bounced_hook_trimmed", "Events that the streams dropped before a webhook was given them.", *_HOOK
)

COUNTED = (
    SESSIONS,
    SESSIONS_OPEN,
    CONNECTIONS_REFUSED,
    REPLIES,
    PATHS_REFUSED,
    FAULTS,
    REPORTS,
    DOUBTFUL,
    SENDER_REFUSED,
    COMPLAINTS_OF_NOBODY,
    COMMITS,
    DUPLICATES,
    DEFERRED,
    UNREAD,
    INTAKE_FAILED,
    TRANSITIONS,
    MAILED_WHILE_SUPPRESSED,
    COUNTERS_OVERFLOWED,
    COMMIT_SECONDS,
    BATCH_SIZE,
    REDIS_ERRORS,
    JOB_FAILURES,
)
"""Counted by each worker and added up."""

MEASURED = (
    BUILD_INFO,
    CERTIFICATE_EXPIRY,
    COMMANDS,
    WORKERS,
    WORKER_DEATHS,
    REDIS_UP,
    REPLACED,
    CLOCK_APART,
    SUPPRESSED,
    BY_STATE,
    DUE,
    OVERDUE,
    DISPUTED,
    ALARMS,
    STREAM_ENTRIES,
    INTAKE_OLDEST,
    HOOK_BEHIND,
    HOOK_SET_ASIDE,
    HOOK_STOPPED,
    HOOK_DELIVERED,
    HOOK_TRIMMED,
)
"""Known to the parent, or measured in Redis when Prometheus asks."""

ALL = COUNTED + MEASURED


def table() -> str:
    """Return the table of docs/metrics.md."""
    rows = (f"| `{m.series[0]}` | {m.kind} | {', '.join(f'`{x}`' for x in m.labels)} | {m.meaning} |" for m in ALL)
    return "\n".join(("| metric | kind | labels | meaning |", "|---|---|---|---|", *rows)) + "\n"
