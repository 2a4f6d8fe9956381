"""What proves a batch of SendGrid."""

from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bounced.core.exchange.hooks.secrets import p256_public_key
from bounced.web.hooks.ecdsa import SIGNATURE, TIMESTAMP, EcdsaSignature
from bounced.web.hooks.proof import Asked, NotProven, Proven, Trusted

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
KEY, OTHER = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
BODY = b'[{"event":"delivered"}]\r\n'


def known(*keys: ec.EllipticCurvePrivateKey) -> Trusted:
    """Return what a list knows of SendGrid."""
    return Trusted([p256_public_key(shown(key)) for key in keys])


def shown(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the public key as SendGrid shows it."""
    return b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def signed(key: ec.EllipticCurvePrivateKey, body: bytes = BODY, at: datetime = NOW) -> Asked:
    """Return a batch as SendGrid posts it."""
    timestamp = str(int(at.timestamp()))
    signature = b64encode(key.sign(timestamp.encode() + body, ec.ECDSA(SHA256()))).decode()
    return Asked({SIGNATURE: signature, TIMESTAMP: timestamp}, body, NOW)


async def refusal(asked: Asked) -> str:
    """Return why a batch is refused."""
    with pytest.raises(NotProven) as caught:
        await EcdsaSignature(known(KEY)).check(asked)
    return caught.value.why


async def test_a_batch_is_proven_by_either_of_two_keys():
    """A new webhook has another key, and both post while one is replaced."""
    proof = EcdsaSignature(known(KEY, OTHER))
    assert await proof.check(signed(KEY)) == Proven(BODY)
    assert await proof.check(signed(OTHER)) == Proven(BODY)


async def test_what_somebody_else_signed_is_refused():
    """So are another body, and another time."""
    assert await refusal(signed(OTHER)) == "bad_signature"
    good = signed(KEY)
    assert await refusal(Asked(good.headers, BODY + b" ", NOW)) == "bad_signature"
    later = str(int(NOW.timestamp()) + 1)
    assert await refusal(Asked({**good.headers, TIMESTAMP: later}, BODY, NOW)) == "bad_signature"


@pytest.mark.parametrize("age", [timedelta(hours=-25, seconds=-1), timedelta(minutes=16)])
async def test_what_was_signed_long_ago_is_refused(age: timedelta):
    """SendGrid tries for a day to post a batch."""
    assert await refusal(signed(KEY, at=NOW + age)) == "bad_time"


async def test_a_batch_that_was_tried_for_a_day_is_taken():
    """Nothing says that it is signed anew."""
    at = NOW - timedelta(hours=24)
    assert await EcdsaSignature(known(KEY)).check(signed(KEY, at=at)) == Proven(BODY)


@pytest.mark.parametrize(
    ("signature", "timestamp", "why"),
    [
        (None, None, "no_signature"),
        ("AAAA", None, "no_signature"),
        (None, "1781524800", "no_signature"),
        ("AAAA", "-1", "no_signature"),
        ("AAAA", "1" * 400, "no_signature"),
        ("AAAA", "1781524800", "bad_signature"),
        ("%%", "1781524800", "bad_signature"),
        ("\u20ac", "1781524800", "bad_signature"),
    ],
)
async def test_fields_that_prove_nothing_are_refused(signature: str | None, timestamp: str | None, why: str):
    """Whatever stands in them."""
    given = {SIGNATURE: signature, TIMESTAMP: timestamp}
    assert await refusal(Asked({name: value for name, value in given.items() if value}, BODY, NOW)) == why
