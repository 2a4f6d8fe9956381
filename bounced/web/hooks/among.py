"""Which of several recipients is meant, where a service does not know: that of our return path, or nobody."""

from bounced.core.exchange.hooks import Entry, Heard, Silence, Silent
from bounced.core.mailbox import BadAddress, normalise
from bounced.web.desk import Desk

_NOBODY = Silent(Silence.NOBODY)


async def settled(desk: Desk, list_: str, heard: Heard) -> Heard:
    """Return what is heard with the one recipient that is meant.  Raises StoreUnavailable."""
    if not isinstance(heard, Entry) or not heard.among:
        return heard
    named = heard.fields.get("return_path", "")
    path = await desk.present.pipeline.path_in(named, list_) if named else None
    if path is None or not any(_is(each, path.recipient, desk, list_) for each in heard.among):
        return _NOBODY
    return Entry({**heard.fields, "address": path.recipient})


def _is(address: str, recipient: str, desk: Desk, list_: str) -> bool:
    try:
        return normalise(address, fold_local_part=desk.present.lists[list_].fold_local_part) == recipient
    except BadAddress:
        return False
