"""A cause that stands beside a refusal counts, and a user's name that ends as domains do is a user's."""

import pytest

from bounced.core.meaning.classify import classify
from bounced.core.terms import Action, Category, Class, Kind, PerRecipientFields, Report, Verdict
from bounced.explain import packaged_rules

RULES = packaged_rules()
LATE = "(in reply to end of DATA command)"


def _verdict(reply: str, *, address: str = "bob@example.net", text: str = "") -> Verdict:
    group = PerRecipientFields(
        action=Action.FAILED, final_recipient=address, diagnostic_code=reply, remote_mta="mx.example.net", text=text
    )
    report = Report(Kind.BOUNCE, "rfc3464", recipients=(group,), sent_to=("b-1@bounce.example",))
    return classify(group, report, RULES)


@pytest.mark.parametrize(
    ("cause", "class_"),
    [
        ("user not found", Class.HARD),
        ("account is disabled", Class.HARD),
        ("user is over quota", Class.SOFT),
        ("mailbox is full", Class.SOFT),
    ],
)
def test_the_cause_decides_and_not_its_heading(cause: str, class_: Class) -> None:
    """Mail.ru writes the same words before each of them."""
    reply = f"550 Message was not accepted -- invalid mailbox. Local mailbox bob@example.net is unavailable: {cause}"
    assert _verdict(reply, text=LATE).class_ is class_


@pytest.mark.parametrize(
    "reply",
    [
        "550 5.1.0 Address rejected: no valid PTR record found",
        "550 5.1.1 bob@example.net: recipient address rejected for this client only: not on allow list",
        "550 5.1.1 This address does not accept mail over IPv6",
        "550 5.1.1 bob@example.net is not reachable through this gateway",
        "550 5.1.1 Recipient rejected: your IP address is listed as dynamic",
        "550 5.1.1 Unbekannter Host, Ihr Server hat keinen gültigen DNS-Eintrag",
        "550 5.2.1 User disabled this alias for newsletters",
        "550 5.1.1 Rejected: parental control of bob@example.net",
        "550 5.1.1 Recipient server down, user status unknown",
        "550 5.1.1 Recipient unknown at this hour",
        "550 5.1.1 Destinataire injoignable pour le moment",
        "550 5.1.6 Mailbox is moving to another store",
        "550 5.7.1 address unknown to our partners",
    ],
)
def test_a_cause_that_is_another_ones_or_passes_condemns_nobody(reply: str) -> None:
    """Servers give such codes for whatever they refuse at RCPT."""
    assert _verdict(reply).class_ is not Class.HARD


@pytest.mark.parametrize(
    "reply",
    [
        "550 #5.1.0 Address rejected.",
        "550 5.1.0 Address rejected <bob@example.net>",
        "550 5.1.1 User unknown to our mail system",
        "550 5.1.1 Address unknown to our platform",
        "550 5.1.1 No such user on this network",
    ],
)
def test_who_is_unknown_where_users_are_is_unknown(reply: str) -> None:
    """No cause is given beside."""
    assert _verdict(reply).class_ is Class.HARD


@pytest.mark.parametrize(
    "reply",
    [
        "550 5.2.1 <bob@example.net>: Mailbox disabled, not accepting messages",
        "550 5.2.1 Account disabled, no longer accepting mail",
        "550 5.2.1 <bob@example.net>: This account is closed and not accepting messages",
        "550 5.5.0 Boite du destinataire archivee. Archived recipient. LPN007_417",
    ],
)
def test_what_is_closed_takes_nothing_for_that_reason(reply: str) -> None:
    """The consequence stands beside its cause."""
    assert _verdict(reply).category is Category.MAILBOX_INACTIVE
    assert _verdict("550 5.2.1 Mailbox temporarily disabled, not accepting messages").class_ is not Class.HARD


@pytest.mark.parametrize(
    "reply", ["550 5.1.1 No such user {} - nsmtp", "550 User '{}' not known", "550 account {} is closed"]
)
@pytest.mark.parametrize("user", ["kim.cs", "john.smith.com", "o.de"])
def test_a_name_behind_a_word_for_a_user_is_a_users(reply: str, user: str) -> None:
    """Elsewhere one that ends as domains do is a host's."""
    assert _verdict(reply.format(user), address=f"{user}@example.net").class_ is Class.HARD
    assert _verdict(f"550 5.7.1 client {user} unknown", address=f"{user}@example.net").class_ is not Class.HARD
