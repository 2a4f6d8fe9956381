"""What somebody decides about one address: committed before the answer, with the token's name as the actor."""

import json

from starlette.requests import Request
from starlette.responses import Response

from bounced.core.state import Evidence, EvidenceType, ReportId
from bounced.core.terms import Origin
from bounced.ports import Committed
from bounced.web.api.asking import Asker, admitted, answer, body_of
from bounced.web.api.models import DecisionRequest
from bounced.web.api.repeating import REPLAYED, Repeated, keep_answer, kept_answer, repeated
from bounced.web.json import dumped
from bounced.web.tokens import Right

REMEMBERED_DAYS = 1
"""For how long a commit under an Idempotency-Key is good; the store adds some days."""


async def suppress(request: Request) -> Response:
    """Suppress an address until an operator releases it."""
    return await _decide(request, EvidenceType.SUPPRESS)


async def release(request: Request) -> Response:
    """Take an address off the list, whatever put it there."""
    return await _decide(request, EvidenceType.RELEASE)


async def subscribed(request: Request) -> Response:
    """Tell of a confirmed opt-in, which lifts bounces and an unsubscription."""
    return await _decide(request, EvidenceType.SUBSCRIBED)


async def _decide(request: Request, type_: EvidenceType) -> Response:
    asker = admitted(request, Right.WRITE)
    asked = await body_of(request, DecisionRequest)
    address = request.state.address = asker.normalised(asked.address)
    key = repeated(request, asker, {"address": address, "reason": asked.reason})
    if key and (told := await kept_answer(asker, key)):
        return answer({"address": address, **json.loads(told)}, REPLAYED)
    came = await _committed(asker, address, _evidence(asker, type_, asked.reason), key)
    if key:
        await keep_answer(asker, key, dumped(came).decode())  # without the address: some lists keep none
    return answer({"address": address, **came})


def _evidence(asker: Asker, type_: EvidenceType, reason: str) -> Evidence:
    at = asker.desk.clock().replace(microsecond=0)
    return Evidence(type_, at, Origin.OPERATOR, note=reason, actor=asker.token.name)


async def _committed(asker: Asker, address: str, evidence: Evidence, key: Repeated | None) -> dict[str, object]:
    list_, pipeline = asker.list_.name, asker.desk.present.pipeline
    digest = f"{evidence.type} {address} {evidence.at.isoformat()} {asker.token.name}"
    report_id = (
        ReportId(list_, key.path, key.fingerprint, good_days=REMEMBERED_DAYS) if key else ReportId(list_, "", digest)
    )
    committed = await pipeline.commit(report_id, address, evidence)
    return {"event_id": committed.event_id, **await _came_of(asker, address, committed)}


async def _came_of(asker: Asker, address: str, committed: Committed) -> dict[str, object]:
    """Return what a commit changed; of a duplicate, how the address stands."""
    transition = committed.transition
    if transition is None:
        state = (await asker.desk.store.load(asker.list_.name, address)).state
        return {"before": state, "after": state, "reason": "duplicate", "changed": False}
    before, after = transition.before.state, transition.after.state
    return {"before": before, "after": after, "reason": transition.reason, "changed": transition.changed}
