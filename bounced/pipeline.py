"""The one path from a message to a commit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial

from bounced.core.contract.alarms import DEFAULT_ALARMS, AlarmRule
from bounced.core.contract.digest import report_digest, report_digests
from bounced.core.mailbox import AddressId, domain_of
from bounced.core.meaning.nobody import NOTHING_TOLD, unattributed
from bounced.core.meaning.rules import RuleSet
from bounced.core.meaning.understand import understand, worth_keeping
from bounced.core.policy import Policy, decide
from bounced.core.policy.dispute import DEFAULT_DISPUTES, DisputeRule
from bounced.core.policy.outage import DEFAULT_PROVIDERS, ProviderRule, unknown_by
from bounced.core.policy.sharing import is_same_verdict, lift_same_verdict
from bounced.core.reading.border import attempt
from bounced.core.reading.message.limits import LIGHT_WORK, MAX_WORK, ROLE_WORK, WorkSpent
from bounced.core.reading.report import parse, unread
from bounced.core.reading.report.unsubscription import at_unsubscribe_path
from bounced.core.return_path import (
    DEFAULT_MAX_AGE_DAYS,
    DEPENDS_ON_SERVER,
    BadReturnPath,
    Directory,
    TokenPath,
    likely_cause,
    unsigned_path,
)
from bounced.core.return_path.directory import MAX_FORWARD_PATH_CHARACTERS
from bounced.core.state import AddressState, Evidence, EvidenceType, ReportId, Transition
from bounced.core.terms import Class, Destination, Envelope, Kind, Report, ReturnPath
from bounced.ports import AT_ONCE, Clock, Committed, PathRefused, Store, StoreUnavailable, Turns

Suspect = Callable[[str, str], None]
NotRead = Callable[[str, Exception], None]
Found = tuple[Report, ReturnPath | TokenPath | None]
"""A report, and the return path of ours in what a complaint brought back."""


@dataclass(frozen=True, slots=True)
class ListSettings:
    """How one list decides.  ``shares_hard_with`` names the lists in which its hard verdicts count too.

    ``intake_may_release`` says whether senders may decide as operators do.  ``hooks`` names the webhooks that are sent
    its events.
    """

    policy: Policy
    disputes: DisputeRule = DEFAULT_DISPUTES
    providers: ProviderRule = DEFAULT_PROVIDERS
    alarms: AlarmRule = DEFAULT_ALARMS
    trust_unsigned: bool = False
    shares_hard_with: tuple[str, ...] = ()
    intake_may_release: bool = False
    hooks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Takes messages from any door to a commit, and what senders tell further down the same path.

    ``suspect`` hears of a list and a domain that may be wrong about its users, ``suspect_provider`` of a list and a
    provider, ``not_read`` the digest of a message that could not be read, and why.  ``turns`` says who reads next,
    where many messages come at once.
    """

    directory: Directory
    rules: RuleSet
    lists: Mapping[str, ListSettings]
    store: Store
    clock: Clock
    suspect: Suspect = lambda _list, _domain: None
    suspect_provider: Suspect = lambda _list, _provider: None
    not_read: NotRead = lambda _digest, _fault: None
    turns: Turns = AT_ONCE

    async def admit(self, forward_path: str, at: datetime | None = None) -> Destination:
        """Return whom a forward-path stands for at a time, by default now.  Raises PathRefused, StoreUnavailable."""
        today = (at or self.clock()).date()
        try:
            destination = self.directory.decode(forward_path, today=today)
            return await self._resolve(destination, today) if isinstance(destination, TokenPath) else destination
        except BadReturnPath as refused:
            reason = refused
        for_now = reason.for_now or await self._is_doubtful(reason)
        explain = partial(likely_cause, self.directory, forward_path, reason.reason)
        raise PathRefused(reason.reason, foreign=reason.foreign, for_now=for_now, issued=reason.issued, explain=explain)

    async def process(self, destination: Destination, envelope: Envelope) -> Committed:
        """Read, classify, decide and commit one message.  Raises StoreUnavailable."""
        today = envelope.received_at.date()
        report, found = await self._read(destination, envelope, today)
        return_path = await self._whose(report, found, destination.list, today)
        list_ = return_path.list if return_path else destination.list
        trust_unsigned = self.lists[list_].trust_unsigned
        report, evidence = understand(report, return_path, envelope, self.rules, trust_unsigned=trust_unsigned)
        if worth_keeping(destination, evidence.kind, evidence.verdict):
            evidence = replace(evidence, content=envelope.content)
        path = _path(destination, return_path, envelope, report.kind)
        if evidence.kind is Kind.COMPLAINT and return_path is None:
            evidence = self._of_nobody(report, evidence)
            path = _path_of_nobody(path, report, envelope)
        class_ = evidence.verdict.class_ if evidence.verdict else None
        digest, *others = report_digests(path, report.kind, class_, report.message_id, envelope.content)
        report_id = ReportId(list_, path, digest, other_digests=tuple(others), good_days=_good_days(destination))
        if report.fault:
            self.not_read(report_id.digest, report.fault)
        return await self.commit(report_id, return_path.recipient if return_path else None, evidence)

    async def commit(self, report_id: ReportId, address: str | None, evidence: Evidence) -> Committed:
        """Decide and commit one piece of evidence about an address, or record one that belongs to none.

        Raises StoreUnavailable.  The lists that share come first: what was written there is a duplicate when the
        report comes again.  An operator's release lifts the keyed hash of an erased complainer too.
        """
        if address is None:
            return await self.store.commit(report_id, None, partial(_record, evidence=evidence))
        settings = self.lists[report_id.list]
        for other in settings.shares_hard_with if _is_hard(evidence) else ():
            shared = replace(evidence, shared_from=report_id.list)
            await self._commit(replace(report_id, list=other, entry=""), address, shared)
        if evidence.follows:
            policies = {name: each.policy for name, each in self.lists.items()}
            await lift_shared(self.store, policies, report_id, address, evidence)
        if evidence.type is EvidenceType.RELEASE and (kept := await kept_hash(self.store, report_id.list, address)):
            await self._commit(replace(report_id, path="", entry=""), kept, evidence)
        committed = await self._commit(report_id, address, evidence)
        domain = domain_of(address)
        if settings.disputes.is_wave(domain, committed.wave):
            self.suspect(report_id.list, domain)
        if provider := unknown_by(evidence, domain):
            self.suspect_provider(report_id.list, provider)
        return committed

    async def path_in(self, text: str, list_: str) -> ReturnPath | None:
        """Return the return path of a list that somebody told; None where it is none, or is not good any more.

        Some services have no room for its ``@``: the local part alone is a path of the list's first domain.
        Raises StoreUnavailable.
        """
        paths, today = self.directory[list_], self.clock().date()
        text = text[:MAX_FORWARD_PATH_CHARACTERS]
        found = self.directory.find(text if "@" in text else f"{text}@{paths.domains[0]}", today)
        if isinstance(found, TokenPath):
            try:
                found = await self._resolve(found, today, paths.inner_max_age_days)
            except BadReturnPath:
                return None
        return found if found and found.list == list_ and found.signed else None

    async def _commit(self, report_id: ReportId, address: str, evidence: Evidence) -> Committed:
        policy = self.lists[report_id.list].policy
        return await self.store.commit(report_id, address, partial(decide, evidence=evidence, policy=policy))

    async def _read(self, destination: Destination, envelope: Envelope, today: date) -> Found:
        """Return what a message reports, and whose it is, when it is its turn.  Raises nothing.

        (docs/contract.md, section 4)

        Whoever has many return paths can send a message that makes much work to each, so what makes more work than a
        real bounce is read behind all others, however well its path is signed.
        """
        if not isinstance(destination, ReturnPath):
            read_role = partial(self._read_role, envelope, today)
            return await self.turns.take(destination.local_part, read_role, last=True)
        read = partial(parse, envelope.content, reverse_path=envelope.reverse_path)
        report = await self.turns.take(destination.path, partial(read, work=LIGHT_WORK))
        if isinstance(report.fault, WorkSpent):
            report = await self.turns.take(destination.path, partial(read, work=MAX_WORK), last=True)
        if destination.unsubscribes:
            report = at_unsubscribe_path(report, envelope.reverse_path)
        return report, destination

    def _read_role(self, envelope: Envelope, today: date) -> Found:
        """Return what a message to a role address reports, and for a complaint, whose path it brings back."""
        report = parse(envelope.content, work=ROLE_WORK, reverse_path=envelope.reverse_path)
        if report.kind is not Kind.COMPLAINT:
            return report, None
        return attempt(lambda: (report, self.directory.find(report.traces, today)), lambda fault: (unread(fault), None))

    async def _whose(
        self, report: Report, found: ReturnPath | TokenPath | None, list_: str, today: date
    ) -> ReturnPath | None:
        """Return the return path that a report is about; of one that a complaint brought back, what was registered.

        Raises StoreUnavailable where there seems to be none and the server may be wrong about it.
        """
        if isinstance(found, ReturnPath):
            return found
        if report.kind is not Kind.COMPLAINT:
            return None
        if found is not None:
            try:
                return await self._resolve(found, today, self.directory[found.list].inner_max_age_days)
            except BadReturnPath:
                pass
        if doubt := await self.store.doubt(found.list if found else list_, self.clock()):
            raise StoreUnavailable(doubt)
        return None

    def _of_nobody(self, report: Report, evidence: Evidence) -> Evidence:
        """Return a complaint that names nobody with what is kept of it, and without what is not."""
        nobody = attempt(lambda: unattributed(report, evidence.verdict), lambda _fault: NOTHING_TOLD)
        if nobody is None:
            return evidence
        kept = all(self.store.keyspace(list_).pepper is None for list_ in self.lists)
        mta = nobody.fields.get("reporting_mta", "")
        return replace(evidence, unattributed=nobody._replace(kept=kept), reporting_mta=mta)

    async def _is_doubtful(self, refused: BadReturnPath) -> bool:
        """Whether a path that seems spent or unknown may be good: the clocks disagree, or the server is another one."""
        if refused.reason not in DEPENDS_ON_SERVER:
            return False
        return bool(await self.store.doubt(refused.list, self.clock()))

    async def _resolve(self, path: TokenPath, today: date, max_age_days: int | None = None) -> ReturnPath:
        fields = await self.store.token(path.list, path.token)
        return self.directory.resolve(path, fields, today=today, max_age_days=max_age_days)


async def kept_hash(store: Store, list_: str, address: str) -> AddressId | None:
    """Return the hash that was kept of a complainer who was erased, while it is on the suppression list; else None.

    Raises StoreUnavailable.
    """
    keys = store.keyspace(list_)
    hash_ = keys.erased_id(address)
    if hash_ is None or hash_ == keys.address_id(address):
        return None
    return hash_ if (await store.load(list_, hash_)).state.on_suppression_list else None


async def lift_shared(
    store: Store, policies: Mapping[str, Policy], report_id: ReportId, address: str, evidence: Evidence
) -> dict[str, Transition]:
    """Lift the hard verdict that an address's list shares with others there too; return what changed, by list.

    The list's own state says where its verdict came from, so this comes before that is lifted.  What a person said in
    another list stays.  Raises StoreUnavailable.
    """
    own, told = await store.load(report_id.list, address), replace(evidence, shared_from=report_id.list)
    lifted: dict[str, Transition] = {}
    for name, policy in policies.items():
        if name == report_id.list or not is_same_verdict(name, await store.load(name, address), report_id.list, own):
            continue
        lift = partial(lift_same_verdict, evidence=told, policy=policy, name=name, own_name=report_id.list, own=own)
        transition = (await store.commit(replace(report_id, list=name, entry=""), address, lift)).transition
        if transition is not None and transition.changed:
            lifted[name] = transition
    return lifted


def _record(state: AddressState, evidence: Evidence) -> Transition:
    """Return what follows where there is nobody whom it could follow for: the event alone."""
    return Transition(evidence, state, state, "belongs_to_nobody")


def _path(destination: Destination, return_path: ReturnPath | None, envelope: Envelope, kind: Kind) -> str:
    """Return the contract's PATH: what reports about the same mail have in common.

    An unsigned path is the same for all mail to an address: the week in which a report came stands for that of the
    mail, lest years of automatic answers use up the reports that are taken for a path.  It does so too for what comes
    to an unsubscribe path and asks for nothing.  Reports that belong to nobody
    have the day in common, so that only so many of them are taken in a day.
    """
    if isinstance(destination, ReturnPath):
        if destination.signed and not (destination.unsubscribes and kind is Kind.OTHER):
            return destination.path
        return unsigned_path(destination.path, f"{envelope.received_at:%G-W%V}")
    found = return_path.recipient if return_path else envelope.received_at.date().isoformat()
    return unsigned_path(destination.local_part, found)


def _path_of_nobody(path: str, report: Report, envelope: Envelope) -> str:
    """Return one of 256 PATHs of a day for complaints that name nobody: so up to 5,120 of them are counted in a day.

    The same complaint has the same PATH each time it comes.
    """
    return unsigned_path(path, report_digest(path, report.kind, report.message_id, envelope.content)[:2])


def _good_days(destination: Destination) -> int:
    """Return for how many days mail to a destination is taken; what has no end takes a new PATH in time."""
    return destination.good_days if isinstance(destination, ReturnPath) else DEFAULT_MAX_AGE_DAYS


def _is_hard(evidence: Evidence) -> bool:
    hard = evidence.verdict is not None and evidence.verdict.class_ is Class.HARD
    return hard and evidence.names_recipient and evidence.trusted
