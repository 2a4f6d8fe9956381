"""What messages and bare replies mean; touches nothing."""

from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from bounced.core.limits import MAX_CONTENT_BYTES
from bounced.core.meaning.bare import Known
from bounced.core.meaning.rules import RuleSet
from bounced.core.reading.message.limits import LIGHT_WORK
from bounced.explain import as_json, explain_reply, reply_as_json
from bounced.explain import explain as explained
from bounced.web.api.asking import answer, body_of, check_content_type, paid, token_of
from bounced.web.api.models import ClassifyRequest, Reply
from bounced.web.desk import desk_of
from bounced.web.problems import bad_request

MESSAGE_COST = 10
"""A message costs as much as so many requests."""
REPLIES_A_UNIT = 10
MESSAGE_TYPES = ("message/rfc822", "application/octet-stream", "text/plain")


async def explain(request: Request) -> Response:
    """Say what a message means.  It is read with as little work as a real bounce takes."""
    token, desk = token_of(request), desk_of(request)
    check_content_type(request.headers, *MESSAGE_TYPES)
    paid(desk, token, MESSAGE_COST)
    content = await request.body()
    if not content:
        raise bad_request("bad-request", "Send a message as the body.")
    rules = desk.present.pipeline.rules
    return answer(await desk.reading(token.name, partial(_explained, content[:MAX_CONTENT_BYTES], rules)))


async def classify(request: Request) -> Response:
    """Say what bare SMTP replies mean."""
    token, desk = token_of(request), desk_of(request)
    paid(desk, token, 1)
    asked = await body_of(request, ClassifyRequest)
    paid(desk, token, len(asked.replies) // REPLIES_A_UNIT)
    known = [_known(place, each) for place, each in enumerate(asked.replies)]
    rules = desk.present.pipeline.rules
    pairs = [(each.reply, beside) for each, beside in zip(asked.replies, known, strict=True)]
    return answer({"replies": await desk.reading(token.name, partial(_classified, pairs, rules))})


def _explained(content: bytes, rules: RuleSet) -> dict[str, Any]:
    told = as_json("", explained(content, rules, work=LIGHT_WORK), rule_set=rules)
    return {name: value for name, value in told.items() if name not in ("file", "return_path")}


def _classified(pairs: list[tuple[str, Known]], rules: RuleSet) -> list[Any]:
    return [reply_as_json(reply, explain_reply(reply, rules, known), rules) for reply, known in pairs]


def _known(place: int, reply: Reply) -> Known:
    try:
        return Known.of(reply.about or "", reply.sender, reply.server or "", reply.stage or "")
    except ValueError as error:
        raise bad_request("bad-request", f"replies.{place}: {error}") from error
