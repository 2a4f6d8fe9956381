"""Our own return path is found in whatever came back of the original."""

from base64 import b64encode
from dataclasses import replace
from datetime import date, timedelta
from time import process_time

import pytest

from bounced.core.return_path import Directory, ReturnPaths, TokenPath, new_token
from bounced.core.return_path.search import signed_candidates
from bounced.core.terms import ReturnPath

TODAY = date(2026, 11, 21)


@pytest.fixture
def path(paths: ReturnPaths) -> str:
    """Return a return path of today."""
    return paths.encode("Alice@example.org", issued=TODAY, tag="nov")


@pytest.mark.parametrize(
    "header",
    [
        "Return-Path: <{path}>",
        "Received: from a by b (envelope-from <{path}>)\r\n\tfor <x@y.example>; Sat, 21 Nov 2026",
        "List-Unsubscribe: <mailto:{encoded}?subject=unsubscribe>",
        "List-Unsubscribe: <https://example.com/u?p={path}>",
        "Message-ID: <20261121.{path}>",
        "Feedback-ID: nov:{local}:example:x",
        "X-Original: {upper}.",
        "Return-Path: <SRS0=ab=cd=bounce.example.com={local}@forwarder.example>",
        "Return-Path: <prvs=4826a1b2c3={path}>",
        "Return-Path:\r\n <{path}>",
        "List-Unsubscribe: <https://example.com/{folded}>",
        "List-Unsubscribe: <https://example.com/r?to=mailto%3A{twice}>",
        "X-Sender: =?utf-8?q?{quoted}?=",
        "X-Sender: =?utf-8?b?{base64}?=",
        "X-Sender: =?utf-8?q?{quoted_half}?=\r\n =?utf-8?q?{quoted_rest}?=",
    ],
)
def test_a_return_path_is_found_wherever_a_sender_or_forwarder_left_it(
    directory: Directory, path: str, header: str
) -> None:
    """Bare, bracketed, percent-encoded, in capitals, wrapped, without its domain, folded, in encoded words."""
    local = path.partition("@")[0]
    quoted = path.replace("=", "=3D").replace("@", "=40")
    text = header.format(
        path=path,
        encoded=path.replace("=", "%3D"),
        twice=path.replace("=", "%253D"),
        local=local,
        upper=path.upper(),
        folded=f"{path[:30]}\r\n {path[30:]}",
        quoted=quoted,
        quoted_half=quoted[:20],
        quoted_rest=quoted[20:],
        base64=b64encode(path.encode()).decode(),
    )
    found = directory.find(f"Subject: hello\r\n{text}\r\nTo: someone\r\n", TODAY)
    assert isinstance(found, ReturnPath)
    assert found.recipient == "alice@example.org"


def test_a_forged_path_before_the_true_one_hides_nothing(directory: Directory, path: str) -> None:
    """Each candidate is verified by itself, even where they overlap."""
    forged = path.partition("@")[0].replace("alice", "mallory")
    found = directory.find(f"{forged}={path}", TODAY)
    assert isinstance(found, ReturnPath)
    assert found.recipient == "alice@example.org"


@pytest.mark.parametrize("text", ["", "b-", "Return-Path: <b-alice@bounce.example.com>", "b-" + "a" * 18 + "==a=b.c"])
def test_nothing_of_ours_is_nothing(directory: Directory, text: str) -> None:
    """Nor is what merely looks like it."""
    assert directory.find(text, TODAY) is None


def test_complaints_may_come_late(directory: Directory, path: str) -> None:
    """Inside a report a path is verified for 400 days."""
    assert directory.find(path, TODAY + timedelta(days=400)) is not None
    assert directory.find(path, TODAY + timedelta(days=401)) is None


def test_a_token_is_found_beside_its_own_domain_only(directory: Directory, paths: ReturnPaths) -> None:
    """It has no signature to be known by."""
    token = new_token(bytes(17))
    token_path = paths.token_path(token)
    for text in (f"<{token_path.upper()}>", f"mailto:{token_path.replace('@', '%40')}"):
        assert directory.find(text, TODAY) == TokenPath("main", token)
    assert directory.find(f"<b-t{token}@elsewhere.example>", TODAY) is None


def test_a_signed_path_is_preferred_to_a_token(directory: Directory, paths: ReturnPaths, path: str) -> None:
    """It needs no look-up and cannot have been forgotten."""
    assert isinstance(directory.find(f"{paths.token_path(new_token(bytes(17)))} {path}", TODAY), ReturnPath)


def test_the_list_is_found_too(paths: ReturnPaths) -> None:
    """Without a domain the signature alone tells to which list a path belongs."""
    news = replace(paths, list="news", domains=("b.news.example",), prefix="n-")
    local = news.encode("alice@example.org", issued=TODAY).partition("@")[0]
    found = Directory((paths, news)).find(f"Feedback-ID: {local}:x", TODAY)
    assert isinstance(found, ReturnPath)
    assert found.list == "news"


def test_no_text_makes_the_search_try_signatures_without_end(paths: ReturnPaths) -> None:
    """A thousand forgeries before the true path are too many, whatever the number of lists."""
    lists = (paths, *(replace(paths, list=f"l{n}", domains=(f"b{n}.example",)) for n in range(20)))
    directory = Directory(lists)
    forged = ["b-2" + "a" * 17 + f"==alice{n}=example.org " for n in range(1000)]
    true = paths.encode("alice@example.org", issued=TODAY)
    assert directory.find("".join(forged[:10]) + true, TODAY) is not None
    before = process_time()
    assert directory.find("".join(forged) + true, TODAY) is None
    assert process_time() - before < 0.5


@pytest.mark.parametrize("bomb", ["b-", "b-t" + "a" * 26 + "@", "b-" + "a" * 18 + "==a=b", "%3d", "=b-"])
def test_a_long_text_of_near_misses_is_searched_in_no_time(directory: Directory, bomb: str) -> None:
    """64 KiB are looked at, each position once."""
    before = process_time()
    directory.find(bomb * (4_000_000 // len(bomb)), TODAY)
    assert process_time() - before < 0.5


def test_no_candidate_is_longer_than_a_local_part() -> None:
    """64 octets (RFC 5321 section 4.5.3.1.1), whatever follows without a gap."""
    text = f"b-{'a' * 18}==alice={'x' * 100}"
    assert [len(found) for found in signed_candidates(text, "b-")] == [64]
