"""What is kept of a complaint that names nobody: domains, providers and the feedback's own fields, and no person."""

from base64 import b32encode, b64encode
from typing import Any

import pytest

from bounced.core.meaning.classify import classify
from bounced.core.meaning.nobody import unattributed
from bounced.core.reading.report import parse
from bounced.core.terms import Category, PerRecipientFields
from bounced.explain import packaged_rules

LOCAL_PART, SUBJECT = "alice.wonder", "Your order 4711 of green tea"
ADDRESS = f"{LOCAL_PART}@example.org"
RULES = packaged_rules()
FEEDBACK = {
    "Feedback-Type": "abuse",
    "User-Agent": "Yahoo!-Mail-Feedback/2.0",
    "Version": "1",
    "Original-Rcpt-To": f"<{ADDRESS}>",
    "Original-Mail-From": "<news-alice.wonder=example.org@bounces.shop.example>",
    "Source-IP": "192.0.2.25",
    "Arrival-Date": "Sat, 21 Nov 2026 13:14:15 +0100",
    "Reporting-MTA": "dns; mta7.mail.yahoo.com",
    "Authentication-Results": f"mta7; dkim=pass header.i=@shop.example; spf=fail smtp.mailfrom={ADDRESS}",
}
RETURNED = {"From": "The Shop <news@news.shop.example>", "To": f"Alice <{ADDRESS}>", "Subject": SUBJECT}


def complaint(author="complaints@fbl.example", returned=RETURNED, **changed):
    """Return a complaint in the abuse reporting format; an underscore in a name stands for a hyphen."""
    feedback = FEEDBACK | {name.replace("_", "-"): value for name, value in changed.items()}
    lines = "".join(f"{name}: {value}\n" for name, value in feedback.items() if value is not None)
    original = "".join(f"{name}: {value}\n" for name, value in returned.items())
    return (
        f"From: {author}\nSubject: complaint about {SUBJECT}\nMessage-ID: <1@fbl.example>\n"
        "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n"
        f"--b\n\nThis is an abuse report about {ADDRESS}.\n"
        f"--b\nContent-Type: message/feedback-report\n\n{lines}\n"
        f"--b\nContent-Type: message/rfc822\n\n{original}\nDear {ADDRESS}\n--b--\n"
    ).encode()


def kept(**given):
    """Return what is kept of such a complaint."""
    report = parse(complaint(**given))
    found = unattributed(report, classify(PerRecipientFields(), report, RULES))
    assert found is not None
    return found


def test_domains_the_provider_and_the_fields_of_the_feedback_are_kept():
    """To the minute, and of the authentication the results alone."""
    found = kept()
    assert found.known
    assert found.fields == {
        "provider": "yahoo",
        "category": "complaint",
        "feedback_type": "abuse",
        "from_domain": "news.shop.example",
        "return_path_domain": "bounces.shop.example",
        "reporting_mta": "mta7.mail.yahoo.com",
        "user_agent": "Yahoo!-Mail-Feedback/2.0",
        "source_ip": "192.0.2.25",
        "arrival_date": "2026-11-21T12:14:00Z",
        "authentication": "dkim=pass spf=fail",
    }


@pytest.mark.parametrize(
    ("given", "provider"),
    [
        ({}, "yahoo"),
        ({"Reporting_MTA": None, "author": "staff@hotmail.com"}, "microsoft"),
        ({"Reporting_MTA": None, "Original_Rcpt_To": "<x@gmail.com>"}, "google"),
        ({"Reporting_MTA": "dns; mx.isp.example", "author": "fbl@isp.example"}, "isp.example"),
        ({"Reporting_MTA": "dns; mx.isp.example", "author": "nobody"}, "mx.isp.example"),
        ({"Reporting_MTA": None, "author": "nobody"}, "unknown"),
    ],
)
def test_the_provider_is_named_by_its_servers_its_own_domain_or_the_recipients(given, provider):
    """One that nobody knows has the name of its domain."""
    assert kept(**given).fields["provider"] == provider


@pytest.mark.parametrize(
    ("type_", "category"),
    [("opt-out", Category.UNSUBSCRIBED), ("opt-out-list", Category.UNSUBSCRIBED), ("fraud", Category.COMPLAINT)],
)
def test_an_opt_out_of_nobody_is_told_apart_too(type_, category):
    """As an unsubscription."""
    assert kept(Feedback_Type=type_).fields["category"] == category


def test_what_is_no_complaint_is_none():
    """A virus that was reported, for example."""
    report = parse(complaint(Feedback_Type="virus"))
    assert unattributed(report, classify(PerRecipientFields(), report, RULES)) is None


HEX = LOCAL_PART.encode().hex()
BASE32 = b32encode(LOCAL_PART.encode()).decode().strip("=").lower()
BASE64 = b64encode(ADDRESS.encode()).decode()
BARE = "alicewonder"
HOSTS = [
    ADDRESS,
    f"<{ADDRESS}>",
    f"{LOCAL_PART}.shop.example",
    "alice-wonder.shop.example",
    f"x.{BARE}.example",
    "alice.wonder=example.org.shop.example",
    "alice.wonder%40example.org",
    "=?utf-8?q?alice.wonder=40example.org?=",
    f"{HEX}.shop.example",
    f"{BASE32}.shop.example",
    "rednow.ecila.shop.example",
    "nyvpr.jbaqre.shop.example",
    "your-order-4711-of-green-tea.shop.example",
    "0123456789abcdef0123456789abcdef.shop.example",
    "shop.example alice.wonder",
    "shop.example\x1b]alice.wonder",
]
AGENTS = [
    ADDRESS,
    f"{LOCAL_PART}/1.0",
    f"Feedback-{BARE}/1.0",
    "ALICE.WONDER",
    BASE64,
    "YourOrder4711OfGreenTea/1.0",
    "Your order 4711 of green tea",
    f"=?utf-8?b?{BASE64}?=",
    f"Agent/1.0 ({ADDRESS})",
    f"Agent {LOCAL_PART} {SUBJECT}",
    "Agent/alice.wonder",
]


@pytest.mark.parametrize("hostile", HOSTS)
@pytest.mark.parametrize("place", ["Reporting-MTA", "Original-Mail-From", "From", "author"])
def test_no_recipient_and_no_subject_gets_in_through_a_domain(hostile, place):
    """Neither as it stands nor in an encoding that anybody would try; a long label of digits may hold anything."""
    places: dict[str, dict[str, Any]] = {
        "Reporting-MTA": {"Reporting_MTA": f"dns; {hostile}"},
        "Original-Mail-From": {"Original_Mail_From": f"<x@{hostile}>"},
        "From": {"returned": RETURNED | {"From": f"x@{hostile}"}},
        "author": {"author": f"x@{hostile}", "Reporting_MTA": None},
    }
    assert_nothing_personal(kept(**places[place]).fields)


@pytest.mark.parametrize("hostile", AGENTS)
def test_no_recipient_and_no_subject_gets_in_through_the_name_of_a_program(hostile):
    """Only the first product and its version are kept."""
    fields = kept(User_Agent=hostile).fields
    assert_nothing_personal(fields)
    assert fields.get("user_agent", "Agent").partition("/")[0] == "Agent"


@pytest.mark.parametrize("hostile", [ADDRESS, LOCAL_PART, SUBJECT, BASE64, "::616c:6963:652e:776f:6e64:6572"])
@pytest.mark.parametrize("name", ["Feedback_Type", "Source_IP", "Arrival_Date", "Authentication_Results", "X_Further"])
def test_no_recipient_and_no_subject_gets_in_through_any_other_field(hostile, name):
    """Each is read by a grammar that has no place for words."""
    report = parse(complaint(**{name: hostile}))
    found = unattributed(report, classify(PerRecipientFields(), report, RULES))
    if found is not None:  # a type that nobody registered is no complaint
        assert_nothing_personal(found.fields)


def test_a_recipient_whom_only_the_returned_message_names_is_known():
    """Where the report itself hides who it was."""
    found = kept(Original_Rcpt_To="redacted", Reporting_MTA=f"dns; {LOCAL_PART}.isp.example")
    assert "reporting_mta" not in found.fields


@pytest.mark.parametrize("name", ["mail", "info", "news"])
def test_a_role_is_no_person(name):
    """Half of all hosts are called so."""
    given = {"Original_Rcpt_To": f"<{name}@company.example>", "returned": RETURNED | {"To": f"{name}@company.example"}}
    assert kept(**given).fields["from_domain"] == "news.shop.example"


def assert_nothing_personal(fields):
    """Fail where a value holds the local part, the recipient or the subject in some form."""
    text = " ".join(value for name, value in fields.items()).lower()
    squeezed = "".join(filter(str.isalnum, text))
    for secret in (
        BARE,
        "ecila",
        "nyvpr",
        "wonder",
        HEX,
        BASE32,
        BASE64.lower(),
        "greentea",
        "order4711",
        "0123456789",
    ):
        assert secret not in squeezed, fields
    assert "@" not in text
    assert text.isprintable()
