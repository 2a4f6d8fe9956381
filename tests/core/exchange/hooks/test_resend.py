"""What Resend posts: of whom an event tells."""

import json
from collections.abc import Sequence

import pytest

from bounced.core.exchange.hooks import SERVICES, Entry, Silence, Silent
from bounced.core.exchange.hooks.service import PATH_FIELD


def posted(to: Sequence[str], **more: object) -> bytes:
    """Return a refusal of a message with these recipients, and our return path in it."""
    bounce = {"type": "Permanent", "subType": "General", "diagnosticCode": ["smtp; 550 5.1.1 no such user"]}
    headers = [{"name": PATH_FIELD, "value": "b-abc=alice=example.org"}]
    data = {"email_id": "m1", "to": [*to], "bounce": bounce, "headers": headers, **more}
    return json.dumps({"type": "email.bounced", "created_at": "2026-05-01T12:00:00Z", "data": data}).encode()


def test_a_refusal_is_about_the_only_recipient() -> None:
    """Nobody else can be meant."""
    (heard,) = SERVICES["resend"].read(posted(["alice@example.org"]))
    assert isinstance(heard, Entry)
    assert heard.fields["address"] == "alice@example.org"
    assert heard.fields["reply"] == "550 5.1.1 no such user"


@pytest.mark.parametrize(
    ("to", "more"),
    [
        (["alice@example.org", "bob@example.org"], {}),
        (["alice@example.org"], {"cc": ["bob@example.org"]}),
        (["alice@example.org"], {"bcc": "bob@example.org"}),
    ],
)
def test_of_several_recipients_nobody_is_meant(to: Sequence[str], more: dict[str, object]) -> None:
    """Resend names all of them and not whom a server refused; the return path is that of the message, not of one."""
    assert SERVICES["resend"].read(posted(to, **more)) == [Silent(Silence.NO_EVIDENCE)]


def test_a_name_beside_the_address_is_left_out() -> None:
    """A sender may write one, and Resend gives back what was written."""
    (heard,) = SERVICES["resend"].read(posted(["Alice <alice@example.org>"]))
    assert isinstance(heard, Entry)
    assert heard.fields["address"] == "alice@example.org"
