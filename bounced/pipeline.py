"""The one path from a message to a commit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from bounced.core.digest import report_digest
from bounced.core.policy import Policy, decide
from bounced.core.report import parse
from bounced.core.return_path import Directory, Refused, TokenPath, unsigned_path
from bounced.core.rules import RuleSet
from bounced.core.state import AddressState, Evidence, ReportId, Transition
from bounced.core.terms import Class, Destination, Envelope, Kind, Report, ReturnPath
from bounced.core.understand import understand, worth_keeping
from bounced.ports import Committed, PathRefused, Store

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class ListSettings:
    """How one list decides.  ``shares_hard_with`` names the lists in which its hard verdicts count too."""

    policy: Policy
    trust_unsigned: bool = False
    shares_hard_with: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Takes messages from any door to a commit."""

    directory: Directory
    rules: RuleSet
    lists: Mapping[str, ListSettings]
    store: Store
    clock: Clock

    async def admit(self, forward_path: str) -> Destination:
        """Return whom a forward-path stands for.  Raises PathRefused, StoreUnavailable."""
        try:
            destination = self.directory.decode(forward_path, today=self.clock().date())
            return await self._resolve(destination) if isinstance(destination, TokenPath) else destination
        except Refused as refused:
            raise PathRefused(refused.reason, foreign=refused.foreign) from None

    async def process(self, destination: Destination, envelope: Envelope) -> Committed:
        """Read, classify, decide and commit one message.  Raises StoreUnavailable."""
        report = parse(envelope.content)
        return_path = destination if isinstance(destination, ReturnPath) else await self._returned(report)
        list_ = return_path.list if return_path else destination.list
        settings = self.lists[list_]
        evidence = understand(report, return_path, envelope, self.rules, trust_unsigned=settings.trust_unsigned)
        if worth_keeping(destination, evidence.kind, evidence.verdict):
            evidence = replace(evidence, content=envelope.content)
        path = _path(destination, return_path)
        report_id = ReportId(list_, path, report_digest(path, report.message_id, envelope.content))
        if return_path is None:
            return await self.store.commit(report_id, None, partial(_record, evidence=evidence))
        committed = await self._commit(report_id, return_path.recipient, evidence)
        for other in settings.shares_hard_with if _is_hard(evidence) else ():
            await self._commit(replace(report_id, list=other), return_path.recipient, evidence)
        return committed

    async def _commit(self, report_id: ReportId, address: str, evidence: Evidence) -> Committed:
        policy = self.lists[report_id.list].policy
        return await self.store.commit(report_id, address, partial(decide, evidence=evidence, policy=policy))

    async def _returned(self, report: Report) -> ReturnPath | None:
        """Return the return path of ours in what a complaint brought back.  (contract, section 4)"""
        today = self.clock().date()
        found = self.directory.find(report.returned_header, today) if report.kind is Kind.COMPLAINT else None
        if not isinstance(found, TokenPath):
            return found
        try:
            return await self._resolve(found, max_age_days=self.directory[found.list].inner_max_age_days)
        except Refused:
            return None

    async def _resolve(self, path: TokenPath, max_age_days: int | None = None) -> ReturnPath:
        fields = await self.store.token(path.list, path.token)
        return self.directory.resolve(path, fields, today=self.clock().date(), max_age_days=max_age_days)


def _record(state: AddressState, evidence: Evidence) -> Transition:
    """Return what follows where there is nobody whom it could follow for: the event alone."""
    return Transition(evidence, state, state, "belongs_to_nobody")


def _path(destination: Destination, return_path: ReturnPath | None) -> str:
    """Return the contract's PATH: what reports about the same mail have in common."""
    if isinstance(destination, ReturnPath):
        return destination.path
    return unsigned_path(destination.local_part, return_path.recipient if return_path else "")


def _is_hard(evidence: Evidence) -> bool:
    hard = evidence.verdict is not None and evidence.verdict.class_ is Class.HARD
    return hard and evidence.names_recipient and evidence.trusted
