"""Logs: structlog set up once, every event named in one place, nothing that a peer can forge.

One line is one event: JSON for the journal, coloured for a terminal.  Strings are escaped and bounded, and mail
addresses stand as short hashes unless the configuration says otherwise.
"""

import hmac
import json
import logging
import os
import sys
from collections.abc import Mapping, MutableMapping
from enum import StrEnum
from secrets import token_bytes
from typing import Any, TextIO

import structlog

from bounced.core.escape import json_escaped, visible
from bounced.core.limits import MAX_LOGGED_CHARS
from bounced.core.mailbox import ADDRESS_LIKE
from bounced.edges.watch.log_limit import LogLimit

MAX_TRACEBACK_LINES = 100
ADDRESS_KEYS = frozenset({"address", "recipient"})
TRACEBACK = "exception"
"""Where structlog puts a traceback."""

_JSON = json.JSONEncoder(default=str)
_INFO = 6
_PRIORITIES = {"debug": 7, "info": _INFO, "warning": 4, "error": 3}


class Event(StrEnum):
    """Every event there is, `noun.past_verb`."""

    SERVICE_STARTED = "service.started"
    SERVICE_STOPPED = "service.stopped"
    SERVICE_RELOADED = "service.reloaded"
    RELOAD_FAILED = "reload.failed"
    CONFIGURATION_LOADED = "configuration.loaded"
    DRAIN_TIMED_OUT = "drain.timed_out"
    LIBRARY_WARNED = "library.warned"
    WORKER_STARTED = "worker.started"
    WORKER_DIED = "worker.died"
    WORKER_KILLED = "worker.killed"
    STORE_FAILED = "store.failed"
    STORE_RECOVERED = "store.recovered"
    LINE_FAILED = "line.failed"
    STORE_WARNED = "store.warned"
    STORE_REPLACED = "store.replaced"
    STORE_RECOGNISED = "store.recognised"
    CLOCKS_PARTED = "clocks.parted"
    CLOCKS_AGREED = "clocks.agreed"
    REPORT_COMMITTED = "report.committed"
    REPORT_DUPLICATED = "report.duplicated"
    REPORT_DEFERRED = "report.deferred"
    MESSAGE_UNREAD = "message.unread"
    PATH_REFUSED = "path.refused"
    KEY_DOUBTED = "key.doubted"
    PEER_REFUSED = "peer.refused"
    SESSION_FAILED = "session.failed"
    ADDRESS_RELEASED = "address.released"
    DOMAIN_DISPUTED = "domain.disputed"
    PROVIDER_DISPUTED = "provider.disputed"
    INTAKE_FAILED = "intake.failed"
    JOB_DEFERRED = "job.deferred"
    JOB_RESUMED = "job.resumed"
    JOB_FAILED = "job.failed"
    ALARM_RAISED = "alarm.raised"
    ALARM_CLEARED = "alarm.cleared"
    REQUEST_ANSWERED = "request.answered"
    REQUEST_FAILED = "request.failed"
    ACCESS_CHANGED = "access.changed"
    PERSON_SIGNED_IN = "person.signed_in"
    PERSON_SIGNED_OUT = "person.signed_out"
    PERSON_REFUSED = "person.refused"
    HOOK_REFUSED = "hook.refused"
    HOOK_DEFERRED = "hook.deferred"
    HOOK_SUBSCRIBED = "hook.subscribed"
    HOOK_UNSUBSCRIBED = "hook.unsubscribed"
    HOOK_TAKEN = "hook.taken"
    HOOK_LEFT = "hook.left"
    HOOK_STOPPED = "hook.stopped"
    HOOK_FAILED = "hook.failed"
    EVENT_DELIVERED = "event.delivered"
    EVENT_REFUSED = "event.refused"
    EVENT_SET_ASIDE = "event.set_aside"
    EVENTS_TRIMMED = "events.trimmed"
    LOG_FOLLOWED = "log.followed"
    LOG_READ = "log.read"
    LOG_MISSED = "log.missed"
    LOG_WAITS = "log.waits"
    LOG_REWOUND = "log.rewound"
    LOG_FAILED = "log.failed"
    CONFIGURATION_DOUBTED = "configuration.doubted"


LIMITED = (
    Event.LIBRARY_WARNED,
    Event.PEER_REFUSED,
    Event.PATH_REFUSED,
    Event.REPORT_DEFERRED,
    Event.SESSION_FAILED,
    Event.STORE_FAILED,
    Event.STORE_RECOVERED,
    Event.REQUEST_FAILED,
    Event.PERSON_REFUSED,
    Event.HOOK_REFUSED,
    Event.HOOK_DEFERRED,
    Event.LOG_WAITS,
    Event.LOG_FAILED,
)
"""What peers, or a Redis that comes and goes, can cause for each connection and each message."""
_CODED = (Event.PEER_REFUSED, Event.PATH_REFUSED, Event.REPORT_DEFERRED, Event.HOOK_REFUSED)
"""Those of them whose ``reason`` is one of a few codes."""


def _past_the_limit(method: str, event: MutableMapping[str, Any]) -> None:
    getattr(structlog.get_logger(), method)(**event)


def flush() -> None:
    """Say what the limits have left out so far: at the end of a process."""
    for processor in structlog.get_config()["processors"]:
        if isinstance(processor, LogLimit):
            processor.flush()


class AddressHashes:
    """Replaces addresses by keyed hashes, which only those can compute who have the secret of the list.

    The first list's secret serves for what a line without a list says; where there is none, a random one of this
    process does.
    """

    def __init__(self) -> None:
        self._random = token_bytes()
        self.use({})

    def use(self, secrets: Mapping[str, bytes]) -> None:
        """Know the secrets of these lists from now on."""
        self._secrets = secrets
        self._first = next(iter(secrets.values()), self._random)

    def __call__(self, _logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
        """Hash addresses: those that are one by their name, and what looks like one in any text."""
        secret = self._secrets.get(event.get("list", ""), self._first)
        for key, value in event.items():
            if key in ADDRESS_KEYS:
                event[key] = hashed(str(value), secret) if value else value
            elif isinstance(value, str) and "@" in value:
                event[key] = ADDRESS_LIKE.sub(lambda found: hashed(found[0], secret), value)
        return event


HASHES = AddressHashes()
"""Those of this process; a reload tells them the secrets of new lists."""


def configure(*, level: str, as_json: bool, plain_addresses: bool, stream: TextIO | None = None) -> None:
    """Set up logging for this process, to standard error or another stream.

    ``level`` is debug, info, warning or error.
    """
    stream = stream or sys.stderr
    renderer = (
        structlog.processors.JSONRenderer(serializer=_to_json)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    )
    structlog.configure(
        processors=[
            LogLimit(LIMITED, _past_the_limit, by_reason=_CODED),
            structlog.processors.format_exc_info,
            *([] if plain_addresses else [HASHES]),
            _escape,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
            *([_mark_priority] if _is_journal(stream) else []),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=True,
    )
    _hear_libraries()


class _Libraries(logging.Handler):
    """What libraries log by themselves becomes lines of ours: asyncio tells so of what nobody waits for any more."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        structlog.get_logger().warning(
            Event.LIBRARY_WARNED, library=record.name, said=record.getMessage(), exc_info=record.exc_info or None
        )


def _hear_libraries() -> None:
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each, _Libraries)]:
        root.removeHandler(handler)
    root.addHandler(_Libraries(logging.WARNING))


def _is_journal(stream: TextIO) -> bool:
    """Whether what is written goes to systemd's journal.  (systemd.exec(5), JOURNAL_STREAM)"""
    journal = os.environ.get("JOURNAL_STREAM")
    if not journal:
        return False
    status = os.fstat(stream.fileno())
    return journal == f"{status.st_dev}:{status.st_ino}"


def _mark_priority(_logger: Any, method: str, line: Any) -> str:
    """Tell the journal how grave a line is, so that ``journalctl -p warning`` finds it.  (sd-daemon(3))"""
    return f"<{_PRIORITIES.get(method, _INFO)}>{line}"


def silence() -> None:
    """Write nothing: for commands that answer by themselves, on the standard output that logs would go to unasked."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())


def hashed(address: str, secret: bytes) -> str:
    """Return the short hash under which an address stands in the log: 12 hex digits of its HMAC-SHA256."""
    return hmac.digest(secret, address.encode("utf-8", "surrogateescape"), "sha256").hex()[:12]


def escaped(text: str) -> str:
    """Return text of a peer as it may stand in a log line: what cannot be printed escaped, bounded."""
    return visible(text[:MAX_LOGGED_CHARS])


def _escape(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Let no value begin a line: control characters are escaped, and the lines of a traceback stand indented."""
    for key, value in event.items():
        if key == TRACEBACK:
            event[key] = "\n".join(f"  {escaped(line)}" for line in value.split("\n")[-MAX_TRACEBACK_LINES:])
        elif isinstance(value, str) and not (value.isprintable() and len(value) <= MAX_LOGGED_CHARS):
            event[key] = escaped(value)
    return event


def _to_json(event: Mapping[str, Any], **_settings: Any) -> str:
    """Return one line of JSON in ASCII; what JSON does not know stands as its text."""
    return json_escaped(_JSON.encode(event))
