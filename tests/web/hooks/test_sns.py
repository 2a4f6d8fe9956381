"""What proves a message of SNS, and what follows from one about a subscription."""

import json
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from bounced.web.hooks.proof import Proven
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
    about_subscription,
    pem,
    posted,
)
from tests.support.sns import TEXT, asked, proof, refusal


@pytest.mark.parametrize("version", ["1", "2"])
async def test_both_versions_of_the_signature_prove_a_message(amazon: Amazon, version: str):
    """SHA-1 is what a topic has unless its owner chose SHA-256."""
    assert await proof(amazon).check(asked(posted(TEXT, version=version))) == Proven(TEXT.encode())


async def test_a_subject_is_signed_where_there_is_one(amazon: Amazon):
    """Another subject is another message."""
    body = posted(TEXT, Subject="Amazon SES Email Event Notification")
    assert (await proof(amazon).check(asked(body))).body == TEXT.encode()
    assert await refusal(amazon, body.replace(b"Email Event", b"Other Event")) == "bad_signature"


@pytest.mark.parametrize(
    "arn", ["arn:aws:sns:eu-west-1:999999999999:bounces", TOPIC + "2", TOPIC.upper(), TOPIC + " ", "", None]
)
async def test_another_topic_is_refused_before_anything_is_fetched(amazon: Amazon, arn: str | None):
    """A signature proves Amazon, not whose account it is."""
    assert await refusal(amazon, posted(TEXT, TopicArn=arn)) in ("wrong_topic", "not_signed")
    assert amazon.fetched == []


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
