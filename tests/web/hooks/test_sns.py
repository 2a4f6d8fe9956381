"""What proves a message of SNS, upon a server that stands for Amazon."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from bounced.web.hooks import fetching
from bounced.web.hooks.fetching import MAX_BYTES, Fetcher, NotFetched
from bounced.web.hooks.proof import Asked, NotProven, Proven, Trusted
from bounced.web.hooks.sns import SnsProof
from bounced.web.hooks.sns.certificates import Certificates, system_roots
from bounced.web.problems import Problem
from tests.support.amazon import (
    CERTIFICATE,
    HOST,
    ISSUER,
    NOW,
    SUBSCRIBE,
    TOKEN,
    TOPIC,
    Amazon,
    Authority,
    about_subscription,
    days,
    pem,
    posted,
    signing_key,
)

TEXT = '{"eventType":"Delivery"}'


@pytest.fixture
async def amazon() -> AsyncIterator[Amazon]:
    """Give a server that stands for Amazon."""
    async with Amazon().serving() as serving:
        yield serving


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


@pytest.mark.parametrize("version", ["1", "2"])
async def test_both_versions_of_the_signature_prove_a_message(amazon: Amazon, version: str):
    """SHA-1 is what a topic has unless its owner chose SHA-256."""
    assert await proof(amazon).check(asked(posted(TEXT, version=version))) == Proven(TEXT.encode())


async def test_a_subject_is_signed_where_there_is_one(amazon: Amazon):
    """Another subject is another message."""
    body = posted(TEXT, Subject="Amazon SES Email Event Notification")
    assert (await proof(amazon).check(asked(body))).body == TEXT.encode()
    assert await refusal(amazon, body.replace(b"Email Event", b"Other Event")) == "bad_signature"


async def test_a_certificate_is_fetched_once(amazon: Amazon):
    """Ten messages at once, and ten later ones, cost one certificate and that of its issuer."""
    checks = proof(amazon)
    for _ in range(2):
        await asyncio.gather(*(checks.check(asked(posted(TEXT))) for _ in range(10)))
    assert amazon.fetched == [CERTIFICATE, ISSUER]


async def test_whoever_leaves_does_not_take_the_certificate_from_those_who_wait(amazon: Amazon):
    """A peer that disconnects cancels its own request only."""
    checks = proof(amazon)
    amazon.go_on.clear()
    first, second = (asyncio.ensure_future(checks.check(asked(posted(TEXT)))) for _ in range(2))
    await amazon.asked(1)
    first.cancel()
    amazon.go_on.set()
    assert (await second).body == TEXT.encode()


async def test_few_certificates_are_fetched_at_once(amazon: Amazon):
    """Names of certificates can be invented; the fifth at once is asked to come again."""
    checks = proof(amazon)
    amazon.go_on.clear()
    names = [CERTIFICATE.replace("0123", f"{place:04}") for place in range(5)]
    waiting = [asyncio.ensure_future(checks.check(asked(posted(TEXT, SigningCertURL=name)))) for name in names[:4]]
    await amazon.asked(4)
    with pytest.raises(Problem, match="Too many"):
        await checks.check(asked(posted(TEXT, SigningCertURL=names[4])))
    amazon.go_on.set()
    assert all(isinstance(each, NotProven) for each in await asyncio.gather(*waiting, return_exceptions=True))


@pytest.mark.parametrize(
    "arn", ["arn:aws:sns:eu-west-1:999999999999:bounces", TOPIC + "2", TOPIC.upper(), TOPIC + " ", "", None]
)
async def test_another_topic_is_refused_before_anything_is_fetched(amazon: Amazon, arn: str | None):
    """A signature proves Amazon, not whose account it is."""
    assert await refusal(amazon, posted(TEXT, TopicArn=arn)) in ("wrong_topic", "not_signed")
    assert amazon.fetched == []


@pytest.mark.parametrize(
    "url",
    [
        CERTIFICATE.replace("https:", "http:"),
        CERTIFICATE.replace(HOST, f"{HOST}:443"),
        CERTIFICATE.replace(HOST, f"{HOST}:8443"),
        CERTIFICATE.replace(HOST, f"x@{HOST}"),
        CERTIFICATE.replace(HOST, f"{HOST}.example.com"),
        CERTIFICATE.replace(HOST, f"{HOST}."),
        CERTIFICATE.replace(HOST, f"example.com/{HOST}"),
        CERTIFICATE.replace(HOST, "sns.us-east-1.amazonaws.com"),
        CERTIFICATE.replace(HOST, "sns.eu-west-1.amazonaws.com.cn"),
        CERTIFICATE.replace(HOST, "bucket.s3.amazonaws.com"),
        CERTIFICATE.replace(HOST, HOST.upper()),
        CERTIFICATE.replace(HOST, "sns.eu-west-1.amazonaws.com@example.com"),
        CERTIFICATE.replace(f"{HOST}/", f"{HOST}/../"),
        CERTIFICATE.replace(f"{HOST}/", f"{HOST}/other/"),
        CERTIFICATE.replace(f"{HOST}/", f"{HOST}\\"),
        CERTIFICATE + "?x=.pem",
        CERTIFICATE + "#.pem",
        CERTIFICATE + "\n",
        f"https://{HOST}/",
        "",
        None,
    ],
)
async def test_a_certificate_from_elsewhere_is_not_fetched(amazon: Amazon, url: str | None):
    """It stands at the host of SNS in the topic's region, by https, without port, user or query."""
    assert await refusal(amazon, posted(TEXT, SigningCertURL=url)) == "wrong_host"
    assert amazon.fetched == []


async def test_no_redirect_is_followed(amazon: Amazon):
    """Whoever answers with one has no certificate."""
    moved = CERTIFICATE.replace("0123", "9999")
    amazon.documents[moved] = 302
    assert await refusal(amazon, posted(TEXT, SigningCertURL=moved)) == "no_certificate"
    assert amazon.fetched == [moved]


async def test_proxy_variables_are_ignored(amazon: Amazon, monkeypatch: pytest.MonkeyPatch):
    """A proxy would be asked for all hosts."""
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert (await proof(amazon).check(asked(posted(TEXT)))).body == TEXT.encode()


@pytest.mark.parametrize("status", [500, 503, 429, 408])
async def test_a_server_that_cannot_answer_leaves_it_undecided(amazon: Amazon, status: int):
    """SNS posts a message again that is answered by 503, and never one that is answered by 401."""
    amazon.documents[CERTIFICATE] = status
    with pytest.raises(Problem) as caught:
        await proof(amazon).check(asked(posted(TEXT)))
    assert caught.value.status == 503


@pytest.mark.parametrize("port", [443, 80])
async def test_a_server_that_is_away_leaves_it_undecided(amazon: Amazon, port: int):
    """That of SNS, and that of Amazon's authorities."""
    amazon.ports[port] = 1
    with pytest.raises(Problem, match="cannot be fetched now"):
        await proof(amazon).check(asked(posted(TEXT)))


async def test_a_slow_server_leaves_it_undecided(amazon: Amazon, monkeypatch: pytest.MonkeyPatch):
    """SNS does not wait for ever, and others are answered meanwhile."""
    monkeypatch.setattr(fetching, "MAX_TIME_S", 0.05)
    amazon.go_on.clear()
    await undecided(amazon, posted(TEXT))
    amazon.go_on.set()


async def test_a_server_must_prove_who_it_is(amazon: Amazon):
    """An authority that this system does not trust vouches for nobody."""
    fetch = Fetcher(Amazon().tls, amazon.network)
    checks = SnsProof(Trusted((), frozenset([TOPIC])), fetch, Certificates(fetch, lambda: [amazon.root.certificate]))
    with pytest.raises(Problem, match="cannot be fetched now"):
        await checks.check(asked(posted(TEXT)))
    assert amazon.fetched == []


async def test_what_could_not_be_fetched_is_fetched_again(amazon: Amazon):
    """Nothing is remembered of a failure."""
    checks = proof(amazon)
    amazon.documents[CERTIFICATE], good = 503, amazon.documents[CERTIFICATE]
    with pytest.raises(Problem):
        await checks.check(asked(posted(TEXT)))
    amazon.documents[CERTIFICATE] = good
    assert (await checks.check(asked(posted(TEXT)))).body == TEXT.encode()


async def test_a_certificate_is_read_up_to_a_size(amazon: Amazon):
    """The largest one that SNS has is a thirtieth of it."""
    amazon.documents[CERTIFICATE] = b"x" * (MAX_BYTES + 1)
    assert await refusal(amazon, posted(TEXT)) == "no_certificate"


@pytest.mark.parametrize("name", ["sns.eu-west-1.amazonaws.com", "sns-signing.eu-west-1.amazonaws.com"])
async def test_a_certificate_may_be_issued_to_the_region(amazon: Amazon, name: str):
    """Newer regions have names of their own."""
    amazon.documents[CERTIFICATE] = pem(amazon.signing([name]))
    assert (await proof(amazon).check(asked(posted(TEXT)))).body == TEXT.encode()


@pytest.mark.parametrize(
    "name", ["sns.us-east-1.amazonaws.com", "sns-signing.us-east-1.amazonaws.com", "example.com", "*.amazonaws.com"]
)
async def test_a_certificate_of_somebody_else_proves_nothing(amazon: Amazon, name: str):
    """A trusted authority issues certificates to everybody."""
    amazon.documents[CERTIFICATE] = pem(amazon.signing([name]))
    assert await refusal(amazon, posted(TEXT)) == "bad_certificate"


async def test_an_authority_that_nobody_trusts_proves_nothing(amazon: Amazon):
    """The chain ends at an authority of this system, or SNS is asked to come again: the system may be out of date."""
    stranger = Authority("Amazon Root CA")
    middle = Authority("Amazon RSA 2048 M01", issuer=stranger)
    forged = middle.issue("SNS", signing_key(), ["sns.amazonaws.com"], told_issuer=ISSUER)
    amazon.documents[CERTIFICATE] = pem(forged)
    await undecided(amazon, posted(TEXT))
    amazon.documents[CERTIFICATE] = pem(forged) + pem(middle.certificate) + pem(stranger.certificate)
    await undecided(amazon, posted(TEXT))


async def test_a_certificate_that_signs_itself_proves_nothing(amazon: Amazon):
    """Nobody vouches for it."""
    own = Authority("SNS", signing_key())
    amazon.documents[CERTIFICATE] = pem(own.issue("SNS", signing_key(), ["sns.amazonaws.com"], told_issuer=ISSUER))
    await undecided(amazon, posted(TEXT))


async def test_a_machine_that_trusts_nobody_leaves_it_undecided(amazon: Amazon):
    """It lacks the package of authorities."""
    fetch = Fetcher(amazon.tls, amazon.network)
    checks = SnsProof(Trusted((), frozenset([TOPIC])), fetch, Certificates(fetch, list))
    await undecided(amazon, posted(TEXT), checks=checks)


async def test_the_issuer_may_stand_beside_the_certificate(amazon: Amazon):
    """Then nothing else is fetched."""
    amazon.documents[CERTIFICATE] = pem(amazon.signing(["sns.amazonaws.com"])) + pem(amazon.middle.certificate)
    assert (await proof(amazon).check(asked(posted(TEXT)))).body == TEXT.encode()
    assert amazon.fetched == [CERTIFICATE]


@pytest.mark.parametrize(
    "url",
    [
        "http://crt.example.com/r2m01.cer",
        "http://169.254.169.254/r2m01.cer",
        "http://crt.r2m01.amazontrust.com.example.com/r2m01.cer",
        "http://crt.r2m01.amazontrust.com:8080/r2m01.cer",
        "ftp://crt.r2m01.amazontrust.com/r2m01.cer",
        "",
    ],
)
async def test_the_issuer_is_fetched_from_amazon_only(amazon: Amazon, url: str):
    """A certificate does not choose where this machine goes."""
    amazon.documents[CERTIFICATE] = pem(amazon.signing(["sns.amazonaws.com"], told_issuer=url))
    await undecided(amazon, posted(TEXT))
    assert amazon.fetched == [CERTIFICATE]


@pytest.mark.parametrize(
    "document", [b"", b"<html>", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
async def test_what_is_no_certificate_proves_nothing(amazon: Amazon, document: bytes):
    """In the place of its issuer's, which is no place of SNS, it leaves open whose the certificate is."""
    good = amazon.documents[CERTIFICATE]
    amazon.documents[CERTIFICATE] = document
    assert await refusal(amazon, posted(TEXT)) == "bad_certificate"
    amazon.documents.update({CERTIFICATE: good, ISSUER: document})
    await undecided(amazon, posted(TEXT))


async def test_a_certificate_is_good_in_its_time_only(amazon: Amazon):
    """One that was fetched in time is not used after it."""
    amazon.documents[CERTIFICATE] = pem(amazon.signing(["sns.amazonaws.com"], valid=(NOW - days(9), NOW + days(9))))
    checks = proof(amazon)
    assert (await checks.check(asked(posted(TEXT)))).body == TEXT.encode()
    later = NOW + days(10)
    await undecided(amazon, posted(TEXT, at=later), later, checks)


async def test_a_key_of_another_kind_proves_nothing(amazon: Amazon):
    """SNS signs by RSA."""
    key = ec.generate_private_key(ec.SECP256R1())
    amazon.documents[CERTIFICATE] = pem(amazon.middle.issue("SNS", key, ["sns.amazonaws.com"], told_issuer=ISSUER))
    assert await refusal(amazon, posted(TEXT)) == "bad_certificate"


async def test_what_was_signed_by_somebody_else_is_refused(amazon: Amazon):
    """And what was changed, and what was signed by another hash."""
    assert await refusal(amazon, posted(TEXT, key=rsa.generate_private_key(65537, 2048))) == "bad_signature"
    assert await refusal(amazon, posted(TEXT).replace(b"Delivery", b"Complain")) == "bad_signature"
    other = json.loads(posted(TEXT, version="2"))
    assert await refusal(amazon, json.dumps({**other, "SignatureVersion": "1"}).encode()) == "bad_signature"
    assert await refusal(amazon, json.dumps({**other, "Signature": "%%%"}).encode()) == "bad_signature"


@pytest.mark.parametrize("age", [timedelta(hours=-2, seconds=-1), timedelta(minutes=15, seconds=1)])
async def test_what_was_signed_long_ago_is_refused(amazon: Amazon, age: timedelta):
    """SNS tries for an hour to post a message."""
    assert await refusal(amazon, posted(TEXT, at=NOW + age)) == "bad_time"
    assert amazon.fetched == []


async def test_an_hour_of_trying_is_no_reason_to_refuse(amazon: Amazon):
    """A message keeps its time while SNS tries."""
    assert (
        await proof(amazon).check(asked(posted(TEXT, at=NOW - timedelta(hours=1, minutes=5))))
    ).body == TEXT.encode()


async def test_a_subscription_of_a_topic_of_the_list_is_confirmed(amazon: Amazon):
    """Nobody needs to follow the link by hand."""
    assert await proof(amazon).check(asked(about_subscription())) == Proven(b"")
    assert amazon.fetched == [CERTIFICATE, ISSUER, SUBSCRIBE]


async def test_a_subscription_that_cannot_be_confirmed_now_is_asked_for_again(amazon: Amazon):
    """SNS posts it again."""
    amazon.documents[SUBSCRIBE] = 500
    with pytest.raises(Problem, match="cannot be fetched now"):
        await proof(amazon).check(asked(about_subscription()))


async def test_a_subscription_of_another_topic_is_not_confirmed(amazon: Amazon):
    """Or anybody could post here what they like."""
    other = "arn:aws:sns:eu-west-1:999999999999:mine"
    assert await refusal(amazon, about_subscription(TopicArn=other)) == "wrong_topic"
    assert amazon.fetched == []


@pytest.mark.parametrize(
    "url",
    [
        SUBSCRIBE.replace(HOST, "example.com"),
        SUBSCRIBE.replace("https:", "http:"),
        SUBSCRIBE.replace(HOST, f"{HOST}:444"),
        SUBSCRIBE.replace(HOST, "sns.us-east-1.amazonaws.com"),
        SUBSCRIBE.replace(TOPIC, "arn:aws:sns:eu-west-1:999999999999:mine"),
        SUBSCRIBE.replace(TOKEN, "other"),
        SUBSCRIBE.replace("ConfirmSubscription", "Publish"),
        SUBSCRIBE + "&Action=Publish",
        SUBSCRIBE + "\r\nHost: example.com",
        f"https://{HOST}/",
        "",
    ],
)
async def test_only_the_confirmation_of_a_subscription_is_fetched(amazon: Amazon, url: str):
    """Whatever stands there, nothing else is asked of anybody."""
    assert await refusal(amazon, about_subscription(SubscribeURL=url)) == "wrong_host"
    assert amazon.fetched == []


async def test_a_forged_subscription_is_not_confirmed(amazon: Amazon):
    """Its signature is checked first."""
    forged = about_subscription().replace(b"You have chosen", b"You have picked")
    assert await refusal(amazon, forged) == "bad_signature"
    assert SUBSCRIBE not in amazon.fetched


async def test_an_end_of_a_subscription_is_taken_and_not_undone(amazon: Amazon):
    """Its link subscribes again, which is not what its owner wanted."""
    assert await proof(amazon).check(asked(about_subscription("UnsubscribeConfirmation"))) == Proven(b"")
    assert SUBSCRIBE not in amazon.fetched


async def test_raw_messages_are_refused(amazon: Amazon):
    """A subscription that delivers raw messages has no signature."""
    assert await refusal(amazon, b'{"eventType":"Bounce","bounce":{},"mail":{}}') == "not_signed"


async def test_china_has_hosts_of_its_own(amazon: Amazon):
    """And only they are asked for its topics."""
    topic, host = "arn:aws-cn:sns:cn-north-1:123456789012:bounces", "sns.cn-north-1.amazonaws.com.cn"
    url = CERTIFICATE.replace(HOST, host)
    amazon.documents[url] = pem(amazon.signing(["sns-cn-north-1.amazonaws.com.cn"]))
    body = posted(TEXT, TopicArn=topic, SigningCertURL=url)
    assert (await proof(amazon, topic).check(asked(body))).body == TEXT.encode()
    assert await refusal(amazon, posted(TEXT, TopicArn=topic), topic) == "wrong_host"


def test_the_systems_authorities_are_found():
    """They stand where OpenSSL looks for them."""
    assert len(system_roots()) > 20


async def undecided(amazon: Amazon, body: bytes, now: Any = NOW, checks: SnsProof | None = None) -> None:
    """Fail unless a message is neither taken nor refused."""
    with pytest.raises(Problem) as caught:
        await (checks or proof(amazon)).check(asked(body, now))
    assert caught.value.status == 503


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
