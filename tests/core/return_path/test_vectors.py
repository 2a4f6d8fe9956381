"""The vectors that docs/return-path.md publishes hold here too."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bounced.client import MailFields
from bounced.core.return_path import BadReturnPath, Directory, DoesNotFit, Keyring, ReturnPaths, SigningKey, new_token
from bounced.core.terms import Engagement, OptIn, Profile, ReturnPath

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "return_paths.json").read_text())


def note(vector: dict[str, str]) -> str:
    """Return what a vector is about."""
    return vector["note"]


def paths_of(vector: dict[str, Any]) -> ReturnPaths:
    """Return the list that a vector was signed for."""
    keys = Keyring(SigningKey(vector["key_id"], vector["secret"].encode()))
    return ReturnPaths(vector["list"], (vector["bounce_domain"],), keys, prefix=vector["prefix"])


FIRST = paths_of(VECTORS["signed"][0])


@pytest.mark.parametrize("vector", VECTORS["signed"], ids=note)
def test_signed(vector: dict[str, Any]) -> None:
    """Encoding gives the vector, and decoding gives back what went in."""
    paths, issued = paths_of(vector), date.fromisoformat(vector["date"])
    profile = Profile(OptIn[vector["opt_in"].upper()], Engagement[vector["engagement"].upper()])
    assert paths.encode(vector["recipient"], issued=issued, tag=vector["tag"], profile=profile) == vector["return_path"]
    decoded = Directory((paths,)).decode(vector["return_path"], today=issued)
    mac = vector["return_path"].removeprefix(vector["prefix"])[5:18]
    assert decoded == ReturnPath(vector["list"], vector["normalised"], mac, issued, vector["tag"], profile)


@pytest.mark.parametrize("vector", VECTORS["unsubscribe"], ids=note)
def test_unsubscribe_paths(vector: dict[str, Any]) -> None:
    """Encoding gives the vector, and decoding gives back what went in."""
    paths, issued = paths_of(vector), date.fromisoformat(vector["date"])
    profile = Profile(OptIn[vector["opt_in"].upper()], Engagement[vector["engagement"].upper()])
    made = paths.encode_unsubscribe(vector["recipient"], issued=issued, tag=vector["tag"], profile=profile)
    assert made == vector["unsubscribe_path"]
    decoded = Directory((paths,)).decode(made, today=issued)
    mac = made.removeprefix("u-")[5:18]
    assert decoded == ReturnPath(
        vector["list"],
        vector["normalised"],
        mac,
        issued,
        vector["tag"],
        profile,
        unsubscribes=True,
        good_days=400,
    )


@pytest.mark.parametrize("vector", VECTORS["headers"], ids=note)
def test_header_fields(vector: dict[str, Any]) -> None:
    """The fields of one message are made of its unsubscribe path."""
    profile = Profile(OptIn[vector["opt_in"].upper()], Engagement[vector["engagement"].upper()])
    issued = date.fromisoformat(vector["date"])
    path = FIRST.encode_unsubscribe(vector["recipient"], issued=issued, tag=vector["tag"], profile=profile)
    settings = MailFields(vector["unsubscribe_url"], vector["feedback"], vector["sender_id"])
    assert settings.of(path, list_="main", tag=vector["tag"]) == vector["fields"]


@pytest.mark.parametrize("vector", VECTORS["wrapped_first_signed"], ids=note)
def test_wrapped(vector: dict[str, str]) -> None:
    """BATV, SRS and letter case hide nothing."""
    signed = VECTORS["signed"][0]
    decoded = Directory((FIRST,)).decode(vector["path"], today=date.fromisoformat(signed["date"]))
    assert isinstance(decoded, ReturnPath)
    assert decoded.recipient == signed["normalised"]


@pytest.mark.parametrize("vector", VECTORS["refused_by_first_signed"], ids=note)
def test_refused(vector: dict[str, str]) -> None:
    """Each is refused for its own reason."""
    with pytest.raises(BadReturnPath) as refused:
        Directory((FIRST,)).decode(vector["path"], today=date.fromisoformat(vector["today"]))
    assert refused.value.reason == vector["reason"]
    assert refused.value.foreign == (vector["reason"] == "foreign")


@pytest.mark.parametrize("vector", VECTORS["needs_token"], ids=note)
def test_needs_token(vector: dict[str, str]) -> None:
    """What cannot stand in a local part safely is not signed."""
    with pytest.raises(DoesNotFit):
        FIRST.encode(vector["recipient"], issued=date(2026, 11, 21))


@pytest.mark.parametrize("vector", VECTORS["tokens"], ids=lambda vector: vector["random_hex"])
def test_tokens(vector: dict[str, str]) -> None:
    """130 random bits are the first 26 characters of their base32."""
    assert new_token(bytes.fromhex(vector["random_hex"])) == vector["token"]
    assert FIRST.token_path(vector["token"]) == vector["return_path"]
    assert FIRST.token_path(vector["token"], unsubscribes=True) == vector["unsubscribe_path"]
