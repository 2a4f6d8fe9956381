"""What a form that changes something must have: our own token, the right to write, and a reason."""

from collections.abc import Mapping
from http import HTTPStatus

from bounced.web.pages.layout import Visit
from bounced.web.people.asking import own_form
from bounced.web.problems import Problem, bad_request

MOST_REASON_CHARS = 200


async def written(visit: Visit) -> dict[str, str]:
    """Return the fields of a form of ours by which somebody may change something.  Raises Problem."""
    fields = await own_form(visit.request, visit.person.secret)
    if not fields:
        raise old_form()
    if not visit.may_write:
        raise Problem(HTTPStatus.FORBIDDEN, "forbidden", "Nothing is written here: web.private.writes is false.")
    return fields


def old_form() -> Problem:
    """Return what to raise for a form that is not ours."""
    detail = "This form is too old, or it was made elsewhere. Nothing was done."
    return Problem(HTTPStatus.FORBIDDEN, "old-form", detail)


def reason_in(fields: Mapping[str, str]) -> str:
    """Return the reason that somebody gives.  Raises Problem."""
    reason = fields.get("reason", "").strip()
    if not reason or len(reason) > MOST_REASON_CHARS:
        raise bad_request("bad-reason", f"A reason has 1 to {MOST_REASON_CHARS} characters. Nothing was done.")
    return reason
