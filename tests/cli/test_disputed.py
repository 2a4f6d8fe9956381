"""``bounced stats`` says who is not believed now."""

from datetime import UTC, datetime

from redis import Redis

from .conftest import Call


def test_who_is_not_believed_is_told(call: Call, redis_url: str, key_prefix: str) -> None:
    """A domain or a provider, as long as it is disputed; nothing is said where nobody is."""
    assert "not believed" not in call("stats").stderr
    now = datetime.now(UTC).timestamp()
    with Redis.from_url(redis_url) as redis:
        redis.zadd(f"{key_prefix}:{{main}}:disputed", {"provider:yahoo": now + 3600, "a.example": now - 1})
    assert "not believed now: the provider yahoo." in call("stats").stderr
