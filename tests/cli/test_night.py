"""What people ask at night: what stands, who refuses us, whether a campaign may go on."""

import json
import time
from typing import Any

import pytest
from redis import Redis

from bounced.core.contract.keys import Keyspace
from bounced.core.contract.times import hour
from bounced.core.numbers import Share
from bounced.opening import now

from .conftest import MAIN, Call

NEWS = """
[lists.news]
domains = ["news.example.com"]
keys = [{ id = "a", file = "a.key" }]
tags = { spring = "Spring sale" }
[lists.news.alarms]
at_least_sent = 100
"""
WORDS = (
    "421-4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your IP address [192.0.2.25]. "
    "To protect our users from spam, mail sent from your IP address has been temporarily rate limited. For more "
    "information, go to https://support.google.com/mail/?p=UnsolicitedRateLimitError-and-a-very-long-link-that-no-"
    "terminal-of-eighty-columns-can-show-in-one-line - gsmtp"
)
LINK = WORDS.split()[-3]


@pytest.fixture
def lists() -> str:
    """Return two lists with thresholds of their own."""
    return MAIN + NEWS


@pytest.fixture
def server(redis_url: str) -> Redis:
    """Return the server of the lists."""
    return Redis.from_url(redis_url, decode_responses=True)


@pytest.fixture
def news(key_prefix: str) -> Keyspace:
    """Return the keys of one of the lists."""
    return Keyspace(key_prefix, "news")


def block(server: Redis, keys: Keyspace, hours_ago: int, **fields: str) -> None:
    """Let a provider have refused the sender some hours ago."""
    entry: dict[Any, Any] = {
        "type": "report",
        "provider": "google",
        "category": "rate_limited",
        "rule": "google.unusual-rate",
        "sending_ip": "192.0.2.25",
        "diagnostic": WORDS[:199],
        "words": WORDS,
        "campaign": "spring",
        **fields,
    }
    server.xadd(keys.blocks, entry, id=f"{int(time.time() * 1000) - hours_ago * 3_600_000}-*")


def count(server: Redis, keys: Keyspace, **counters: int) -> None:
    """Count in the present hour; two underscores stand for a colon."""
    named: dict[Any, Any] = {
        name.replace("__", ":").replace("_sale", " sale"): number for name, number in counters.items()
    }
    server.hset(keys.counts(hour(now())), mapping=named)


def test_who_refused_the_sender_is_told_by_hour_in_the_servers_own_words(
    call: Call, server: Redis, news: Keyspace
) -> None:
    """The whole reply with its link, the sending address, the campaign, and the hours."""
    block(server, news, 30)
    block(server, news, 3, provider="example.org", category="policy", words="", diagnostic="550 go away")
    block(server, news, 2)
    block(server, news, 2)
    told = [json.loads(line) for line in call("blocks", "--json").stdout.splitlines()]
    assert [(each["list"], each["provider"], each["count"]) for each in told] == [
        ("news", "google", 2),
        ("news", "example.org", 1),
    ]
    google, other = told
    assert (google["words"], google["sending_ip"], google["campaigns"]) == (WORDS, "192.0.2.25", {"spring": 2})
    assert list(google["hours"].values()) == [2]
    assert other["words"] == "550 go away"


@pytest.mark.parametrize("provider", ["google", "Gmail", "gmail.com"])
def test_a_provider_is_found_by_the_name_that_people_use(
    call: Call, server: Redis, news: Keyspace, provider: str
) -> None:
    """Since a time, and until one."""
    block(server, news, 30)
    block(server, news, 2, provider="example.org")
    told = call("blocks", "--json", "--provider", provider, "--since", "2d").stdout.splitlines()
    assert [json.loads(line)["provider"] for line in told] == ["google"]
    assert not call("blocks", "--json", "--provider", provider, "--until", "31h", "--since", "3d").stdout
    assert not call("blocks", "--json", "--provider", provider).stdout


def test_a_link_is_never_broken(call: Call, server: Redis, news: Keyspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """At 80 columns the words are wrapped between words; what is longer than a line stays whole."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    block(server, news, 2)
    told = call("blocks").stdout
    assert LINK in told
    lines = [line for line in told.splitlines() if line.startswith("  ")]
    assert all(len(line) <= 80 for line in lines if LINK not in line)


ENOUGH = {"rate__sent__campaign__Spring_sale": 1000}


@pytest.mark.parametrize(
    ("counted", "verdict"),
    [
        ({**ENOUGH, "rate__hard__campaign__Spring_sale": 60}, "pause"),
        ({**ENOUGH, "rate__hard__campaign__Spring_sale": 20}, "slow down"),
        ({**ENOUGH, "rate__hard__campaign__Spring_sale": 19}, "go on"),
        ({**ENOUGH, "rate__complaint__campaign__Spring_sale": 3}, "pause"),
        ({"rate__sent__campaign__Spring_sale": 99, "rate__hard__campaign__Spring_sale": 60}, "too few"),
        ({"rate__hard__campaign__Spring_sale": 60}, "unknown"),
        ({"campaign__Spring_sale__block": 60}, "unknown"),
    ],
)
def test_whether_a_campaign_may_go_on(
    call: Call, server: Redis, news: Keyspace, counted: dict[str, int], verdict: str
) -> None:
    """By the thresholds of its list; the tag names it as well, and nobody can tell where nobody said what was sent."""
    count(server, news, **counted)
    for name in ("spring", "Spring sale"):
        done = call("campaigns", name, "--json")
        (told,) = map(json.loads, done.stdout.splitlines())
        assert (told["list"], told["campaign"], told["verdict"]) == ("news", "Spring sale", verdict)
        assert done.exit_code == (verdict == "pause")
    assert ("report_sent" in told["why"]) is (verdict == "unknown")


def test_a_verdict_says_what_it_rests_on(call: Call, server: Redis, news: Keyspace) -> None:
    """The share, and the threshold that it passed."""
    count(server, news, rate__sent__campaign__Spring_sale=1000, rate__hard__campaign__Spring_sale=60)
    (told,) = map(json.loads, call("campaigns", "--json").stdout.splitlines())
    assert told["why"] == f"hard {Share(0.06)}, pause from {Share(0.05)}"
    assert told["hard_share"] == 0.06
    assert told["soft_share"] == 0


def test_a_campaign_that_is_not_known_is_said_to_be_so(call: Call) -> None:
    """It may be misspelt."""
    assert "Nothing is counted of sprin" in call("campaigns", "sprin").stderr


def test_alarms_stand_with_figures_thresholds_and_advice(call: Call, server: Redis, key_prefix: str) -> None:
    """Of all lists, those that ask for a pause first; the exit code says whether any stands."""
    assert call("alarms").exit_code == 0
    figures = '"since":"2026-03-02T12:00:00Z","sent":1000,"hard":60,"complaints":0'
    server.hset(Keyspace(key_prefix, "main").alarms, "domain:example.org", f'{{"level":"warn",{figures}}}')
    server.hset(Keyspace(key_prefix, "news").alarms, "campaign:Spring sale", f'{{"level":"pause",{figures}}}')
    done = call("alarms", "--json")
    campaign, domain = map(json.loads, done.stdout.splitlines())
    assert (campaign["list"], campaign["scope"], domain["scope"]) == (
        "news",
        "campaign:Spring sale",
        "domain:example.org",
    )
    hard = f"hard 60 ({Share(0.06)}), warn from {Share(0.02)}, pause from {Share(0.05)}"
    assert campaign["figures"].startswith(f"1,000 sent in 24 h; {hard}; complaints 0")
    assert "bounced campaigns 'Spring sale'" in campaign["advice"]
    assert done.exit_code == 1
    assert "campaign:Spring sale" in call("alarms", "--list", "news").stdout
    assert call("alarms", "--list", "main").stdout.count("\n") == 2


@pytest.mark.parametrize("scope", ["list", "redis", "clock", "feedback", "provider:google", "domain:example.org"])
def test_every_alarm_says_what_to_do(call: Call, server: Redis, news: Keyspace, scope: str) -> None:
    """Whatever raised it."""
    server.hset(news.alarms, scope, '{"level":"pause","since":"2026-03-02T12:00:00Z","sent":0,"hard":0,"complaints":0}')
    (told,) = map(json.loads, call("alarms", "--json").stdout.splitlines())
    assert told["advice"]


def test_an_alarm_that_cannot_be_read_hides_no_other(call: Call, server: Redis, news: Keyspace) -> None:
    """Somebody else wrote it."""
    server.hset(news.alarms, "list", "red")
    done = call("alarms")
    assert "the alarm list cannot be read" in done.stderr
