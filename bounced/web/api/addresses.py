"""Which addresses must not be mailed, and what is known of one."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, compress
from urllib.parse import unquote_to_bytes

from starlette.requests import Request
from starlette.responses import Response

from bounced.core.contract.keys import Keyspace
from bounced.core.escape import visible
from bounced.core.mailbox import BadAddress, normalise
from bounced.edges.redis import RedisStore
from bounced.edges.redis.bulk import BATCH, states
from bounced.edges.redis.story import named_in_log, story_of
from bounced.edges.redis.wire import Reply
from bounced.web.api.asking import Asker, admitted, answer, body_of
from bounced.web.api.models import CheckRequest, LookupRequest
from bounced.web.problems import bad_request
from bounced.web.tokens import Right

MEMBERS_AT_ONCE = 1000
"""Addresses in one command: Redis does nothing else meanwhile."""
NORMALISED_AT_ONCE = 200
"""Addresses that are looked at in one go: those with letters beyond ASCII take up to 0.1 ms each."""
ADDRESSES_A_UNIT = 100
"""As many of a check cost as much as one further request."""
_STANDING = ("state", "category", "class", "since", "until")


async def check(request: Request) -> Response:
    """Tell which of up to 10,000 addresses must not be mailed now."""
    asker = admitted(request, Right.CHECK)
    asked = await body_of(request, CheckRequest)
    if asked.why:
        asker.needs(Right.READ)
    asker.pays(len(asked.addresses) // ADDRESSES_A_UNIT)
    given, normalised, invalid = await _sorted_out(asked.addresses, fold=asker.list_.fold_local_part)
    found = await _on_list(asker.desk.store, asker.list_.keys, normalised)
    told = {
        "checked": len(asked.addresses),
        "suppressed": [address for address, id_ in zip(given, found, strict=True) if id_],
        "invalid": invalid,
    }
    if asked.why:
        pairs = [(address, id_) for address, id_ in zip(given, found, strict=True) if id_]
        told["why"] = await _why(asker.desk.store, asker.list_.keys, pairs)
    return answer(told)


async def address(request: Request) -> Response:
    """Tell what is known of the address in the path, percent-encoded."""
    asker = admitted(request, Right.READ)
    return await _story(request, asker, _in_path(request))


async def lookup(request: Request) -> Response:
    """Tell the same of the address in the body, which no log of a proxy has."""
    asker = admitted(request, Right.READ)
    return await _story(request, asker, (await body_of(request, LookupRequest)).address)


async def _story(request: Request, asker: Asker, given: str) -> Response:
    normalised = asker.normalised(given)
    request.state.address = normalised
    story = await story_of(asker.desk.store, asker.list_.name, normalised)
    return answer(named_in_log(asker.desk.present.config, story).as_record())


def _in_path(request: Request) -> str:
    """Return the address that stands percent-encoded at the end of the path: once decoded, and never mended.

    A server that decodes the whole path writes U+FFFD for what is no UTF-8, and that is another address.
    Raises Problem.
    """
    raw: bytes = request.scope["raw_path"]
    _, named, encoded = raw.partition(b"/addresses/")
    if not named:  # "addresses" itself is encoded
        raise bad_request("bad-address", "An address stands behind /addresses/, of which no character is encoded.")
    try:
        return unquote_to_bytes(encoded).decode()
    except UnicodeDecodeError:
        raise bad_request("bad-address", "An address is percent-encoded UTF-8.") from None


async def _sorted_out(addresses: Sequence[str], *, fold: bool) -> tuple[list[str], list[str], list[Mapping[str, str]]]:
    """Return the addresses as given, the same normalised, and what is no address; others are answered meanwhile."""
    given, normalised = list[str](), list[str]()
    invalid: list[Mapping[str, str]] = []
    for place, each in enumerate(addresses, 1):
        if place % NORMALISED_AT_ONCE == 0:
            await asyncio.sleep(0)
        try:
            normalised.append(normalise(each, fold_local_part=fold))
        except BadAddress as error:
            invalid.append({"address": each, "detail": visible(str(error))})
        else:
            given.append(each)
    return given, normalised, invalid


async def _on_list(store: RedisStore, keys: Keyspace, normalised: Sequence[str]) -> list[str]:
    """Return for each address the form in which it is on the suppression list; empty where it is not."""
    found = [""] * len(normalised)
    for form in keys.suppressed_forms:
        ids = normalised if keys.pepper is None and form == keys.address_id else list(map(form, normalised))
        for place in compress(range(len(ids)), await _members(store, keys, ids)):
            found[place] = found[place] or ids[place]
    return found


async def _members(store: RedisStore, keys: Keyspace, ids: Sequence[str]) -> Sequence[Reply]:
    """Return 1 or 0 for each address."""
    if len(ids) > MEMBERS_AT_ONCE:
        parts = await asyncio.gather(*(_members(store, keys, part) for part in _parts(ids, MEMBERS_AT_ONCE)))
        return list(chain.from_iterable(parts))
    reply = await store.read(keys.list_, "SMISMEMBER", keys.suppressed, *ids) if ids else []
    assert isinstance(reply, list)
    return reply


async def _why(store: RedisStore, keys: Keyspace, pairs: Sequence[tuple[str, str]]) -> list[Mapping[str, str]]:
    """Return why each address is on the list, of which its form there is known."""
    ids = [id_ for _, id_ in pairs]
    parts = await asyncio.gather(*(states(store, keys, part) for part in _parts(ids, BATCH)))
    held = [each or {} for part in parts for each in part]
    return [
        {"address": address, **{name: visible(fields[name]) for name in _STANDING if name in fields}, **_unread(fields)}
        for (address, _), fields in zip(pairs, held, strict=True)
    ]


def _unread(fields: Mapping[str, str]) -> Mapping[str, str]:
    """Return what stands for the state of an address on the list whose state cannot be read."""
    return {} if "state" in fields else {"state": "suppressed"}


def _parts(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (ids[at : at + size] for at in range(0, len(ids), size))
