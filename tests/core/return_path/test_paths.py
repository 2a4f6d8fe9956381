"""One list makes return paths and reads its own, no others."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from bounced.core.mailbox import BadAddress
from bounced.core.return_path import (
    BadReturnPath,
    Directory,
    DoesNotFit,
    Pattern,
    Reason,
    Registration,
    ReturnPaths,
    TokenPath,
    new_token,
    unsigned_path,
)
from bounced.core.terms import Engagement, OptIn, Profile, ReturnPath

TODAY = date(2026, 11, 21)
TOKEN = new_token(bytes(17))
PROFILE = Profile(OptIn.CONFIRMED, Engagement.ACTIVE)


def local_part(return_path: str) -> str:
    """Return what stands before the @."""
    return return_path.rpartition("@")[0]


def read(paths: ReturnPaths, return_path: str, today: date = TODAY, **options: int) -> ReturnPath:
    """Decode a path that is expected to be signed or to follow a pattern."""
    decoded = paths.decode_local_part(local_part(return_path), today=today, **options)
    assert isinstance(decoded, ReturnPath)
    return decoded


@pytest.mark.parametrize(("age_days", "reason"), [(-2, Reason.NOT_YET_VALID), (31, Reason.EXPIRED)])
def test_too_early_and_too_late_are_refused(paths: ReturnPaths, age_days: int, reason: Reason) -> None:
    """A day ahead is a clock's error, two are not; after 30 days a path is spent."""
    with pytest.raises(BadReturnPath) as refused:
        read(paths, paths.encode("alice@example.org", issued=TODAY), TODAY + timedelta(days=age_days))
    assert refused.value.reason is reason


@pytest.mark.parametrize("age_days", [-1, 0, 30])
def test_the_edges_of_a_paths_life_are_accepted(paths: ReturnPaths, age_days: int) -> None:
    """From tomorrow's date to thirty days ago."""
    path = paths.encode("alice@example.org", issued=TODAY)
    assert read(paths, path, TODAY + timedelta(days=age_days)).issued == TODAY


def test_the_caller_may_allow_another_age(paths: ReturnPaths) -> None:
    """What is found inside a report may be older."""
    path = paths.encode("alice@example.org", issued=TODAY)
    assert read(paths, path, TODAY + timedelta(days=399), max_age_days=400).recipient == "alice@example.org"


def test_the_profile_cannot_be_read_without_the_key(paths: ReturnPaths) -> None:
    """The masked character differs between recipients of one profile."""
    masked = {paths.encode(f"user{n}@example.org", issued=TODAY, profile=PROFILE)[6] for n in range(64)}
    assert len(masked) > 16


def test_a_tag_becomes_the_campaigns_name(paths: ReturnPaths) -> None:
    """Configuration may map a code to a name; an unknown code stands for itself."""
    named = replace(paths, tags={"nov": "November offers"})
    assert read(named, named.encode("a@example.org", issued=TODAY, tag="nov")).tag == "November offers"
    assert read(named, named.encode("a@example.org", issued=TODAY, tag="dec")).tag == "dec"


@pytest.mark.parametrize("tag", ["UPPER", "under_score", "ninechars", "a=b", "ü"])
def test_a_tag_that_could_not_be_read_back_is_an_error(paths: ReturnPaths, tag: str) -> None:
    """The sender hears of it at once."""
    with pytest.raises(ValueError, match="a tag has at most 8"):
        paths.encode("alice@example.org", issued=TODAY, tag=tag)


@pytest.mark.parametrize("issued", [date(1969, 12, 31), date(2059, 9, 19)])
def test_a_day_outside_fifteen_bits_is_an_error(paths: ReturnPaths, issued: date) -> None:
    """Three base32 characters end in 2059."""
    with pytest.raises(ValueError, match="between 1970 and 2059"):
        paths.encode("alice@example.org", issued=issued)


def test_what_is_no_address_is_an_error(paths: ReturnPaths) -> None:
    """Nothing is signed for it."""
    with pytest.raises(BadAddress):
        paths.encode("alice", issued=TODAY)


def test_a_case_sensitive_local_part_needs_a_token(paths: ReturnPaths) -> None:
    """Some MTA lowers return paths, so capitals that mean something cannot stand in one."""
    sensitive = replace(paths, fold_local_part=False)
    with pytest.raises(DoesNotFit):
        sensitive.encode("Alice@example.org", issued=TODAY)
    assert read(sensitive, sensitive.encode("alice@Example.org", issued=TODAY)).recipient == "alice@example.org"


def test_a_token_stands_for_whom_it_was_registered(paths: ReturnPaths) -> None:
    """What goes into the hash comes out of it, in any case of the path."""
    path = paths.decode_local_part(local_part(paths.token_path(TOKEN)).upper(), today=TODAY)
    assert path == TokenPath("main", TOKEN)
    fields = Registration("José@Example.org", TODAY, "nov", "<1@example.com>", PROFILE).to_fields()
    resolved = paths.resolve(TokenPath("main", TOKEN), fields, today=TODAY)
    assert resolved == ReturnPath("main", "josé@example.org", TOKEN, TODAY, "nov", PROFILE, good_days=60)


def test_a_registration_needs_a_recipient_and_a_day_only(paths: ReturnPaths) -> None:
    """Another language writes as little as it knows."""
    fields = {"recipient": "a@example.org", "issued": "2026-11-21"}
    assert paths.resolve(TokenPath("main", TOKEN), fields, today=TODAY).profile == Profile()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (None, Reason.UNREGISTERED),
        ({}, Reason.UNREGISTERED),
        ({"recipient": "a@example.org"}, Reason.UNREADABLE),
        ({"recipient": "nobody", "issued": "2026-11-21"}, Reason.UNREADABLE),
        ({"recipient": "a@example.org", "issued": "yesterday"}, Reason.UNREADABLE),
        ({"recipient": "a@example.org", "issued": "2026-09-21"}, Reason.EXPIRED),
        ({"recipient": "a@example.org", "issued": "2026-11-23"}, Reason.NOT_YET_VALID),
    ],
)
def test_a_token_that_stands_for_nobody_is_refused(
    paths: ReturnPaths, fields: dict[str, str] | None, reason: Reason
) -> None:
    """Missing, incomplete, unreadable, too old, too new; what a sender wrote wrongly only for now."""
    with pytest.raises(BadReturnPath) as refused:
        paths.resolve(TokenPath("main", TOKEN), fields, today=TODAY)
    assert refused.value.reason is reason
    assert refused.value.for_now == (reason in (Reason.UNREADABLE, Reason.NOT_YET_VALID))


@pytest.mark.parametrize(
    "fields", [{"issued": "2026-11-21T10:00:00Z"}, {"issued": " 20261121"}, {"issued": "2026-11-21", "profile": "?"}]
)
def test_a_registration_that_says_too_much_still_names_its_recipient(
    paths: ReturnPaths, fields: dict[str, str]
) -> None:
    """A time is its day, and a profile that is none tells nothing: neither is worth a bounce."""
    resolved = paths.resolve(TokenPath("main", TOKEN), {"recipient": "a@example.org", **fields}, today=TODAY)
    assert (resolved.recipient, resolved.issued, resolved.profile) == ("a@example.org", TODAY, Profile())


@pytest.mark.parametrize("token", ["", "a" * 25, "a" * 27, "A" * 26, "0" * 26])
def test_what_is_no_token_makes_no_path(paths: ReturnPaths, token: str) -> None:
    """The sender hears of it at once."""
    with pytest.raises(ValueError, match="a token has 26"):
        paths.token_path(token)


def test_too_little_randomness_makes_no_token() -> None:
    """130 bits take 17 octets."""
    with pytest.raises(ValueError, match="17 random octets, got 16"):
        new_token(bytes(16))


@pytest.mark.parametrize(
    ("template", "local", "recipient", "tag"),
    [
        ("bounces+{local}={domain}", "bounces+Alice=Example.org", "alice@example.org", ""),
        ("bounces-{local}={domain}", "bounces-a=b-c=example.org", "a=b-c@example.org", ""),
        ("bounce+{local}==a=={domain}==list", "bounce+alice==a==example.org==list", "alice@example.org", ""),
        ("{tag}+{local}={domain}", "Nov+alice=example.org", "alice@example.org", "nov"),
    ],
)
def test_patterns_are_read_and_never_trusted(
    paths: ReturnPaths, template: str, local: str, recipient: str, tag: str
) -> None:
    """Postfix and Mailman, qmail, Sympa, and one with a tag: all unsigned."""
    migrating = replace(paths, patterns=(Pattern(template),))
    decoded = migrating.decode_local_part(local, today=TODAY)
    assert decoded == ReturnPath("main", recipient, unsigned_path(local, recipient), None, tag, signed=False)


def test_a_tampered_signed_path_never_falls_back_to_a_pattern(paths: ReturnPaths) -> None:
    """Else a forger would only have to spoil the signature."""
    migrating = replace(paths, patterns=(Pattern("{local}={domain}"),))
    tampered = paths.encode("alice@example.org", issued=TODAY).replace("alice", "alicf")
    with pytest.raises(BadReturnPath) as refused:
        migrating.decode_local_part(local_part(tampered), today=TODAY)
    assert refused.value.reason is Reason.TAMPERED


def test_a_pattern_that_yields_no_address_is_refused(paths: ReturnPaths) -> None:
    """A digest of nonsense is no return path."""
    migrating = replace(paths, patterns=(Pattern("x-{local}={domain}"),))
    with pytest.raises(BadReturnPath):
        migrating.decode_local_part("x-alice=a..b", today=TODAY)


def test_a_case_sensitive_list_reads_patterns_as_written(paths: ReturnPaths) -> None:
    """The local part keeps its capitals where the list says that they matter."""
    migrating = replace(paths, patterns=(Pattern("x-{local}={domain}"),), fold_local_part=False)
    assert read(migrating, "X-Alice=Example.ORG@").recipient == "Alice@example.org"


@pytest.mark.parametrize("template", ["", "{local}", "{domain}", "{local}{local}={domain}", "{local}={domain}{}"])
def test_a_template_without_both_halves_of_an_address_is_an_error(template: str) -> None:
    """It could never be read back."""
    with pytest.raises(ValueError, match="a pattern holds"):
        Pattern(template)


def test_a_list_without_a_domain_is_an_error(paths: ReturnPaths) -> None:
    """Nothing could be received for it."""
    with pytest.raises(ValueError, match="list main: at least one bounce domain"):
        replace(paths, domains=())


@pytest.mark.parametrize("prefix", ["", "B-", "b=", "b+", "-b", "b" * 17])
def test_a_prefix_that_would_not_survive_the_way_is_an_error(paths: ReturnPaths, prefix: str) -> None:
    """Lower-case-safe, without the separators."""
    with pytest.raises(ValueError, match="a prefix has 1 to 16"):
        replace(paths, prefix=prefix)


def test_a_pattern_that_begins_like_a_signed_path_is_an_error(paths: ReturnPaths) -> None:
    """It would never be reached."""
    with pytest.raises(ValueError, match="begins like a signed path"):
        replace(paths, patterns=(Pattern("b-{local}={domain}"),))


def test_a_path_of_one_list_is_refused_by_another_with_the_same_keys(paths: ReturnPaths) -> None:
    """The MAC covers the list."""
    other = replace(paths, list="other", domains=("other.example",))
    path = paths.encode("alice@example.org", issued=TODAY).replace("bounce.example.com", "other.example")
    with pytest.raises(BadReturnPath) as refused:
        Directory((paths, other)).decode(path, today=TODAY)
    assert refused.value.reason is Reason.TAMPERED
