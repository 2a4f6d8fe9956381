"""The header fields of a message: safe in a header, good in a URL, and without Redis where the address is signed."""

import re
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from redis.asyncio import Redis

from bounced.client import AsyncClient, BadAddress, Client, Keyspace, MailFields, ReturnPaths
from bounced.core.return_path import Directory, TokenPath
from bounced.core.terms import ReturnPath
from bounced.edges.redis import RedisStore

from .conftest import Asked, asking

TODAY = date(2026, 11, 21)
NOWHERE = "unix:///nonexistent/redis.sock"
PAGE = "https://mail.example.com"
SHOP = MailFields(PAGE, "complaints", "example-news")
LONGEST = f"{'+' * 30}@example.org"
ATEXT_OR_COLON = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~:-]+")


@pytest.fixture(params=[Client, AsyncClient])
def kind(request: pytest.FixtureRequest) -> type[Client | AsyncClient]:
    """Return each client in turn."""
    kind: type[Client | AsyncClient] = request.param
    return kind


async def headers(kind: type[Client | AsyncClient], paths: ReturnPaths, recipient: str, **more: Any) -> dict[str, str]:
    """Return the fields that a client makes that reaches no Redis."""
    async with asking(kind.from_url(NOWHERE, paths, mail_fields=more.pop("mail_fields", SHOP))) as client:
        made: dict[str, str] = await client.headers_for(recipient, issued=TODAY, **more)
        return made


def ways(fields: dict[str, str]) -> list[str]:
    """Return the URLs of List-Unsubscribe.  (RFC 2369 section 2)"""
    return re.findall(r"<([^<>]+)>", fields["List-Unsubscribe"])


async def test_every_field_of_a_message(kind: type[Client | AsyncClient], paths: ReturnPaths) -> None:
    """And no Redis is asked: mail can be prepared while it is away."""
    fields = await headers(kind, paths, "Alice@example.org", tag="nov")
    path = paths.encode_unsubscribe("alice@example.org", issued=TODAY, tag="nov")
    local, _, domain = path.partition("@")
    page, mailto = ways(fields)
    assert (urlsplit(page).netloc, unquote(urlsplit(page).path)) == ("mail.example.com", f"/u/{local}")
    assert unquote(mailto) == f"mailto:{path}?subject=unsubscribe"
    assert "=" not in page
    assert "=" not in mailto.partition("?")[0]
    assert fields["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert fields["Feedback-ID"] == "nov:main::example-news"
    assert fields["CFBL-Address"] == f"complaints@{domain}; report=arf"
    assert unquote(fields["CFBL-Feedback-ID"]) == path


async def test_without_a_page_one_unsubscribes_by_mail(kind: type[Client | AsyncClient], paths: ReturnPaths) -> None:
    """One-Click is a promise about an https URL.  (RFC 8058 section 3.1)"""
    fields = await headers(kind, paths, "alice@example.org", mail_fields=MailFields())
    assert "List-Unsubscribe-Post" not in fields
    (mailto,) = ways(fields)
    assert mailto.startswith("mailto:u-")
    assert fields["CFBL-Address"].startswith("fbl@")


async def test_groups_alone_stand_in_feedback_id(kind: type[Client | AsyncClient], paths: ReturnPaths) -> None:
    """It is shown to everybody, and a value for each recipient is no data; the sender has a name of 5 to 15."""
    made = [await headers(kind, paths, f"user{n}@example.org", mail_fields=MailFields()) for n in range(3)]
    (value,) = {fields["Feedback-ID"] for fields in made}
    *groups, sender = value.split(":")
    assert groups == ["", "main", ""]
    assert re.fullmatch(r"[a-z0-9]{5,15}", sender)


@pytest.mark.parametrize("recipient", ["alice@example.org", LONGEST, "a#&'*+?^_`{}~b@example.org"])
async def test_each_value_is_one_short_line_of_ascii(
    kind: type[Client | AsyncClient], paths: ReturnPaths, recipient: str
) -> None:
    """With the longest URL and the longest recipient; CFBL-Feedback-ID as RFC 9477 section 5.2 has it."""
    page = f"https://mail.example.com/{'x' * 175}"
    fields = await headers(kind, paths, recipient, mail_fields=MailFields(page, "f" * 64, "e" * 15))
    for name, value in fields.items():
        assert value.isascii()
        assert value.isprintable()
        assert len(f"{name}: {value}") <= 998
    assert ATEXT_OR_COLON.fullmatch(fields["CFBL-Feedback-ID"])
    assert all(re.fullmatch(r"[!#-;=?-~]+", url) for url in ways(fields))


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("unsubscribe_url", "http://mail.example.com"),
        ("unsubscribe_url", "https://mail.example.com\r\nBcc: eve@example.net"),
        ("unsubscribe_url", "https://mail.example.com/\n"),
        ("unsubscribe_url", "https://mail.example.com/a b"),
        ("unsubscribe_url", "https://mail.example.com/>,<mailto:eve@example.net"),
        ("unsubscribe_url", "https://mail.example.com/?u="),
        ("unsubscribe_url", "https://mail.example.com/#u"),
        ("unsubscribe_url", "https://eve:secret@mail.example.com/"),
        ("unsubscribe_url", "https://"),
        ("unsubscribe_url", "https://münchen.example"),
        ("unsubscribe_url", f"https://mail.example.com/{'x' * 200}"),
        ("feedback", ""),
        ("feedback", "fbl@example.com"),
        ("feedback", "fbl\r\nBcc: eve"),
        ("feedback", "f" * 65),
        ("sender_id", "four"),
        ("sender_id", "sixteencharacter"),
        ("sender_id", "a:b:c"),
        ("sender_id", "a\r\nBcc"),
    ],
)
def test_what_would_break_a_header_is_an_error_at_once(what: str, value: str) -> None:
    """Not with the first message."""
    with pytest.raises(ValueError, match=f"^{what}"):
        MailFields(**{what: value})


async def test_what_is_no_address_or_tag_has_no_fields(kind: type[Client | AsyncClient], paths: ReturnPaths) -> None:
    """Nothing that a recipient or a campaign is called gets into a header."""
    with pytest.raises(BadAddress):
        await headers(kind, paths, "alice@example.org\r\nBcc: eve@example.net")
    with pytest.raises(ValueError, match="a tag has at most 8"):
        await headers(kind, paths, "alice@example.org", tag="a\r\nb")
    async with asking(kind.from_url(NOWHERE)) as reader:
        with pytest.raises(TypeError, match="without return_paths"):
            await reader.headers_for("alice@example.org")


async def test_an_address_that_does_not_fit_gets_one_token_for_400_days(
    client: Asked, paths: ReturnPaths, store: RedisStore, redis: Redis, keys: Keyspace
) -> None:
    """All fields hold the same, and the daemon finds whom it was registered for."""
    fields = await client.headers_for("José@example.org", tag="nov")
    path = unquote(fields["CFBL-Feedback-ID"])
    assert unquote(ways(fields)[-1]) == f"mailto:{path}?subject=unsubscribe"
    today = datetime.now(UTC).date()
    directory = Directory((paths,))
    found = directory.decode(path, today=today)
    assert isinstance(found, TokenPath)
    resolved = directory.resolve(found, await store.token("main", found.token), today=today + timedelta(days=399))
    assert (resolved.recipient, resolved.tag, resolved.unsubscribes) == ("josé@example.org", "nov", True)
    assert 399 * 86_400 < await redis.ttl(keys.token(found.token)) <= 400 * 86_400


async def test_an_unsubscribe_path_alone(client: Asked, paths: ReturnPaths) -> None:
    """For a link in the text of the message."""
    made = await client.unsubscribe_path_for("alice@example.org", tag="nov", issued=TODAY)
    assert made == paths.encode_unsubscribe("alice@example.org", issued=TODAY, tag="nov")


async def test_pythons_email_keeps_them_as_they_are_in_lines_of_998(
    kind: type[Client | AsyncClient], paths: ReturnPaths
) -> None:
    """With its default of 78 it makes encoded words of them, and no mailbox provider shows a button for that."""
    fields = await headers(kind, paths, "alice@example.org", tag="nov")
    message = EmailMessage(policy.SMTP.clone(max_line_length=998))
    for name, value in fields.items():
        message[name] = value
    sent = message_from_bytes(message.as_bytes(), EmailMessage, policy=policy.SMTP)
    assert dict(sent.items()) == fields
    assert b"=?" not in message.as_bytes()
    path = Directory((paths,)).find(message.as_string(), TODAY)
    assert isinstance(path, ReturnPath)
    assert path.recipient == "alice@example.org"
