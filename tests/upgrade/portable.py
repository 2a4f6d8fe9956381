"""What Redis holds as lines of text that any later version can load: key, type, time to live, content.

Keys are written without their prefix, times to live in seconds from the moment of the dump.  Whatever the server's own
clock decides about (when a key expires, by which day a bouncing address is counted, since when an entry is pending) is
relative to that moment, and is loaded relative to now.  All other times are those of the dump's own calendar, which
whoever goes on with it keeps to by handing its pipeline a clock.
"""

import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

DAY_S = 86_400
TTL_STEP_S = 60
"""Times to live are rounded up to this, so that making a dump again gives the same one."""

LIVES_AT_LEAST_S = 600
"""No key expires while a test runs, however slowly."""

Line = dict[str, Any]
Client = Any
"""One of redis-py, whose annotations leave open what a reply is."""


async def dump(redis: Client, prefix: str, stream_epoch_ms: int) -> AsyncIterator[Line]:
    """Yield a line for each key.  Entries of streams are numbered anew from a time on, in their order."""
    today = (await redis.time())[0] // DAY_S
    for key in sorted([key async for key in redis.scan_iter(f"{prefix}:*")]):
        ttl_ms, kind = await redis.pttl(key), (await redis.type(key)).decode()
        line: Line = {"key": _text(key).removeprefix(f"{prefix}:"), "type": kind}
        if ttl_ms >= 0:
            line["ttl_s"] = -(-ttl_ms // (TTL_STEP_S * 1000)) * TTL_STEP_S
        if kind == "stream":
            line |= await _stream(redis, key, stream_epoch_ms)
        elif _counts_by_day(line["key"]):
            by_day = {int(day) - today: int(number) for day, number in (await redis.hgetall(key)).items()}
            line["content_by_day"] = {str(day): by_day[day] for day in sorted(by_day)}
        else:
            line["content"] = await _content(redis, key, kind)
        yield line


async def load(redis: Client, prefix: str, lines: Iterable[Line]) -> None:
    """Write what ``dump`` gave, below another prefix."""
    now_s = (await redis.time())[0]
    async with redis.pipeline(transaction=False) as batch:
        for line in lines:
            _queue(batch, f"{prefix}:{line['key']}", line, now_s)
        await batch.execute()


def to_text(lines: Iterable[Line]) -> str:
    """Return JSON lines; octets that are no UTF-8 stand as lone surrogates, which JSON escapes."""
    return "".join(json.dumps(line) + "\n" for line in lines)


def from_text(text: str) -> list[Line]:
    """Return what ``to_text`` wrote."""
    return [json.loads(line) for line in text.splitlines()]


def _counts_by_day(key: str) -> bool:
    return key.endswith(":bouncing")


async def _content(redis: Client, key: bytes, kind: str) -> Any:
    if kind == "hash":
        held = await redis.hgetall(key)
        return {_text(name): _text(held[name]) for name in (held if _is_state(key) else sorted(held))}
    if kind == "zset":
        return [[_text(member), int(score)] for member, score in await redis.zrange(key, 0, -1, withscores=True)]
    if kind == "set":
        return sorted(_text(member) for member in await redis.smembers(key))
    return [_text(element) for element in await redis.lrange(key, 0, -1)]


def _is_state(key: bytes) -> bool:
    return b":address:" in key


async def _stream(redis: Client, key: bytes, epoch_ms: int) -> Line:
    entries = await redis.xrange(key)
    names = {id_: f"{epoch_ms + number}-0" for number, (id_, _) in enumerate(entries)}
    groups = []
    for group in await redis.xinfo_groups(key):
        pending = await redis.xpending_range(key, group["name"], "-", "+", 1000)
        read = [names[id_] for id_ in names if _place(id_) <= _place(group["last-delivered-id"])]
        groups.append(
            {
                "name": _text(group["name"]),
                "last": read[-1] if read else f"{epoch_ms - 1}-0",
                "pending": [
                    {
                        "id": names[each["message_id"]],
                        "consumer": _text(each["consumer"]),
                        "deliveries": each["times_delivered"],
                    }
                    for each in pending
                ],
            }
        )
    content = [[names[id_], {_text(name): _text(fields[name]) for name in fields}] for id_, fields in entries]
    return {"content": content, "groups": groups} if groups else {"content": content}


def _queue(batch: Client, key: str, line: Line, now_s: int) -> None:
    kind, content = line["type"], line.get("content", ())
    if kind == "stream":
        _queue_stream(batch, key, line)
    elif "content_by_day" in line:
        batch.hset(key, mapping={str(now_s // DAY_S + int(day)): n for day, n in line["content_by_day"].items()})
    elif kind == "hash":
        batch.hset(key, mapping={name: _octets(value) for name, value in content.items()})
    elif kind == "zset":
        batch.zadd(key, {member: float(score) for member, score in content})
    elif kind == "set":
        batch.sadd(key, *content)
    else:
        batch.rpush(key, *content)
    if "ttl_s" in line:
        batch.expireat(key, now_s + max(line["ttl_s"], LIVES_AT_LEAST_S))


def _queue_stream(batch: Client, key: str, line: Line) -> None:
    for id_, fields in line["content"]:
        batch.xadd(key, {name: _octets(value) for name, value in fields.items()}, id=id_)
    for group in line.get("groups", ()):
        batch.xgroup_create(key, group["name"], group["last"], mkstream=True)
        for each in group["pending"]:
            had = {"idle": DAY_S * 1000, "retrycount": each["deliveries"], "force": True, "justid": True}
            batch.xclaim(key, group["name"], each["consumer"], 0, [each["id"]], **had)


def _place(id_: bytes) -> tuple[int, ...]:
    return tuple(int(part) for part in id_.split(b"-"))


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "surrogateescape")


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
