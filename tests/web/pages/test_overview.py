"""What the overview of a list shows."""

import asyncio
import re
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from redis.asyncio import Redis

from bounced.core.contract.alarms import Alarm, Level
from bounced.core.contract.hourly_counters import by_day
from bounced.core.contract.times import day, hour
from bounced.core.terms import Class, State
from bounced.edges.redis.course import sums
from bounced.edges.redis.script import INTAKE_GROUP
from bounced.web.pages.chart import Bar, Chart, Piece, round_up
from bounced.web.pages.counted import NAMES, Counted, Span, hours_kept_since, spans, spans_of_counters
from bounced.web.pages.layout import share
from bounced.web.pages.view import View
from tests.support.daemon import Daemon
from tests.web.conftest import Site, Start

from .conftest import PRIVATE, signed_in

AT = datetime(2001, 5, 10, 12, 30, tzinfo=UTC)


def view(since: datetime, until: datetime = AT, *, local: bool = False) -> View:
    """Return what somebody looks at who asks for a span."""
    return View("main", ("main",), AT, local, since=since, until=until)


def text_of(page: httpx.Response) -> str:
    """Return what somebody reads, on one line."""
    return re.sub(r"\s+", " ", re.sub(r"<title>.*?</title>|<[^>]+>", " ", page.text, flags=re.DOTALL))


async def test_a_quiet_list_says_so_in_words(alice: httpx.AsyncClient) -> None:
    """An empty chart is none."""
    told = text_of(await alice.get("/"))
    for sentence in (
        "No alarm stands.",
        "No domain and no provider is disputed.",
        "In this time no address came onto the suppression list, and none left it.",
        "Nothing came in.",
        "Unknown: no daemon of this host tells.",
    ):
        assert sentence in told


async def test_without_a_daemon_and_without_workers_no_mail_is_taken_in(alice: httpx.AsyncClient) -> None:
    """The page says why, and what to do."""
    told = text_of(await alice.get("/overview/now"))
    assert "Mail is taken in and committed: no" in told
    assert "no daemon answers on this host, and Redis hears from no worker" in told
    assert "systemctl start bounced" in told


async def test_workers_elsewhere_take_mail_in(site: Site, alice: httpx.AsyncClient, redis_url: str) -> None:
    """The pages may run on another host than the daemon: then Redis knows whose workers read the intake."""
    async with Redis.from_url(redis_url) as server:
        await server.xgroup_create(site.keys.intake, INTAKE_GROUP, mkstream=True)
        await server.xgroup_createconsumer(site.keys.intake, INTAKE_GROUP, "mx2.example.com-123-0a1b2c3d")
    told = text_of(await alice.get("/"))
    assert "Mail is taken in and committed: yes" in told
    assert "mx2.example.com (1): these hosts have workers that read the intake" in told


async def until(browser: httpx.AsyncClient, words: str) -> str:
    """Look at what stands now until it says so: the daemon hears of its workers a moment later."""
    async with asyncio.timeout(60):
        while words not in (told := text_of(await browser.get("/overview/now"))):
            pass
    return told


async def test_the_daemon_tells_how_it_is(start: Start, people: None, daemon: Daemon) -> None:
    """By the socket in its data folder: its workers, and the paths that it refused since its start."""
    async with start(private=PRIVATE, redis='data_dir = "daemon/data"') as site:
        browser = await signed_in(site)
        told = await until(browser, "Mail is taken in and committed: yes")
        assert ": 1 of 1, version " in told
        assert "None since the daemon" in told
        code, _ = await asyncio.to_thread(daemon.send, "b+forged@bounce.example.com", b"Subject: x\r\n\r\nx\r\n")
        assert code == 550
        await until(browser, "Since the daemon’s start, of all lists:")  # noqa: RUF001 - as the page has it


async def test_what_stands_now_is_shown(site: Site, alice: httpx.AsyncClient, redis_url: str) -> None:
    """Alarms with their shares, who is not believed, and what was kept aside."""
    soon = int(site.desk.clock().timestamp()) + 3600
    async with Redis.from_url(redis_url) as server:
        await server.hset(
            site.keys.alarms,
            mapping={
                "campaign:spring": Alarm(Level.PAUSE, "2001-05-10T10:00:00Z", 4000, 260, 4).to_json(),
                "list": "rubbish",
            },
        )
        await server.zadd(site.keys.disputed, {"example.net": soon, "provider:yahoo": soon})
        await server.xadd(site.keys.intake_failed, {"error": "type must be a known type"})
    told = text_of(await alice.get("/"))
    assert "campaign:spring pause 2001-05-10 10:00 4,000 260 6.5 % 4 0.1 %" in told
    assert "This version cannot read the alarm." in told
    assert "example.net provider:yahoo" in told
    assert "Intake, not understood 1" in told
    assert "type must be a known type" in told


async def test_what_came_in_is_counted_by_category(site: Site, alice: httpx.AsyncClient, redis_url: str) -> None:
    """What looks hard and is not proven stands apart, in the class as which it counts."""
    async with Redis.from_url(redis_url) as server:
        for name, count in {
            "category:mailbox_unknown": "1500",
            "doubtful:mailbox_unknown": "300",
            "category:undetermined": "500",
        }.items():
            await server.hset(site.keys.counts(hour(site.desk.clock())), name, count)
    told = text_of(await alice.get("/"))
    assert "mailbox unknown hard 1,200 60.0" in told
    assert "mailbox unknown (doubtful) soft 300 15.0" in told
    assert "Undetermined: no reason could be told 500 25.0" in told
    assert "Doubtful: looked hard, was not proven 300 15.0" in told


async def test_counters_are_added_up_on_the_server(site: Site, redis_url: str) -> None:
    """Only those that are asked for, and nothing that is no count."""
    keys = site.keys
    async with Redis.from_url(redis_url) as server:
        await server.hset(keys.counts("2001051010"), mapping={"a": 2, "b": 1, "domain:example.org:x": 9})
        await server.hset(keys.counts("2001051011"), mapping={"a": 3, "b": "rubbish"})
    found = await sums(site.store, keys, [["2001051010", "2001051011", "2001051012"], ["2001051012"]], ["a", "b"])
    assert found == [Counter(a=5, b=1), Counter()]


def test_up_to_three_days_are_shown_by_the_hour() -> None:
    """The hour in which the span begins is one of them, and so is this one."""
    shown = spans(view(AT - timedelta(hours=3)))
    assert [each.hours for each in shown] == [("2001051009",), ("2001051010",), ("2001051011",), ("2001051012",)]
    assert shown[0].name == "2001-05-10 09:00"


@pytest.mark.parametrize(("zone", "local", "first_day_h"), [("UTC", False, 24), ("Asia/Tokyo", True, 15)])
def test_longer_spans_are_shown_by_the_day_of_the_zone(
    monkeypatch: pytest.MonkeyPatch, zone: str, *, local: bool, first_day_h: int
) -> None:
    """Days begin at midnight where people are; no hour is missing, and none is counted twice."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        shown = spans(view(datetime(2001, 5, 6, tzinfo=UTC), datetime(2001, 5, 10, 12, 30, tzinfo=UTC), local=local))
    finally:
        monkeypatch.undo()
        time.tzset()
    hours = [each for span in shown for each in span.hours]
    assert len(hours) == len(set(hours)) == 4 * 24 + 13
    assert (len(shown), shown[0].name, len(shown[0].hours)) == (5, "2001-05-06", first_day_h)


def test_what_is_shown_is_counted_by_the_day() -> None:
    """Else an earlier day would have less in it than a day of which the hours are kept."""
    assert by_day(NAMES) == NAMES


@pytest.mark.parametrize(
    ("zone", "local", "hours"), [("UTC", False, 0), ("Asia/Tokyo", True, 0), ("Etc/GMT+5", True, 5)]
)
def test_before_the_hours_that_are_kept_there_are_whole_days(
    monkeypatch: pytest.MonkeyPatch, zone: str, *, local: bool, hours: int
) -> None:
    """No hour is in two spans, nor in an hour and in a day; none is missing, whatever the zone of who looks."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        looked_at = view(AT - timedelta(days=90), local=local)
        shown, kept = spans_of_counters(looked_at), hours_kept_since(looked_at)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert kept == datetime(2001, 4, 6, tzinfo=UTC)
    days = [each for span in shown for each in span.days]
    found = [each for span in shown for each in span.hours]
    assert (days[0], days[-1], len(days)) == ("20010209", "20010405", 56)
    assert (found[0], found[-1], len(found)) == ("2001040600", "2001051012", 34 * 24 + 13)
    assert len({*days, *found}) == len(days) + len(found)
    assert len({span.name for span in shown}) == len(shown)
    assert sum(len(span.hours) for span in shown if span.days) == hours


def test_a_short_span_of_earlier_days_is_shown_by_the_day() -> None:
    """Their hours are not kept."""
    shown = spans_of_counters(view(AT - timedelta(days=60), AT - timedelta(days=59)))
    assert [(span.name, span.days, span.hours) for span in shown] == [
        ("2001-03-11", ("20010311",), ()),
        ("2001-03-12", ("20010312",), ()),
    ]


async def test_earlier_days_are_counted_by_the_day(site: Site, alice: httpx.AsyncClient, redis_url: str) -> None:
    """The page says since when; what the hours have is not counted again."""
    now = site.desk.clock()
    async with Redis.from_url(redis_url) as server:
        for back, count in ((60, 5), (0, 1000)):
            await server.hset(site.keys.day_counts(day(now - timedelta(days=back))), "category:mailbox_full", count)
        await server.hset(site.keys.counts(hour(now)), "category:mailbox_full", "7")
    told = text_of(await alice.get("/?since=90d"))
    assert "mailbox full soft 12 100" in told
    assert f"This list has them since {(now - timedelta(days=60)).date()}: of earlier days nothing is shown." in told
    assert "Counters by the hour begin on" not in text_of(await alice.get("/?since=7d"))


async def test_after_an_upgrade_the_hours_are_shown_that_are_kept(
    site: Site, alice: httpx.AsyncClient, redis_url: str
) -> None:
    """The page says that no day was counted yet."""
    then = site.desk.clock() - timedelta(days=30)
    async with Redis.from_url(redis_url) as server:
        await server.hset(site.keys.counts(hour(then)), "category:mailbox_full", "7")
    told = text_of(await alice.get("/?since=90d"))
    assert "mailbox full soft 7 100" in told
    assert "This list has them not yet: of earlier days nothing is shown." in told


def test_who_came_onto_the_list_and_who_left_it() -> None:
    """From held to suppressed is neither: the address is on the list before and after."""
    counts = Counter(
        {
            "transition:active:suppressed": 5,
            "transition:bouncing:held": 3,
            "transition:held:suppressed": 2,
            "transition:held:active": 1,
            "transition:active:bouncing": 7,
        }
    )
    counted = Counted((Span("10:00", ("2001051010",)),), (counts,))
    (bar,) = counted.changes.bars
    assert [(piece.name, piece.count) for piece in bar.pieces] == [("suppressed", 5), ("held", 3), ("left the list", 1)]
    assert counted.moved(State.SUPPRESSED) == (7, 0)
    assert counted.moved(State.HELD) == (3, 3)


def test_the_classes_of_a_bar_have_one_order() -> None:
    """Hard stands at the bottom in every chart."""
    counts = Counter({"category:greylisted": 1, "category:mailbox_full": 1, "category:mailbox_unknown": 1})
    counted = Counted((Span("10:00", ("2001051010",)),), (counts,))
    assert [class_ for class_, _ in counted.classes] == [Class.HARD, Class.SOFT, Class.TRANSIENT]
    assert [piece.colour for piece in counted.came_in.bars[0].pieces] == ["of-hard", "of-soft", "of-transient"]


def test_a_chart_has_round_numbers_at_its_ends() -> None:
    """Bars go up from a line, and down from it."""
    chart = Chart("x", [Bar("a", [Piece("up", 30, "of-hard"), Piece("down", 4, "of-left", down=True)])])
    assert (chart.top, chart.bottom) == (40, 4)
    assert [round_up(count) for count in (0, 1, 3, 11, 200, 201)] == [1, 1, 4, 20, 200, 400]
    assert 'y="45.45" width="10" height="136.36"' in chart.svg
    assert 'y="181.82" width="10" height="18.18"' in chart.svg


@pytest.mark.parametrize(
    ("up", "down", "numbers"),
    [
        (3, 0, {"4": 0, "0": 100, "2": 50}),
        (1, 0, {"1": 0, "0": 100}),
        (4000, 3900, {"4,000": 0, "2,000": 25, "0": 50, "-4,000": 100}),
        (2, 400, {"2": 0, "-400": 100}),
    ],
)
def test_numbers_stand_where_their_lines_are(up: int, down: int, numbers: dict[str, int]) -> None:
    """Those that would stand upon another one are left out."""
    chart = Chart("x", [Bar("a", [Piece("up", up, "of-hard"), Piece("down", down, "of-left", down=True)])])
    placed = re.findall(r'y="([\d.]+)%"[^>]*>([^<]+)<', chart.scale)
    assert {number.replace("\N{MINUS SIGN}", "-"): round(float(place)) for place, number in placed} == numbers


def test_a_chart_escapes_what_it_names() -> None:
    """Whatever is drawn is text to the browser."""
    chart = Chart("<b>", [Bar('"><script>', [Piece("</title>", 1, "of-hard")])])
    assert "<script" not in chart.svg
    assert "&lt;/title&gt;" in chart.svg
    assert 'aria-label="&lt;b&gt;"' in chart.svg


@pytest.mark.parametrize(
    ("part", "of", "told"), [(1, 1098, "<0.1"), (1, 1000, "0.1"), (1097, 1098, ">99.9"), (0, 7, "0"), (7, 7, "100")]
)
def test_a_share_is_never_told_as_a_threshold_that_it_does_not_reach(part: int, of: int, told: str) -> None:
    """One complaint of 1,098 messages is under the 0.1 % from which an alarm warns."""
    assert share(part, of) == f"{told}\N{NO-BREAK SPACE}%"
