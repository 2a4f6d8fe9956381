"""`bounced hooks`: how webhooks stand, a test of one, and going on; upon a real deliverer and a real receiver."""

import asyncio
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from structlog.testing import capture_logs

from bounced.cli.root import bounced
from bounced.core.contract.hooks import Mark
from bounced.core.contract.times import stamp
from bounced.core.standard_webhooks import secret_of, signatures
from bounced.opening import now
from tests.support.golden import differing
from tests.support.receiver import answers, receiving, status

from .conftest import SECRET, Site, Start, hook

GONE = status(410, body="bob@example.org is not wanted here")


@pytest.fixture(autouse=True)
def no_log() -> Iterator[None]:
    """Keep the deliverer's log of this process out of what a command prints meanwhile."""
    with capture_logs():
        yield


async def call(site: Site, *words: str) -> Result:
    """Run a command while the deliverer of this process works."""
    line = ["hooks", *words, "--config", str(site.file)]
    return await asyncio.to_thread(CliRunner().invoke, bounced, line, prog_name="bounced")


async def told(site: Site, *words: str) -> list[dict[str, Any]]:
    """Return what a command says to a program."""
    result = await call(site, *words, "--json")
    return [json.loads(line) for line in result.stdout.splitlines()]


def golden(name: str, result: Result, folder: Path) -> str:
    """Return what a command printed where it is not what it printed before."""
    text = f"{result.stdout}{result.stderr}--- exit code {result.exit_code}\n"
    text = re.sub(r"_test_[0-9a-f]{16}", "_test_<id>", text)
    return differing(name, re.sub(r"(for|after) [\d.]+ s\b", r"\1 <n> s", text), folder)


async def test_a_webhook_that_works_is_told_so(start: Start) -> None:
    """When it last delivered, and that nothing waits."""
    async with receiving() as receiver, start(hook(receiver.url)) as site:
        await site.write("alice")
        await receiver.until(lambda: len(receiver.heard) == 1)
        await site.settled()
        await site.stands(lambda state: state.last_success_at)
        (each,) = await told(site, "list")
        assert (each["hook"], each["list"], each["troubles"], each["behind"]) == ("crm", "main", [], 0)
        assert each["begun"]
        assert each["deliverer"]
        assert each["last_success_at"]
        result = await call(site, "list")
        assert result.exit_code == 0
        assert "works" in result.stdout


async def test_a_webhook_that_its_receiver_ended_is_tested_and_resumed(start: Start, tmp_path: Path) -> None:
    """What came meanwhile is delivered then, and so is what was set aside; an operator reads all of it."""
    async with receiving(answers(GONE)) as receiver, start(hook(receiver.url)) as site:
        await site.write("alice", "bob")
        await site.stands(lambda state: state.stopped)
        await site.redis.xadd(
            site.keys.undelivered("crm"),
            {"type": "transition", "address": "old@example.org", "stream": "events", "entry": "5-1", "error": "500"},
        )
        await site.streams().note({Mark.TRIMMED: "3", Mark.TRIMMED_AT: stamp(now())})
        (each,) = await told(site, "list")
        assert each["troubles"] == ["stopped", "trimmed", "set aside"]
        assert "410" in each["stopped"]
        assert "bob@" not in each["stopped"], "what a receiver says may name an address"
        assert (each["behind"], each["set_aside"], each["trimmed"]) == (2, 1, 3)
        listed = await call(site, "list")
        assert listed.exit_code == 1

        refused = await call(site, "test", "crm")
        receiver.answer = None
        taken = await call(site, "test", "crm")
        assert (refused.exit_code, taken.exit_code) == (1, 0)

        resumed = await call(site, "resume", "crm")
        await receiver.until(lambda: len(receiver.heard) == 4)
        names = [request.address.partition("@")[0] for request in receiver.heard[1:]]
        assert sorted(names) == ["alice", "bob", "old"]
        (again,) = await told(site, "list")
        assert again["troubles"] == ["trimmed"]
        nothing = await call(site, "resume", "crm")
        assert (resumed.exit_code, nothing.exit_code) == (0, 1)
    found = {"hooks-list": listed, "hooks-test-refused": refused, "hooks-test": taken}
    found |= {"hooks-resume": resumed, "hooks-resume-nothing": nothing}
    assert list(filter(None, (golden(name, result, tmp_path) for name, result in found.items()))) == []


async def test_a_test_is_signed_like_any_event(start: Start) -> None:
    """It has an id of its own and the type "test"; nothing of it stays in Redis."""
    async with receiving() as receiver, start(hook(receiver.url)) as site:
        before = await site.redis.xlen(site.keys.events)
        (each,) = await told(site, "test", "crm")
        assert (each["status"], each["taken"]) == (204, True)
        assert each["addresses"] == [{"address": "127.0.0.1", "refused": None}]
        (request,) = receiver.heard
        at = int(request.headers["webhook-timestamp"])
        assert request.id == each["event"]
        assert request.told["type"] == "test"
        assert request.headers["webhook-signature"] == signatures([secret_of(SECRET)], request.id, at, request.body)
        assert await site.redis.xlen(site.keys.events) == before


async def test_a_test_says_which_address_may_not_be_reached(start: Start) -> None:
    """A name that leads into the private network is found before anything is connected to."""
    async with receiving() as receiver, start(hook(receiver.url)) as site:
        text = site.file.read_text().replace(receiver.url, "https://ip6-localhost.invalid/hook")
        site.file.write_text(text)
        (each,) = await told(site, "test", "crm")
        assert (each["status"], each["taken"]) == (None, False)
        site.file.write_text(text.replace("ip6-localhost.invalid", "10.0.0.1"))
        assert "may be reached" in (await call(site, "test", "crm")).stderr
        assert receiver.requests == 0


async def test_a_webhook_that_nobody_delivers_to_says_so(start: Start, tmp_path: Path) -> None:
    """Neither one that was configured a moment ago, nor one whose deliverer is gone."""
    async with receiving() as receiver, start(hook(receiver.url)) as site:
        await site.write("alice")
        await receiver.until(lambda: len(receiver.heard) == 1)
        await site.settled()
        await site.delivering.stop()
        await site.write("bob")
        site.file.write_text(f"{site.file.read_text()}{hook(receiver.url, name='new')}")
        crm, new = await told(site, "list")
        assert (crm["deliverer"], crm["behind"]) == (None, 1)
        assert (new["begun"], new["behind"]) == (False, 0)
        listed = await call(site, "list")
        assert golden("hooks-list-nobody", listed, tmp_path) == ""


async def test_events_that_wait_for_an_hour_are_trouble(start: Start) -> None:
    """A receiver that is away for minutes is none."""
    async with receiving() as receiver, start(hook(receiver.url)) as site:
        await site.delivering.stop()
        for back, trouble in ((timedelta(minutes=10), []), (timedelta(minutes=61), ["behind"])):
            await site.redis.delete(site.keys.events, site.keys.hook("crm"))
            await site.streams().next(1, now())
            await site.redis.xadd(site.keys.events, {"type": "x"}, id=f"{int((now() - back).timestamp() * 1000)}-0")
            (each,) = await told(site, "list")
            assert each["troubles"] == trouble
            assert each["behind_s"] == pytest.approx(back.total_seconds(), abs=60)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("test", "nobody"), "no webhook 'nobody'"),
        (("resume", "nobody"), "there is crm"),
        (("list", "--list", "other"), "no list"),
    ],
)
async def test_what_is_not_configured_is_a_mistake(start: Start, words: tuple[str, ...], says: str) -> None:
    """It says what there is."""
    async with receiving() as receiver, start(hook(receiver.url)) as site:
        result = await call(site, *words)
        assert result.exit_code == 2
        assert says in result.stderr


async def test_status_names_what_does_not_deliver(start: Start) -> None:
    """For people and for programs; no webhook makes it say that mail is not taken in."""
    async with receiving(answers(GONE)) as receiver, start(hook(receiver.url)) as site:
        await site.write("alice")
        await site.stands(lambda state: state.stopped)
        for words, says in (
            ((), "webhook crm    stopped: bounced hooks list"),
            (("--json",), '"hooks": {"crm": ["stopped"]}'),
        ):
            line = ["status", *words, "--config", str(site.file)]
            result = await asyncio.to_thread(CliRunner().invoke, bounced, line, prog_name="bounced")
            assert says in result.stdout
            assert "crm" not in "".join(result.stdout.partition("Redis")[0])
