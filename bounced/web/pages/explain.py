"""What a bounce or a bare reply means, for whoever drops or pastes one: it is read, and nothing of it is kept."""

import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.responses import Response

from bounced.core.contract.event_words import WHY
from bounced.core.limits import MAX_CONTENT_BYTES
from bounced.core.meaning.account import Account, Fate
from bounced.core.meaning.bare import Command, Known
from bounced.core.meaning.in_words import (
    codes,
    consequence,
    fitting,
    outcome,
    told_readings,
    unproven,
    verdict_in_words,
    voice,
    whose,
    without_words,
)
from bounced.core.policy import Policy
from bounced.core.policy.course import MOST_DAYS, Step, course
from bounced.core.reading.message.limits import LIGHT_WORK
from bounced.core.reading.report.origin import ReversePath
from bounced.core.state import Evidence, EvidenceType
from bounced.core.terms import Kind, Origin, PerRecipientFields, Report, State
from bounced.explain import ExplainedRecipient, Explanation, explain_reply, return_path_in, statements
from bounced.explain import explain as explain_message
from bounced.web.desk import Settings
from bounced.web.pages.deciding import old_form
from bounced.web.pages.layout import Visit, page, rendered
from bounced.web.pages.view import View
from bounced.web.people.asking import is_own
from bounced.web.problems import Problem

MESSAGE_COST, REPLY_COST, RATE = 10, 1, 10
"""What a message and a reply cost of what one person may have read in a second."""
MAX_FIELDS = 10
MOST_SHOWN_AGAIN = 4000
"""How long a pasted text may be that stands in the form again."""
MESSAGE, REPLY = "message", "reply"
_REPLY = re.compile(rb"\s*[2-5]\d\d[ -]")
_HEADER = re.compile(rb"\s*(?:From |[!-9;-~]{1,80}[ \t]*:)")


@dataclass(frozen=True, slots=True)
class Told:
    """A row that fits a statement, and what came of it."""

    fits: str
    outcome: str
    counts: bool


@dataclass(frozen=True, slots=True)
class Said:
    """One statement: whose it is, its words, and the rows that fit them."""

    voice: str
    text: str
    counts: bool
    rows: Sequence[Told]


@dataclass(frozen=True, slots=True)
class About:
    """What a message or a reply says of one recipient.  ``by`` is what the verdict was reached by without words."""

    whom: str
    class_: str
    verdict: str
    consequence: str
    codes: str
    diagnostic: str
    by: str
    said: Sequence[Said]
    would: Sequence[str]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What somebody's text means, for people."""

    heading: str
    lines: Sequence[str]
    about: Sequence[About]


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody gave to be read."""

    content: bytes
    fields: dict[str, str]

    @property
    def is_reply(self) -> bool:
        """Whether it is a bare reply, as somebody says or as it looks."""
        said = self.fields.get("as", "")
        if said in (MESSAGE, REPLY):
            return said == REPLY
        return bool(_REPLY.match(self.content)) or not _HEADER.match(self.content)


@page()
async def explain(visit: Visit) -> Response:
    """Ask for a message or a reply."""
    return _shown(visit, {})


@page()
async def explained(visit: Visit) -> Response:
    """Say what it means, and what the policy of a list would do."""
    given = await _given(visit)
    list_ = given.fields.get("list", visit.view.list_)
    if list_ in visit.view.lists:
        visit = replace(visit, view=replace(visit.view, list_=list_))
    if not given.content.strip():
        return _shown(visit, given.fields, fault="Paste a message or a reply, or choose a file.")
    try:
        known = _known(given.fields)
    except ValueError as error:
        return _shown(visit, given.fields, fault=str(error))
    desk, present = visit.desk, visit.desk.present
    _pay(visit, REPLY_COST if given.is_reply else MESSAGE_COST)
    read = _reply if given.is_reply else _message
    reading = partial(read, visit, present, given.content[:MAX_CONTENT_BYTES], known)
    return _shown(visit, given.fields, await desk.reading(_whose(visit), reading))


def _shown(visit: Visit, fields: dict[str, str], meaning: Meaning | None = None, fault: str = "") -> Response:
    again = fields.get("text", "")
    return rendered(
        visit,
        "explain.html",
        HTTPStatus.BAD_REQUEST if fault else HTTPStatus.OK,
        here="explain",
        asked=fields,
        text=again if len(again) <= MOST_SHOWN_AGAIN and _is_plain(again) else "",
        meaning=meaning,
        fault=fault,
        commands=tuple(Command),
    )


def _is_plain(text: str) -> bool:
    """Whether a text holds no control character, and nothing that turns the direction."""
    return all(each.isprintable() or each in "\r\n\t" for each in text)


def _whose(visit: Visit) -> str:
    """Return the name under which a person's reading is limited; no token has a blank in its name."""
    return f"person {visit.person.name}"


def _pay(visit: Visit, cost: int) -> None:
    wait_s = visit.desk.rates.wait_s(_whose(visit), RATE, cost)
    if wait_s:
        headers = {"retry-after": str(max(1, round(wait_s + 0.5)))}
        detail = "You have had much read in a short time. Wait a few seconds."
        raise Problem(HTTPStatus.TOO_MANY_REQUESTS, "too-many-requests", detail, headers=headers)


async def _given(visit: Visit) -> Given:
    """Return what the form has.  It stays in memory.  Raises Problem."""
    request, most = visit.request, visit.desk.present.listener.max_body_bytes
    body = await request.body()

    async def once() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(request.headers, once(), max_files=1, max_fields=MAX_FIELDS, max_part_size=most)
    parser.spool_max_size = most + 1
    try:
        form = await parser.parse()
    except (MultiPartException, ValueError, KeyError):
        raise old_form() from None
    try:
        fields = {name: value for name, value in form.multi_items() if isinstance(value, str)}
        file = form.get("file")
        content = await file.read() if isinstance(file, UploadFile) else b""
    finally:
        await form.close()
    if not is_own(request, fields.get("form", ""), visit.person.secret):
        raise old_form()
    return Given(content or fields.get("text", "").encode("utf-8", "replace"), fields)


def _known(fields: dict[str, str]) -> Known:
    """Return what is known of a reply beside its words.  Raises ValueError."""
    about, sender, server, stage = (fields.get(name, "").strip() for name in ("about", "sender", "server", "stage"))
    return Known.of(about, [sender] if sender else [], server, stage)


def _message(visit: Visit, present: Settings, content: bytes, _known: Known) -> Meaning:
    rules = present.pipeline.rules
    explanation = explain_message(content, rules, work=LIGHT_WORK)
    report = explanation.report
    heading = [str(report.kind).replace("_", " "), f"read as {report.reader}"]
    heading += [f"reported by {report.reporting_mta}"] if report.reporting_mta else []
    path = return_path_in(content, report, present.pipeline.directory, visit.view.now.date())
    lines = [whose(path, report, None)] if path else ["no return path of ours stands in it"]
    if report.kind is Kind.UNPROVEN:
        lines += unproven(report, ReversePath.UNKNOWN)
        lines.append("it changes nothing: it may be a person's")
    if report.kind is Kind.OTHER:
        lines.append("it is no report, so it changes nothing")
    return Meaning(", ".join(heading), lines, _about(visit, present, explanation))


def _reply(visit: Visit, present: Settings, content: bytes, known: Known) -> Meaning:
    reply = content.decode("utf-8", "replace")
    explanation = explain_reply(reply, present.pipeline.rules, known)
    return Meaning("a bare reply", [], _about(visit, present, explanation))


def _about(visit: Visit, present: Settings, explanation: Explanation) -> list[About]:
    findings = explanation.findings
    if not findings and explanation.unnamed and explanation.kind not in (Kind.UNPROVEN, Kind.OTHER):
        findings = (ExplainedRecipient(PerRecipientFields(), explanation.unnamed),)
    return [_of(visit, present, each, explanation.report) for each in findings]


def _of(visit: Visit, present: Settings, finding: ExplainedRecipient, report: Report) -> About:
    verdict, view = finding.verdict, visit.view
    said = statements(finding, report, present.pipeline.rules)
    policy = present.pipeline.lists[view.list_].policy
    return About(
        whom=finding.address or "",
        class_=verdict.class_,
        verdict=verdict_in_words(verdict).replace("_", " "),
        consequence=consequence(verdict),
        codes=", ".join(codes(verdict)),
        diagnostic="" if said else verdict.diagnostic or "",
        by="" if any(each.counted for each in said) else without_words(verdict),
        said=[_said(each) for each in said],
        would=_would(_evidence(visit, finding, report), policy, view),
    )


def _said(said: Account) -> Said:
    rows = [Told(fitting(each, said), outcome(each, said), each.fate is Fate.COUNTED) for each in told_readings(said)]
    return Said(voice(said), said.text, said.counted, rows)


def _evidence(visit: Visit, finding: ExplainedRecipient, report: Report) -> Evidence:
    """Return what would be decided upon, if this came now to a signed return path of the recipient."""
    return Evidence(
        EvidenceType.REPORT,
        visit.view.now.replace(microsecond=0),
        Origin.SMTP,
        kind=report.kind,
        verdict=finding.verdict,
        reporting_mta=report.reporting_mta or "",
        names_recipient=finding.fields != PerRecipientFields(),
    )


def _would(evidence: Evidence, policy: Policy, view: View) -> list[str]:
    """Return what the policy would do, a sentence for each change of the state."""
    first, *later = course(evidence, policy)
    told = [f"The first one: {_step(first, view)}"]
    told += [f"One every day, on day {step.day}: {_step(step, view)}" for step in later]
    last = (later or [first])[-1].transition.after.state
    if last in (State.BOUNCING, State.HELD):
        told.append(f"One every day for {MOST_DAYS} days does no more than that.")
    return told


def _step(step: Step, view: View) -> str:
    before, after, reason = step.transition.before, step.transition.after, step.transition.reason
    if step.transition.idle or before.state is after.state:
        became = f"the address stays {after.state}"
    else:
        became = f"the address becomes {after.state}"
    until = f" until {view.shown(after.until)} {view.zone}" if after.until else ""
    return f"{became}{until}{f'; {WHY[reason]}' if reason in WHY else ''}."
