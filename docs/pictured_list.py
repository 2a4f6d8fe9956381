"""A list with three months of mail, for the pictures: the simulator's people, replies as MTAs write them."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from redis.asyncio import Redis

from bounced.config import Config
from bounced.core.meaning.bare import Known
from bounced.core.state import Evidence, EvidenceType, ReportId
from bounced.core.terms import Category, Kind, Origin, Verdict
from bounced.edges.redis.embedded import redis_url
from bounced.edges.redis.job_store import JobStore
from bounced.explain import explain_reply
from bounced.service import open_store, pipeline
from bounced.simulation.population import MAIL_EVERY, Member, populate
from bounced.simulation.simulator import LIST, Simulator

DAYS = 90
MEMBERS = 3000
FORMER = 150
"""How many of an old list are mailed once, with the last mailing."""
SINCE_THE_LAST = timedelta(hours=20)
WITH_DEAD = "Spring sale"
COMPLAIN, REFUSE, LEAVE = 0.001, 0.02, 0.002
"""Shares of what is mailed."""
RELEASED = 0.04
"""The share of what is suppressed or held that a person releases."""

REPLIES = {
    Category.MAILBOX_UNKNOWN: "550 5.1.1 <{0}>: Recipient address rejected: User unknown in virtual mailbox table",
    Category.DOMAIN_INVALID: "550 5.1.2 <{0}>: Recipient address rejected: Domain not found",
    Category.MAILBOX_FULL: "552 5.2.2 <{0}>: mailbox is full, quota exceeded",
    Category.MAILBOX_INACTIVE: "550 5.2.1 <{0}>: this mailbox is disabled",
    Category.NETWORK: "451 4.4.2 connection timed out",
    Category.SPAM_CONTENT: "554 5.7.1 Message rejected as spam, see https://postmaster.mailbox.example/why",
    Category.UNDETERMINED: "550 Sending pool frobnicated for {0}",
    Category.GREYLISTED: "451 4.7.1 Greylisted, please try again in 300 seconds",
}
REFUSALS = (
    ("gmail.com", "421 4.7.28 Our system has detected an unusual rate of mail from your IP address [192.0.2.25]."),
    ("outlook.com", "550 5.7.1 Messages from [192.0.2.26] were not sent: part of their network is on our block list"),
    ("mailbox.example", "554 5.7.1 Service unavailable; client host [192.0.2.25] blocked using zen.spamhaus.org"),
)  # fmt: skip


class Sent(NamedTuple):
    """One mailing."""

    at: datetime
    campaign: str


@dataclass(frozen=True, order=True, slots=True)
class Said:
    """One thing that is said of an address, and when."""

    at: datetime
    number: int
    address: str
    evidence: Evidence


async def fill(config: Config, now: datetime) -> None:
    """Fill the list main of an empty server with what happened in the three months before a moment."""
    async with open_store(config) as store:
        began = now - timedelta(days=DAYS)
        path = pipeline(config, store, lambda: now)
        jobs = JobStore(store, "pictures", events_max=config.keep.events_max, failed_max=1)
        simulator = Simulator(path.lists[LIST], store, jobs, began, tick=timedelta(hours=6))
        mailing = _Mailing(simulator, began)
        sent = now - SINCE_THE_LAST - MAIL_EVERY * (DAYS // MAIL_EVERY.days - 1)
        for number in range(1, DAYS // MAIL_EVERY.days + 1):
            await mailing.hear_until(sent)
            name = WITH_DEAD if sent + MAIL_EVERY > now else f"Newsletter {number}"
            count = mailing.send(Sent(sent, name))
            told = Evidence(EvidenceType.SENT, sent, Origin.INTAKE, campaign=name, count=count)
            await path.commit(ReportId(LIST, "", name), None, told)
            sent += MAIL_EVERY
        await mailing.hear_until(now)
    async with redis_url(config) as url, Redis.from_url(url) as server:
        for key in (store.keyspace(LIST).events, store.keyspace(LIST).blocks):
            await _as_they_came(server, key)


class _Mailing:
    """Mails everybody who may be mailed, and hears what comes back in the order of its time."""

    def __init__(self, simulator: Simulator, began: datetime) -> None:
        self._simulator = simulator
        self._chance = Random(1)  # noqa: S311 - the same people each time, and no secret
        self._people = populate(1, MEMBERS, began, DAYS)
        self._coming: list[Said] = []
        self._many = 0

    def send(self, sent: Sent) -> int:
        """Send a mailing, and return to how many."""
        mailed = [each for each in self._people if self._simulator.mailable(each.address)]
        for member in mailed:
            for evidence in self._answers(member, sent):
                self._will_come(member.address, evidence)
        former = FORMER if sent.campaign == WITH_DEAD else 0
        for number in range(former):
            address = f"former-{number}@mailbox.example"
            self._will_come(address, self._bounce(sent, address, REPLIES[Category.MAILBOX_UNKNOWN]))
        return len(mailed) + former

    async def hear_until(self, end: datetime) -> None:
        """Take in what comes until a moment."""
        while self._coming and self._coming[0].at <= end:
            said = heapq.heappop(self._coming)
            await self._simulator.take_in(said.address, said.evidence)
            for evidence in self._decided(said):
                self._will_come(said.address, evidence)
        await self._simulator.advance_to(end)

    def _answers(self, member: Member, sent: Sent) -> Iterator[Evidence]:
        trouble, lot = member.trouble_at(sent.at), self._chance.random()
        if lot < COMPLAIN:
            verdict = Verdict(Category.COMPLAINT, "feedback", "feedback")
            yield self._report(sent, verdict, Kind.COMPLAINT, "fbl.mailbox.example")
        elif lot < COMPLAIN + REFUSE:
            by, reply = self._chance.choice(REFUSALS)
            yield self._bounce(sent, member.address, reply, by)
        elif trouble:
            yield self._bounce(sent, member.address, REPLIES[trouble.category])
        elif lot > 1 - LEAVE:
            yield Evidence(EvidenceType.UNSUBSCRIBED, self._later(sent), Origin.INTAKE, campaign=sent.campaign)

    def _decided(self, said: Said) -> Iterator[Evidence]:
        """Yield what a person decides about one in many that are suppressed."""
        if self._simulator.mailable(said.address) or said.evidence.actor or self._chance.random() > RELEASED:
            return
        at, actor = said.at + timedelta(hours=self._chance.uniform(3, 15)), self._chance.choice(("alice", "bob"))
        yield Evidence(EvidenceType.RELEASE, at, Origin.OPERATOR, note="they wrote to us from it", actor=actor)

    def _bounce(self, sent: Sent, address: str, reply: str, by: str = "") -> Evidence:
        server = f"mx.{by or address.partition('@')[2]}"
        kind = Kind.DELAYED if reply == REPLIES[Category.GREYLISTED] else Kind.BOUNCE
        known = Known.of(about=address, server=server)
        return self._report(sent, explain_reply(reply.format(address), known=known).findings[0].verdict, kind, server)

    def _report(self, sent: Sent, verdict: Verdict, kind: Kind, by: str) -> Evidence:
        return Evidence(
            EvidenceType.REPORT, self._later(sent), Origin.SMTP, kind=kind, verdict=verdict, sent_on=sent.at.date(),
            campaign=sent.campaign, reporting_mta=by,
        )  # fmt: skip

    def _later(self, sent: Sent) -> datetime:
        minutes = self._chance.expovariate(1 / 240)
        return (sent.at + timedelta(minutes=1 + minutes)).replace(microsecond=0)

    def _will_come(self, address: str, evidence: Evidence) -> None:
        self._many += 1
        heapq.heappush(self._coming, Said(evidence.at, self._many, address, evidence))


async def _as_they_came(server: Redis, key: str) -> None:
    """Give the entries of a stream the ids that they would have if each had come at its time."""
    entries: Any = await server.xrange(key)
    await server.delete(key)
    async with server.pipeline(transaction=False) as pipe:
        for number, (_, fields) in enumerate(sorted(entries, key=lambda entry: entry[1][b"at"])):
            at = datetime.fromisoformat(fields[b"at"].decode())
            pipe.xadd(key, fields, id=f"{int(at.timestamp() * 1000)}-{number}")
        await pipe.execute()
