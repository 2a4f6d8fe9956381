"""Events of Amazon SES as they come through SNS, up to the state of an address."""

from datetime import UTC, datetime
from typing import Any

from structlog.testing import capture_logs

from bounced.core.terms import Category, State
from tests.support.amazon import HOST, TOPIC, about_subscription
from tests.support.hooks import SAMPLES, Posted

from .conftest import Heard

SES = SAMPLES["ses"]
JANE, JOE, OTHER = "jane@example.net", "joe@example.net", "ann@example.net"


def complaint(path: str, *recipients: str) -> Posted:
    """Return a complaint that one of these recipients made."""
    event: dict[str, Any] = SES.event("Complaint", recipients[0], 1, path=path)
    event["complaint"]["complainedRecipients"] = [{"emailAddress": each} for each in recipients]
    event["mail"]["destination"] = list(recipients)
    return SES.posted(event)


async def path_of(heard: Heard, address: str) -> str:
    """Return the return path of a message to an address."""
    paths = heard.site.desk.present.pipeline.directory["main"]
    return paths.encode(address, issued=heard.site.desk.clock().date())


async def test_of_several_who_may_have_complained_it_is_the_one_of_our_path(heard: Heard) -> None:
    """Amazon names everybody of a domain to whom the message went."""
    answer = await heard.post("ses", complaint(await path_of(heard, JOE), JANE, "Joe@Example.NET"))
    assert answer.json() == {"taken": 1, "silent": 0, "kept": 0}
    await heard.committed()
    joe, jane = await heard.state(JOE), await heard.state(JANE)
    assert (joe.state, joe.category) == (State.SUPPRESSED, Category.COMPLAINT)
    assert jane.state is State.ACTIVE


async def test_of_several_it_is_nobody_where_our_path_does_not_tell(heard: Heard) -> None:
    """Without a path, with one that is forged, and with one of somebody who is not among them."""
    good = await path_of(heard, OTHER)
    for path in ("", "news@example.com", good.replace("ann", "joe"), good):
        answer = await heard.post("ses", complaint(path, JANE, JOE))
        assert answer.json() == {"taken": 0, "silent": 1, "kept": 0}, path
    assert await heard.waiting() == 0


async def test_a_subscription_is_confirmed_and_its_end_is_told(heard: Heard) -> None:
    """Nothing is written for it; an operator finds both in the log."""
    now = datetime.now(UTC)
    with capture_logs() as lines:
        for kind in ("SubscriptionConfirmation", "UnsubscribeConfirmation"):
            answer = await heard.post("ses", Posted(about_subscription(kind, at=now), {}))
            assert answer.json() == {"taken": 0, "silent": 0, "kept": 0}
    told = [(line["event"], line["topic"]) for line in lines if line["event"].startswith("hook.")]
    assert told == [("hook.subscribed", TOPIC), ("hook.unsubscribed", TOPIC)]
    assert await heard.waiting() == 0


async def test_amazon_away_is_asked_again_and_nothing_of_it_is_told(heard: Heard) -> None:
    """The answer is 503, so SNS posts the message again; the log says what could not be fetched."""
    heard.amazon.ports[443] = 1
    with capture_logs() as lines:
        answer = await heard.post("ses", SES.posted(SES.event("Complaint", JANE, 1)))
    assert (answer.status_code, answer.json()["detail"]) == (503, "What proves this cannot be fetched now.")
    (line,) = [line for line in lines if line["event"] == "hook.deferred"]
    assert line["url"].startswith(f"https://{HOST}/")
    assert line["reason"]
    assert await heard.waiting() == 0
