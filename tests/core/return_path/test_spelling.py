"""One return path in every spelling that mail systems give it: never refused, and always the same one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from unicodedata import normalize as to_form
from urllib.parse import quote

import pytest

from bounced.core.mailbox import normalise
from bounced.core.return_path import BadReturnPath, Directory, Pattern, Reason, ReturnPaths, TokenPath, new_token
from bounced.core.terms import ReturnPath, RoleAddress

TODAY = date(2026, 11, 21)
TEMPLATES = ("bounces+{local}={domain}", "bounces-{local}={domain}", "bounce+{local}==a=={domain}==list")
RECIPIENTS = (
    "josé@example.org",
    "почта@пример.example",
    "user@bücher.example",
    "用户@例え.example",
    "a..b@docomo.example",
    '"a b"@example.org',
    '"a@b"@example.org',
    '"quo\\"te"@example.org',
    "o'hara+tag@example.org",
)


def in_quotes(local_part: str) -> str:
    """Return a local part as RFC 5321 lets anybody write it."""
    return '"' + local_part.replace("\\", "\\\\").replace('"', '\\"') + '"'


def in_punycode(local_part: str) -> str:
    """Return a local part as Exim writes it to a server without SMTPUTF8."""
    return "xn--" + local_part.encode("punycode").decode("ascii")


SPELLINGS: tuple[Callable[[str], str], ...] = (
    str,
    in_quotes,
    quote,
    lambda local_part: to_form("NFD", local_part),
    lambda local_part: in_quotes(to_form("NFD", local_part)),
)


def decoded(paths: ReturnPaths, local_part: str, domain: str = "bounce.example.com") -> ReturnPath:
    """Return what a forward-path stands for, which must be somebody."""
    found = Directory((paths,)).decode(f"{local_part}@{domain}", today=TODAY)
    assert isinstance(found, ReturnPath)
    return found


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("recipient", RECIPIENTS)
@pytest.mark.parametrize("template", TEMPLATES)
def test_a_pattern_path_is_read_however_it_is_spelt(
    paths: ReturnPaths, template: str, recipient: str, spelling: Callable[[str], str]
) -> None:
    """Quoted, percent-encoded, composed or not: the recipient and PATH are the same."""
    migrating = replace(paths, patterns=(Pattern(template),))
    local, _, domain = recipient.rpartition("@")
    content = local[1:-1].replace('\\"', '"') if local.startswith('"') else local
    local_part = template.format(local=content, domain=domain)
    found = decoded(migrating, spelling(local_part))
    assert found.recipient == normalise(recipient)
    assert found.path == decoded(migrating, in_quotes(local_part)).path
    assert not found.signed


@pytest.mark.parametrize("recipient", RECIPIENTS[:4])
def test_a_pattern_path_in_punycode_is_read(paths: ReturnPaths, recipient: str) -> None:
    """Exim turns the whole local part into it where SMTPUTF8 is not offered."""
    migrating = replace(paths, patterns=(Pattern(TEMPLATES[0]),))
    local_part = TEMPLATES[0].format(local=recipient.rpartition("@")[0], domain=recipient.rpartition("@")[2])
    assert decoded(migrating, in_punycode(local_part)) == decoded(migrating, local_part)


@pytest.mark.parametrize("spelling", [in_quotes, quote, str.upper, lambda text: quote(text).replace("-", "%2D")])
def test_a_signed_path_is_read_however_it_is_spelt(paths: ReturnPaths, spelling: Callable[[str], str]) -> None:
    """The signature says that it is the same."""
    local_part = paths.encode("alice@example.org", issued=TODAY, tag="nov").partition("@")[0]
    assert decoded(paths, spelling(local_part)) == decoded(paths, local_part)


def test_a_signed_path_whose_domain_was_written_beyond_ascii_is_read(paths: ReturnPaths) -> None:
    """Somebody's MTA shows A-labels as what they stand for."""
    local_part = paths.encode("alice@bücher.example", issued=TODAY).partition("@")[0]
    assert decoded(paths, local_part.replace("xn--bcher-kva", "bücher")) == decoded(paths, local_part)


def test_a_bounce_domain_beyond_ascii_is_read_in_either_form(paths: ReturnPaths) -> None:
    """An MTA that knows SMTPUTF8 may send U-labels."""
    own = replace(paths, domains=("rück.example",))
    local_part = own.encode("alice@example.org", issued=TODAY).partition("@")[0]
    assert decoded(own, local_part, "RÜCK.example") == decoded(own, local_part, "xn--rck-hoa.example")


@pytest.mark.parametrize("spelling", [in_quotes, quote, str.upper, lambda text: text.replace("-", "%2d")])
def test_a_token_is_read_however_it_is_spelt(paths: ReturnPaths, spelling: Callable[[str], str]) -> None:
    """What it stands for may be anything, also beyond ASCII."""
    local_part = paths.token_path(new_token(bytes(17))).partition("@")[0]
    found = Directory((paths,)).decode(f"{spelling(local_part)}@bounce.example.com", today=TODAY)
    assert found == TokenPath("main", new_token(bytes(17)))


@pytest.mark.parametrize("local_part", ['"fbl"', '"postmaster"', "f%62l", "POSTMASTER"])
def test_a_role_is_read_however_it_is_spelt(paths: ReturnPaths, local_part: str) -> None:
    """It has no signature that could fail."""
    found = Directory((paths,)).decode(f"{local_part}@bounce.example.com", today=TODAY)
    assert isinstance(found, RoleAddress)


def test_of_several_readings_the_one_that_came_farthest_is_told(paths: ReturnPaths) -> None:
    """A path whose day has not come is put off, not refused for its spelling."""
    early = paths.encode("alice@example.org", issued=TODAY + timedelta(days=3)).partition("@")[0]
    with pytest.raises(BadReturnPath) as refused:
        decoded(paths, quote(early))
    assert refused.value.reason is Reason.NOT_YET_VALID
    assert refused.value.for_now


@pytest.mark.parametrize("local_part", ["xn--", "xn--\udcff", "%ff%fe", "%", '"', '""', '"b-"', "xn--99999999"])
def test_spellings_of_nothing_are_refused(paths: ReturnPaths, local_part: str) -> None:
    """With the refusal, whatever was tried."""
    with pytest.raises(BadReturnPath):
        decoded(paths, local_part)
