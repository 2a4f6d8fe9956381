"""The suppression list, page by page, as `bounced export` writes it."""

from starlette.requests import Request
from starlette.responses import Response

from bounced.core.exchange import COLUMNS, exported
from bounced.core.selection import Selection
from bounced.edges.redis.bulk import FIRST, suppressed_page
from bounced.web.api.asking import admitted, answer, query_of
from bounced.web.api.models import SuppressedQuery
from bounced.web.problems import bad_request
from bounced.web.tokens import Right

LAST_CURSOR = 2**64 - 1
"""Redis takes no larger one."""
ROWS_A_UNIT = 100
"""As many addresses of a page cost as much as one further request."""


async def suppressed(request: Request) -> Response:
    """Give one page of the list.  An address that comes or goes meanwhile may be there, or not, or twice."""
    asker = admitted(request, Right.READ)
    asked = query_of(request, SuppressedQuery)
    if int(asked.cursor or FIRST) > LAST_CURSOR:
        raise bad_request("bad-cursor", "cursor is what an answer gave as next.")
    asker.pays(asked.limit // ROWS_A_UNIT)
    selection = Selection(since=asked.since, category=asked.category)
    page, cursor = await suppressed_page(asker.desk.store, asker.list_.keys, asked.cursor or FIRST, asked.limit)
    rows = [dict(zip(COLUMNS, exported(id_, held), strict=True)) for id_, held in page if selection.fits(id_, held)]
    return answer({"addresses": rows, "next": None if cursor == FIRST else cursor})
