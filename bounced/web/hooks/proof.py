"""What proves that a request comes from the service: asked of each before anything of its body is believed."""

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class NotProven(Exception):  # noqa: N818 - says what is so
    """A request that does not prove where it comes from.  ``why`` is a code for the log and a metric, no secret."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came.  Names of header fields are in lower case."""

    headers: Mapping[str, str]
    body: bytes
    now: datetime


@dataclass(frozen=True, slots=True)
class Proven:
    """What is to be read: most often the body as it came; empty where there is nothing to read.

    ``once`` is what may come with one body only, such as a token: it is remembered with the write.  ``call`` is what
    the sender calls the request, the same when it sends it again; empty where it does not say.
    """

    body: bytes
    once: str = ""
    call: str = ""


@dataclass(frozen=True, slots=True)
class Trusted:
    """What a list says of one service: its secrets (or public keys), of which any will do, and topics of SNS."""

    secrets: Sequence[bytes]
    topics: frozenset[str] = frozenset()


class Proof(Protocol):
    """Checks requests of one service to one list.

    It may ask the network (SNS' certificate), so it is awaited.  Raises NotProven, and Problem with 503 where it cannot
    be decided now.
    """

    async def check(self, asked: Asked) -> Proven:
        """Return what a genuine request says."""


ProofMaker = Callable[[Trusted], Proof]
"""Makes the proof that a service gives; raises ValueError for a secret that it cannot use."""


def is_one_of(given: bytes, known: Sequence[bytes]) -> bool:
    """Whether something presented is one of the secrets.  It takes as long for a wrong one as for a right one."""
    return any([hmac.compare_digest(given, each) for each in known])  # noqa: C419 - each is compared
