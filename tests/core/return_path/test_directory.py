"""A forward-path finds its list by its domain, whatever wraps it."""

from dataclasses import replace
from datetime import date

import pytest

from bounced.core.return_path import BadReturnPath, Directory, Pattern, Reason, ReturnPaths, TokenPath, new_token
from bounced.core.terms import ReturnPath, RoleAddress

TODAY = date(2026, 11, 21)


def reason(directory: Directory, forward_path: str) -> Reason:
    """Return why a forward-path is refused."""
    with pytest.raises(BadReturnPath) as refused:
        directory.decode(forward_path, today=TODAY)
    return refused.value.reason


@pytest.mark.parametrize("forward_path", ["postmaster", "PostMaster", "postmaster@bounce.example.com"])
def test_postmaster_is_accepted(directory: Directory, forward_path: str) -> None:
    """With and without a domain.  (RFC 5321 section 4.5.1)"""
    assert directory.decode(forward_path, today=TODAY) == RoleAddress("main", "postmaster")


def test_a_feedback_address_is_a_role(directory: Directory) -> None:
    """Configured by name, in any letter case."""
    assert directory.decode("FBL@Bounce.Example.com", today=TODAY) == RoleAddress("main", "fbl")


def test_each_domain_has_its_list(paths: ReturnPaths) -> None:
    """Two lists sign the same recipient, and each reads its own."""
    news = replace(paths, list="news", domains=("b.news.example", "b2.news.example"))
    directory = Directory((paths, news))
    for own in (paths, news):
        decoded = directory.decode(own.encode("alice@example.org", issued=TODAY), today=TODAY)
        assert isinstance(decoded, ReturnPath)
        assert decoded.list == own.list
    assert directory["news"] is news


def test_every_bounce_domain_of_a_list_is_its_own(paths: ReturnPaths) -> None:
    """New paths get the first; the others still take bounces in."""
    two = replace(paths, domains=("new.example", "bounce.example.com"))
    decoded = Directory((two,)).decode(paths.encode("alice@example.org", issued=TODAY), today=TODAY)
    assert isinstance(decoded, ReturnPath)


def test_a_token_is_resolved_by_its_list(directory: Directory, paths: ReturnPaths) -> None:
    """The directory hands the fields on."""
    path = directory.decode(paths.token_path(new_token(bytes(17))), today=TODAY)
    assert isinstance(path, TokenPath)
    fields = {"recipient": "alice@example.org", "issued": "2026-11-21"}
    assert directory.resolve(path, fields, today=TODAY).recipient == "alice@example.org"


def test_two_lists_of_one_domain_are_an_error(paths: ReturnPaths) -> None:
    """A bounce could belong to either."""
    with pytest.raises(ValueError, match=r"lists main and news share the domain bounce\.example\.com"):
        Directory((paths, replace(paths, list="news")))


def test_two_lists_of_one_name_are_an_error(paths: ReturnPaths) -> None:
    """Their keys in Redis would be the same."""
    with pytest.raises(ValueError, match="two lists share one name"):
        Directory((paths, replace(paths, domains=("other.example",))))


def test_an_unknown_list_is_a_key_error(directory: Directory) -> None:
    """As of any mapping."""
    with pytest.raises(KeyError):
        directory["nobody"]


@pytest.mark.parametrize(
    ("forward_path", "expected"),
    [
        ("", Reason.FOREIGN),
        ("alice@example.org", Reason.FOREIGN),
        ("@bounce.example.com", Reason.UNSIGNED),
        ("b-" + "a" * 600 + "@bounce.example.com", Reason.MALFORMED),
        ("jos\xe9@bounce.example.com", Reason.UNSIGNED),
        ("alice@b\xfccher.example", Reason.FOREIGN),
        ("alice@\uff42ounce.example.com", Reason.FOREIGN),
        ("b-jos\xe9@bounce.example.com", Reason.MALFORMED),
        ("SRS0=ab=cd=elsewhere.example=alice@bounce.example.com", Reason.MALFORMED),
        ("prvs=4826a1b2c3=alice@bounce.example.com", Reason.UNSIGNED),
        ("b-@bounce.example.com", Reason.MALFORMED),
        ("b-t@bounce.example.com", Reason.MALFORMED),
    ],
)
def test_what_stands_for_nobody_is_refused(directory: Directory, forward_path: str, expected: Reason) -> None:
    """A foreign domain is told from a bad path, since their replies differ."""
    assert reason(directory, forward_path) is expected


def test_srs_of_a_foreign_outer_domain_is_foreign(directory: Directory, paths: ReturnPaths) -> None:
    """Whatever stands inside: mail for another domain is not ours to take."""
    inner = paths.encode("alice@example.org", issued=TODAY).partition("@")[0]
    path = f"SRS0=ab=cd=bounce.example.com={inner}@elsewhere.example"
    assert reason(directory, path) is Reason.FOREIGN


def test_endless_wrapping_is_refused(directory: Directory, paths: ReturnPaths) -> None:
    """Four layers are unwrapped, no more."""
    path = paths.encode("alice@example.org", issued=TODAY)
    assert isinstance(directory.decode("prvs=4826a1b2c3=" * 4 + path, today=TODAY), ReturnPath)
    assert reason(directory, "prvs=4826a1b2c3=" * 5 + path) is Reason.UNSIGNED


@pytest.mark.parametrize(("characters", "reads"), [(512, True), (513, False)])
def test_a_forward_path_has_at_most_512_characters(
    directory: Directory, paths: ReturnPaths, characters: int, *, reads: bool
) -> None:
    """A longer one is refused unread, also one that wraps a path of ours."""
    local_part, _, domain = paths.encode("alice@example.org", issued=TODAY).partition("@")
    rest = f"=aa={domain}={local_part}@{domain}"
    wrapped = "srs0=" + "h" * (characters - len(f"srs0={rest}")) + rest
    assert len(wrapped) == characters
    if reads:
        assert isinstance(directory.decode(wrapped, today=TODAY), ReturnPath)
    else:
        assert reason(directory, wrapped) is Reason.MALFORMED


def test_text_is_searched_for_each_list_by_its_own_prefix(paths: ReturnPaths) -> None:
    """What one list refuses as forged must not become an unsigned path of another one's pattern, nor its token."""
    news = replace(
        paths, list="news", domains=("b.news.example",), prefix="c-", patterns=(Pattern("b-{local}={domain}"),)
    )
    directory = Directory((paths, news))
    forged = paths.encode("alice@example.org", issued=TODAY).replace("alice", "alicf")
    assert directory.find(f"Return-Path: <{forged}>", TODAY) is None
    token_path = paths.token_path(new_token(bytes(17))).replace("bounce.example.com", "b.news.example")
    assert directory.find(f"Return-Path: <{token_path}>", TODAY) is None
