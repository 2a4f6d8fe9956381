"""What an entry of a report may say beside type and address, as the intake takes it."""

import pytest

from bounced.edges.redis.wire import fields
from bounced.web.tokens import Right

from .conftest import Site

FAILED = {
    "type": "rejected",
    "category": "mailbox_full",
    "action": "failed",
    "sent_at": "2026-03-01T12:00:00Z",
    "return_path": "b-tokenortheother@bounce.example.com",
}


async def test_a_failure_without_a_reply_and_without_an_address(site: Site) -> None:
    """The return path names the recipient; the fields stand in the entry as they were given."""
    token = await site.token(Right.REPORT)
    assert (await site.post(token, "report", {"entries": [FAILED]})).status_code == 200
    reply = await site.store.read("main", "XRANGE", site.keys.intake, "-", "+")
    assert isinstance(reply, list)
    (entry,) = reply
    assert isinstance(entry, list)
    assert FAILED.items() <= fields(entry[1]).items()


@pytest.mark.parametrize(
    "more", [{"category": "complaint"}, {"action": "relayed"}, {"sent_at": "yesterday"}, {"return_path": "x" * 513}]
)
async def test_what_they_may_not_say(site: Site, more: dict[str, str]) -> None:
    """It is told now, and nothing is written."""
    token = await site.token(Right.REPORT)
    told = await site.post(token, "report", {"entries": [FAILED | more]})
    assert told.status_code == 400
    assert next(iter(more)) in told.text
    assert await site.store.read("main", "EXISTS", site.keys.intake) == 0
