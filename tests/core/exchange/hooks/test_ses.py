"""What events of Amazon SES say."""

import json
from typing import Any

import pytest

from bounced.core.exchange.hooks import SERVICES, Entry, Heard, Silence, Silent, Unclear

PATH = "b-kabcqmnopqrstuvwxy=spring=jane=example.net@bounce.example.com"
MAIL = {
    "timestamp": "2026-06-15T11:58:00.123Z",
    "source": PATH,
    "messageId": "0102017f-0000",
    "destination": ["jane@example.net"],
    "tags": {"campaign": ["spring"], "ses:configuration-set": ["main"]},
}


def heard(event: dict[str, Any], **mail: Any) -> list[Heard]:
    """Return what an event says."""
    return list(SERVICES["ses"].read(json.dumps({"mail": {**MAIL, **mail}, **event}).encode()))


def entry(event: dict[str, Any], **mail: Any) -> dict[str, str]:
    """Return the one entry that an event makes."""
    (said,) = heard(event, **mail)
    assert isinstance(said, Entry)
    return dict(said.fields)


def bounce(type_: str, subtype: str, *recipients: dict[str, str], **more: Any) -> dict[str, Any]:
    """Return a bounce as event publishing tells it."""
    told = {
        "bounceType": type_,
        "bounceSubType": subtype,
        "bouncedRecipients": list(recipients or [{"emailAddress": "jane@example.net"}]),
        "timestamp": "2026-06-15T12:00:00.000Z",
        "feedbackId": "0102017f-feed",
        **more,
    }
    return {"eventType": "Bounce", "bounce": told}


def complaint(*addresses: str, **more: Any) -> dict[str, Any]:
    """Return a complaint."""
    named = [{"emailAddress": each} for each in addresses]
    told = {"complainedRecipients": named, "timestamp": "2026-06-15T12:00:00.000Z", "feedbackId": "f", **more}
    return {"eventType": "Complaint", "complaint": told}


def test_a_bounce_has_reply_server_message_and_campaign():
    """The words of the server that refused are what counts."""
    recipient = {
        "emailAddress": "jane@example.net",
        "action": "failed",
        "status": "5.1.1",
        "diagnosticCode": "smtp; 550 5.1.1 <jane@example.net>: no such user here",
    }
    told = entry(bounce("Permanent", "NoEmail", recipient, reportingMTA="dns; mx.example.net"))
    assert told == {
        "type": "rejected",
        "address": "jane@example.net",
        "at": "2026-06-15T12:00:00.000Z",
        "sent_at": "2026-06-15T11:58:00.123Z",
        "id": "ses:0102017f-feed",
        "reply": "550 5.1.1 <jane@example.net>: no such user here",
        "mta": "mx.example.net",
        "category": "mailbox_unknown",
        "action": "failed",
        "campaign": "spring",
        "return_path": PATH,
    }


def test_the_older_notifications_say_the_same():
    """They are those of an identity without event publishing."""
    event = bounce("Transient", "MailboxFull")
    assert entry({"notificationType": "Bounce", "bounce": event["bounce"]}) == entry(event)


@pytest.mark.parametrize(
    "reporting", ["dsn; a8-70.smtp-out.amazonses.com", "dns; e1-2.smtp-out.eu-west-1.amazonses.com", ""]
)
def test_what_amazon_reports_was_said_by_the_server_it_spoke_to(reporting: str):
    """Amazon's own name would bind the rules of another server."""
    told = entry(bounce("Permanent", "General", reportingMTA=reporting, remoteMtaIp="192.0.2.7"))
    assert told["mta"] == "192.0.2.7"


def test_a_status_alone_is_no_reply():
    """Gateways write 5.1.1 for whatever they refuse, and here no server's words stand beside it."""
    told = entry(bounce("Permanent", "General", {"emailAddress": "jane@example.net", "status": "5.1.1"}))
    assert "reply" not in told
    assert told["category"] == "undetermined"


def test_each_recipient_of_a_bounce_has_its_own_reply():
    """They are entries of their own, of the same event."""
    first = {"emailAddress": "jane@example.net", "diagnosticCode": "smtp; 550 5.1.1 no such user"}
    second = {"emailAddress": "joe@example.net", "diagnosticCode": "smtp; 452 4.2.2 mailbox full"}
    both = ["jane@example.net", "joe@example.net"]
    one, two = heard(bounce("Permanent", "General", first, second), destination=both)
    assert isinstance(one, Entry)
    assert isinstance(two, Entry)
    assert (one.fields["address"], one.fields["reply"]) == ("jane@example.net", "550 5.1.1 no such user")
    assert (two.fields["address"], two.fields["reply"]) == ("joe@example.net", "452 4.2.2 mailbox full")


def test_a_recipient_of_the_message_is_found_however_it_is_written():
    """With the name that a sender gave, and in another case."""
    recipient = {"emailAddress": "JANE@Example.NET", "diagnosticCode": "smtp; 550 5.1.1 no such user"}
    told = entry(bounce("Permanent", "General", recipient), destination=['"Jane, M." <jane@example.net>'])
    assert (told["address"], told["reply"]) == ("JANE@Example.NET", "550 5.1.1 no such user")
    told = entry(bounce("Permanent", "General", {"emailAddress": "Jane <jane@example.net>"}))
    assert told["address"] == "jane@example.net"


def test_a_recipient_who_was_sent_nothing_is_not_blamed():
    """Whoever reports names it: forwarding leads elsewhere, and a forged notice names anybody."""
    recipient = {"emailAddress": "ex-employee@example.org", "diagnosticCode": "smtp; 550 5.1.1 no such user"}
    told = entry(bounce("Permanent", "NoEmail", recipient))
    assert (told["address"], told["category"]) == ("jane@example.net", "mailbox_unknown")
    assert "reply" not in told
    (said,) = heard(bounce("Permanent", "NoEmail", recipient), destination=["jane@example.net", "joe@example.net"])
    assert isinstance(said, Entry)
    assert said.among == ("jane@example.net", "joe@example.net")


@pytest.mark.parametrize("subtype", ["Suppressed", "OnAccountSuppressionList", "UnsubscribedRecipient"])
def test_what_amazon_did_not_send_says_nothing(subtype: str):
    """Its lists are its own, and hold what became of mail of others too."""
    recipient = {"emailAddress": "jane@example.net", "diagnosticCode": "smtp; 550 5.1.1 no such user"}
    assert heard(bounce("Permanent", subtype, recipient)) == [Silent(Silence.NOT_SENT)]


@pytest.mark.parametrize(("type_", "subtype"), [("Permanent", "Novel"), ("Transient", "Novel"), ("Undetermined", "")])
def test_a_subtype_that_is_new_condemns_nobody(type_: str, subtype: str):
    """Its reply is read; without one it is undetermined."""
    assert entry(bounce(type_, subtype))["category"] == "undetermined"


def test_a_complaint_names_who_made_it():
    """Where one recipient is named it is that one."""
    told = entry(complaint("jane@example.net", complaintFeedbackType="abuse"))
    assert (told["type"], told["address"], told["id"]) == ("complained", "jane@example.net", "ses:f")


def test_a_complaint_of_one_of_several_leaves_open_whose_it_is():
    """Amazon names everybody of that domain to whom the message went."""
    (said,) = heard(complaint("jane@example.net", "joe@example.net"))
    assert isinstance(said, Entry)
    assert said.among == ("jane@example.net", "joe@example.net")
    assert "address" not in said.fields
    assert said.fields["return_path"] == PATH


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"complaintFeedbackType": "not-spam"}, Silence.NO_EVIDENCE),
        ({"complaintFeedbackType": "auth-failure"}, Silence.NO_EVIDENCE),
        ({"complaintSubType": "OnAccountSuppressionList"}, Silence.NOT_SENT),
    ],
)
def test_what_is_no_complaint_says_nothing(more: dict[str, str], why: Silence):
    """A provider that calls a message no spam does not complain; what was not sent cannot be complained of."""
    assert heard(complaint("jane@example.net", **more)) == [Silent(why)]


def test_a_delivery_is_of_those_whom_it_names():
    """A message to several is delivered to each of them in its own time."""
    delivered = {"recipients": ["joe@example.net"], "timestamp": "2026-06-15T12:00:00.000Z", "smtpResponse": "250 ok"}
    told = entry({"eventType": "Delivery", "delivery": delivered}, destination=["jane@example.net", "joe@example.net"])
    assert (told["type"], told["address"], told["at"]) == ("delivered", "joe@example.net", "2026-06-15T12:00:00.000Z")
    assert "reply" not in told


@pytest.mark.parametrize("kind", ["Open", "Click"])
def test_an_engagement_is_of_the_one_recipient(kind: str):
    """Of several, nobody knows who it was, but for our return path."""
    event = {"eventType": kind, kind.lower(): {"timestamp": "2026-06-15T12:00:00.000Z"}}
    assert entry(event)["address"] == "jane@example.net"
    (said,) = heard(event, destination=["jane@example.net", "joe@example.net"])
    assert isinstance(said, Entry)
    assert said.among == ("jane@example.net", "joe@example.net")


def test_who_leaves_all_topics_is_unsubscribed_and_who_leaves_one_is_not():
    """A topic is some mail only."""

    def said(*, unsubscribe_all: bool) -> list[Heard]:
        told = {"timestamp": "2026-06-15T12:00:00Z", "newTopicPreferences": {"unsubscribeAll": unsubscribe_all}}
        return heard({"eventType": "Subscription", "subscription": told})

    (left,) = said(unsubscribe_all=True)
    assert isinstance(left, Entry)
    assert left.fields["type"] == "unsubscribed"
    assert said(unsubscribe_all=False) == [Silent(Silence.NO_EVIDENCE)]


def test_what_is_sent_is_counted_by_its_domain():
    """It makes rates possible."""
    told = entry({"eventType": "Send", "send": {}})
    assert (told["type"], told["count"], told["domain"], told["campaign"]) == ("sent", "1", "example.net", "spring")


def test_two_recipients_of_a_message_are_two_that_were_sent():
    """What was sent is counted by the domain."""
    one, two = heard({"eventType": "Send", "send": {}}, destination=["jane@example.net", "joe@example.org"])
    assert isinstance(one, Entry)
    assert isinstance(two, Entry)
    assert (one.fields["domain"], two.fields["domain"]) == ("example.net", "example.org")


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("Reject", Silence.NOT_SENT),
        ("Rendering Failure", Silence.NOT_SENT),
        ("DeliveryDelay", Silence.NO_EVIDENCE),
        ("AmazonSnsSubscriptionSucceeded", Silence.NO_EVIDENCE),
    ],
)
def test_other_events_say_nothing(kind: str, why: Silence):
    """They are about the message, or about Amazon."""
    assert heard({"eventType": kind}) == [Silent(why)]


def test_the_return_path_stands_in_a_header_field_where_amazon_makes_its_own():
    """The field goes before the envelope sender."""
    field = {"name": "x-bounced-path", "value": "tabcdefghijklmnopqrstuvwxyz"}
    assert entry(bounce("Permanent", "General"), headers=[field])["return_path"] == "tabcdefghijklmnopqrstuvwxyz"
    assert entry(bounce("Permanent", "General"), tags={"bounced_path": ["tabc"]})["return_path"] == "tabc"


def test_what_amazon_says_to_a_new_topic_is_no_rubbish():
    """It is a sentence, not JSON."""
    said = SERVICES["ses"].read(b"Successfully validated SNS topic for Amazon SES event publishing.")
    assert list(said) == [Silent(Silence.NO_EVIDENCE)]


@pytest.mark.parametrize("event", [{"eventType": "Novel"}, {}, {"eventType": "Bounce"}, {"eventType": "Complaint"}])
def test_what_is_not_understood_is_kept(event: dict[str, Any]):
    """With the event as it came."""
    (said,) = heard(event)
    assert isinstance(said, Unclear)
    assert "0102017f-0000" in said.raw
