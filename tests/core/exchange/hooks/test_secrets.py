"""How the public key of SendGrid, and the topics of SNS, are written."""

from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bounced.core.exchange.hooks.secrets import chosen_secret, p256_public_key
from bounced.core.exchange.hooks.topic import Topic


def written(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, encoding: Encoding) -> bytes:
    """Return a public key."""
    return key.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)


def test_a_public_key_is_read_as_sendgrid_shows_it_and_as_pem():
    """Lines and white space do not matter."""
    key = ec.generate_private_key(ec.SECP256R1())
    der = written(key, Encoding.DER)
    assert p256_public_key(b64encode(der)) == der
    assert p256_public_key(b"\n".join((b64encode(der)[:60], b64encode(der)[60:]))) == der
    assert p256_public_key(written(key, Encoding.PEM)) == der


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"secret",
        b"-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
        b64encode(written(ec.generate_private_key(ec.SECP256R1()), Encoding.DER)[:-64] + bytes(64)),
        b64encode(written(ec.generate_private_key(ec.SECP384R1()), Encoding.DER)),
        b64encode(written(rsa.generate_private_key(65537, 2048), Encoding.DER)),
    ],
)
def test_what_is_no_such_key_is_told(text: bytes):
    """Where an operator sees it."""
    with pytest.raises(ValueError, match="public key"):
        p256_public_key(text)


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "bounces",
        "arn:aws:sqs:eu-west-1:123456789012:bounces",
        "arn:aws:sns:eu-west-1:1234:bounces",
        "arn:aws:sns:eu-west-1.example.com:123456789012:bounces",
        "arn:aws:sns:*:123456789012:bounces",
        "arn:aws:sns:eu-west-1:123456789012:bounces:6b0e71bd",
    ],
)
def test_what_is_no_topic_is_told(arn: str):
    """A subscription's ARN has one part more."""
    with pytest.raises(ValueError, match="be the ARN"):
        Topic.of(arn)


@pytest.mark.parametrize("region", ["eu-west-1", "ap-southeast-5", "us-gov-west-1", "mx-central-1"])
def test_a_topic_has_one_host(region: str):
    """Its certificate may have a name of the region's own."""
    topic = Topic.of(f"arn:aws:sns:{region}:123456789012:bounces.fifo")
    assert topic.host == f"sns.{region}.amazonaws.com"
    assert {"sns.amazonaws.com", f"sns-signing.{region}.amazonaws.com"} <= topic.names


@pytest.mark.parametrize(
    "text",
    [
        b" a secret that is long enough",
        b"a secret that is long enough ",
        b"a secret that is long enough\t",
        b" " * 20,
        b"the old secret, long enough\nthe new secret, long enough",
        b"\xef\xbb\xbfa secret that is long enough",
        b"\0" * 20,
    ],
)
def test_a_secret_that_nobody_could_present_is_told(text: bytes):
    """White space of an editor, two secrets in one file, a byte order mark: each request would be refused."""
    with pytest.raises(ValueError, match="one line of printable ASCII"):
        chosen_secret(text)


def test_a_secret_may_hold_spaces_inside():
    """And nothing of it is changed."""
    assert chosen_secret(b"a secret: long enough") == b"a secret: long enough"


def test_a_short_secret_is_told():
    """Also none at all."""
    for text in (b"", b"a", b"fifteen octets."):
        with pytest.raises(ValueError, match="at least 16 octets"):
            chosen_secret(text)
