"""Whom an unsubscribe link was made for: the local part names no domain, so every list is asked."""

from collections.abc import Iterator
from datetime import date

from bounced.core.return_path import BadReturnPath, Directory, ReturnPaths, TokenPath
from bounced.core.return_path.paths import MAX_LOCAL_PART_BYTES, UNSUBSCRIBE_PREFIX
from bounced.core.return_path.spelling import readings
from bounced.core.terms import ReturnPath
from bounced.ports import Store

MAX_CHARACTERS = 6 * MAX_LOCAL_PART_BYTES
"""Of a local part, whatever was escaped in it twice."""


async def found(directory: Directory, store: Store, local_part: str, today: date) -> ReturnPath | None:
    """Return what an unsubscribe path says, of whichever list; None for what is none.  Raises StoreUnavailable.

    A signature and a token say themselves to which list they belong: no two lists take the same one.
    """
    if len(local_part) > MAX_CHARACTERS:
        return None
    for paths, said in _candidates(directory, local_part, today):
        if isinstance(said, ReturnPath):
            return said
        fields = await store.token(paths.list, said.token)
        try:
            return paths.resolve(said, fields, today=today)
        except BadReturnPath:
            continue
    return None


def _candidates(
    directory: Directory, local_part: str, today: date
) -> Iterator[tuple[ReturnPaths, ReturnPath | TokenPath]]:
    for reading in readings(local_part):
        if not reading.lower().startswith(UNSUBSCRIBE_PREFIX):
            continue
        for paths in directory.lists:
            try:
                said = paths.decode_local_part(reading, today=today)
            except BadReturnPath:
                continue
            if said.unsubscribes:
                yield paths, said
