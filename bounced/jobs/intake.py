"""What senders tell is read from the intake stream and takes the same path as a report.

(docs/contract.md, section 2)
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from operator import attrgetter
from time import monotonic

import structlog

from bounced.core.contract.digest import event_digest
from bounced.core.contract.intake import NotUnderstood, Told, understand_entry
from bounced.core.contract.keys import Keyspace
from bounced.core.meaning.bare import Known
from bounced.core.meaning.classify import classify_reply
from bounced.core.return_path import ReturnPaths
from bounced.core.state import EvidenceType, ReportId
from bounced.core.terms import Verdict
from bounced.edges.watch.log import Event
from bounced.jobs.rounds import one_by_one, together
from bounced.pipeline import Pipeline
from bounced.ports import Intake, IntakeEntry, StoreUnavailable, WrongTypeOfAddress

LOG = structlog.get_logger()

BATCH = 100
FIRST_PAUSE_S = 0.02
LAST_PAUSE_S = 0.5
TAKE_OVER_EVERY_S = 15.0
ABANDONED_AFTER_S = 15.0
"""An entry that a consumer has had for so long without a commit is somebody else's to try."""


_ABOUT_A_MESSAGE = (EvidenceType.REJECTED, EvidenceType.COMPLAINED, EvidenceType.UNSUBSCRIBED)


@dataclass(frozen=True, slots=True)
class _Understood:
    entry: IntakeEntry
    told: Told

    @property
    def subject(self) -> str:
        """The address, whose entries keep their order; an entry about no address is its own subject."""
        return self.told.address or self.entry.id


def _report_id(keys: Keyspace, list_: str, each: _Understood) -> ReportId:
    """Return which report an entry is: that of its event, where somebody named one, else that of the entry.

    Many services name a message or a call, which has several events and recipients: none of these hides another.
    What is told about one message under its return path has the PATH of the bounce that says the same.  Of what may be
    told very often, such as clicks, no event may use up the reports that are taken for a path.
    """
    entry, told = each.entry.id, each.told
    of_mail = told.return_path if told.evidence.type in _ABOUT_A_MESSAGE else None
    digest, path = entry, ""
    if told.id:
        digest = event_digest(told.id, told.evidence.type, keys.address_id(told.address) if told.address else "")
        path = f"event-{digest[:32]}"
    if of_mail:
        return ReportId(list_, of_mail.path, digest, entry=entry, good_days=of_mail.good_days)
    return ReportId(list_, path, digest, entry=entry)


class IntakeReader:
    """Reads batches, the entries of one address in the order of their time.

    The commit acknowledges and deletes the entry.  An entry that is not committed comes again, here or at another
    worker.  An entry that cannot be understood, or that raises an unforeseen error, is set aside for an operator and
    stops none of the others; ``failed`` hears of its list.
    """

    name = "intake"

    def __init__(
        self, present: Callable[[], Pipeline], entries: Intake, failed: Callable[[str], None] = lambda _list: None
    ) -> None:
        self._present = present
        self._failed = failed
        self._entries = entries
        self._pause_s = FIRST_PAUSE_S
        self._took_over_at = monotonic()

    async def round(self) -> float:
        """Take in a batch of each list; come back soon after something came, more and more slowly otherwise.

        One list that fails does not stop the others.
        """
        pipeline, read = self._present(), Counter[str]()
        take_over = monotonic() - self._took_over_at >= TAKE_OVER_EVERY_S
        batches = [self._next(pipeline, list_, read) for list_ in pipeline.lists]
        await together([*batches, *([self.take_over()] if take_over else [])])
        if max(read.values(), default=0) == BATCH:
            return 0.0
        self._pause_s = FIRST_PAUSE_S if read.total() else min(self._pause_s * 2, LAST_PAUSE_S)
        return self._pause_s

    async def take_over(self, idle_s: float = ABANDONED_AFTER_S) -> None:
        """Take in what some consumer began and did not finish."""
        self._took_over_at = monotonic()
        pipeline = self._present()
        await together(self._abandoned(pipeline, list_, idle_s) for list_ in pipeline.lists)

    async def _next(self, pipeline: Pipeline, list_: str, read: Counter[str]) -> None:
        entries = await self._entries.next_entries(list_, BATCH)
        read[list_] = len(entries)
        await self._take_in(pipeline, list_, entries)

    async def _abandoned(self, pipeline: Pipeline, list_: str, idle_s: float) -> None:
        await self._take_in(pipeline, list_, await self._entries.abandoned(list_, idle_s, BATCH))

    async def _take_in(self, pipeline: Pipeline, list_: str, entries: Sequence[IntakeEntry]) -> None:
        understood: list[_Understood] = []
        reading = (self._understand(pipeline, list_, entry, understood) for entry in entries)
        steps = (partial(one_by_one, reading), partial(self._commit_all, pipeline, list_, understood))
        await one_by_one(step() for step in steps)

    async def _commit_all(self, pipeline: Pipeline, list_: str, understood: list[_Understood]) -> None:
        understood.sort(key=lambda each: (each.subject, each.told.evidence.at))
        by_subject = [list(group) for _, group in groupby(understood, key=attrgetter("subject"))]
        await together(self._commit(pipeline, list_, group) for group in by_subject)

    async def _understand(
        self, pipeline: Pipeline, list_: str, entry: IntakeEntry, understood: list[_Understood]
    ) -> None:
        def classify(reply: str, known: Known) -> Verdict:
            return classify_reply(reply, pipeline.rules, known)

        paths, may_release = pipeline.directory[list_], pipeline.lists[list_].intake_may_release
        try:
            named = entry.fields.get("return_path")
            told = understand_entry(
                entry.fields,
                classify,
                pipeline.clock(),
                entry_id=entry.id,
                fold_local_part=paths.fold_local_part,
                may_release=may_release,
                return_path=await pipeline.path_in(named, list_) if named else None,
            )
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - one entry must not stop the others
            await self._set_aside(list_, entry, error)
        else:
            understood.append(_Understood(entry, _named(told, paths)))

    async def _commit(self, pipeline: Pipeline, list_: str, entries: Sequence[_Understood]) -> None:
        for each in entries:
            report_id = _report_id(pipeline.store.keyspace(list_), list_, each)
            try:
                await pipeline.commit(report_id, each.told.address, each.told.evidence)
            except WrongTypeOfAddress as error:  # the same each time, and of no concern to other entries
                await self._set_aside(list_, each.entry, error)
            except StoreUnavailable:
                raise
            except Exception as error:  # noqa: BLE001 - likewise; set_aside does nothing where the entry was committed
                await self._set_aside(list_, each.entry, error)

    async def _set_aside(self, list_: str, entry: IntakeEntry, error: Exception) -> None:
        foreseen = isinstance(error, NotUnderstood)
        said = str(error) if foreseen else f"{type(error).__name__}: {error}"
        await self._entries.set_aside(list_, entry, said)
        self._failed(list_)
        if foreseen:
            LOG.warning(Event.INTAKE_FAILED, list=list_, entry=entry.id, error=said)
        else:
            LOG.error(Event.INTAKE_FAILED, list=list_, entry=entry.id, exc_info=error)


def _named(told: Told, paths: ReturnPaths) -> Told:
    """Return what an entry says under the name of its campaign, as a bounce has it: senders may know the tag only."""
    return replace(told, evidence=replace(told.evidence, campaign=paths.campaign(told.evidence.campaign)))
