"""Whatever is posted in the name of SNS, nothing is raised but the refusal, and nothing is read that was not signed."""

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounced.web.hooks.fetching import NotFetched
from bounced.web.hooks.proof import NotProven, Proven, Trusted
from bounced.web.hooks.sns import SnsProof
from bounced.web.hooks.sns.certificates import Certificates
from tests.support.amazon import (
    HOST,
    ISSUER,
    SUBSCRIBE,
    TOPIC,
    Amazon,
    about_subscription,
    posted,
)
from tests.support.sns import TEXT, asked


async def no_fetch(_url: str, /) -> bytes:
    """Fail."""
    raise AssertionError("nothing may be fetched for rubbish")


GENUINE = Amazon()
RUBBISH = SnsProof(Trusted((), frozenset([TOPIC])), no_fetch, Certificates(no_fetch, list))
_VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text(), max_size=2)
_NAMES = (
    "Type",
    "Message",
    "MessageId",
    "Subject",
    "Timestamp",
    "SignatureVersion",
    "Signature",
    "SigningCertURL",
    "Token",
)


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=100)
    | st.dictionaries(st.sampled_from(_NAMES), _VALUES).map(
        lambda more: json.dumps({"TopicArn": TOPIC, **more}).encode()
    )
)
def test_rubbish_is_not_proven(body: bytes):
    """Nothing is raised but the refusal, and nothing is fetched."""

    async def check() -> None:
        with pytest.raises(NotProven):
            await RUBBISH.check(asked(body))

    asyncio.run(check())


SIGNED = posted(TEXT, Subject="Amazon SES Email Event Notification"), about_subscription()


@st.composite
def changed(draw: st.DrawFn) -> bytes:
    """Return a genuine message in which octets were replaced, left out, doubled, or fields exchanged."""
    body = bytearray(draw(st.sampled_from(SIGNED)))
    for _ in range(draw(st.integers(1, 3))):
        at, length = draw(st.integers(0, len(body))), draw(st.integers(0, 20))
        body[at : at + length] = draw(st.binary(max_size=4) | st.just(bytes(body[at : at + 2 * length])))
    return bytes(body)


@settings(max_examples=300, deadline=None)
@given(changed())
def test_a_changed_message_is_refused_or_says_the_same(body: bytes):
    """What is not signed may change; what is read, and what is confirmed, may not."""
    amazon = GENUINE
    fetched: list[str] = []

    async def fetch(url: str, /) -> bytes:
        fetched.append(url)
        found = amazon.documents.get(url)
        if not isinstance(found, bytes):
            raise NotFetched("it is not there", for_good=True)
        return found

    roots = [amazon.root.certificate]
    checks = SnsProof(Trusted((), frozenset([TOPIC])), fetch, Certificates(fetch, lambda: roots))
    try:
        proven = asyncio.run(checks.check(asked(body)))
    except NotProven:
        proven = Proven(b"")
        assert SUBSCRIBE not in fetched
    assert proven in (Proven(TEXT.encode()), Proven(b""))
    assert all(url in (SUBSCRIBE, ISSUER) or url.startswith(f"https://{HOST}/SimpleNotif") for url in fetched)
