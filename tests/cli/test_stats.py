"""``bounced stats`` says what an operator has to know beside the categories."""

from datetime import UTC, datetime

from redis import Redis

from .conftest import Call


def test_mail_to_suppressed_addresses_is_told(call: Call, redis_url: str, key_prefix: str) -> None:
    """The sender does not ask the list; nothing is said where it does."""
    assert "Mailed while suppressed" not in call("stats").stderr
    hour = f"{datetime.now(UTC):%Y%m%d%H}"
    with Redis.from_url(redis_url) as redis:
        redis.hset(f"{key_prefix}:{{main}}:counts:{hour}", "mailed_while_suppressed", 3)
    assert "Mailed while suppressed: 3." in call("stats", "--hours", "2").stderr
