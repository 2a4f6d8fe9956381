"""What the client's public API promises to a type checker.  Checked by mypy, never run."""

from datetime import UTC, datetime
from typing import assert_type

from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from bounced.client import (
    AsyncClient,
    Category,
    Class,
    Client,
    Engagement,
    Keyring,
    Keyspace,
    OptIn,
    PastEvent,
    Profile,
    ReturnPaths,
    SigningKey,
    State,
    Verdict,
    Why,
    classify,
)

PATHS = ReturnPaths("main", ("bounce.example.com",), Keyring(SigningKey("k", b"example secret, exactly 32 bytes")))


def plain() -> None:
    """Each answer has one type, without unions of awaitables."""
    with Client.from_url("redis://127.0.0.1", PATHS, keys=Keyspace("bounced", "main")) as client:
        assert_type(client, Client)
        assert_type(client.is_suppressed("alice@example.org"), bool)
        assert_type(client.suppressed_among(address for address in ("a@b.example",)), set[str])
        assert_type(client.may_send("alice@example.org", purpose="confirmation"), bool)
        profile = Profile(OptIn.CONFIRMED, Engagement.ACTIVE)
        assert_type(client.return_path_for("alice@example.org", tag="nov", profile=profile), str)
        assert_type(client.report_rejected("alice@example.org", "550 5.1.1", at=datetime.now(UTC)), str)
        assert_type(client.report_sent(1000, campaign="nov"), str)
        assert_type(client.suppress("alice@example.org", "asked"), str)
        known = client.why("alice@example.org")
        assert_type(known, Why)
        assert_type(known.state.state, State)
        assert_type(known.category, Category | None)
        assert_type(known.history, tuple[PastEvent, ...])


async def asynchronous() -> None:
    """Await the same."""
    async with AsyncClient(AsyncRedis(), PATHS) as client:
        assert_type(client, AsyncClient)
        assert_type(await client.is_suppressed("alice@example.org"), bool)
        assert_type(await client.suppressed_among(["a@b.example"]), set[str])
        assert_type(await client.return_path_for("alice@example.org"), str)
        assert_type(await client.why("alice@example.org"), Why)


def refused() -> None:
    """Show what a type checker keeps from happening."""
    client = Client(Redis())
    client.may_send("alice@example.org", "newsletter")  # type: ignore[arg-type]  # no such purpose
    client.is_suppressed(b"alice@example.org")  # type: ignore[arg-type]  # addresses are text
    client.report_rejected("alice@example.org")  # type: ignore[call-arg]  # the reply is what is reported
    Client(AsyncRedis())  # type: ignore[arg-type]  # the other client's connection


def replies() -> None:
    """Ask no server what a reply means."""
    verdict = classify("550 5.1.1 no such user", about="alice@example.org", sender=["example.com"], stage="rcpt")
    assert_type(verdict, Verdict)
    assert_type(verdict.class_, Class)
    assert_type(verdict.category, Category)
