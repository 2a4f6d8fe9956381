"""Mail to an unsubscribe path, from a message to a commit: a person's unsubscribes, a mail system's changes nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from bounced.core.contract.keys import Keyspace
from bounced.core.policy import DEFAULT_POLICY, decide
from bounced.core.return_path import Directory, Keyring, KeyStatus, Registration, ReturnPaths, SigningKey, new_token
from bounced.core.state import Evidence, EvidenceType, ReportId
from bounced.core.terms import Category, Class, Envelope, Kind, Origin, State
from bounced.demo.scenes import SCENES, Scene
from bounced.edges.memory_store import MemoryStore
from bounced.explain import packaged_rules
from bounced.ingest import ingest
from bounced.pipeline import ListSettings, Pipeline
from bounced.ports import PathRefused

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ALICE, DOMAIN = "alice@example.org", "bounce.example.com"
BY_ALICE = "alice@example.org"
KEY = SigningKey("a", b"a secret of enough octets")
PATHS = ReturnPaths("main", (DOMAIN,), Keyring(KEY), roles=frozenset({"fbl"}))
REQUEST = b"From: Alice <alice@example.org>\r\nSubject: unsubscribe\r\nMessage-ID: <1@example.org>\r\n\r\n"
LETTER = b"From: Alice <alice@example.org>\r\nSubject: Re: News\r\nMessage-ID: <2@example.org>\r\n\r\nWho are you?\r\n"
ANSWER = (
    b"From: alice@example.org\r\nSubject: Out of office: News\r\nAuto-Submitted: auto-replied\r\n"
    b"Message-ID: <3@example.org>\r\n\r\nI am away until Monday.\r\n"
)
RECEIPT = (
    b"From: alice@example.org\r\nSubject: Read: News\r\nMessage-ID: <4@example.org>\r\n"
    b"Content-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n\r\n"
    b"--b\r\n\r\nRead.\r\n--b\r\nContent-Type: message/disposition-notification\r\n\r\n"
    b"Final-Recipient: rfc822;alice@example.org\r\n"
    b"Disposition: manual-action/MDN-sent-manually; displayed\r\n\r\n--b--\r\n"
)
CHALLENGE = b"From: alice@example.org\r\nX-TMDA-Fingerprint: abc\r\nSubject: Please confirm\r\n\r\nClick here.\r\n"
UNPROVEN = b"From: MAILER-DAEMON@mail.example.net\r\nSubject: failure notice\r\n\r\nSorry, it did not work.\r\n"
HANDED_ON = (
    b"From: Alice <alice@example.org>\r\nSubject: what is this?\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
    b"--x\r\nContent-Type: text/plain\r\n\r\nWhat does this mean?\r\n"
    b"--x\r\nContent-Type: message/rfc822\r\n\r\nFrom: MAILER-DAEMON@mail.example.net\r\n\r\n"
    b"<alice@example.org>:\r\nSorry, no mailbox here by that name. (#5.1.1)\r\n--x--\r\n"
)


@pytest.fixture
def store():
    """Return an empty store."""
    return MemoryStore({"main": Keyspace()})


@pytest.fixture
def pipeline(store):
    """Return a pipeline of one list."""
    return Pipeline(Directory((PATHS,)), packaged_rules(), {"main": ListSettings(DEFAULT_POLICY)}, store, lambda: NOW)


def path_of(issued=NOW, paths=PATHS):
    """Return the unsubscribe path in a message of a day."""
    return paths.encode_unsubscribe(ALICE, issued=issued.date(), tag="nov")


async def deliver(pipeline, content, reverse_path=BY_ALICE, path=None, at=NOW):
    """Hand one message in, as a door does."""
    path = path or path_of()
    destination = await pipeline.admit(path, at)
    return await pipeline.process(destination, Envelope("192.0.2.1", reverse_path, path, content, at))


async def happen(store, type_, at):
    """Let a sender tell something of Alice."""
    evidence = Evidence(type_, at, Origin.INTAKE)
    decided = partial(decide, evidence=evidence, policy=DEFAULT_POLICY)
    await store.commit(ReportId("main", "", f"{type_} {at}", entry="1-1"), ALICE, decided)


@pytest.mark.parametrize("content", [REQUEST, LETTER, b"", b"\r\n", b"From: alice@example.org\r\n\r\n"])
async def test_a_persons_mail_unsubscribes_whatever_it_says(pipeline, store, content):
    """Also one that says nothing at all: the address is the request."""
    committed = await deliver(pipeline, content)
    state = await store.load("main", ALICE)
    assert (state.state, state.category, state.class_) == (State.SUPPRESSED, Category.UNSUBSCRIBED, Class.NONE)
    assert (state.campaign, committed.transition.evidence.kind) == ("nov", Kind.SUBSCRIPTION)


async def test_whoever_writes_it_unsubscribes_the_one_whom_the_mail_was_for(pipeline, store):
    """People have several addresses, and mail is forwarded to another one."""
    await deliver(pipeline, LETTER.replace(b"alice@", b"al@"), "al@other.example")
    assert (await store.load("main", ALICE)).category is Category.UNSUBSCRIBED
    assert (await store.load("main", "al@other.example")).state is State.ACTIVE


@pytest.mark.parametrize("reverse_path", ["", "<>", "MAILER-DAEMON@mail.example.net", "postmaster@mail.example.net"])
@pytest.mark.parametrize("content", [REQUEST, LETTER, b""])
async def test_nobody_is_unsubscribed_by_a_null_reverse_path(pipeline, store, content, reverse_path):
    """These addresses stand in headers: backscatter and automatic answers reach them.  It is answered, and no more."""
    committed = await deliver(pipeline, content, reverse_path)
    assert committed.transition.evidence.kind is Kind.OTHER
    assert (await store.load("main", ALICE)).state is State.ACTIVE


@pytest.mark.parametrize(
    "content",
    [
        ANSWER,
        RECEIPT,
        CHALLENGE,
        UNPROVEN,
        HANDED_ON,
        *(scene.content("b-x@example.com") for scene in SCENES),
    ],
)
@pytest.mark.parametrize("reverse_path", ["", BY_ALICE, None])
async def test_what_a_mail_system_or_a_program_wrote_changes_nothing(pipeline, store, content, reverse_path):
    """Neither a bounce nor a complaint nor an answer, by whatever reverse path; none of it is kept."""
    committed = await deliver(pipeline, content, reverse_path)
    evidence = committed.transition.evidence
    assert (evidence.kind, evidence.verdict, evidence.content) == (Kind.OTHER, None, None)
    assert (await store.load("main", ALICE)).state is State.ACTIVE


@pytest.mark.parametrize(("content", "state"), [(REQUEST, State.SUPPRESSED), (LETTER, State.ACTIVE)])
async def test_stored_mail_unsubscribes_by_its_words_where_the_reverse_path_is_unknown(pipeline, store, content, state):
    """The mailto of the header fields gives them as the subject."""
    ingested = await ingest(pipeline, f"To: {path_of()}\r\n".encode() + content, NOW)
    assert ingested.committed is not None
    assert (await store.load("main", ALICE)).state is state


async def test_stored_mail_unsubscribes_by_the_reverse_path_that_somebody_knows(pipeline, store):
    """As an MTA's pipe tells it."""
    await ingest(pipeline, LETTER, NOW, path_of(), BY_ALICE)
    assert (await store.load("main", ALICE)).category is Category.UNSUBSCRIBED


async def test_the_same_mail_twice_is_a_duplicate_and_another_one_changes_nothing(pipeline, store):
    """Who is impatient writes twice."""
    await deliver(pipeline, REQUEST)
    assert (await deliver(pipeline, REQUEST)).duplicate
    again = await deliver(pipeline, LETTER)
    assert (again.transition.before.state, again.transition.after.state) == (State.SUPPRESSED, State.SUPPRESSED)
    assert (await store.load("main", ALICE)).category is Category.UNSUBSCRIBED


@pytest.mark.parametrize("type_", [EvidenceType.SUBSCRIBED, EvidenceType.RELEASE])
async def test_a_later_subscription_or_release_lifts_it(pipeline, store, type_):
    """Who subscribes again wants mail again."""
    await deliver(pipeline, REQUEST)
    await happen(store, type_, NOW + timedelta(hours=1))
    assert (await store.load("main", ALICE)).state is State.ACTIVE


async def test_the_time_of_the_mail_decides_against_a_subscription_and_not_the_day_of_the_path(pipeline, store):
    """Mail from before it, read late, changes nothing; an old message's link used after it counts."""
    old = path_of(NOW - timedelta(days=399))
    subscribed = NOW - timedelta(days=1)
    await happen(store, EvidenceType.SUBSCRIBED, subscribed)
    await deliver(pipeline, REQUEST, path=old, at=subscribed - timedelta(hours=1))
    assert (await store.load("main", ALICE)).state is State.ACTIVE
    await deliver(pipeline, LETTER, path=old)
    assert (await store.load("main", ALICE)).category is Category.UNSUBSCRIBED


async def test_backscatter_does_not_use_up_the_reports_of_a_path(pipeline, store):
    """The request that comes after it is taken."""
    for number in range(30):
        await deliver(pipeline, ANSWER.replace(b"<3@", f"<{number}@answers.".encode()), "")
    await deliver(pipeline, REQUEST)
    assert (await store.load("main", ALICE)).category is Category.UNSUBSCRIBED


async def test_it_works_under_a_revoked_key(pipeline, store):
    """People who leave are not kept for a secret of ours that leaked."""
    path = path_of()
    keys = Keyring(SigningKey("n", b"a new secret of enough octets"), replace(KEY, status=KeyStatus.REVOKED))
    rotated = replace(pipeline, directory=Directory((replace(PATHS, keyring=keys),)))
    await deliver(rotated, REQUEST, path=path)
    assert (await store.load("main", ALICE)).category is Category.UNSUBSCRIBED


@pytest.mark.parametrize("spoil", [lambda path: path.replace("alice", "alicf"), lambda path: "b-" + path[2:]])
async def test_a_forged_one_is_refused_as_any_bad_path_is(pipeline, spoil):
    """For good, and without a word about why."""
    with pytest.raises(PathRefused) as refused:
        await pipeline.admit(spoil(path_of()))
    assert (refused.value.foreign, refused.value.for_now) == (False, False)


@pytest.mark.parametrize("age_days", [0, 400])
async def test_a_token_unsubscribes_whom_it_was_registered_for(pipeline, store, age_days):
    """And neither bounces to it count, nor does the token of a return path unsubscribe."""
    issued = NOW.date() - timedelta(days=age_days)
    token, other = new_token(bytes(17)), new_token(b"\1" * 17)
    tokens = store._lists["main"].tokens
    tokens[token] = Registration(ALICE, issued, unsubscribes=True).to_fields()
    tokens[other] = Registration(ALICE, NOW.date()).to_fields()
    for path in (PATHS.token_path(token), PATHS.token_path(other, unsubscribes=True)):
        with pytest.raises(PathRefused) as refused:
            await pipeline.admit(path)
        assert refused.value.reason == "tampered"
    await deliver(pipeline, REQUEST, path=PATHS.token_path(token, unsubscribes=True))
    assert (await store.load("main", ALICE)).category is Category.UNSUBSCRIBED


@pytest.mark.parametrize("age_days", [0, 400])
async def test_a_complaint_is_attributed_by_the_unsubscribe_path_in_the_original(pipeline, store, age_days):
    """At a feedback address; the recipient may be hidden."""
    path = path_of(NOW - timedelta(days=age_days))
    content = Scene("complaint", "redacted@example.org").content(path)
    await deliver(pipeline, content, "", f"fbl@{DOMAIN}")
    assert (await store.load("main", ALICE)).category is Category.COMPLAINT


@pytest.mark.parametrize(("unsubscribes", "days"), [(False, 60), (True, 400)])
async def test_a_report_is_remembered_for_longer_than_its_path_is_taken(pipeline, unsubscribes, days):
    """Else a replayed one would count again."""
    token = new_token(bytes(17))
    pipeline.store._lists["main"].tokens[token] = Registration(ALICE, NOW.date(), unsubscribes=unsubscribes).to_fields()
    asked = []
    commit = pipeline.store.commit

    async def remembering(report_id, *rest):
        asked.append(report_id)
        return await commit(report_id, *rest)

    pipeline.store.commit = remembering
    await deliver(pipeline, REQUEST, path=PATHS.token_path(token, unsubscribes=unsubscribes))
    assert [report_id.good_days for report_id in asked] == [days]
