"""KumoMTA's log segments, unpacked: a JSON record in each line, which means what it means to the log hook.

(https://docs.kumomta.com/reference/log_record/)  Records of mail that came in (``OOB``, ``Feedback``) are no outcome of
mail that was sent: such mail goes to bounced itself.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bounced.core.exchange.hooks.events import Event
from bounced.core.exchange.hooks.heard import entry
from bounced.core.exchange.hooks.kumomta import hear
from bounced.core.exchange.hooks.service import PATH_FIELD, NotHeard
from bounced.core.exchange.logs.entries import delivered, unclear
from bounced.core.exchange.logs.parser import IsOurs, Logged, Source, State

_BEGINNING = b'{"type":"'
_OUTCOMES = frozenset({"Delivery", "Bounce", "Expiration"})
_OUTCOMES_BEGIN = tuple(_BEGINNING + each.encode() + b'"' for each in sorted(_OUTCOMES))


class KumoMta:
    """Reads KumoMTA's records.  Each says everything, so nothing is remembered."""

    forgotten = 0

    def __init__(self, source: Source, is_ours: IsOurs) -> None:
        self._relays, self._is_ours = source.relays, is_ours

    def state(self) -> State:
        """Return nothing."""
        return {}

    def restore(self, state: State) -> None:
        """Take up nothing."""

    def new_file(self) -> None:
        """Do nothing: each line is whole."""

    def feed(self, line: bytes, now: datetime) -> Sequence[Logged]:  # noqa: ARG002 - as LogParser
        """Return what one record says of each of its recipients."""
        if line.startswith(_BEGINNING) and not line.startswith(_OUTCOMES_BEGIN):
            return ()
        try:
            event = Event(json.loads(line))
        except (ValueError, RecursionError):
            return (unclear(line.decode("utf-8", "replace"), "no record of KumoMTA"),) if line.strip() else ()
        type_ = event.value("type")
        path = self._path(event) if type_ in _OUTCOMES else ""
        if not path:
            return ()
        return self._delivered(event, path) if type_ == "Delivery" else _failed(event, path)

    def _path(self, event: Event) -> str:
        """Return the envelope sender, or what stands in our header field where the sender is another one."""
        sender = event.text("sender")
        return sender if self._is_ours(sender) else event.header("headers", field=PATH_FIELD)

    def _delivered(self, event: Event, path: str) -> Sequence[Logged]:
        peer = event.inner("peer_address")
        if not self._relays.isdisjoint((peer.text("name").rstrip("."), peer.text("addr"))):
            return ()
        at, sent_at = event.text("timestamp", "event_time"), event.text("created")
        return [delivered(address, path, at, sent_at) for address in event.texts("recipient")]


def _failed(event: Event, path: str) -> Sequence[Logged]:
    """Return a failure under the same ``id`` as the log hook gives it: both count once."""
    raw = event.raw()
    try:
        said = [replace(each, return_path=path) for each in hear(event)]
        return [entry(each, "kumomta", raw, place) for place, each in enumerate(said) if each.means.type]
    except NotHeard as error:
        return (unclear(raw, str(error)),)
