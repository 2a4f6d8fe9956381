"""Addresses are compared in one form, the contract's."""

import json
from hashlib import sha256
from hmac import new as hmac_new
from pathlib import Path
from typing import Any

import pytest

from bounced.core.mailbox import BadAddress, address_id, domain_of, normalise, normalise_domain

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "return_paths.json").read_text())


@pytest.mark.parametrize("vector", VECTORS["normalisation"], ids=lambda vector: vector["note"])
def test_normalisation_vectors(vector: dict[str, Any]) -> None:
    """Each published vector holds, and what is normalised already stays as it is."""
    fold = vector["fold_local_part"]
    if vector["normalised"] is None:
        with pytest.raises(BadAddress):
            normalise(vector["input"], fold_local_part=fold)
    else:
        assert normalise(vector["input"], fold_local_part=fold) == vector["normalised"]
        assert normalise(vector["normalised"], fold_local_part=fold) == vector["normalised"]


def test_the_plain_way_and_the_long_way_agree() -> None:
    """A quoted local part takes the long way to what its plain spelling reaches by the short one."""
    assert normalise('"Alice.Smith"@EXAMPLE.org') == normalise("Alice.Smith@EXAMPLE.org")


@pytest.mark.parametrize("address", ["a" * 310 + "@example.org", "é" * 160 + "@example.org"])
def test_an_address_beyond_320_octets_is_refused(address: str) -> None:
    """Keys stay bounded, whatever a report calls an address."""
    with pytest.raises(BadAddress):
        normalise(address)


@pytest.mark.parametrize("domain", ["", ".", "a b", "-" * 64, "a." * 127 + "a", "[1.2.3.4", "\u0378.example"])
def test_what_is_no_domain_is_refused(domain: str) -> None:
    """Empty, spaced, too long, half a literal, unassigned."""
    with pytest.raises(BadAddress):
        normalise_domain(domain)


def test_the_error_names_the_address_in_ascii() -> None:
    """A message can be logged as it is."""
    with pytest.raises(BadAddress, match=r"control characters: 'a\\x1bb@example\.org'"):
        normalise("a\x1bb@example.org")


def test_domain_of_a_quoted_local_part_with_an_at() -> None:
    """The last @ separates."""
    assert domain_of('"a@b"@example.org') == "example.org"


@pytest.mark.parametrize("vector", VECTORS["address_ids"], ids=lambda vector: vector["address"])
def test_a_pepper_turns_an_address_into_its_hmac_in_hex(vector: dict[str, str]) -> None:
    """The published vectors hold, and are what the standard library computes."""
    pepper, address = vector["pepper"].encode(), vector["address"]
    assert address_id(address, pepper) == vector["address_id"]
    assert vector["address_id"] == hmac_new(pepper, address.encode(), sha256).hexdigest()


def test_without_a_pepper_an_address_stands_for_itself() -> None:
    """The plain form is the default."""
    assert address_id("alice@example.org", None) == "alice@example.org"
