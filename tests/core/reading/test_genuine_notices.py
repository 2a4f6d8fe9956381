"""Genuine notices without a status part are counted for their recipient, by whichever reverse path they come."""

from datetime import UTC, datetime

import pytest

from bounced import rules
from bounced.core.contract.keys import Keyspace
from bounced.core.policy import DEFAULT_POLICY
from bounced.core.return_path import Directory, Keyring, ReturnPaths, SigningKey
from bounced.core.state import Transition
from bounced.core.terms import Class, Envelope, Kind
from bounced.edges.memory_store import MemoryStore
from bounced.ingest import ingest
from bounced.pipeline import ListSettings, Pipeline
from tests.no_bounces.genuine import Notice, genuine

ALICE = "alice@example.org"
PATHS = ReturnPaths("main", ("bounce.example.com",), Keyring(SigningKey("a", b"a secret of enough octets")))
RULES = rules.load()
STORED = "stored"
REVERSE_PATHS = {"null": "", "daemon": "MAILER-DAEMON@mx.example.net", STORED: ""}


@pytest.mark.parametrize("reverse_path", REVERSE_PATHS)
@pytest.mark.parametrize("notice", genuine(), ids=lambda notice: notice.system)
async def test_a_genuine_notice_is_counted_for_its_recipient(notice: Notice, reverse_path: str) -> None:
    """It is a bounce, names whom the return path was made for, and says why; stored mail tells no reverse path.

    All but blocks, which are the sender's fault, change what is known of the address.
    """
    transition = await taken(notice, reverse_path)
    evidence = transition.evidence
    assert (evidence.kind, evidence.names_recipient) == (Kind.BOUNCE, True)
    assert evidence.verdict.category in notice.categories
    assert (transition.after != transition.before) is (evidence.verdict.class_ is not Class.BLOCK)


async def taken(notice: Notice, reverse_path: str) -> Transition:
    """Return what follows from a notice in a store of its own."""
    now = datetime.now(UTC)
    store = MemoryStore({"main": Keyspace()})
    pipeline = Pipeline(Directory((PATHS,)), RULES, {"main": ListSettings(DEFAULT_POLICY)}, store, lambda: now)
    path = PATHS.encode(ALICE, issued=now.date())
    content = notice.content(ALICE, path, now)
    if reverse_path == STORED:
        committed = (await ingest(pipeline, content, now, path)).committed
    else:
        envelope = Envelope("192.0.2.25", REVERSE_PATHS[reverse_path], path, content, now)
        committed = await pipeline.process(await pipeline.admit(path), envelope)
    assert committed is not None
    assert committed.transition is not None
    return committed.transition
