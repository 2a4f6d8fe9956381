"""A mailing to an invented list, week after week: what is sent, and what comes back."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random

from bounced.core.state import Evidence, EvidenceType
from bounced.core.terms import Action, Category, Kind, Origin, Verdict
from bounced.simulation.population import MAIL_EVERY, Member, Trouble
from bounced.simulation.simulator import Simulator

_STATUS = {Category.MAILBOX_UNKNOWN: "5.1.1", Category.MAILBOX_FULL: "5.2.2"}


@dataclass
class Mailing:
    """Mails every address that may be mailed, once a week.  ``sent`` records whom and when.

    With ``deliveries`` the sender reports deliveries, also to gateways that accept first and bounce later.
    """

    simulator: Simulator
    members: Iterable[Member]
    seed: int = 0
    deliveries: bool = False
    sent: dict[str, list[datetime]] = field(default_factory=dict)
    _coming: list[tuple[datetime, int, str, Evidence]] = field(default_factory=list)
    _scheduled: int = 0

    async def run(self, begin: datetime, days: int) -> None:
        """Mail the list for so many days from ``begin`` on, and take in the bounces."""
        chance = Random(self.seed)  # noqa: S311 - the same for one seed, and no secret
        end = begin + timedelta(days=days)
        moment = begin
        while moment < end:
            await self._hear_until(moment)
            for member in self.members:
                if self.simulator.mailable(member.address):
                    self._send(member, moment, chance)
            moment += MAIL_EVERY
        await self._hear_until(end)

    def _send(self, member: Member, moment: datetime, chance: Random) -> None:
        self.sent.setdefault(member.address, []).append(moment)
        trouble = member.trouble_at(moment)
        if self.deliveries and (trouble is None or chance.random() < 0.3):  # noqa: PLR2004 - gateways accept at first
            delivered = Evidence(EvidenceType.DELIVERED, moment, Origin.INTAKE, sent_on=moment.date())
            self._schedule(moment + timedelta(minutes=1), member, delivered)
        if trouble is not None:
            at = moment + timedelta(minutes=chance.uniform(2, 40))
            self._schedule(at.replace(microsecond=0), member, _bounce(member, trouble, moment))

    def _schedule(self, at: datetime, member: Member, evidence: Evidence) -> None:
        self._scheduled += 1
        heapq.heappush(self._coming, (at, self._scheduled, member.address, evidence))

    async def _hear_until(self, moment: datetime) -> None:
        while self._coming and self._coming[0][0] <= moment:
            at, _, address, evidence = heapq.heappop(self._coming)
            await self.simulator.take_in(address, replace(evidence, at=at))
        await self.simulator.advance_to(moment)


def _bounce(member: Member, trouble: Trouble, sent: datetime) -> Evidence:
    delayed = trouble.category is Category.GREYLISTED
    verdict = Verdict(
        category=trouble.category,
        rule="simulation",
        place="none",
        action=Action.DELAYED if delayed else Action.FAILED,
        status=_STATUS.get(trouble.category, "5.0.0"),
    )
    return Evidence(
        type=EvidenceType.REPORT,
        at=sent,
        origin=Origin.SMTP,
        kind=Kind.DELAYED if delayed else Kind.BOUNCE,
        verdict=verdict,
        sent_on=sent.date(),
        profile=member.profile_at(sent),
        names_recipient=trouble.names_recipient,
    )
