"""What stands in the log, and what nobody can make stand there."""

import io
import json
import logging
import os
import re
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import structlog

from bounced.edges.watch import log
from bounced.edges.watch.log import Event

PROJECT = Path(__file__).parents[3]
FORGED = "x\r\n2026-01-01 [info] report.committed address=good\x1b[2J\x85\u2028end"

Written = Callable[..., tuple[Any, io.StringIO]]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[Written]:
    """Return a maker of a logger and what it writes to; the set-up of other tests comes back afterwards."""
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    before = structlog.get_config()

    def make(**settings: Any) -> tuple[Any, io.StringIO]:
        stream = io.StringIO()
        log.configure(**{"level": "info", "as_json": True, "plain_addresses": False, "stream": stream, **settings})
        return structlog.get_logger(), stream

    yield make
    structlog.configure(**before)
    for handler in [each for each in logging.getLogger().handlers if isinstance(each, log._Libraries)]:
        logging.getLogger().removeHandler(handler)
    log.HASHES.use({})


def test_what_a_library_logs_is_a_line_like_all_others(written: Written) -> None:
    """A loop complains of a name that could not be looked up after nobody waited for it any more."""
    _, stream = written()
    logging.getLogger("asyncio").error(
        "Future exception was never retrieved\nof ann@example.org", exc_info=_raised("gone")
    )
    logging.getLogger("asyncio").info("Using selector")
    (line,) = map(json.loads, stream.getvalue().splitlines())
    assert (line["event"], line["level"], line["library"]) == ("library.warned", "warning", "asyncio")
    assert line["said"].startswith("Future exception was never retrieved\\n")
    assert "ann@example.org" not in line["said"]
    assert "ValueError: gone" in line["exception"]


def _raised(text: str) -> ValueError:
    """Return an exception with a traceback."""

    def fail() -> None:
        raise ValueError(text)

    try:
        fail()
    except ValueError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize("as_json", [True, False])
def test_one_event_is_one_line_whatever_a_peer_says(written: Written, as_json: bool) -> None:
    """Line ends, escape sequences and Unicode's own line ends stand escaped, in JSON and on a terminal."""
    logger, stream = written(as_json=as_json)
    logger.info(Event.PATH_REFUSED, peer="192.0.2.1", reason=FORGED)
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert text.isprintable() or text.rstrip("\n").isprintable()
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize("as_json", [True, False])
def test_what_an_exception_says_begins_no_line(written: Written, as_json: bool) -> None:
    """A traceback takes several lines on a terminal, each of them indented."""
    logger, stream = written(as_json=as_json)
    logger.error(Event.SESSION_FAILED, peer="192.0.2.1", exc_info=_raised(FORGED))
    first, *further = stream.getvalue().rstrip("\n").split("\n")
    assert "session.failed" in first
    assert bool(further) is not as_json
    assert all(line.startswith("  ") for line in further)
    assert "\x1b" not in stream.getvalue()


def test_values_are_bounded(written: Written) -> None:
    """A peer cannot fill the disk with one value."""
    logger, stream = written()
    logger.info(Event.PATH_REFUSED, reason="x" * 100_000)
    assert len(stream.getvalue()) < 1000


def test_addresses_are_hashed_by_default_wherever_they_stand(written: Written) -> None:
    """Under their own key, in the text of an error, in a traceback."""
    logger, stream = written()
    address = "alice@example.org"
    logger.info(Event.REPORT_COMMITTED, address=address)
    logger.warning(Event.INTAKE_FAILED, error=f"no such thing as <{address}>, said {address}")
    logger.error(Event.SESSION_FAILED, exc_info=_raised(address))
    assert address not in stream.getvalue()
    first = json.loads(stream.getvalue().splitlines()[0])
    assert re.fullmatch("[0-9a-f]{12}", first["address"])
    assert stream.getvalue().count(first["address"]) == 4


def test_a_quoted_local_part_is_hashed_with_its_address(written: Written) -> None:
    """Also in what an exception says."""
    logger, stream = written()
    address = '"john doe"@example.org'
    log.HASHES.use({"main": b"a secret"})
    logger.error(Event.SESSION_FAILED, error=f"550 <{address}> unknown", exc_info=_raised(address))
    assert "john" not in stream.getvalue()
    assert stream.getvalue().count(log.hashed(address, b"a secret")) == 2


def test_who_has_a_list_of_addresses_and_not_the_secret_cannot_check_the_log(written: Written) -> None:
    """The hash is keyed, with the secret of the list that the line is about."""
    logger, stream = written()
    address = "alice@example.org"
    log.HASHES.use({"main": b"one", "news": b"two"})
    for facts in ({"list": "main"}, {"list": "news"}, {}, {"list": "unknown"}):
        logger.info(Event.REPORT_COMMITTED, address=address, **facts)
    hashes = [json.loads(line)["address"] for line in stream.getvalue().splitlines()]
    assert hashes == [log.hashed(address, secret) for secret in (b"one", b"two", b"one", b"one")]
    assert sha256(address.encode()).hexdigest()[:12] not in hashes


def test_addresses_stand_in_plain_where_the_operator_wants_it(written: Written) -> None:
    """``log.addresses = "plain"``."""
    logger, stream = written(plain_addresses=True)
    logger.info(Event.REPORT_COMMITTED, address="alice@example.org")
    assert json.loads(stream.getvalue())["address"] == "alice@example.org"


@pytest.mark.parametrize(("level", "said"), [("debug", 3), ("info", 3), ("warning", 2), ("error", 1)])
def test_a_level_leaves_out_what_is_below_it(written: Written, level: str, said: int) -> None:
    """Errors are always said."""
    logger, stream = written(level=level)
    logger.info(Event.SERVICE_STARTED)
    logger.warning(Event.STORE_WARNED)
    logger.error(Event.STORE_FAILED)
    assert len(stream.getvalue().splitlines()) == said


def test_json_lines_have_what_journald_and_jq_want(written: Written) -> None:
    """Event, level and time under fixed names, in UTC."""
    logger, stream = written()
    logger.warning(Event.STORE_WARNED, text="ä")
    line = json.loads(stream.getvalue())
    assert (line["event"], line["level"], line["text"]) == ("store.warned", "warning", "ä")
    assert line["timestamp"].endswith("Z")
    assert stream.getvalue().isascii()


def test_the_journal_is_told_how_grave_a_line_is(
    written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only where the stream is the journal's: anybody else would read a number before the JSON."""
    with (tmp_path / "journal").open("w") as stream:
        status = os.fstat(stream.fileno())
        for journal in (f"{status.st_dev}:{status.st_ino}", "1:2"):
            monkeypatch.setenv("JOURNAL_STREAM", journal)
            written(stream=stream)[0].warning(Event.STORE_WARNED)
    marked, plain = (tmp_path / "journal").read_text().splitlines()
    assert marked.startswith('<4>{"event": "store.warned"')
    assert json.loads(plain)["event"] == "store.warned"


def test_every_event_is_used_and_is_a_noun_and_a_verb() -> None:
    """No name is declared that nobody writes."""
    source = "".join(file.read_text("utf-8") for file in (PROJECT / "bounced").rglob("*.py"))
    assert [event.name for event in Event if f"Event.{event.name}" not in source] == []
    assert all(re.fullmatch(r"[a-z]+\.[a-z_]+", event) for event in Event)
