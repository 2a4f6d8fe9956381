"""How long every page takes upon a full list: a million suppressed, full streams, full counters.

    python -m benchmarks.pages [--addresses 1000000] [--rounds 20]

It fills an embedded server in a folder of its own and starts `bounced web` upon it.  Then it asks for each page, one
after another.  What looks through all events, all addresses or the campaigns of weeks stands apart.
"""

import argparse
import asyncio
import secrets
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from redis.asyncio import Redis

from benchmarks.web import BOUNCED, port_of
from bounced.core.contract.hourly_counters import KEPT_DAYS, MAX_FIELDS, Quota
from bounced.core.contract.keys import Keyspace
from bounced.core.contract.times import hour
from bounced.edges.redis.embedded import EmbeddedServer

CONFIGURATION = """
[redis]
url = "{url}"
data_dir = "data"
[log]
format = "json"
[web.private]
listen = "127.0.0.1:0"
proxies = ["127.0.0.1"]
user_header = "x-user"
tokens_file = "tokens.toml"
[lists.main]
domains = ["bounce.example.com"]
keys = [{{ id = "a", file = "a.key" }}]
"""
FIELDS = {"x-user": "operator"}
MEDIAN_MS, P99_MS = 300, 1000
"""The goal for each page that looks through nothing."""
PAGES = (
    "/",
    "/?since=90d",
    "/overview/now",
    "/address?q=user77@example7.org",
    "/address?q=nobody@example.org",
    "/recover",
    "/explain",
    "/providers",
    "/providers?since=35d",
    "/campaigns",
    "/campaigns?campaign=c7",
    "/live",
    "/unknown",
    "/policy",
    "/health",
)
LOOKS = (
    "/campaigns?since=7d",
    "/campaigns?since=35d",
    "/changes",
    "/changes?what=all",
    "/changes?since=35d",
    "/changes?since=35d&who=bob",
    "/address/events?q=user77@example7.org",
    "/campaigns?campaign=c7&look=yes",
    "/live?type=release",
    "/live?address=user77@example7.org",
    "/recover?since=7d",
    "/unknown?look=1",
    "/policy?rule=mailbox_unknown&failures=3",
)
AT_ONCE = 10_000
"""How many entries one script makes."""
_ADDRESSES = """
local first, last, now = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
for i = first, last do
  local address = 'user' .. i .. '@example' .. i % 97 .. '.org'
  redis.call('SADD', KEYS[1], address)
  redis.call('HSET', KEYS[2] .. address, 'state', 'suppressed', 'category', 'mailbox_unknown', 'class', 'hard',
    'since', now, 'status', '5.1.1', 'diagnostic', '550 5.1.1 <' .. address .. '>: User unknown in virtual table',
    'reporting_mta', 'mx' .. i % 97 .. '.example.org', 'campaign', 'c' .. i % 40, 'origin', 'smtp', 'version', '1')
end"""
_EVENTS = """
local first, last, begin, step = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
for i = first, last do
  local type = i % 2 == 0 and 'report' or 'transition'
  local said = {'type', type, 'id', 'event' .. math.floor(i / 2), 'at', ARGV[5], 'list', 'main',
    'address', 'user' .. i .. '@example' .. i % 97 .. '.org', 'category', 'mailbox_unknown', 'class', 'hard',
    'rule', 'generic-user-unknown', 'diagnostic', '550 5.1.1 User unknown in virtual mailbox table ' .. i,
    'reporting_mta', 'mx.example.org', 'campaign', 'c' .. i % 40, 'origin', 'smtp', 'before', 'active',
    'after', 'suppressed', 'reason', 'threshold', 'kind', 'bounce'}
  redis.call('XADD', KEYS[1], string.format('%.0f-0', begin + i * step), unpack(said))
end"""
_REFUSALS = """
for i = 1, 10000 do
  redis.call('XADD', KEYS[1], string.format('%.0f-0', tonumber(ARGV[1]) + i * tonumber(ARGV[2])),
    'provider', 'provider' .. i % 40, 'category', i % 3 == 0 and 'rate_limited' or 'reputation_block',
    'rule', 'r' .. i % 3, 'sending_ip', '192.0.2.' .. i % 8, 'words', '421 4.7.0 Too much mail, entry ' .. i,
    'campaign', 'c' .. i % 400)
end"""
_COUNTERS = """
local function count(name, ...) redis.call('HSET', KEYS[1], string.format(name, ...), '7') end
for i = 1, tonumber(ARGV[1]) do count('domain:example%d.org:mailbox_unknown', i) end
for i = 1, tonumber(ARGV[2]) / 4 do
  count('campaign:c%d:hard', i)
  count('rate:sent:campaign:c%d', i)
  count('rate:hard:campaign:c%d', i)
  count('rate:complaint:campaign:c%d', i)
end
for i = 1, tonumber(ARGV[3]) do count('rate:hard:provider:provider%d', i) end
for _, name in ipairs({'mailbox_unknown', 'mailbox_full', 'rate_limited', 'undetermined'}) do
  count('category:%s', name)
end
count('transition:active:suppressed')
count('rate:sent')"""


async def fill(server: "Redis", addresses: int) -> None:
    """Fill everything that pages read, to what the configuration keeps at most."""
    keys, now = Keyspace(), datetime.now(UTC)
    begin, span_ms = now - timedelta(days=KEPT_DAYS), KEPT_DAYS * 86_400_000
    await server.config_set("appendonly", "no")  # it is filled sooner
    begin_ms, said = int(begin.timestamp() * 1000), now.strftime("%Y-%m-%dT%H:%M:%SZ")
    for first in range(0, addresses, AT_ONCE):
        part = first, first + AT_ONCE - 1
        await server.eval(_ADDRESSES, 2, keys.suppressed, keys.address(""), *part, said)
        await server.eval(_EVENTS, 1, keys.events, *part, begin_ms, span_ms / addresses, said)
    await server.eval(_REFUSALS, 1, keys.blocks, begin_ms, span_ms / 10_001)
    full = keys.counts(hour(now))
    await server.eval(
        _COUNTERS, 1, full, *(MAX_FIELDS[each] for each in (Quota.DOMAINS, Quota.CAMPAIGNS, Quota.PROVIDERS))
    )
    for back in range(1, KEPT_DAYS * 24):
        await server.copy(full, keys.counts(hour(now - timedelta(hours=back))))


@contextmanager
def application(folder: Path, url: str) -> Iterator[int]:
    """Run the application upon a server, and give its port."""
    (folder / "bounced.toml").write_text(CONFIGURATION.format(url=url))
    (folder / "a.key").touch(mode=0o600)
    (folder / "a.key").write_text(secrets.token_urlsafe(32))
    command = [*BOUNCED, "--config", str(folder / "bounced.toml")]
    with (folder / "log").open("w") as log, subprocess.Popen(command, stderr=log) as running:
        try:
            yield port_of(folder / "log")
        finally:
            running.terminate()


def asked(client: httpx.Client, path: str, rounds: int) -> list[float]:
    """Ask for a page so often, and return how many milliseconds each answer took."""
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        answer = client.get(path, headers=FIELDS)
        took.append(1000 * (time.perf_counter() - began))
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:2000]}"
    return sorted(took)


def report(path: str, took: list[float], *, is_look: bool) -> None:
    """Print one line."""
    median, p99 = statistics.median(took), took[min(len(took) - 1, round(0.99 * len(took)))]
    slow = " SLOW" if not is_look and (median > MEDIAN_MS or p99 > P99_MS) else ""
    print(f"{path:<45}{median:9.0f}{p99:9.0f}{slow}", flush=True)


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--addresses", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bounced-pages-") as name:
        folder = Path(name)
        async with (
            EmbeddedServer(folder / "data") as embedded,
            Redis.from_url(embedded.url, socket_timeout=60) as server,
        ):
            await fill(server, given.addresses)
            await asyncio.to_thread(measured, folder, embedded.url, given.rounds)


def measured(folder: Path, url: str, rounds: int) -> None:
    """Ask for each page, and print what it took."""
    with application(folder, url) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        print(f"{'milliseconds':<45}{'median':>9}{'p99':>9}")
        for path in PAGES:
            asked(client, path, 1)
            report(path, asked(client, path, rounds), is_look=False)
        print("what looks through events, addresses, or campaigns of weeks")
        for path in LOOKS:
            report(path, asked(client, path, 2), is_look=True)


if __name__ == "__main__":
    asyncio.run(main())
