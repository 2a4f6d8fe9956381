"""What proves that a request comes from a service, and what does not."""

import hmac
import json
import time
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bounced.web.hooks.mailgun import Mailgun
from bounced.web.hooks.proof import Asked, NotProven, Proof, Trusted
from bounced.web.hooks.shared_secret import SharedSecret
from bounced.web.hooks.standard_webhooks import StandardWebhooks, signature
from tests.support.hooks import SAMPLES, Posted
from tests.web.conftest import Start

from .conftest import Heard, hearing

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
AT = int(NOW.timestamp())
OLD, NEW = b"the secret that is replaced", b"the one that replaces it"
BODY = b'{"type":"engaged","address":"alice@example.org"}'


async def refusal(proof: Proof, asked: Asked) -> str:
    """Return why a request is refused, empty where it is not."""
    try:
        await proof.check(asked)
    except NotProven as refused:
        return refused.why
    return ""


def signed(*signatures: str, at: int = AT, prefix: str = "webhook", body: bytes = BODY) -> Asked:
    """Return a request with these signatures."""
    fields = {"id": "msg_1", "timestamp": str(at), "signature": " ".join(signatures)}
    return Asked({f"{prefix}-{name}": value for name, value in fields.items()}, body, NOW)


async def test_standard_webhooks_takes_either_secret_while_one_is_replaced() -> None:
    """The sender signs with the old one, the new one, or both; and with any other it is refused."""
    proof = StandardWebhooks(Trusted([OLD, NEW]))
    by = {key: signature(key, "msg_1", AT, BODY) for key in (OLD, NEW, b"another")}
    assert await refusal(proof, signed(by[OLD])) == ""
    assert await refusal(proof, signed(by[NEW])) == ""
    assert await refusal(proof, signed(by[b"another"], by[NEW], prefix="svix")) == ""
    assert await refusal(proof, signed(by[b"another"])) == "bad_signature"
    assert await refusal(StandardWebhooks(Trusted([NEW])), signed(by[OLD])) == "bad_signature"


async def test_standard_webhooks_covers_id_time_and_body() -> None:
    """None of them can be another one, and the time is ours to five minutes."""
    proof, good = StandardWebhooks(Trusted([NEW])), signature(NEW, "msg_1", AT, BODY)
    assert await refusal(proof, signed(good, body=BODY + b" ")) == "bad_signature"
    assert await refusal(proof, signed(good, at=AT + 1)) == "bad_signature"
    other = signed(good)
    assert await refusal(proof, replace(other, headers={**other.headers, "webhook-id": "msg_2"})) == "bad_signature"
    for seconds, why in ((-300, ""), (300, ""), (-301, "bad_time"), (301, "bad_time")):
        at = AT + seconds
        assert await refusal(proof, signed(signature(NEW, "msg_1", at, BODY), at=at)) == why


@pytest.mark.parametrize("field", ["", "v1,", "v1,%%%", "v2,YWJj", ",", "v1", "v1," + "A" * 5000])
async def test_what_is_no_signature_proves_nothing(field: str) -> None:
    """Whatever stands there."""
    assert await refusal(StandardWebhooks(Trusted([NEW])), signed(field)) == "bad_signature"


async def test_a_shared_secret_is_basic_or_bearer() -> None:
    """With any user, or with the one that the file names before a colon."""
    any_user, named = SharedSecret(Trusted([OLD, NEW])), SharedSecret(Trusted([b"postmark:" + NEW]))

    def asked(value: str) -> Asked:
        return Asked({"authorization": value}, BODY, NOW)

    def basic(pair: bytes) -> Asked:
        return asked(f"Basic {b64encode(pair).decode()}")

    assert await refusal(any_user, asked(f"Bearer {NEW.decode()}")) == ""
    assert await refusal(any_user, asked(f"bearer {OLD.decode()}")) == ""
    assert await refusal(any_user, basic(b"anybody:" + NEW)) == ""
    assert await refusal(named, basic(b"postmark:" + NEW)) == ""
    assert await refusal(named, basic(b"anybody:" + NEW)) == "bad_secret"
    assert await refusal(any_user, basic(b"anybody:" + NEW[:-1])) == "bad_secret"
    for rubbish in ("Bearer", "Bearer ", "Basic %%%", "Basic", "Digest x", "Basic w7w6"):
        assert await refusal(any_user, asked(rubbish)) == "bad_secret"
    assert await refusal(any_user, Asked({}, BODY, NOW)) == "no_secret"


def by_mailgun(at: int, token: str, key: bytes = NEW) -> Asked:
    """Return a request as Mailgun signs it."""
    given = hmac.digest(key, f"{at}{token}".encode(), "sha256").hex()
    value = {"signature": {"timestamp": str(at), "token": token, "signature": given}, "event-data": {}}
    return Asked({}, json.dumps(value).encode(), NOW)


async def test_mailgun_signs_time_and_token() -> None:
    """By either key, and a time that is at most a day old: it repeats a request for eight hours."""
    proof = Mailgun(Trusted([OLD, NEW]))
    assert (await proof.check(by_mailgun(AT, "t"))).once == "t"
    assert await refusal(proof, by_mailgun(AT, "t", OLD)) == ""
    assert await refusal(proof, by_mailgun(AT, "t", b"another")) == "bad_signature"
    assert await refusal(proof, by_mailgun(AT, "")) == "bad_signature"
    for seconds, why in ((-86_400, ""), (300, ""), (-86_401, "bad_time"), (301, "bad_time")):
        assert await refusal(proof, by_mailgun(AT + seconds, "t")) == why
    assert await refusal(proof, Asked({}, b" " * 256 * 1024 + by_mailgun(AT, "t").body, NOW)) == "too_long"
    for body in (b"", b"[]", b"{}", b"\xff", b"[" * 100_000):
        assert await refusal(proof, Asked({}, body, NOW)) in ("no_signature", "bad_signature")


async def test_a_token_of_mailgun_is_good_for_one_body(heard: Heard) -> None:
    """It does not sign the events: whoever saw a request could send its token with others.  The same again is taken."""
    sample = SAMPLES["mailgun"]
    first = sample.posted(sample.event("complained", "alice@example.org", 1))
    value = json.loads(first.body)
    value["event-data"]["recipient"] = "bob@example.org"
    forged = Posted(json.dumps(value).encode(), first.headers)
    told = [(await heard.post("mailgun", each)).status_code for each in (first, forged, first, forged)]
    assert told == [200, 401, 200, 401]
    await heard.committed()
    assert {event["address"] for event in await heard.events()} == {"alice@example.org"}


async def test_a_token_is_used_up_by_what_says_nothing(heard: Heard) -> None:
    """An event that is only counted is no token for whoever saw it."""
    sample = SAMPLES["mailgun"]
    first = sample.posted(sample.event("stored", "alice@example.org", 1))
    value = json.loads(first.body)
    value["event-data"] |= {"event": "complained"}
    forged = Posted(json.dumps(value).encode(), first.headers)
    assert [(await heard.post("mailgun", each)).status_code for each in (first, forged)] == [200, 401]


async def test_a_secret_in_the_path_is_wanted_beside_the_proof(start: Start, tmp_path: Path) -> None:
    """It is in no line of the log: the route's pattern stands there."""
    for name, secret in (("old", "an-old-secret-of-the-path"), ("new", "a-new-secret-of-the-path")):
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_text(secret)
    async with hearing(start, tmp_path, 'path_secret_files = ["old", "new"]') as heard:
        sample = SAMPLES["mailgun"]
        request = sample.posted(sample.event("complained", "alice@example.org", 1))
        told = {
            secret: (await heard.post("mailgun", request, f"main{secret}")).status_code
            for secret in ("", "/an-old-secret-of-the-path", "/a-new-secret-of-the-path", "/another", "/%ff")
        }
    assert list(told.values()) == [401, 200, 200, 401, 401]


async def test_a_reload_takes_the_new_secret_and_leaves_the_old_one(heard: Heard) -> None:
    """SIGHUP reads the files again."""
    sample = SAMPLES["postmark"]
    event = sample.event("SpamComplaint", "alice@example.org", 1)
    (heard.site.file.parent / "postmark.secret").write_text("another secret of the tests")
    new = sample.posted(event, secret="another secret of the tests")
    assert (await heard.post("postmark", new)).status_code == 401
    await heard.site.reload()
    assert (await heard.post("postmark", new)).status_code == 200
    assert (await heard.post("postmark", sample.posted(event))).status_code == 401


async def test_a_reload_with_a_bad_secret_changes_nothing(heard: Heard) -> None:
    """What is wrong with it is told."""
    (heard.site.file.parent / "generic.secret").write_text("no secret of Standard Webhooks")
    with pytest.raises(Exception, match=r"hooks\.generic\.secret_files\[0\] must hold a good key: whsec_"):
        await heard.site.reload()
    sample = SAMPLES["generic"]
    event = sample.event("engaged", "alice@example.org", 1) | {"at": int(time.time())}
    assert (await heard.post("generic", sample.posted(event))).status_code == 200
