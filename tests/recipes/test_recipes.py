"""The recipes for other languages agree with the published vectors, where their interpreters are installed."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bounced.core.return_path import Keyring, Registration, ReturnPaths, SigningKey
from bounced.core.terms import Engagement, OptIn, Profile

from .conftest import TIMEOUT_S

ROOT = Path(__file__).parents[2]
RECIPES, HERE = ROOT / "docs" / "recipes", Path(__file__).parent
FILE = ROOT / "tests" / "vectors" / "return_paths.json"
VECTORS = json.loads(FILE.read_text())
BULK = ["SMISMEMBER", "bounced:{main}:suppressed"]


def script(recipe: str, check: str) -> Callable[[Path], list[str]]:
    """Return the arguments of a language that is interpreted."""
    return lambda folder: [str(HERE / check), str(RECIPES / recipe), str(FILE), str(folder)]


def module(folder: Path) -> list[str]:
    """Lay out a Go module in a folder of its own, and return the arguments that run it."""
    (folder / "bounced").mkdir()
    shutil.copy(RECIPES / "bounced.go", folder / "bounced")
    shutil.copy(HERE / "check.go", folder)
    (folder / "go.mod").write_text("module check\n\ngo 1.18\n")
    return ["run", ".", str(FILE), str(folder)]


ARGUMENTS = {
    "node": script("bounced.mjs", "check.mjs"),
    "php": script("Bounced.php", "check.php"),
    "ruby": script("bounced.rb", "check.rb"),
    "go": module,
}
ASCII_DOMAINS_ONLY = frozenset({"ruby", "go"})
"""Their standard libraries know neither UTS 46 nor, in Go, NFC; the recipes say what to add."""
NOT_MAPPED = (None, "unsupported")
"""What a recipe says of an address for which it lacks a library: never another address."""


@pytest.fixture(scope="module")
def said(language: str, interpreter: list[str], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return what a recipe makes of the vectors."""
    folder = tmp_path_factory.mktemp(language)
    (folder / "good.key").write_bytes(b"\xef\xbb\xbf an example key, long enough \r\n")
    (folder / "short.key").write_bytes(b"too short\n")
    command = [*interpreter, *ARGUMENTS[language](folder)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def beyond(language: str, address: str) -> bool:
    """Whether a recipe leaves an address to a library."""
    return language in ASCII_DOMAINS_ONLY and not (address.rpartition("@")[2].isascii() and "\u0301" not in address)


def test_normalisation(language: str, said: Any) -> None:
    """Each recipe stores and asks for what the daemon does."""
    for vector, normalised in zip(VECTORS["normalisation"], said["normalised"], strict=True):
        if vector["fold_local_part"] and not (beyond(language, vector["input"]) and normalised in NOT_MAPPED):
            assert normalised == vector["normalised"], vector["note"]


def test_signed_return_paths(language: str, said: Any) -> None:
    """To the last character."""
    for vector, signed in zip(VECTORS["signed"], said["signed"], strict=True):
        if not beyond(language, vector["recipient"]):
            assert signed == vector["return_path"], vector["note"]


def test_unsubscribe_paths(said: Any) -> None:
    """To the last character, as an own form beside the return path's."""
    assert said["unsubscribe"] == [vector["unsubscribe_path"] for vector in VECTORS["unsubscribe"]]
    assert said["unsubscribe_tokens"] == [vector["unsubscribe_path"] for vector in VECTORS["tokens"]]


def test_header_fields(said: Any) -> None:
    """As the client in Python writes them; a page that would break the header is an error."""
    assert said["headers"] == [vector["fields"] for vector in VECTORS["headers"]]
    assert said["bad_page"] is None


def test_what_needs_a_token(said: Any) -> None:
    """No recipe signs what could not be read back."""
    assert all(said["needs_token"])


def test_tokens(said: Any) -> None:
    """The same from the same random octets."""
    assert said["tokens"] == [vector["return_path"] for vector in VECTORS["tokens"]]


def test_many_are_asked_about_at_once(said: Any) -> None:
    """A thousand at a time; the answer is what was given, and what is no address is not to be mailed either."""
    assert sorted(said["among"]) == sorted([*(f"Gone{number}@Example.org" for number in range(0, 2500, 5)), "nonsense"])
    assert said["bulk"] == [part for size in (1000, 1000, 500) for part in (BULK, size)]


def test_nobody_hears_that_an_address_may_be_mailed_which_was_not_looked_up(language: str, said: Any) -> None:
    """What is not ASCII is found, or an error where the library is missing that maps it."""
    found = ["gone@bücher.example"]
    assert said["abroad"] == found or (language in ASCII_DOMAINS_ONLY and said["abroad"] == "error")
    if language == "go":
        assert said["with_libraries"] == ["user@\u212aelvin.example", *found, "jose\u0301@example.org"]


def test_what_was_sent_and_refused_is_told(said: Any) -> None:
    """What is empty is left out."""
    entries = []
    for command in said["sent"]:
        assert command[:3] == ["XADD", "bounced:{main}:intake", "*"]
        entries.append(dict(zip(command[3::2], command[4::2], strict=True)))
        assert entries[-1].pop("at").isdecimal()
    refusal = {"reply": "550 no", "mta": "mx.example.org", "stage": "rcpt"}
    assert entries == [
        {"type": "sent", "count": "250", "campaign": "nov", "domain": "example.org"},
        {"type": "sent", "count": "1"},
        {"type": "rejected", "address": "alice@example.org", **refusal},
    ]


def test_what_the_daemon_could_not_understand_is_an_error(said: Any) -> None:
    """Another type, a refusal without its reply, no address, no messages: none of them is written."""
    assert said["refused"] == [True] * 4
    assert len(said["sent"]) == 3


def test_keys(said: Any) -> None:
    """However a key was read, it is the same one; what is none is an error, and from a file one that names it."""
    assert said["keys"] == [signed_with(vector["secret_hex"]) for vector in VECTORS["keys"]]
    assert said["good_file"] == signed_with(b"an example key, long enough".hex())
    for name, complaint in zip(("short.key", "missing.key"), said["bad_files"], strict=True):
        assert name in complaint


def signed_with(secret_hex: str | None) -> str | None:
    """Return the first vector's path signed with a secret."""
    if secret_hex is None:
        return None
    vector = VECTORS["signed"][0]
    key = SigningKey(vector["key_id"], bytes.fromhex(secret_hex))
    paths = ReturnPaths(vector["list"], (vector["bounce_domain"],), Keyring(key))
    return paths.encode("alice@example.org", issued=date.fromisoformat(vector["date"]))


def test_what_is_sent_to_redis(said: Any) -> None:
    """Ask, tell and register by the contract's keys and fields."""
    asked, told, registered, expires, registered_to_leave, expires_later = said["commands"]
    assert asked == ["SISMEMBER", "bounced:{main}:suppressed", "alice@example.org"]
    assert told[:3] == ["XADD", "bounced:{main}:intake", "*"]
    fields = dict(zip(told[3::2], told[4::2], strict=True))
    assert fields.pop("at").isdecimal()
    assert fields == {"type": "rejected", "address": "alice@example.org", "reply": "550 5.1.1 no"}
    made = re.fullmatch(r"b-t([a-z2-7]{26})@bounce\.example\.com", said["made"])
    assert made is not None
    assert registered[:2] == ["HSET", f"bounced:{{main}}:token:{made[1]}"]
    registration = Registration.from_fields(dict(zip(registered[2::2], registered[3::2], strict=True)))
    assert (registration.recipient, registration.campaign) == ("a!b@example.org", "nov")
    assert registration.profile == Profile(OptIn.CONFIRMED, Engagement.ACTIVE)
    assert registration.issued.isoformat() == "2026-11-21"
    assert expires == ["EXPIRE", f"bounced:{{main}}:token:{made[1]}", "5184000"]
    key, *fields_of_it = registered_to_leave[1:]
    of_the_other_form = Registration.from_fields(dict(zip(fields_of_it[::2], fields_of_it[1::2], strict=True)))
    assert (of_the_other_form.recipient, of_the_other_form.unsubscribes) == ("a!b@example.org", True)
    assert expires_later == ["EXPIRE", key, "34560000"]
