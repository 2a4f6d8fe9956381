"""A service whose events are heard: its table of names, and how a body is read by it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from bounced.core.exchange.hooks.events import Event, NotJson, json_events
from bounced.core.exchange.hooks.heard import Heard, Means, Said, Silence, Silent, Unclear, cleaned, entry
from bounced.core.exchange.hooks.secrets import chosen_secret
from bounced.core.limits import MAX_HOOK_EVENT_CHARS

PATH_KEY = "bounced_path"
"""Under which name senders put the return path into the metadata of a message, whatever the service calls those."""
PATH_FIELD = "X-Bounced-Path"
"""In which header field, where a service shows those only."""


MAX_EVENTS = 10_000
"""In one body, counted for each recipient: they are written by one script, for which everybody else at Redis waits."""


class TooManyEvents(ValueError):  # noqa: N818 - says what is so
    """A body with more events than Redis shall write in one step."""


class NotHeard(ValueError):  # noqa: N818 - says what is so
    """An event that is not understood, and why."""


@dataclass(frozen=True, slots=True)
class Service:
    """How the events of one service are heard.

    ``means`` has its names of events: docs/hooks.md shows this table.  ``hear`` gives what one event says, with a
    meaning from the table (``meaning`` looks it up); it raises NotHeard and nothing else.  ``events`` takes a body
    apart, and gets its Content-Type.  ``secret`` reads the secret in a file, as octets; it raises ValueError.
    ``by_topic`` is true where the proof is a signature of the service and a topic of the list's, and no secret.
    """

    name: str
    means: Mapping[str, Means]
    hear: Callable[[Event], Iterable[Said]]
    events: Callable[[bytes, str], Sequence[Event]] = json_events
    secret: Callable[[bytes], bytes] = chosen_secret
    by_topic: bool = False

    def read(self, body: bytes, content_type: str = "") -> Sequence[Heard]:
        """Return what the events of a body say, in their order.  Raises TooManyEvents."""
        try:
            events = self.events(body, content_type)
        except NotJson as error:
            return [_unclear(body[: 4 * MAX_HOOK_EVENT_CHARS].decode("utf-8", "replace"), str(error))]
        heard = list(islice((each for event in events for each in self._heard(event)), MAX_EVENTS + 1))
        if len(heard) > MAX_EVENTS:
            raise TooManyEvents(f"A request has at most {MAX_EVENTS} events.")
        return heard

    def _heard(self, event: Event) -> Iterator[Heard]:
        raw = event.raw()
        try:
            said = list(self.hear(event))
        except NotHeard as error:
            yield _unclear(raw, str(error))
            return
        if not said:
            yield _unclear(raw, "the event names no recipient")
        for place, each in enumerate(said):
            yield _one(each, self.name, raw, place)


def meaning(means: Mapping[str, Means], name: str) -> Means:
    """Return what a service's name means, in any case.  Raises NotHeard for a name that is not in the table."""
    found = means.get(name) or next((each for key, each in means.items() if key.lower() == name.lower()), None)
    if found is None:
        raise NotHeard(f"no event is called {name[:80]!r}")
    return found


def _one(said: Said, service: str, raw: str, place: int) -> Heard:
    if said.means.type is None:
        return Silent(said.means.silence or Silence.NO_EVIDENCE)
    return entry(said, service, raw, place)


def _unclear(raw: str, why: str) -> Unclear:
    return Unclear(cleaned(raw, MAX_HOOK_EVENT_CHARS), cleaned(why, MAX_HOOK_EVENT_CHARS))
