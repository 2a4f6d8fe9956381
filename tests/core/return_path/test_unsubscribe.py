"""Unsubscribe paths say whom to unsubscribe, for 400 days, and are no return paths."""

from dataclasses import replace
from datetime import date, timedelta
from urllib.parse import quote

import pytest

from bounced.core.return_path import (
    BadReturnPath,
    Directory,
    DoesNotFit,
    Keyring,
    KeyStatus,
    Pattern,
    Reason,
    Registration,
    ReturnPaths,
    SigningKey,
    TokenPath,
    new_token,
)
from bounced.core.terms import ReturnPath

TODAY = date(2026, 11, 21)
TOKEN = new_token(bytes(17))
ALICE = "alice@example.org"


@pytest.fixture
def path(paths: ReturnPaths) -> str:
    """Return the unsubscribe path in a message of today."""
    return paths.encode_unsubscribe(ALICE, issued=TODAY, tag="nov")


def refusal(directory: Directory, path: str, today: date = TODAY) -> Reason:
    """Return why a path is refused."""
    with pytest.raises(BadReturnPath) as refused:
        directory.decode(path, today=today)
    return refused.value.reason


@pytest.mark.parametrize(
    "spelling",
    [
        "{path}",
        "{upper}",
        "prvs=4826a1b2c3={path}",
        "SRS0=Ab1+=Q3=bounce.example.com={path}",
        '"{local}"@bounce.example.com',
        "{encoded}@bounce.example.com",
    ],
)
def test_it_is_read_in_every_spelling_of_a_return_path(directory: Directory, path: str, spelling: str) -> None:
    """Upper case, BATV, SRS, quotes, percent-encoding."""
    local = path.rpartition("@")[0]
    written = spelling.format(path=path, upper=path.upper(), local=local, encoded=quote(local, safe=""))
    found = directory.decode(written, today=TODAY)
    assert isinstance(found, ReturnPath)
    assert (found.recipient, found.tag, found.unsubscribes) == (ALICE, "nov", True)


@pytest.mark.parametrize(("age_days", "reason"), [(-2, Reason.NOT_YET_VALID), (401, Reason.EXPIRED)])
def test_it_is_good_for_400_days(directory: Directory, path: str, age_days: int, reason: Reason) -> None:
    """People keep mail for long; a day ahead is a clock's error."""
    assert refusal(directory, path, TODAY + timedelta(days=age_days)) is reason
    for good in (-1, 31, 400):
        directory.decode(path, today=TODAY + timedelta(days=good))


def test_it_is_good_under_a_revoked_key_and_not_under_an_unknown_one(paths: ReturnPaths, path: str) -> None:
    """Who has a leaked secret can unsubscribe somebody, and nobody can make up bounces."""
    new, old = SigningKey("n", b"a new secret of enough octets"), paths.keyring.signing
    revoked = Keyring(new, SigningKey(old.id, old.secret, KeyStatus.REVOKED))
    Directory((replace(paths, keyring=revoked),)).decode(path, today=TODAY)
    assert refusal(Directory((replace(paths, keyring=Keyring(new)),)), path) is Reason.UNKNOWN_KEY
    bounce = paths.encode(ALICE, issued=TODAY, tag="nov")
    assert refusal(Directory((replace(paths, keyring=revoked),)), bounce) is Reason.REVOKED_KEY


def test_neither_form_stands_for_the_other(directory: Directory, paths: ReturnPaths, path: str) -> None:
    """Who reads a forwarded message cannot make up bounces; who has a return path cannot unsubscribe."""
    bounce = paths.encode(ALICE, issued=TODAY, tag="nov")
    assert refusal(directory, "b-" + path[2:]) is Reason.TAMPERED
    assert refusal(directory, "u-" + bounce[2:]) is Reason.TAMPERED


@pytest.mark.parametrize("place", range(2, 40))
def test_every_character_counts(directory: Directory, path: str, place: int) -> None:
    """A forger finds nobody."""
    forged = path[:place] + ("a" if path[place] != "a" else "b") + path[place + 1 :]
    assert refusal(directory, forged) in (Reason.TAMPERED, Reason.MALFORMED, Reason.UNKNOWN_KEY)


@pytest.mark.parametrize("unsubscribes", [True, False])
def test_a_token_stands_for_what_it_was_registered_for(directory: Directory, unsubscribes: bool) -> None:
    """A token of one form is nobody's in the other."""
    fields = Registration("José@example.org", TODAY, unsubscribes=unsubscribes).to_fields()
    path = TokenPath("main", TOKEN, unsubscribes=unsubscribes)
    assert directory.decode(directory["main"].token_path(TOKEN, unsubscribes=unsubscribes), today=TODAY) == path
    assert directory.resolve(path, fields, today=TODAY).unsubscribes is unsubscribes
    with pytest.raises(BadReturnPath) as refused:
        directory.resolve(TokenPath("main", TOKEN, unsubscribes=not unsubscribes), fields, today=TODAY)
    assert refused.value.reason is Reason.TAMPERED


@pytest.mark.parametrize(("unsubscribes", "days"), [(False, 60), (True, 400)])
def test_a_token_is_taken_for_as_long_as_it_is_registered(
    paths: ReturnPaths,
    unsubscribes: bool,
    days: int,
) -> None:
    """Longer than signed paths: whom a late bounce of it was about nobody else knows."""
    fields = Registration("José@example.org", TODAY, unsubscribes=unsubscribes).to_fields()
    path = TokenPath("main", TOKEN, unsubscribes=unsubscribes)
    assert paths.token_life(unsubscribes=unsubscribes) == timedelta(days=days)
    assert paths.resolve(path, fields, today=TODAY + timedelta(days=days)).good_days == days
    with pytest.raises(BadReturnPath) as refused:
        paths.resolve(path, fields, today=TODAY + timedelta(days=days + 1))
    assert refused.value.reason is Reason.EXPIRED


def test_token_days_of_the_list_count_for_its_return_paths(paths: ReturnPaths) -> None:
    """And max_age_days for signed ones only."""
    long = replace(paths, token_days=365, max_age_days=5)
    fields = Registration("José@example.org", TODAY).to_fields()
    long.resolve(TokenPath("main", TOKEN), fields, today=TODAY + timedelta(days=365))
    with pytest.raises(BadReturnPath):
        long.decode_local_part(long.encode(ALICE, issued=TODAY).partition("@")[0], today=TODAY + timedelta(days=6))


@pytest.mark.parametrize("prefix", ["u-", "u", "u-x", "u-b-"])
def test_no_list_chooses_a_prefix_that_begins_unsubscribe_paths(paths: ReturnPaths, prefix: str) -> None:
    """Nobody could tell which of the two a path is."""
    with pytest.raises(ValueError, match="begins unsubscribe paths"):
        replace(paths, prefix=prefix)


@pytest.mark.parametrize("prefix", ["v-", "bu-", "un", "us-"])
def test_other_prefixes_are_free(paths: ReturnPaths, prefix: str) -> None:
    """They and ``u-`` are told apart by their beginning."""
    chosen = replace(paths, prefix=prefix)
    directory = Directory((chosen,))
    for made, unsubscribes in (
        (chosen.encode(ALICE, issued=TODAY), False),
        (chosen.encode_unsubscribe(ALICE, issued=TODAY), True),
    ):
        found = directory.decode(made, today=TODAY)
        assert isinstance(found, ReturnPath)
        assert found.unsubscribes is unsubscribes


def test_a_pattern_that_begins_unsubscribe_paths_is_refused(paths: ReturnPaths) -> None:
    """As one is that begins like a return path."""
    with pytest.raises(ValueError, match="begins like a signed path, 'u-'"):
        replace(paths, patterns=(Pattern("u-{local}={domain}"),))


def test_a_recipient_of_an_older_scheme_may_begin_like_an_unsubscribe_path(paths: ReturnPaths) -> None:
    """Its bounces are not lost; a forged unsubscribe path is no path of that scheme."""
    migrating = replace(paths, patterns=(Pattern("{local}={domain}"),))
    found = migrating.decode_local_part("u-boot=example.org", today=TODAY)
    assert isinstance(found, ReturnPath)
    assert (found.recipient, found.signed, found.unsubscribes) == ("u-boot@example.org", False, False)
    made = migrating.encode_unsubscribe(ALICE, issued=TODAY).partition("@")[0]
    with pytest.raises(BadReturnPath) as refused:
        migrating.decode_local_part(made.replace("alice", "alicf"), today=TODAY)
    assert refused.value.reason is Reason.TAMPERED


@pytest.mark.parametrize("recipient", ["a!b@example.org", "josé@example.org", f"{'a' * 31}@example.org"])
def test_what_does_not_fit_needs_a_token(paths: ReturnPaths, recipient: str) -> None:
    """The same recipients as of return paths."""
    with pytest.raises(DoesNotFit):
        paths.encode_unsubscribe(recipient, issued=TODAY)


@pytest.mark.parametrize(
    "header",
    [
        "List-Unsubscribe: <https://mail.example.com/u/{encoded}>, <mailto:{encoded}@{domain}?subject=unsubscribe>",
        "CFBL-Feedback-ID: {feedback_id}",
        "CFBL-Feedback-ID: {folded}",
    ],
)
@pytest.mark.parametrize("age_days", [0, 400])
def test_it_tells_whose_a_returned_message_was(directory: Directory, path: str, header: str, age_days: int) -> None:
    """A complaint hides the recipient and leaves these fields."""
    local, _, domain = path.rpartition("@")
    feedback_id = quote(path, safe="").replace(".", "%2E")
    folded = f"{feedback_id[:30]}\r\n {feedback_id[30:]}"
    text = header.format(encoded=quote(local, safe=""), domain=domain, feedback_id=feedback_id, folded=folded)
    found = directory.find(text, TODAY + timedelta(days=age_days))
    assert isinstance(found, ReturnPath)
    assert found.recipient == ALICE


def test_a_token_in_it_tells_so_too(directory: Directory, paths: ReturnPaths) -> None:
    """Under its own form."""
    made = paths.token_path(TOKEN, unsubscribes=True)
    assert directory.find(f"List-Unsubscribe: <mailto:{made}>", TODAY) == TokenPath("main", TOKEN, unsubscribes=True)
