"""Where the certificate of a signature of SNS may come from, and what it has to prove."""

import asyncio

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from bounced.web.hooks import fetching
from bounced.web.hooks.fetching import MAX_BYTES, Fetcher
from bounced.web.hooks.proof import NotProven, Trusted
from bounced.web.hooks.sns import SnsProof
from bounced.web.hooks.sns.certificates import Certificates, system_roots
from bounced.web.problems import Problem
from tests.support.amazon import (
    CERTIFICATE,
    HOST,
    ISSUER,
    NOW,
    TOPIC,
    Amazon,
    Authority,
    days,
    pem,
    posted,
    signing_key,
)
from tests.support.sns import TEXT, asked, proof, refusal, undecided


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


def test_the_systems_authorities_are_found():
    """They stand where OpenSSL looks for them."""
    assert len(system_roots()) > 20
