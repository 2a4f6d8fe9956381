"""Where somebody reads on among the events, as a text that the API and the pages give and take."""

import re

from bounced.edges.redis.event_streams import BEGINNING, EMPTY, LAST_NUMBER, OVER, Position, behind
from bounced.web.problems import bad_request

_CURSOR = re.compile(r"([0-9]{1,20}-[0-9]{1,20})\.([0-9]{1,20}-[0-9]{1,20})")


def position_of(cursor: str, named: str) -> Position:
    """Return the position behind the events that a cursor names.  Raises Problem, which says where it is ``named``."""
    found = _CURSOR.fullmatch(cursor)
    if found is None or not all(map(_may_be_passed, found.groups())):
        raise bad_request("bad-cursor", f"{named} what an answer gave as id or next.")
    return behind(Position(found[1], found[2]))


def end_of(cursor: str, named: str) -> Position:
    """Return where to look further back, as an end.  Raises Problem, which says where it is ``named``."""
    found = position_of(cursor, named)
    return Position(*(OVER if each == f"({EMPTY}" else each for each in found))


def cursor_of(position: Position) -> str:
    """Return a position as whoever reads on keeps it."""
    return ".".join(EMPTY if each == BEGINNING.events else each.removeprefix("(") for each in position)


def _may_be_passed(id_: str) -> bool:
    """Whether a stream may have an entry behind this id.  Redis takes no larger one."""
    milliseconds, _, number = id_.partition("-")
    return int(milliseconds) <= LAST_NUMBER and int(number) < LAST_NUMBER
