"""The script that one puts behind a pipe transport: a process for each message, with flufl.bounce and a Redis pipeline.

python benchmarks/piped.py REDIS_URL FORWARD_PATH <message; the MTA tries again later if it ends with EX_TEMPFAIL.
"""

import os
import sys
import time
from collections.abc import Collection
from email import message_from_binary_file
from typing import Any

from flufl.bounce import all_failures
from redis import Redis, RedisError

HISTORY = 8
EVENTS_MAX = 1_000_000


def queue(pipe: Any, path: str, temporary: Collection[bytes], permanent: Collection[bytes]) -> None:
    """Put into a pipeline what is written for a message: whatever failed for good is suppressed."""
    for address in permanent:
        _suppress(pipe, address.decode(errors="replace"))
    pipe.hincrby("naive:counts", "temporary", len(temporary))
    pipe.hincrby("naive:counts", "permanent", len(permanent))
    pipe.xadd("naive:events", {"path": path}, maxlen=EVENTS_MAX, approximate=True)


def _suppress(pipe: Any, address: str) -> None:
    key = f"naive:address:{address}"
    pipe.sadd("naive:suppressed", address)
    pipe.hset(key, mapping={"state": "suppressed", "since": int(time.time())})
    pipe.hincrby(key, "bounces", 1)
    pipe.lpush(f"naive:history:{address}", "bounced")
    pipe.ltrim(f"naive:history:{address}", 0, HISTORY - 1)


def main() -> None:
    """Parse, write, or have it tried again."""
    url, path = sys.argv[1:]
    temporary, permanent = all_failures(message_from_binary_file(sys.stdin.buffer))
    try:
        with Redis.from_url(url) as redis, redis.pipeline() as pipe:
            queue(pipe, path, temporary, permanent)
            pipe.execute()
    except RedisError:
        sys.exit(os.EX_TEMPFAIL)


if __name__ == "__main__":
    main()
