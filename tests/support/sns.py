"""How messages of SNS are checked against a stand-in for Amazon."""

from typing import Any

import pytest

from bounced.web.hooks.fetching import Fetcher
from bounced.web.hooks.proof import Asked, NotProven, Trusted
from bounced.web.hooks.sns import SnsProof
from bounced.web.hooks.sns.certificates import Certificates
from bounced.web.problems import Problem
from tests.support.amazon import (
    NOW,
    TOPIC,
    Amazon,
)

TEXT = '{"eventType":"Delivery"}'


def proof(amazon: Amazon, *topics: str) -> SnsProof:
    """Return what checks messages of these topics."""
    fetch = Fetcher(amazon.tls, amazon.network)
    roots = [amazon.root.certificate]
    return SnsProof(Trusted((), frozenset(topics or [TOPIC])), fetch, Certificates(fetch, lambda: roots))


def asked(body: bytes, now: Any = NOW) -> Asked:
    """Return what SNS posts."""
    return Asked({}, body, now)


async def refusal(amazon: Amazon, body: bytes, *topics: str) -> str:
    """Return why a message is refused."""
    with pytest.raises(NotProven) as caught:
        await proof(amazon, *topics).check(asked(body))
    return caught.value.why


async def undecided(amazon: Amazon, body: bytes, now: Any = NOW, checks: SnsProof | None = None) -> None:
    """Fail unless a message is neither taken nor refused."""
    with pytest.raises(Problem) as caught:
        await (checks or proof(amazon)).check(asked(body, now))
    assert caught.value.status == 503
