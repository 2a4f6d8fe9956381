"""What becomes of a message that cannot be read: it is kept and acknowledged, and condemns nobody."""

from datetime import UTC, datetime, timedelta

import pytest

from bounced.core.contract.keys import Keyspace
from bounced.core.meaning.reclassify import Reclassifier
from bounced.core.policy import DEFAULT_POLICY
from bounced.core.reading.border import attempt
from bounced.core.reading.mention import Mention
from bounced.core.reading.message.limits import WorkSpent
from bounced.core.reading.report import parse
from bounced.core.reading.stored import forward_paths
from bounced.core.return_path import Directory, Keyring, ReturnPaths, SigningKey
from bounced.core.return_path.keyring import KeyStatus
from bounced.core.terms import Category, Envelope, Kind, State
from bounced.edges.memory_store import MemoryStore
from bounced.explain import explain, packaged_rules
from bounced.ingest import NOWHERE, ingest
from bounced.pipeline import ListSettings, Pipeline
from bounced.ports import Committed

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ALICE = "alice@example.org"
DOMAIN = "bounce.example.com"
KEYS = Keyring(SigningKey("a", b"a secret of enough octets", KeyStatus.SIGNING))
PATHS = ReturnPaths("main", (DOMAIN,), KEYS, roles=frozenset({"fbl"}))
RULES = packaged_rules()
HARD = (
    b"--B\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x.example\n\n"
    b"Final-Recipient: rfc822; alice@example.org\nAction: failed\nStatus: 5.1.1\n"
    b"Diagnostic-Code: smtp; 550 5.1.1 user unknown\n\n"
)
TOO_MUCH = (
    b"From: MAILER-DAEMON@x.example\nSubject: Undelivered Mail Returned to Sender\nMessage-ID: <1@x.example>\n"
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=B\n\n"
    + b"".join(b"--B\nContent-Type: text/html\n\n" + b"&#9;" * 5000 + b"\n" for _ in range(39))
    + HARD
    + b"--B--\n"
)
"""A report that calls alice unknown, behind HTML that nobody could read in time."""
DIGITS = (
    b"From: MAILER-DAEMON@x.example\nSubject: Undelivered Mail Returned to Sender\nContent-Type: text/html\n\n"
    b"<p>&lt;alice@example.org&gt;: 550 5.1.1 user unknown</p>&#" + b"9" * 5000 + b";\n"
)
"""A notice with a character reference that Python refuses to read as a number."""


@pytest.fixture
def store() -> MemoryStore:
    """Return an empty store."""
    return MemoryStore({"main": Keyspace(list_="main")})


@pytest.fixture
def told() -> list[tuple[str, Exception]]:
    """Return what was told of messages that could not be read."""
    return []


@pytest.fixture
def pipeline(store: MemoryStore, told: list[tuple[str, Exception]]) -> Pipeline:
    """Return a pipeline of one list."""
    lists = {"main": ListSettings(DEFAULT_POLICY)}

    def not_read(digest: str, fault: Exception) -> None:
        told.append((digest, fault))

    return Pipeline(Directory((PATHS,)), RULES, lists, store, lambda: NOW, not_read=not_read)


async def deliver(pipeline: Pipeline, forward_path: str, content: bytes) -> Committed:
    """Hand one message in, as a door does."""
    destination = await pipeline.admit(forward_path)
    return await pipeline.process(destination, Envelope("192.0.2.1", "", forward_path, content, NOW))


def signed() -> str:
    """Return a return path for mail to alice."""
    return PATHS.encode(ALICE, issued=NOW.date())


async def test_it_is_kept_as_a_bounce_that_gives_no_reason(
    pipeline: Pipeline, told: list[tuple[str, Exception]]
) -> None:
    """It says that alice is unknown, and she stays on the list: what was not read to its end condemns nobody."""
    committed = await deliver(pipeline, signed(), TOO_MUCH)
    assert committed.transition is not None
    evidence = committed.transition.evidence
    assert evidence.verdict is not None
    assert (evidence.kind, evidence.verdict.category, evidence.verdict.rule) == (
        Kind.BOUNCE,
        Category.UNDETERMINED,
        "unread",
    )
    assert evidence.content == TOO_MUCH
    assert committed.transition.after.state in (State.ACTIVE, State.BOUNCING)
    [(digest, fault)] = told
    assert len(digest) == 64
    assert isinstance(fault, WorkSpent)


async def test_a_resend_is_a_duplicate(pipeline: Pipeline) -> None:
    """Whichever way it took: nobody knows its Message-ID, but its content is the same."""
    assert not (await deliver(pipeline, signed(), TOO_MUCH)).duplicate
    assert (await deliver(pipeline, signed(), b"Received: from y\n\tby z; now\n" + TOO_MUCH)).duplicate


@pytest.mark.parametrize("role", ["postmaster", "fbl"])
async def test_it_is_taken_at_a_role_address(pipeline: Pipeline, role: str) -> None:
    """As an event that belongs to nobody."""
    committed = await deliver(pipeline, f"{role}@{DOMAIN}", TOO_MUCH)
    assert committed.transition is not None
    assert committed.transition.evidence.content == TOO_MUCH


async def test_a_role_address_may_make_less_work(pipeline: Pipeline, told: list[tuple[str, Exception]]) -> None:
    """Anybody may write there, without a signature."""
    notice = TOO_MUCH.replace(b"&#9;" * 5000, b"&#9;" * 300)
    await deliver(pipeline, signed(), notice)
    assert told == []
    await deliver(pipeline, f"postmaster@{DOMAIN}", notice)
    assert len(told) == 1


async def test_a_complaint_may_not_make_more(pipeline: Pipeline, told: list[tuple[str, Exception]]) -> None:
    """Anybody can send one: each part that is looked through for our return path is paid for."""
    html = b"--B\nContent-Type: text/html\n\n" + b"&#9;" * 1000 + b"\n"
    report = b"--B\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n\n"
    content = (
        b"From: fbl@x.example\nSubject: abuse\nMessage-ID: <1@x.example>\n"
        b"Content-Type: multipart/report; report-type=feedback-report; boundary=B\n\n"
        b"--B\nContent-Type: text/plain\n\nThis is an abuse report, and it is long enough to be the greeting.\n"
        + report
        + html * 38
        + b"--B--\n"
    )
    await deliver(pipeline, f"fbl@{DOMAIN}", content)
    [(_, fault)] = told
    assert isinstance(fault, WorkSpent)


async def test_a_number_that_python_refuses_is_no_character(pipeline: Pipeline, store: MemoryStore) -> None:
    """The bounce around it is read like any other."""
    await deliver(pipeline, signed(), DIGITS)
    assert (await store.load("main", ALICE)).category is Category.MAILBOX_UNKNOWN
    assert explain(DIGITS.replace(b"&#9", b"&#x9")).report.fault is None


def test_other_doors_stand_behind_the_same_border() -> None:
    """`explain` says so, `reclassify` leaves it where it is, `erase` looks at what can be read."""
    explanation = explain(TOO_MUCH)
    assert (explanation.kind, explanation.report.reader) == (Kind.BOUNCE, "unread")
    assert explanation.unnamed is not None
    assert explanation.unnamed.category is Category.UNDETERMINED
    entry = {"address": ALICE, "at": "2026-11-21T12:00:00+00:00", "origin": "smtp"}
    assert Reclassifier(RULES).understood(entry, TOO_MUCH) is None
    assert Mention(ALICE, (ALICE,)).within_message(TOO_MUCH)


async def test_a_stored_message_with_a_header_that_cannot_be_read_is_passed_over(pipeline: Pipeline) -> None:
    """Comments nested 4,000 deep are too deep for Python's own parser of addresses."""
    nested = b"Delivered-To: " + b"(" * 4000 + b"\n\nx\n"
    assert forward_paths(nested) == []
    assert (await ingest(pipeline, nested, NOW + timedelta(days=1))).refused == NOWHERE


@pytest.mark.parametrize("fault", [ValueError(), RecursionError(), KeyError(), WorkSpent()])
def test_the_border_holds_what_a_message_may_cause(fault: Exception) -> None:
    """Whatever it is."""

    def fail() -> Exception:
        raise fault

    assert attempt(fail, lambda caught: caught) is fault


def test_a_machine_that_is_out_of_memory_is_no_fault_of_the_message() -> None:
    """The peer comes again, and the message may be read then."""

    def fail() -> Exception:
        raise MemoryError

    with pytest.raises(MemoryError):
        attempt(fail, lambda caught: caught)


def test_the_same_message_reads_the_same() -> None:
    """Work is counted, not timed."""
    assert {str(parse(TOO_MUCH).fault) for _ in range(5)} == {str(parse(TOO_MUCH).fault)}
