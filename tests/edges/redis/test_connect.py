"""What a Redis URL comes to."""

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from bounced.edges.redis.connect import Cluster, Options, SentinelGroup, Standalone, connections, reason
from bounced.edges.redis.wire import pack, pack_in_python


def _told(options: Options, *names: str) -> tuple[object, ...]:
    return tuple(options.arguments.get(name) for name in names)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://redis.example:6380/2", ("redis.example", 6380, 2, None, None)),
        ("redis://user:p%40ss@redis.example", ("redis.example", None, None, "user", "p@ss")),
        ("rediss://[2001:db8::1]:6380", ("2001:db8::1", 6380, None, None, None)),
    ],
)
def test_one_server(url: str, expected: tuple[object, ...]) -> None:
    """As redis-py reads it."""
    found = connections(url)
    assert isinstance(found, Standalone)
    assert _told(found.options, "host", "port", "db", "username", "password") == expected


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            RedisConnectionError("Error 111 connecting to 192.0.2.1:6379. Connect call failed ('192.0.2.1', 6379)."),
            "192.0.2.1:6379: Connection refused",
        ),
        (
            RedisConnectionError("Error 2 connecting to /run/no.sock. No such file or directory."),
            "/run/no.sock: No such file or directory",
        ),
        (
            RedisConnectionError("Error 1 connecting to mx:6380. [SSL: CERTIFICATE_VERIFY_FAILED] self-signed."),
            "mx:6380: [SSL: CERTIFICATE_VERIFY_FAILED] self-signed",
        ),
        (
            RedisConnectionError(
                "Error connecting to localhost:6379. Multiple exceptions: [Errno 111] Connect call failed "
                "('::1', 6379, 0, 0), [Errno 111] Connect call failed ('127.0.0.1', 6379)."
            ),
            "localhost:6379: Connection refused",
        ),
        (ResponseError("LOADING Redis is loading"), "LOADING Redis is loading"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_why_a_server_cannot_be_reached_is_said_once(error: Exception, told: str) -> None:
    """Neither redis-py's words around asyncio's around the system's, nor nothing."""
    assert reason(error) == told


def test_nothing_is_retried_behind_our_back() -> None:
    """redis-py's own habit counts a plain counter 82 times too often out of 500.  (docs/traps.md, 16)"""
    found = connections("redis://localhost")
    assert isinstance(found, Standalone)
    assert found.options.arguments["retry"].get_retries() == 0


def test_sentinels_have_a_login_of_their_own() -> None:
    """The group's name, user, password and database are the primary's."""
    found = connections("rediss+sentinel://u:p@one:26379,two:26380/group/3?sentinel_username=s&sentinel_password=q")
    assert isinstance(found, SentinelGroup)
    assert found.group == "group"
    assert [sentinel.node for sentinel in found.sentinels] == [("one", 26379), ("two", 26380)]
    assert {_told(sentinel, "username", "password", "db") for sentinel in found.sentinels} == {("s", "q", 0)}
    assert _told(found.primary, "username", "password", "db") == ("u", "p", 3)
    assert found.primary.kind.__name__ == "SSLConnection"


def test_a_cluster_is_known_by_some_of_its_nodes() -> None:
    """All keys of a list are in one share."""
    found = connections("redis+cluster://u:p@one:7000,two:7001")
    assert isinstance(found, Cluster)
    assert [seed.node for seed in found.seeds] == [("one", 7000), ("two", 7001)]
    assert found.shard("bounced:{main}:events") == found.shard("bounced:{main}:due") != found.shard("bounced:{b}:due")


@pytest.mark.parametrize("url", ["redis+sentinel://one:26379", "redis+swarm://one:1", "http://one", "localhost:6379"])
def test_another_url_is_refused(url: str) -> None:
    """A group needs a name, and a URL one of the known schemes."""
    with pytest.raises(ValueError, match="redis"):
        connections(url)


def test_a_password_is_never_printed() -> None:
    """Not in a traceback's values either."""
    assert "geheim" not in repr(connections("redis://user:geheim@localhost"))


def test_commands_are_packed_alike_with_and_without_hiredis() -> None:
    """The extra is faster, and nothing else."""
    command = ("EVALSHA", b"\x00\xff\r\n", "käse", 42, "", -1)
    assert pack(*command) == pack_in_python(command)
    assert pack_in_python(("a", 1)) == b"*2\r\n$1\r\na\r\n$1\r\n1\r\n"
