"""Return paths round-trip, and nothing but what was signed is ever accepted."""

import random
import re
from collections.abc import Callable
from datetime import date
from string import printable

from hypothesis import given
from hypothesis import strategies as st

from bounced.core.mailbox import BadAddress, normalise
from bounced.core.return_path import (
    BadReturnPath,
    Directory,
    DoesNotFit,
    Keyring,
    KeyStatus,
    Pattern,
    Registration,
    ReturnPaths,
    SigningKey,
    TokenPath,
    new_token,
)
from bounced.core.terms import Engagement, OptIn, Profile, ReturnPath

TODAY = date(2026, 11, 21)
KEYS = Keyring(
    SigningKey("k", b"the secret that signs, long enough"),
    SigningKey("a", b"an older secret that still verifies", KeyStatus.VERIFY),
)
PATHS = ReturnPaths("main", ("bounce.example.com",), KEYS, patterns=(Pattern("old+{local}={domain}"),))
DIRECTORY = Directory((PATHS,))

ATEXT = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~"
atoms = st.text(ATEXT, min_size=1, max_size=12)
local_parts = st.lists(atoms, min_size=1, max_size=3).map(".".join) | st.text(max_size=12).map('"{}"'.format)
labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True) | st.text(
    "äßéжπ中", min_size=1, max_size=5
)
domains = st.lists(labels, min_size=1, max_size=3).map(".".join)
addresses = st.builds("{}@{}".format, local_parts, domains)
profiles = st.builds(Profile, st.sampled_from(OptIn), st.sampled_from(Engagement))
tags = st.from_regex(r"[a-z0-9-]{0,8}", fullmatch=True)
days = st.dates(date(2026, 10, 22), date(2026, 11, 22))


@given(addresses | st.text())
def test_normalising_twice_is_normalising_once(address: str) -> None:
    """The canonical form is its own canonical form."""
    try:
        canonical = normalise(address)
    except BadAddress:
        return
    assert normalise(canonical) == canonical


@given(addresses, days, tags, profiles)
def test_every_normalised_recipient_round_trips(address: str, issued: date, tag: str, profile: Profile) -> None:
    """Signed where it fits, by token where not: what comes back is what went out."""
    try:
        recipient = normalise(address)
    except BadAddress:
        return
    try:
        return_path = PATHS.encode(address, issued=issued, tag=tag, profile=profile)
    except DoesNotFit:
        return_path = PATHS.token_path(new_token(address.encode().ljust(17, b"\0")))
    assert len(return_path.partition("@")[0]) <= 64
    decoded = DIRECTORY.decode(return_path, today=TODAY)
    if isinstance(decoded, TokenPath):
        decoded = DIRECTORY.resolve(decoded, Registration(address, issued, tag, "", profile).to_fields(), today=TODAY)
    assert isinstance(decoded, ReturnPath)
    assert (decoded.recipient, decoded.issued, decoded.tag, decoded.profile) == (recipient, issued, tag, profile)


fitting = st.builds(
    lambda local, domain, tag, profile: PATHS.encode(f"{local}@{domain}", issued=TODAY, tag=tag, profile=profile),
    st.from_regex(r"[a-z0-9=+_-]{1,9}(\.[a-z0-9=]{1,5})?", fullmatch=True),
    st.from_regex(r"[a-z]{1,9}\.[a-z]{2,5}", fullmatch=True),
    tags,
    profiles,
)


@given(fitting, st.data())
def test_any_letter_case_is_accepted(return_path: str, data: st.DataObject) -> None:
    """MTAs change it."""
    cases = data.draw(st.lists(st.booleans(), min_size=len(return_path), max_size=len(return_path)))
    other = "".join(c.upper() if up else c for c, up in zip(return_path, cases, strict=True))
    assert DIRECTORY.decode(other, today=TODAY) == DIRECTORY.decode(return_path, today=TODAY)


def substituted(path: str, at: int, character: str) -> str:
    """Replace one character."""
    return path[:at] + character + path[at + 1 :]


def inserted(path: str, at: int, character: str) -> str:
    """Add one character."""
    return path[:at] + character + path[at:]


def deleted(path: str, at: int, _: str) -> str:
    """Leave one character out."""
    return path[:at] + path[at + 1 :]


def swapped(path: str, at: int, _: str) -> str:
    """Exchange two neighbours."""
    return path[:at] + path[at + 1 : at + 2] + path[at : at + 1] + path[at + 2 :]


CHANGES: tuple[Callable[[str, int, str], str], ...] = (substituted, inserted, deleted, swapped)


def accepted(path: str) -> bool:
    """Whether a forward-path is taken for a signed one."""
    try:
        return isinstance(DIRECTORY.decode(path, today=TODAY), ReturnPath)
    except BadReturnPath:
        return False


@given(
    fitting, st.sampled_from(CHANGES), st.integers(0, 200), st.characters(codec="utf-8") | st.sampled_from(printable)
)
def test_every_single_character_change_is_refused(
    return_path: str, change: Callable[[str, int, str], str], at: int, character: str
) -> None:
    """Except one of letter case, wherever it is and whatever comes."""
    changed = change(return_path, at % len(return_path), character)
    if ascii_lower(changed) != return_path:
        assert not accepted(changed)


def ascii_lower(text: str) -> str:
    """Fold A to Z alone: the Kelvin sign is no k."""
    return re.sub("[A-Z]", lambda letter: letter[0].lower(), text)


def test_every_substitution_in_one_path_is_refused() -> None:
    """All positions of one path, all printable characters, without exception."""
    path = PATHS.encode("alice@example.org", issued=TODAY, tag="nov")
    for at in range(len(path)):
        for character in printable:
            changed = substituted(path, at, character)
            if ascii_lower(changed) != path:
                assert not accepted(changed), changed


def test_no_tampered_path_of_ten_thousand_is_accepted() -> None:
    """A part of the million that benchmarks/return_paths.py tries."""
    random_ = random.Random(7)
    path = PATHS.encode("alice@example.org", issued=TODAY, tag="nov")
    for _ in range(10_000):
        changed = path
        for _ in range(random_.randint(1, 4)):
            change = random_.choice(CHANGES)
            changed = change(changed, random_.randrange(len(changed)), random_.choice(printable))
        assert ascii_lower(changed) == path or not accepted(changed), changed


@given(
    st.binary(max_size=100), st.sampled_from(["", "b-", "b-t", "old+", "prvs=0000000000=", "SRS0=a=bc=", "srs1=a=b=="])
)
def test_arbitrary_octets_raise_nothing_but_the_refusal(octets: bytes, start: str) -> None:
    """Whatever a peer sends as a forward-path or a notice contains."""
    text = octets.decode("utf-8", "surrogateescape")
    for forward_path in (text, f"{start}{text}@bounce.example.com", f"{start}{text}"):
        try:
            DIRECTORY.decode(forward_path, today=TODAY)
        except BadReturnPath:
            continue
    DIRECTORY.find(start + text, TODAY)


@given(st.dictionaries(st.sampled_from(["recipient", "issued", "campaign", "profile"]), st.text()))
def test_arbitrary_registrations_raise_nothing_but_the_refusal(fields: dict[str, str]) -> None:
    """Other programs write them."""
    try:
        PATHS.resolve(TokenPath("main", "a" * 26), fields, today=TODAY)
    except BadReturnPath:
        return
