"""Large providers that call everybody unknown for some hours: who is lost then, and when the dead are found.

Each recipient is mailed once a week, in an hour of its own.  Mailboxes die all the time, the same share at every
provider.  A scene adds outages or the import of an old list.  The bounces take the daemon's own path, in memory.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import NamedTuple

from bounced.core.contract.keys import Keyspace
from bounced.core.mailbox import domain_of
from bounced.core.meaning.providers import provider_of
from bounced.core.policy import DEFAULT_POLICY
from bounced.core.policy.outage import DEFAULT_PROVIDERS, ProviderRule
from bounced.core.state import Evidence, EvidenceType
from bounced.core.terms import (
    UNKNOWN_PROFILE,
    Action,
    Category,
    Engagement,
    Kind,
    OptIn,
    Origin,
    Profile,
    State,
    Verdict,
)
from bounced.edges.memory_store import MemoryStore
from bounced.pipeline import ListSettings
from bounced.simulation.simulator import LIST, Simulator, StateChange

WEEK_HOURS = 7 * 24
DIE_IN_A_YEAR = 0.2
"""The share of mailboxes that die in a year."""

KNOWN = 0.7
"""The share of an ordinary list that is confirmed and active, where the sender tells profiles."""

COMPANIES = 1000

_DOMAINS = (
    ("gmail.com", 36), ("googlemail.com", 2), ("hotmail.com", 8), ("outlook.com", 5), ("live.com", 2), ("gmx.de", 4),
    ("yahoo.com", 10), ("aol.com", 4), ("icloud.com", 5), ("me.com", 2), ("web.de", 2), ("company-{}.example", 20),
)  # fmt: skip
_KNOWN = Profile(OptIn.CONFIRMED, Engagement.ACTIVE)
_IMPORTED = Profile(OptIn.IMPORTED, Engagement.UNKNOWN)


class Outage(NamedTuple):
    """Some hours in which a provider calls a share of its users unknown."""

    provider: str
    begin: datetime
    hours: int
    share: float = 1.0


class Import(NamedTuple):
    """An old list that is mailed for the first time within some hours, and then every week."""

    addresses: int
    begin: datetime
    hours: int
    dead: float = 0.2


@dataclass(frozen=True, slots=True)
class Scene:
    """What happens to an ordinary list of ``members`` in some weeks.  ``profiles``: the sender tells what it knows."""

    name: str
    begin: datetime
    weeks: int
    members: int
    outages: tuple[Outage, ...] = ()
    imports: tuple[Import, ...] = ()
    profiles: bool = False


@dataclass(slots=True)
class Recipient:
    """One recipient: the hour of the week in which it is mailed, and when its mailbox dies, if it does.

    ``mails`` are those that came back after that.
    """

    address: str
    profile: Profile
    slot: int
    joins: datetime
    dies: datetime | None
    mails: list[datetime] = field(default_factory=list)

    @property
    def provider(self) -> str:
        """Who has the mailbox."""
        return provider_of(None, domain_of(self.address))


@dataclass(slots=True)
class Outcome:
    """What came of a scene under one rule.

    Of the recipients whose mailboxes work, ``good_lost`` are suppressed at the end; ``good_held`` were held, for
    ``held_days`` together.  ``dead`` are those to whom mail was sent after their death, but for the last two weeks.
    ``found_days`` has the days from that mail to the suppression, ``mails`` how many each got until then.
    ``over_rule`` got more than their rule allows and one for each dispute of their provider.
    """

    good_lost: int = 0
    good_held: int = 0
    held_days: float = 0.0
    dead: int = 0
    found_days: list[float] = field(default_factory=list)
    mails: list[int] = field(default_factory=list)
    over_rule: int = 0
    disputes: int = 0


def scenes(members: int, imported: int, years: int = 2) -> tuple[Scene, ...]:
    """Return the scenes of docs/policy.md: ordinary years, an import, three outages; each with profiles or without."""
    plain = (
        Scene("two ordinary years", datetime(2016, 1, 4, tzinfo=UTC), 52 * years, members),
        Scene(
            "an old list is imported",
            datetime(2019, 1, 7, tzinfo=UTC),
            12,
            members,
            imports=(Import(imported, datetime(2019, 2, 25, 8, tzinfo=UTC), 10),),
        ),
        Scene(
            "Yahoo, March 2018",
            datetime(2018, 1, 8, tzinfo=UTC),
            14,
            members,
            outages=(Outage("yahoo", datetime(2018, 3, 14, 9, tzinfo=UTC), 8),),
        ),
        Scene(
            "Gmail, 14 and 15 December 2020",
            datetime(2020, 10, 12, tzinfo=UTC),
            14,
            members,
            outages=(
                Outage("google", datetime(2020, 12, 14, 11, tzinfo=UTC), 2),
                Outage("google", datetime(2020, 12, 15, 20, tzinfo=UTC), 7, share=0.4),
            ),
        ),
        Scene(
            "iCloud, 26 April 2021",
            datetime(2021, 2, 22, tzinfo=UTC),
            14,
            members,
            outages=(Outage("apple", datetime(2021, 4, 26, 13, tzinfo=UTC), 6),),
        ),
    )
    return tuple(replace(scene, profiles=profiles) for scene in plain for profiles in (False, True))


async def play(scene: Scene, rule: ProviderRule = DEFAULT_PROVIDERS, seed: int = 1) -> Outcome:
    """Return what comes of a scene."""
    chance = Random(seed)  # noqa: S311 - the same for one seed, and no secret
    store = MemoryStore({LIST: Keyspace(list_=LIST)})
    simulator = Simulator(ListSettings(DEFAULT_POLICY, providers=rule), store, store, scene.begin)
    recipients = _recipients(scene, chance)
    by_slot: dict[int, list[Recipient]] = {}
    for each in recipients:
        by_slot.setdefault(each.slot, []).append(each)
    for number in range(scene.weeks * WEEK_HOURS):
        now = scene.begin + timedelta(hours=number)
        mailed = (each for each in by_slot.get(number % WEEK_HOURS, ()) if each.joins <= now)
        failing = [each for each in mailed if _fails(each, now, scene, chance) and simulator.mailable(each.address)]
        minutes = sorted(chance.uniform(1, 59) for _ in failing)
        for minute, each in zip(minutes, failing, strict=True):
            at = (now + timedelta(minutes=minute)).replace(microsecond=0)
            if each.dies is not None and each.dies <= now:
                each.mails.append(at)
            await simulator.take_in(each.address, _bounce(each, at))
        await simulator.advance_to(now + timedelta(hours=1))
    disputes = [event["provider"] for event in store.events(LIST) if event["type"] == "provider.disputed"]
    return _outcome(recipients, simulator.changes, disputes, simulator.now)


def _recipients(scene: Scene, chance: Random) -> list[Recipient]:
    """Return the ordinary list, whose members live at the beginning, and those that are imported."""
    end = scene.begin + timedelta(weeks=scene.weeks)
    found = []
    for number in range(scene.members):
        profile = _KNOWN if scene.profiles and chance.random() < KNOWN else UNKNOWN_PROFILE
        died = scene.begin + timedelta(days=chance.expovariate(DIE_IN_A_YEAR / 365))
        dies = died if died < end else None
        address = _address(f"member-{number}", chance)
        found.append(Recipient(address, profile, chance.randrange(WEEK_HOURS), scene.begin, dies))
    for old in scene.imports:
        first = int((old.begin - scene.begin) / timedelta(hours=1))
        for number in range(old.addresses):
            dies = scene.begin if chance.random() < old.dead else None
            slot = (first + chance.randrange(old.hours)) % WEEK_HOURS
            found.append(Recipient(_address(f"old-{number}", chance), _IMPORTED, slot, old.begin, dies))
    return found


def _address(name: str, chance: Random) -> str:
    (domain,) = chance.choices([domain for domain, _ in _DOMAINS], [share for _, share in _DOMAINS])
    return f"{name}@{domain.format(chance.randrange(COMPANIES))}"


def _fails(each: Recipient, now: datetime, scene: Scene, chance: Random) -> bool:
    if each.dies is not None and each.dies <= now:
        return True
    return any(
        outage.begin <= now < outage.begin + timedelta(hours=outage.hours)
        and each.provider == outage.provider
        and chance.random() < outage.share
        for outage in scene.outages
    )


def _bounce(each: Recipient, at: datetime) -> Evidence:
    verdict = Verdict(Category.MAILBOX_UNKNOWN, "simulation", "none", Action.FAILED, "5.1.1")
    return Evidence(
        EvidenceType.REPORT,
        at,
        Origin.SMTP,
        kind=Kind.BOUNCE,
        verdict=verdict,
        sent_on=at.date(),
        profile=each.profile,
    )


def _outcome(
    recipients: Iterable[Recipient], changes: Iterable[StateChange], disputes: Sequence[str], end: datetime
) -> Outcome:
    by_address: dict[str, list[StateChange]] = {}
    for change in changes:
        by_address.setdefault(change.address, []).append(change)
    outcome = Outcome(disputes=len(disputes))
    for each in recipients:
        changed = by_address.get(each.address, [])
        lost = bool(changed) and changed[-1].after is State.SUPPRESSED
        if each.dies is None:
            held = [change.until - change.at for change in changed if change.after is State.HELD and change.until]
            outcome.good_lost += lost
            outcome.good_held += bool(held)
            outcome.held_days += sum(held, timedelta()) / timedelta(days=1)
        elif each.mails and end - each.mails[0] > timedelta(weeks=2):
            outcome.dead += 1
            outcome.mails.append(len(each.mails))
            allowed = 1 + (each.profile == _KNOWN) + disputes.count(each.provider)
            outcome.over_rule += len(each.mails) > allowed
            if lost:
                outcome.found_days.append((changed[-1].at - each.mails[0]) / timedelta(days=1))
    return outcome
