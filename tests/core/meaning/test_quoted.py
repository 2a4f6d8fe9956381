"""Whom a reply is about."""

import pytest

from bounced.core.meaning.attribute import group_for
from bounced.core.meaning.quoted import recipient_in
from bounced.core.terms import CLASS_OF, Action, Class, Kind, PerRecipientFields, Report
from bounced.explain import packaged_rules

ABOUT_CAROL = (
    "550 5.1.1 <carol@example.net>: Recipient address rejected: User unknown in virtual mailbox table",
    "550 5.1.1 carol@example.net... User unknown",
    "550 unknown user carol@example.net.",
    "550 5.1.1 user carol@example.net does not exist here; contact postmaster@example.net",
    "550 5.1.1 <carol@example.net>: unknown. Please write to dave@example.net instead",
    "550 Mail from <news@sender.example> to <carol@example.net> rejected: no such user",
    "550 5.1.1 Mail from 192.0.2.1 refused: carol@example.net unknown",
    "550 5.1.1 Please check the spelling. <carol@example.net>: User unknown",
    "550 5.1.1 Please check the address: carol@example.net does not exist",
    "550 5.1.1 Your new message could not reach carol@example.net: user unknown",
    "550 5.1.1 Help: carol@example.net no such user",
    "host mx.example.net[192.0.2.9] said: 550 5.1.1 Empfänger carol@example.net unbekannt",
)
ABOUT_NOBODY = (
    "550 5.1.1 User unknown",
    "550 5.1.1 User unknown; contact postmaster@example.net",
    "550 User unknown. Questions? Ask dave@example.net",
    "550 5.1.1 No such user. For assistance please e-mail dave@example.net",
    "551 5.1.6 User has moved; please try <dave@example.net>",
    "550 5.1.1 No such user, see https://example.net/why?who=dave@example.net",
    "550 5.1.1 unknown user (message-id <1234.abcd@mail.example.net>)",
    "550 5.1.1 User unknown (envelope sender news@sender.example)",
    "553 5.1.8 <news@sender.example>: Sender address rejected: Domain not found",
    "550 5.1.1 Benutzer unbekannt. Bitte wenden Sie sich an dave@example.net",
    "550 5.1.1 Пользователь не найден, пишите на dave@example.net",
    "550 5.1.1 用户不存在 请联系 dave@example.net",
    "550 5.1.1 SRS0=ab=cd=sender.example=news@example.org to you: User unknown",
    "550 5.1.1 prvs=1234=news@sender.example to you: User unknown",
    "550 5.1.1 IMCEAEX-_O=EXAMPLE_OU=CN=BOB@example.net not found",
    "<",
    "",
)


@pytest.mark.parametrize("reply", ABOUT_CAROL)
def test_the_first_address_that_is_no_others_is_the_recipient(reply: str) -> None:
    """Behind it may stand a contact, before it the sender."""
    assert recipient_in(reply) == "carol@example.net"


@pytest.mark.parametrize("reply", ABOUT_NOBODY)
def test_senders_contacts_new_addresses_and_messages_are_no_recipients(reply: str) -> None:
    """A dead address stays dead though its server says whom to ask."""
    assert recipient_in(reply) is None


@pytest.mark.parametrize(
    "reply",
    [
        "550 5.1.1 carol... User unknown",
        "550 5.1.1 <carol>: no mailbox",
        "550 5.1.1 <carol> User unknown",
        'unknown user: "carol"',
        "550 User 'carol' unknown",
    ],
)
def test_a_local_user_is_quoted_at_the_beginning_or_in_quotes(reply: str) -> None:
    """Sendmail and Postfix write users of their own host without a domain."""
    assert recipient_in(reply) == "carol"
    assert recipient_in("550 No such mailbox... sorry") is None


@pytest.mark.parametrize("office", ["admin", "support", "noc", "postmaster"])
def test_an_office_may_be_the_member_that_failed(office: str) -> None:
    """An office is a contact unless the reply begins with it or says that it failed."""
    assert recipient_in(f"550 5.1.1 <{office}@example.net>: Recipient address rejected") == f"{office}@example.net"
    assert recipient_in(f"550 5.1.1 The mailbox {office}@example.net is unknown") == f"{office}@example.net"
    assert recipient_in(f"550 5.1.1 User unknown, see {office}@example.net") is None


def test_addresses_of_the_sender_are_told_and_left_out() -> None:
    """Whatever stands around them."""
    reply = "550 5.1.1 <b-x@bounce.example.com> to <carol@example.net>: user unknown"
    assert recipient_in(reply, {"b-x@bounce.example.com"}) == "carol@example.net"


@pytest.mark.parametrize(
    "rule",
    [rule for rule in packaged_rules().rules if CLASS_OF[rule.category] is Class.HARD],
    ids=lambda rule: rule.id,
)
def test_every_hard_reply_of_the_rules_is_about_the_recipient_that_it_quotes(rule) -> None:
    """No reply that is known makes a dead address seem alive."""
    text = rule.example.text
    recipient = recipient_in(text) or "bob@example.net"
    group = PerRecipientFields(final_recipient=recipient, action=Action.FAILED, diagnostic_code=text)
    assert group_for(Report(Kind.BOUNCE, "test", recipients=(group,)), recipient.lower()).names_recipient
