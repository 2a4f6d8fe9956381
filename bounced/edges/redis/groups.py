"""Which requests of a batch go to the server in one script call, and which reply is whose.

How it works: a request to commit is no command yet.  When its batch is sent, those that share their list and hour are
packed into one script call.  Its reply has an answer for each of them.  Redis reads all other requests later while it
runs a script, so a call carries no more than ``MAX_REQUESTS``.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from bounced.edges.redis.wire import Reply

MAX_REQUESTS = 32
"""A call takes two milliseconds then, on a slow machine six.  Twice as many would save 1 % of a commit's time."""


class Request(NamedTuple):
    """One request of those that a script call may carry.

    ``pack`` makes the command that carries it and others like it.  ``shared`` are the keys that it has in common with
    these, ``keys`` and ``arguments`` are its own.
    """

    pack: Callable[[Sequence["Request"]], bytes]
    shared: tuple[str, ...]
    keys: tuple[bytes, ...]
    arguments: tuple[bytes, ...]


Asked = bytes | Request
"""What is asked of a server: a packed command, or a request that still needs one."""


class Call(NamedTuple):
    """One packed command, and the places in the batch of all that it carries."""

    command: bytes
    places: Sequence[int]
    is_group: bool


def octets(asked: Asked) -> int:
    """Return how much memory it takes until it is sent, about."""
    return len(asked) if isinstance(asked, bytes) else sum(map(len, asked.keys + asked.arguments))


def to_calls(batch: Sequence[Asked]) -> list[Call]:
    """Return the commands that carry a batch."""
    calls: list[Call] = []
    groups: dict[tuple[str, ...], list[tuple[int, Request]]] = {}
    for place, asked in enumerate(batch):
        if isinstance(asked, bytes):
            calls.append(Call(asked, (place,), is_group=False))
        else:
            groups.setdefault(asked.shared, []).append((place, asked))
    for group in groups.values():
        for begun in range(0, len(group), MAX_REQUESTS):
            places, requests = zip(*group[begun : begun + MAX_REQUESTS], strict=True)
            calls.append(Call(requests[0].pack(requests), places, is_group=True))
    return calls


def to_replies(calls: Sequence[Call], replies: Sequence[Reply]) -> list[Reply]:
    """Return the replies in the order of the batch.  An error reply to a call is one to all that it carries.

    Raises ValueError where a call does not answer each of its requests.
    """
    by_place: dict[int, Reply] = {}
    for call, reply in zip(calls, replies, strict=True):
        answers = reply if call.is_group and isinstance(reply, list) else [reply] * len(call.places)
        by_place.update(zip(call.places, answers, strict=True))
    return [by_place[place] for place in range(len(by_place))]
