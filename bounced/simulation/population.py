"""An invented mailing list: its members, which mailboxes die or are full, and whose gateway bounces by mistake."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random
from typing import TypeVar

from bounced.core.policy.dispute import is_known
from bounced.core.terms import Category, Engagement, OptIn, Profile

T = TypeVar("T")

SHARED_DOMAIN = "mailbox.example"
"""The invented provider where half of the list has its mailboxes."""

COMPANY_SIZE = 12
REMEMBERED = timedelta(days=180)
STAFF = 5
"""How many at each company are known to read their mail all the time: enough for a wave to be seen."""

MAIL_EVERY = timedelta(days=7)

_STAFF = Profile(OptIn.CONFIRMED, Engagement.ACTIVE)
_PROFILES = (
    (Profile(OptIn.CONFIRMED, Engagement.ACTIVE), 30),
    (Profile(OptIn.SINGLE, Engagement.ACTIVE), 25),
    (Profile(OptIn.CONFIRMED, Engagement.INACTIVE), 15),
    (Profile(OptIn.SINGLE, Engagement.UNKNOWN), 20),
    (Profile(OptIn.IMPORTED, Engagement.UNKNOWN), 10),
)


class Fate(StrEnum):
    """What becomes of a mailbox."""

    LIVES = "lives"
    GONE = "gone"
    DOMAIN_GONE = "domain gone"
    ABANDONED = "abandoned, full for ever"
    DISABLED = "disabled"
    UNREACHABLE = "unreachable"


_CATEGORY_OF = {
    Fate.GONE: Category.MAILBOX_UNKNOWN,
    Fate.DOMAIN_GONE: Category.DOMAIN_INVALID,
    Fate.ABANDONED: Category.MAILBOX_FULL,
    Fate.DISABLED: Category.MAILBOX_INACTIVE,
    Fate.UNREACHABLE: Category.NETWORK,
}
_FATES = (
    (Fate.LIVES, 82),
    (Fate.GONE, 9),
    (Fate.DOMAIN_GONE, 2),
    (Fate.ABANDONED, 3),
    (Fate.DISABLED, 2),
    (Fate.UNREACHABLE, 2),
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A period in which mail to somebody fails, and the failure."""

    begin: datetime
    end: datetime
    category: Category
    names_recipient: bool = True


@dataclass(frozen=True, slots=True)
class Member:
    """One recipient.  ``dies`` is when its fate begins; None if the mailbox works to the end."""

    address: str
    profile: Profile
    fate: Fate
    dies: datetime | None
    troubles: tuple[Trouble, ...]

    @property
    def good(self) -> bool:
        """Whether the sender knows that somebody is there."""
        return is_known(self.profile)

    def profile_at(self, moment: datetime) -> Profile:
        """Return what the sender knows at a time: a dead recipient is inactive after half a year."""
        if self.dies is not None and moment - self.dies > REMEMBERED and self.profile.engagement is Engagement.ACTIVE:
            return Profile(self.profile.opt_in, Engagement.INACTIVE)
        return self.profile

    def trouble_at(self, moment: datetime) -> Trouble | None:
        """Return the trouble of mail that is sent at a moment, or None where it is delivered."""
        if self.dies is not None and moment >= self.dies:
            return Trouble(self.dies, moment, _CATEGORY_OF[self.fate])
        return next((trouble for trouble in self.troubles if trouble.begin <= moment < trouble.end), None)


def populate(seed: int, members: int, begin: datetime, days: int) -> tuple[Member, ...]:
    """Return so many members and what happens to each from ``begin`` on: half with a provider, half in companies."""
    chance = Random(seed)  # noqa: S311 - the same for one seed, and no secret
    lies = [_lies(chance, begin, days) for _ in range(members // (2 * COMPANY_SIZE) + 1)]
    people = []
    for number in range(members):
        company, seat = divmod(number // 2, COMPANY_SIZE)
        if number % 2:
            people.append(_member(f"person-{number}@{SHARED_DOMAIN}", chance, begin, days, ()))
        elif seat < STAFF:
            people.append(Member(f"staff-{number}@company-{company}.example", _STAFF, Fate.LIVES, None, lies[company]))
        else:
            people.append(_member(f"worker-{number}@company-{company}.example", chance, begin, days, lies[company]))
    return tuple(people)


def _member(address: str, chance: Random, begin: datetime, days: int, lies: tuple[Trouble, ...]) -> Member:
    profile, fate = _choose(chance, _PROFILES), _choose(chance, _FATES)
    if fate is not Fate.LIVES:
        dies = begin + timedelta(days=chance.uniform(0, days * 0.8))
        return Member(address, profile, fate, dies, tuple(lie for lie in lies if lie.end < dies))
    return Member(address, profile, fate, None, (*lies, *_troubles(chance, begin, days)))


def _lies(chance: Random, begin: datetime, days: int) -> tuple[Trouble, ...]:
    """Return when a company's gateway takes the mailing for spam and calls everybody unknown: a few times a year."""
    mailings = chance.sample(range(days // MAIL_EVERY.days), k=min(3, days // 180))
    moments = [begin + MAIL_EVERY * mailing for mailing in mailings]
    return tuple(Trouble(at, at + timedelta(hours=3), Category.MAILBOX_UNKNOWN) for at in moments)


def _troubles(chance: Random, begin: datetime, days: int) -> list[Trouble]:
    """Return the troubles of a mailbox that works: full for a while, bad routes, blocks, a colleague who left."""
    troubles = []
    for category, share, shortest, longest in (
        (Category.MAILBOX_FULL, 0.15, 7, 56),
        (Category.NETWORK, 0.10, 1, 20),
        (Category.SPAM_CONTENT, 0.30, 1, 30),
        (Category.UNDETERMINED, 0.10, 1, 14),
        (Category.GREYLISTED, 0.20, 1, 14),
        (Category.MAILBOX_FULL, 0.05, 7, 56),
    ):
        if chance.random() < share:
            at = begin + timedelta(days=chance.uniform(0, days))
            troubles.append(Trouble(at, at + timedelta(days=chance.uniform(shortest, longest)), category))
    if chance.random() < 0.02:  # noqa: PLR2004 - one in fifty is a team
        left = begin + timedelta(days=chance.uniform(0, days))
        troubles.append(Trouble(left, begin + timedelta(days=days), Category.MAILBOX_UNKNOWN, names_recipient=False))
    return troubles


def _choose(chance: Random, weighted: Sequence[tuple[T, int]]) -> T:
    return chance.choices([value for value, _ in weighted], [weight for _, weight in weighted])[0]
