"""Three months of a living list, made by the simulator: a letter a week, what came back, and what people decided."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from random import Random

from bounced.core.contract.keys import Keyspace
from bounced.core.meaning.bare import Known
from bounced.core.policy import DEFAULT_POLICY
from bounced.core.policy.dispute import DEFAULT_DISPUTES
from bounced.core.state import Evidence, EvidenceType
from bounced.core.terms import Category, Kind, OptIn, Origin, Profile, Verdict
from bounced.edges.memory_store import Holds, MemoryStore
from bounced.explain import explain_reply, packaged_rules
from bounced.pipeline import ListSettings
from bounced.simulation.population import MAIL_EVERY, SHARED_DOMAIN, Member, populate
from bounced.simulation.simulator import LIST, Simulator

LETTERS = 13
MEMBERS = 1200
IMPORTED = 110
"""So many addresses of an old file are mailed for the first time with the last letter."""
SEED = 7
TICK = timedelta(hours=6)
"""How often the simulated jobs run: each round takes time at the start."""
LAST_LETTER = timedelta(hours=3)
"""How long ago the last letter was sent."""

_SOMEBODY = f"somebody@{SHARED_DOMAIN}"
_WORDS = {
    Category.MAILBOX_UNKNOWN: "550 5.1.1 <{}>: Recipient address rejected: User unknown in virtual mailbox table",
    Category.MAILBOX_FULL: "552 5.2.2 <{}>: mailbox is full, quota exceeded",
    Category.MAILBOX_INACTIVE: "550 5.2.1 <{}>: this mailbox is disabled",
    Category.DOMAIN_INVALID: "550 5.1.2 <{}>: Host or domain name not found. Name service error: Host not found",
    Category.NETWORK: "451 4.4.1 connect to mx.{}: Connection timed out",
    Category.SPAM_CONTENT: "550 5.7.1 This message was classified as SPAM and may not be delivered",
    Category.UNDETERMINED: "554 5.0.0 the gate keeper of {} says no",
    Category.GREYLISTED: "450 4.2.0 <{}>: Recipient address rejected: Greylisted, please try again later",
}
_RATE = (
    "421 4.7.28 Our system has detected an unusual rate of unsolicited mail originating from your IP address "
    "[192.0.2.25]. Mail sent from your IP address has been temporarily rate limited."
)
_LISTED = "550 5.7.1 Unfortunately, messages from [192.0.2.25] weren't sent. Your network is on our block list (S3150)."
_DEFERRED = "421 4.7.0 [TSS04] Messages from 192.0.2.25 temporarily deferred due to user complaints"
_REFUSED = (
    ("gmail-smtp-in.l.google.com", _RATE),
    ("mx1.hotmail.example.outlook.com", _LISTED),
    ("mta7.am0.yahoodns.net", _DEFERRED),
)
_STRANGE = (
    "The gate keeper of the castle has not let your letter in. Ask him again on Thursday.",
    "Ihr Schreiben konnte der Empfangsstelle nicht zugefuehrt werden, Vorgang 4711.",
    "Delivery of this item ended at the third desk. Nobody signed.",
)
_COMPLAINT = Verdict(Category.COMPLAINT, "feedback-type.abuse", "status", reply_code=None)


@dataclass(frozen=True, slots=True)
class _Said:
    """What is taken in: when, about whom, and what is said."""

    at: datetime
    address: str
    evidence: Evidence


async def three_months(now: datetime) -> Holds:
    """Return all that a list holds to which a letter was sent each week until now."""
    last = now.replace(microsecond=0) - LAST_LETTER
    begin = last - MAIL_EVERY * (LETTERS - 1)
    store = MemoryStore({LIST: Keyspace(list_=LIST)})
    settings = ListSettings(DEFAULT_POLICY, disputes=replace(DEFAULT_DISPUTES, shared=frozenset({SHARED_DOMAIN})))
    simulator = Simulator(settings, store, store, begin, TICK)
    members = populate(SEED, MEMBERS, begin, MAIL_EVERY.days * LETTERS)
    chance = Random(SEED)  # noqa: S311 - the same list each time, and no secret
    for number in range(LETTERS):
        moment = begin + MAIL_EVERY * number
        mailed = [member for member in members if simulator.mailable(member.address)]
        said = [each for member in mailed for each in _answers(member, moment, number, chance)]
        said += _refused(mailed, moment, number)
        if moment == last:
            said += [each for seat in range(IMPORTED) for each in _imported(seat, moment)]
        said += _decided(number, [change.address for change in simulator.changes[-40:]], moment)
        sent = Evidence(
            EvidenceType.SENT, moment, Origin.INTAKE, campaign=_campaign(moment), count=len(mailed) + IMPORTED
        )
        await simulator.take_in(_SOMEBODY, sent)
        for each in sorted(said, key=lambda each: (each.at, each.address)):
            await simulator.take_in(each.address, each.evidence)
    await simulator.advance_to(now)
    return store.holds(LIST)


def _answers(member: Member, moment: datetime, number: int, chance: Random) -> Iterator[_Said]:
    """Yield what comes back of a letter to one member."""
    at = moment + timedelta(seconds=chance.randint(60, 9000))
    trouble = member.trouble_at(moment)
    wave = number == LETTERS - 1 and member.address.endswith("@company-3.example")
    if trouble or wave:
        category = Category.MAILBOX_UNKNOWN if wave or trouble is None else trouble.category
        yield _bounce(member.address, category, at, moment, member.profile_at(moment))
    elif chance.random() < 0.0015:  # noqa: PLR2004 - a complaint now and then
        yield _about(member.address, _COMPLAINT, Kind.COMPLAINT, at, moment)
    elif chance.random() < 0.003:  # noqa: PLR2004 - a notice that nobody understands
        text = chance.choice(_STRANGE)
        verdict = Verdict(Category.UNDETERMINED, "none", "none", diagnostic=text)
        said = _about(member.address, verdict, Kind.BOUNCE, at, moment)
        yield replace(said, evidence=replace(said.evidence, content=_message(member.address, text)))


def _refused(mailed: list[Member], moment: datetime, number: int) -> Iterator[_Said]:
    """Yield refusals of the sender: by each provider in some weeks, by the first of them after the last letter."""
    for place, (host, words) in enumerate(_REFUSED):
        if number % (place + 3) == 0 or (number == LETTERS - 1 and not place):
            for count, member in enumerate(mailed[place * 2 + 1 : 160 : 6]):
                verdict = _verdict(words)._replace(remote_mta=host)
                yield _about(member.address, verdict, Kind.BOUNCE, moment + timedelta(minutes=3 * count), moment)


def _imported(seat: int, moment: datetime) -> Iterator[_Said]:
    """Yield what comes back of a letter to an address of an old file."""
    at = moment + timedelta(minutes=1 + seat)
    yield _bounce(f"old-{seat}@{SHARED_DOMAIN}", Category.MAILBOX_UNKNOWN, at, moment, Profile(OptIn.IMPORTED))


def _decided(number: int, changed: list[str], moment: datetime) -> Iterator[_Said]:
    """Yield what people decide on the day before a letter."""
    at = moment + timedelta(hours=2)
    for address, type_, actor, note in zip(
        dict.fromkeys(changed[-(1 + number % 3) :]),
        (EvidenceType.RELEASE, EvidenceType.RELEASE, EvidenceType.SUPPRESS),
        ("mia", "noah", "mia"),
        ("telephoned: the mailbox works again", "their administrator mended it", "asked by post to be taken off"),
        strict=False,
    ):
        yield _Said(at, address, Evidence(type_, at, Origin.OPERATOR, actor=actor, note=note))


def _bounce(address: str, category: Category, at: datetime, sent: datetime, profile: Profile) -> _Said:
    host = f"mx.{address.rpartition('@')[2]}"
    verdict = _verdict(_WORDS[category].format(_SOMEBODY))
    verdict = verdict._replace(diagnostic=verdict.diagnostic.replace(_SOMEBODY, address), remote_mta=host, words="")
    kind = Kind.DELAYED if category is Category.GREYLISTED else Kind.BOUNCE
    said = _about(address, verdict, kind, at, sent)
    return replace(said, evidence=replace(said.evidence, profile=profile, reporting_mta=host))


def _about(address: str, verdict: Verdict, kind: Kind, at: datetime, sent: datetime) -> _Said:
    evidence = Evidence(
        EvidenceType.REPORT, at, Origin.SMTP, kind, verdict, sent.date(), campaign=_campaign(sent), peer="192.0.2.80"
    )
    return _Said(at, address, evidence)


@cache
def _verdict(words: str) -> Verdict:
    """Return what a reply means, by the rules."""
    return explain_reply(words, packaged_rules(), Known.of(_SOMEBODY)).findings[0].verdict


def _campaign(sent: datetime) -> str:
    return f"letter-{sent:%Y-%m-%d}"


def _message(address: str, text: str) -> bytes:
    head = f"From: MAILER-DAEMON@mx.{SHARED_DOMAIN}\r\nSubject: Your letter\r\n\r\n"
    return f"{head}{text}\r\n\r\nTo: {address}\r\n".encode()
