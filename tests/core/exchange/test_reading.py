"""What each service's export says, as its columns are named there."""

import json
from datetime import UTC, datetime

import pytest

from bounced.core.exchange import Reader, Row, SkippedRow, SkipReason, Unrecognised, read_rows
from bounced.core.exchange.names import NAMES
from bounced.core.exchange.reading import moment
from bounced.core.exchange.records import records
from bounced.core.exchange.rows import CONDEMNING
from bounced.core.meaning.bare import Known
from bounced.core.meaning.classify import classify_reply
from bounced.core.state import AddressState
from bounced.core.terms import Category, Class, Origin, State, class_of
from bounced.explain import packaged_rules

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
RULES = packaged_rules()
OWN = "address,state,category,class,since,until,status,diagnostic,reporting_mta,campaign,origin\n"

POSTMARK = "EmailAddress,SuppressionReason,Origin,CreatedAt\n"


def found(text, category=None):
    """Return everything in a file."""
    reader = Reader(lambda reply, address: classify_reply(reply, RULES, Known(about=address)), NOW, category)
    return list(read_rows(text.splitlines(keepends=True), reader))


def said(text, category=None):
    """Return address, category and day of each row, and the faults as they are."""
    return [
        (each.address, each.said.category, each.said.since.date().isoformat()) if isinstance(each, Row) else each
        for each in found(text, category)
    ]


def as_json(wrapper, *records):
    """Return what an API answers."""
    return json.dumps({wrapper: list(records)} if wrapper else list(records), indent=2)


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("EmailAddress,Reason,LastUpdateTime\na@example.org,BOUNCE,2026-10-01T00:00:00Z\n", "mailbox_unknown"),
        ("EmailAddress,Reason,LastUpdateTime\na@example.org,COMPLAINT,2026-10-01T00:00:00Z\n", "complaint"),
        (
            as_json(
                "SuppressedDestinationSummaries",
                {"EmailAddress": "a@example.org", "Reason": "BOUNCE", "LastUpdateTime": 1790812800.077},
            ),
            "mailbox_unknown",
        ),
        (
            "status,reason,email,created\n5.1.1,550 5.1.1 The email account does not exist,a@example.org,1790812800\n",
            "mailbox_unknown",
        ),
        (
            as_json("", {"created": 1790812800, "email": "a@example.org", "reason": "Known bad domain"}),
            "bad_address",
        ),
        (
            as_json(
                "items",
                {
                    "address": "a@example.org",
                    "code": "550",
                    "error": "No such mailbox",
                    "created_at": "Thu, 01 Oct 2026 00:00:00 UTC",
                    "MessageHash": "x",
                },
            ),
            "mailbox_unknown",
        ),
        (
            as_json(
                "items",
                {"address": "a@example.org", "tags": ["*"], "created_at": "Thu, 01 Oct 2026 00:00:00 GMT"},
            ),
            "unsubscribed",
        ),
        (
            as_json(
                "Suppressions",
                {
                    "EmailAddress": "a@example.org",
                    "SuppressionReason": "HardBounce",
                    "Origin": "Recipient",
                    "CreatedAt": "2026-09-30T20:00:00-04:00",
                },
            ),
            "mailbox_unknown",
        ),
        (
            f"{POSTMARK}a@example.org,ManualSuppression,Recipient,2026-10-01T00:00:00Z\n",
            "unsubscribed",
        ),
        (
            f"{POSTMARK}a@example.org,ManualSuppression,Customer,2026-10-01T00:00:00Z\n",
            "operator",
        ),
        (
            f"{POSTMARK}a@example.org,SpamComplaint,,2026-10-01T00:00:00Z\n",
            "complaint",
        ),
        (
            'Email Address,First Name,CLEAN_TIME,CLEAN_CAMPAIGN_TITLE\na@example.org,A,"2026-10-01 00:00:00",Autumn\n',
            "mailbox_unknown",
        ),
        (
            "Email Address,UNSUB_TIME,UNSUB_REASON\na@example.org,2026-10-01 00:00:00,NORMAL\n",
            "unsubscribed",
        ),
        (OWN + "a@example.org,suppressed,mailbox_moved,hard,2026-10-01T00:00:00Z,,,,,,smtp\n", "mailbox_moved"),
    ],
)
def test_each_format_is_told_by_its_columns(text, category):
    """Whatever the file calls its reasons and its times."""
    assert said(text) == [("a@example.org", Category(category), "2026-10-01")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_spreadsheets_write_other_delimiters_and_a_byte_order_mark(delimiter):
    """Excel does both."""
    text = "\ufeffEmail;Created\na@example.org;1790812800\n".replace(";", delimiter)
    assert said(text, Category.COMPLAINT) == [("a@example.org", Category.COMPLAINT, "2026-10-01")]


def test_an_unsubscription_from_some_mail_is_no_suppression():
    """Mailgun's tags."""
    text = as_json("items", {"address": "a@example.org", "tags": ["news"], "created_at": ""})
    assert found(text) == [SkippedRow(1, "a@example.org: unsubscribed from news only")]


def test_a_block_is_no_reason_to_suppress_an_address():
    """SendGrid exports blocks with the columns of bounces."""
    text = "email,reason,status,created\na@example.org,550 5.7.1 blocked using zen.example.net,5.7.1,1790812800\n"
    [fault] = found(text)
    assert fault == SkippedRow(2, "a@example.org: reputation_block is no reason to suppress an address")


SENDGRID = "email,reason,status,created\n"
INVALID = "email,reason,created\n"
MAILGUN = "address,code,error,created_at\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"{SENDGRID}a@example.org,i/o timeout,,1790812800", SkipReason.UNDETERMINED),
        (
            f"{SENDGRID}a@example.org,error dialing remote address: dial tcp 192.0.2.1:25: i/o timeout,,",
            SkipReason.SOFT,
        ),
        (f"{SENDGRID}a@example.org,552 5.2.2 mailbox full,5.2.2,1790812800", SkipReason.SOFT),
        (f"{SENDGRID}a@example.org,421 try later,,1790812800", SkipReason.TRANSIENT),
        (f"{SENDGRID}a@example.org,450 4.1.1 user unknown,,1790812800", SkipReason.TRANSIENT),
        (f"{SENDGRID}a@example.org,user unknown,4.1.1,1790812800", SkipReason.TRANSIENT),
        (f"{SENDGRID}a@example.org,550 5.7.1 listed at zen.example.net,,", SkipReason.BLOCK),
        (f"{SENDGRID}a@example.org,,,", SkipReason.UNDETERMINED),
        ("email,reason,status,created,type\na@example.org,550 5.1.1 user unknown,,,soft bounce", SkipReason.SOFT),
        ("email,reason,status,created,type\na@example.org,550 5.1.1 user unknown,,,blocked", SkipReason.BLOCK),
        (f"{INVALID}a@example.org,552 5.2.2 mailbox full,1790812800", SkipReason.SOFT),
        (f"{INVALID}a@example.org,i/o timeout,1790812800", SkipReason.UNDETERMINED),
        (f"{INVALID}a@example.org,451 4.3.0 try again,1790812800", SkipReason.TRANSIENT),
        (f"{MAILGUN}a@example.org,450,user unknown,", SkipReason.TRANSIENT),
        (f"{MAILGUN}a@example.org,552,mailbox full,", SkipReason.SOFT),
        (f"{MAILGUN}a@example.org,550,,", SkipReason.UNDETERMINED),
        (f"{MAILGUN}a@example.org,550,user may not exist,", SkipReason.SOFT),
        (f"{MAILGUN}a@example.org,550,unknown user carol,", SkipReason.SOFT),
        (f"{INVALID}a@example.org,550 this address may not exist,1790812800", SkipReason.SOFT),
        ("emailaddress,reason,error\na@example.org,BOUNCE,550 user may not exist", SkipReason.SOFT),
        (f"{POSTMARK}a@example.org,SoftBounce,Recipient,2026-10-01T00:00:00Z", SkipReason.SOFT),
        (f"{POSTMARK}a@example.org,Transient,Recipient,2026-10-01T00:00:00Z", SkipReason.TRANSIENT),
        (f"{POSTMARK}a@example.org,Blocked,Recipient,2026-10-01T00:00:00Z", SkipReason.BLOCK),
        ("emailaddress,reason,bounceType\na@example.org,BOUNCE,Transient", SkipReason.TRANSIENT),
        ("emailaddress,reason,bounceType\na@example.org,BOUNCE,Undetermined", SkipReason.UNDETERMINED),
        ("address,category\na@example.org,mailbox_full", SkipReason.SOFT),
        ("address,category\na@example.org,soft_bounce", SkipReason.SOFT),
        ("address,category\na@example.org,spam_content", SkipReason.BLOCK),
        ("address,category\na@example.org,rate_limited", SkipReason.TRANSIENT),
        ("address,category\na@example.org,undetermined", SkipReason.UNDETERMINED),
        ("address,category\na@example.org,success", SkipReason.NO_FAILURE),
        ("address,category,event\na@example.org,mailbox_unknown,dropped", SkipReason.NO_FAILURE),
    ],
)
def test_what_does_not_condemn_an_address_is_left_out(text, why):
    """Whoever calls it a bounce, and in whichever column the doubt stands: a good address stays mailable."""
    [fault] = found(text)
    assert isinstance(fault, SkippedRow)
    assert fault.why is why


@pytest.mark.parametrize(
    ("columns", "value", "why"),
    [
        ("email,bounce type", "Transient/General", SkipReason.TRANSIENT),
        ("email,bounce type", "soft bounce (mailbox full)", SkipReason.SOFT),
        ("email,bounce type", "Block Bounce", SkipReason.BLOCK),
        ("email,bounce category", "quota-issues", SkipReason.SOFT),
        ("email,classification", "Frequency or Volume Too High", SkipReason.TRANSIENT),
        ("email,bounce class", "Mail Block", SkipReason.BLOCK),
        ("email,error message", "mailbox full", SkipReason.SOFT),
        ("email,bounce_reason_text", "552 5.2.2 over quota", SkipReason.SOFT),
        ("email,Email hard bounce reason", "Mailbox full", SkipReason.SOFT),
    ],
)
def test_what_the_operator_says_of_a_file_does_not_condemn_what_a_row_excuses(columns, value, why):
    """A list of bad addresses may hold soft failures."""
    [fault] = found(f"{columns}\na@example.org,{value}\n", Category.MAILBOX_UNKNOWN)
    assert isinstance(fault, SkippedRow)
    assert fault.why is why


@pytest.mark.parametrize("name", [each for names in NAMES.values() for each in names], ids=lambda each: each.text)
def test_a_system_s_name_in_a_row_excuses_only_a_failure(name):
    """Complaints, unsubscriptions and bad addresses stay; a name without a reason leaves it to the operator."""
    (row,) = found(f"email,bounce category\na@example.org,{name.text}\n", Category.MAILBOX_UNKNOWN)
    if isinstance(row, Row):
        assert name.category is None or class_of(name.category) not in (Class.SOFT, Class.BLOCK, Class.TRANSIENT)
    else:
        assert name.category not in CONDEMNING


@pytest.mark.parametrize("category", [Category.MAILBOX_UNKNOWN, Category.UNSUBSCRIBED, Category.OPERATOR])
@pytest.mark.parametrize(
    ("columns", "row"),
    [
        ("EMAIL;EMAIL_BLOCKLISTED;SMS_BLOCKLISTED", "a@example.org;false;true"),
        ("EMAIL;EMAIL_BLACKLISTED", "a@example.org;0"),
        ("email,emailBlacklisted", "a@example.org,False"),
        ("email,Suppressed", "a@example.org,no"),
        ("email,is_blocked", "a@example.org,N"),
        ("email,Inactive", "a@example.org,false"),
        ("email,unsubscribed", "a@example.org,"),
        ("email,active", "a@example.org,true"),
        ("email,active", "a@example.org,false"),
        ("email,Subscribed", "a@example.org,Yes"),
        ("email,status", "a@example.org,Active"),
        ("email,Email Status", "a@example.org,not blocked"),
        ("email;Blocklisted for email;Blocklisted for SMS", "a@example.org;no;yes"),
        ("email;EMAIL_BLOCKLISTED", "a@example.org;FALSCH"),
    ],
)
def test_a_row_that_says_that_it_is_not_blocked_is_left_out(columns, row, category):
    """An export of all contacts is no list of those to suppress, whatever the operator says of the file."""
    [fault] = found(f"{columns}\n{row}\n", category)
    assert isinstance(fault, SkippedRow)
    assert fault.why is SkipReason.NOT_BLOCKED


@pytest.mark.parametrize(
    ("columns", "row"),
    [
        ("EMAIL;EMAIL_BLOCKLISTED;SMS_BLOCKLISTED;OPT_IN", "a@example.org;true;false;true"),
        ("email,unsubscribed,bounced", "a@example.org,,2026-10-01"),
        ("email,subscribed", "a@example.org,false"),
        ("email,status", "a@example.org,unsubscribed"),
        ("email,sms_blocklisted", "a@example.org,false"),
    ],
)
def test_a_row_that_says_that_it_is_blocked_is_taken(columns, row):
    """Columns about something else, such as text messages, do not count."""
    assert [each.address for each in found(f"{columns}\n{row}\n", Category.UNSUBSCRIBED)] == ["a@example.org"]


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("recipient,source,status\na@example.org,Spam Complaint,4.2.2", Category.COMPLAINT),
        ("emailaddress,reason,bounceType\na@example.org,COMPLAINT,Transient", Category.COMPLAINT),
        (f"{POSTMARK}a@example.org,SpamComplaint,,", Category.COMPLAINT),
        (
            "email address,unsub_time,unsub_reason,type\na@example.org,2026-10-01 00:00:00,mailbox full,soft",
            Category.UNSUBSCRIBED,
        ),
    ],
)
def test_a_complaint_and_an_unsubscription_keep_their_kind(text, category):
    """What else the row says of failures does not weaken them."""
    [row] = found(text)
    assert row.said.category is category


def test_the_line_is_the_one_where_the_row_ends():
    """A quoted line break does not shift what comes behind it."""
    text = 'EmailAddress,Reason\n"a@example.org",BOUNCE\n"b@example.org\n",BOUNCE\nc@example.org,WHY\n'
    rows = found(text)
    assert [each.line for each in rows] == [2, 4, 5]
    assert rows[2] == SkippedRow(5, "c@example.org: not understood: 'why'")


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (",BOUNCE", "no emailaddress"),
        ("a@example.org", "1 columns, the first line has 2"),
        ("a@example.org,BOUNCE,more", "3 columns, the first line has 2"),
        ('"a@example.org,' + "x" * 200_000, "a quote opens on this line, and no quote closes it"),
    ],
)
def test_a_broken_line_is_reported_and_the_next_is_taken(line, fault):
    """Nothing is guessed from cells that do not fit their columns."""
    text = f"EmailAddress,Reason\n{line}\nb@example.org,BOUNCE\n"
    first, *others = found(text)
    assert first.text == fault
    assert [each.address for each in others] == ["b@example.org"]


@pytest.mark.parametrize("broken", ["{", "[1]", '"text"', "null"])
def test_a_broken_json_line_is_reported(broken):
    """By its number."""
    good = json.dumps({"EmailAddress": "a@example.org", "Reason": "BOUNCE"})
    rows = found(f"{good}\n{broken}\n\n{good}\n")
    assert [each.line for each in rows] == [1, 2, 4]
    assert isinstance(rows[1], SkippedRow)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ("[]", "there is nothing in the file"),
        ("name,phone\n", "no format has its columns. The file has 'name', 'phone'"),
        ("name,phone\nA,1\n", "no format has its columns. The file has 'name', 'phone'"),
        ("a\0d\0d\0", "saved it as UTF-16"),
        ('{"name": 1}', "no format has its columns. The file has 'name'"),
        ("{broken", "neither JSON nor JSON lines"),
        ("address\na@example.org\n", "the columns of addresses do not say why: say it with --category"),
    ],
)
def test_a_file_that_nobody_understands_is_refused_at_once(text, complaint):
    """Before a single row is taken."""
    with pytest.raises(Unrecognised) as refused:
        found(text)
    assert complaint in str(refused.value)


def test_addresses_alone_need_no_name_for_their_column():
    """The first line is one of them."""
    rows = found("a@example.org\nb@example.org\n", Category.UNSUBSCRIBED)
    assert [(each.line, each.address) for each in rows] == [(1, "a@example.org"), (2, "b@example.org")]


def test_categories_beside_addresses_are_reasons():
    """A complaint stays one; a word that is no category is reported, and nothing overrules the file."""
    text = "address,category\na@example.org,complaint\nb@example.org,whim\n"
    first, second = found(text)
    assert first.said.category is Category.COMPLAINT
    assert isinstance(second, SkippedRow)
    with pytest.raises(Unrecognised, match="leave --category out"):
        found(text, Category.UNSUBSCRIBED)


def test_an_address_that_is_no_utf_8_is_reported():
    """What was made of it would be somebody else's."""
    assert found("address\njos\ufffd@example.org\n", Category.UNSUBSCRIBED) == [
        SkippedRow(2, "jos\ufffd@example.org: not in UTF-8")
    ]


def test_a_file_that_says_why_is_not_overruled():
    """A category for a whole file is for files without reasons."""
    with pytest.raises(Unrecognised, match="leave --category out"):
        found("EmailAddress,Reason\na@example.org,COMPLAINT\n", Category.MAILBOX_UNKNOWN)


def test_an_empty_list_of_ours_is_no_error():
    """An export of an empty list imports."""
    assert found(OWN) == []


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("a@example.org,active,mailbox_unknown,hard,,,,,,,", "active is not on the suppression list"),
        ("a@example.org,held,mailbox_full,soft,,,,,,,", "held, and no until"),
        ("a@example.org,held,mailbox_full,soft,,2026-11-01T00:00:00Z,,,,,", "that ended on 2026-11-01"),
        ("a@example.org,suppressed,mailbox_gone,hard,,,,,,,", "'mailbox_gone' is not a valid Category"),
        ("a@example.org,suppressed,policy,block,,,,,,,", "policy is no reason to suppress an address"),
        ("a@example.org,suppressed,complaint,,99999999999999,,,,,,", "year"),
        ("a@example.org,suppressed,mailbox_full,soft,,,,,,,operator", "mailbox_full is no reason to suppress"),
    ],
)
def test_a_row_of_ours_that_makes_no_sense_is_reported(row, fault):
    """It may have been edited by hand."""
    [told] = found(f"{OWN}{row}\n")
    assert isinstance(told, SkippedRow)
    assert fault in told.text


def test_a_suppression_after_many_soft_failures_is_taken_from_our_own_export():
    """The policy came to it, by the door that the row names."""
    [row] = found(f"{OWN}a@example.org,suppressed,mailbox_full,soft,2026-11-01T00:00:00Z,,,,,,smtp\n")
    assert row.said.category is Category.MAILBOX_FULL


def test_a_reply_in_doubt_is_left_out_and_what_is_missing_is_told():
    """A good address is not suppressed by a guess, whichever door it comes through."""
    [left_out] = found(f"{MAILGUN}a@example.org,550,user may not exist,")
    assert isinstance(left_out, SkippedRow)
    assert (
        left_out.text
        == "a@example.org: mailbox_unknown is not proven (it is a guess), and no reason to suppress an address"
    )


def test_a_reply_is_read_as_one_about_the_address_of_its_row():
    """Its user's name proves whom it is about."""
    [row] = found(f"{MAILGUN}carol@example.org,550,unknown user carol,")
    assert (row.said.category, row.said.class_) == (Category.MAILBOX_UNKNOWN, Class.HARD)


def test_a_row_of_ours_that_was_doubtful_is_taken_as_soft():
    """Its category is hard and its class is not: the policy came to it after many failures, or an import by mistake."""
    row = "a@example.org,suppressed,mailbox_unknown,soft,2026-11-01T00:00:00Z,,,,,,{}\n"
    [taken] = found(OWN + row.format("smtp"))
    assert taken.said.class_ is Class.SOFT
    [left_out] = found(OWN + row.format("operator"))
    assert isinstance(left_out, SkippedRow)


def test_a_row_of_ours_keeps_everything():
    """What was held stays held until the same time."""
    text = (
        f"{OWN}a@example.org,held,mailbox_full,soft,2026-11-01T00:00:00Z,2026-12-01T00:00:00Z,5.2.2,full,mx,nov,smtp\n"
    )
    assert found(text) == [
        Row(
            2,
            "a@example.org",
            AddressState(
                State.HELD,
                Category.MAILBOX_FULL,
                Class.SOFT,
                since=datetime(2026, 11, 1, tzinfo=UTC),
                until=datetime(2026, 12, 1, tzinfo=UTC),
                status="5.2.2",
                diagnostic="full",
                reporting_mta="mx",
                campaign="nov",
                origin=Origin.SMTP,
            ),
        )
    ]


def test_what_a_file_calls_the_future_is_now():
    """Else a release would be older than its suppression."""
    assert said("EmailAddress,Reason,LastUpdateTime\na@example.org,BOUNCE,2037-01-01\n")[0][2] == "2026-11-21"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("1790812800", "2026-10-01T00:00:00+00:00"),
        ("2026-10-01", "2026-10-01T00:00:00+00:00"),
        ("2026-10-01T02:00:00.5+02:00", "2026-10-01T00:00:00+00:00"),
        ("Thu, 01 Oct 2026 00:00:00 +0000", "2026-10-01T00:00:00+00:00"),
    ],
)
def test_times(text, expected):
    """As services write them."""
    at = moment(text)
    assert (at.isoformat() if at else None) == expected


def test_what_ends_now_has_ended():
    """An address that may be mailed from this moment on is not held by an import."""
    (fault,) = found(OWN + f"a@example.org,held,mailbox_full,soft,,{NOW.isoformat()},,,,,\n")
    assert (fault.text, fault.why) == ("a@example.org: that ended on 2026-11-21", SkipReason.ENDED)


@pytest.mark.parametrize(
    "text", ["address,x\na@example.org,{long}\n", '{{"address": "a@example.org", "x": "{long}"}}'], ids=["CSV", "JSON"]
)
def test_a_field_is_cut_at_a_thousand_characters(text):
    """Whatever a file holds, a row is small."""
    _, ((_, fields),) = records(text.format(long="y" * 5000).splitlines(keepends=True))
    assert not isinstance(fields, SkippedRow)
    assert len(fields["x"]) == 1000


SES = "EmailAddress,Reason\n"


@pytest.mark.parametrize("ending", ["", 'x@example.org,"BOUNCE"\n', 'x@example.org,"an ""odd"" reason"\n'])
def test_a_quote_that_nobody_closes_is_told_by_the_line_on_which_it_opens(ending):
    """And no row behind it is lost, wherever the next quote stands."""
    others = "".join(f"u{n}@example.org,BOUNCE\n" for n in range(100))
    rows = found(f'{SES}a@example.org,BOUNCE\nb@example.org,"BOUNCE\n{others}{ending}')
    (fault,) = [row for row in rows if isinstance(row, SkippedRow) and "quote" in row.text]
    assert fault == SkippedRow(3, "a quote opens on this line, and no quote closes it")
    taken = [(row.line, row.address) for row in rows if isinstance(row, Row)][: 1 + 100]
    assert taken == [(2, "a@example.org"), *((n + 4, f"u{n}@example.org") for n in range(100))]


def test_a_cell_of_several_lines_that_swallowed_a_row_gives_it_back():
    """Its record has too few columns, which tells it from a cell that is meant so."""
    rows = found(f'{SES}"a@example.org,BOUNCE\nb@example.org,BOUNCE\nc@example.org"\nd@example.org,BOUNCE\n')
    assert rows[0] == SkippedRow(2, "a quote opens on this line and closes on line 4: 1 columns, the first line has 2")
    assert [row.address for row in rows if isinstance(row, Row)] == ["b@example.org", "d@example.org"]


def test_a_name_of_a_column_whose_quote_nobody_closes_is_refused():
    """Nobody could tell what the cells are."""
    with pytest.raises(Unrecognised, match="line 1, with the names of the columns"):
        found('"EmailAddress,Reason\na@example.org,BOUNCE\n')


PAGES = [{"items": [{"address": f"u{n}@example.org", "code": 550, "error": "5.1.1 no such user"}]} for n in range(3)]


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(map(json.dumps, PAGES)),
        "".join(map(json.dumps, PAGES)),
        "\n".join(json.dumps(p, indent=1) for p in PAGES),
    ],
    ids=["a line each", "without a line break", "indented"],
)
def test_answers_that_stand_one_behind_the_other_are_all_read(text):
    """An API answers by the page, and curl writes page after page."""
    assert [(row.line, row.address) for row in found(text)] == [(n + 1, f"u{n}@example.org") for n in range(3)]


def test_an_answer_that_ends_too_early_is_reported():
    """What stands before it is taken."""
    first, fault = found(json.dumps(PAGES[0], indent=1) + '{"items": [')
    assert isinstance(first, Row)
    assert (fault.line, fault.text[:35]) == (2, "broken JSON behind the record befor")


def test_links_beside_the_records_are_no_records():
    """Nor are the lists in a record."""
    entry = {"recipient": "a@example.org", "source": "Spam Complaint", "tags": [{"id": 1}]}
    assert said(json.dumps({"links": [{"href": "x"}], "results": [entry]}))[0][1] is Category.COMPLAINT
    assert said(json.dumps(entry))[0][1] is Category.COMPLAINT


@pytest.mark.parametrize(
    ("row", "category"),
    [
        ("a@example.org,550,,", Category.MAILBOX_UNKNOWN),
        ("a@example.org,605,Not delivering to previously bounced address,", Category.MAILBOX_UNKNOWN),
        ("a@example.org,550,5.1.2 no such domain,", Category.DOMAIN_INVALID),
        ("a@example.org,607,,", Category.COMPLAINT),
        ("a@example.org,552,mailbox full,", None),
        ("a@example.org,550,some words of its own,", None),
        ("a@example.org,421,,", None),
    ],
)
def test_the_operator_answers_for_rows_in_which_the_service_does_not_say_why(row, category):
    """What the row says itself stands, also what nobody understands."""
    (only,) = found(f"{MAILGUN}{row}\n", Category.MAILBOX_UNKNOWN)
    assert (only.said.category if isinstance(only, Row) else None) is category


@pytest.mark.parametrize("category", [None, Category.MAILBOX_UNKNOWN, Category.UNSUBSCRIBED])
def test_an_unsubscription_from_some_mail_is_taken_only_if_the_operator_calls_it_one_from_the_list(category):
    """A bad address it is in no case."""
    (only,) = found("email,group_id,group_name,created_at\na@example.org,7,News,1790812800\n", category)
    if category is Category.UNSUBSCRIBED:
        assert only.said.category is Category.UNSUBSCRIBED
    else:
        assert (only.why, only.text) == (SkipReason.SOME_MAIL, "a@example.org: unsubscribed from News only")


def test_a_reply_tells_more_than_the_word_of_the_service():
    """The state keeps what the server said."""
    (row,) = found("emailaddress,reason,error\na@example.org,BOUNCE,550 5.1.2 the domain does not exist\n")
    assert (row.said.category, row.said.status) == (Category.DOMAIN_INVALID, "5.1.2")
    assert row.said.diagnostic == "550 5.1.2 the domain does not exist"


def test_a_word_that_the_table_does_not_have_is_not_understood_whatever_else_the_row_says():
    """A later word of a service may mean anything."""
    (fault,) = found("emailaddress,reason,error\na@example.org,PAUSED,550 5.1.1 no such user\n")
    assert fault == SkippedRow(2, "a@example.org: not understood: 'paused'")


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ("recipient,reason,status,created", "Nearest is sendgrid-bounces, which also has email."),
        ("emial,name", "Is one of them the address? That column is called email."),
        ("first,last", "klaviyo: attributes.email, attributes.subscriptions.email.marketing.consent"),
    ],
)
def test_a_file_that_nobody_knows_is_refused_with_what_was_seen_and_what_is_known(columns, told):
    """And with what comes nearest."""
    with pytest.raises(Unrecognised) as refused:
        found(f"{columns}\na@example.org,1\n")
    assert told in str(refused.value)
    assert all(repr(name) in str(refused.value) for name in columns.split(","))
    assert "docs/import.md" in str(refused.value)


def test_a_file_of_which_only_the_addresses_are_understood_is_refused_with_what_comes_nearest():
    """The operator may take it for one of a service, with a column renamed."""
    with pytest.raises(Unrecognised) as refused:
        found("email,reason,status,when\na@example.org,550 5.1.1 no such user,5.1.1,\n")
    assert str(refused.value) == (
        "the columns of addresses do not say why: say it with --category."
        " The file has 'email', 'reason', 'status', 'when'. Nearest is sendgrid-bounces, which also has created."
    )


@pytest.mark.parametrize("columns", ["email,name,ip,created", "email,created", "email,origin,created_at"])
def test_what_may_be_a_list_of_subscribers_needs_the_operators_word(columns):
    """Nothing in them says that an address must not be mailed."""
    row = ",".join(
        {"email": "a@example.org", "ip": "192.0.2.1", "origin": "manual"}.get(name, "") for name in columns.split(",")
    )
    with pytest.raises(Unrecognised, match="say it with --category"):
        found(f"{columns}\n{row}\n")


@pytest.mark.parametrize(
    ("columns", "row", "why"),
    [
        ("address,tags,created_at", "a@example.org,,2026-10-01T00:00:00Z", SkipReason.UNDETERMINED),
        ("email,ip,created", "a@example.org,192.0.2.1,2026-10-01T00:00:00Z", SkipReason.UNDETERMINED),
        ("email,ip,created", "a@example.org,192.0.2.1,", SkipReason.UNDETERMINED),
        ("email address,optin_time,clean_time,unsub_time", "a@example.org,2026-10-01,,", SkipReason.NOT_BLOCKED),
        ("email address,optin_time,unsub_time", "a@example.org,2026-10-01,", SkipReason.NOT_BLOCKED),
        ("email,reason,created", "a@example.org,,1790812800", SkipReason.UNDETERMINED),
        ("email,reason,created", "a@example.org,signed up with a new address,1790812800", SkipReason.UNDETERMINED),
        ("email,reason,created", "a@example.org,confirmed mailbox,1790812800", SkipReason.UNDETERMINED),
    ],
)
def test_a_subscriber_among_the_rows_of_a_known_format_is_left_out(columns, row, why):
    """The columns alone condemn nobody: each row has to say that its address was suppressed."""
    (fault,) = found(f"{columns}\n{row}\n")
    assert isinstance(fault, SkippedRow)
    assert fault.why is why


def test_spam_reports_are_told_from_sign_ups_by_how_their_time_is_written():
    """SendGrid writes unix seconds; of another the operator says what it is."""
    spam, sign_up = "a@example.org,192.0.2.1,1790812800\n", "b@example.org,192.0.2.1,2026-10-01\n"
    assert said(f"email,ip,created\n{spam}") == [("a@example.org", Category.COMPLAINT, "2026-10-01")]
    told = found(f"email,ip,created\n{spam}{sign_up}", category=Category.UNSUBSCRIBED)
    assert [row.said.category for row in told if isinstance(row, Row)] == [Category.COMPLAINT, Category.UNSUBSCRIBED]


@pytest.mark.parametrize("text", ["Known bad domain", "Bad Syntax", "Address is malformed"])
def test_an_address_that_sendgrid_calls_bad_is_a_bad_address(text):
    """Whatever the order of the words."""
    assert said(f"email,reason,created\na@example.org,{text},1790812800\n") == [
        ("a@example.org", Category.BAD_ADDRESS, "2026-10-01")
    ]


def test_a_record_of_json_without_its_reason_is_left_out():
    """The first record tells the columns, and the others may lack some."""
    first, second = found(
        as_json("", {"created": 1, "email": "a@example.org", "reason": "Bad Syntax"}, {"email": "b@example.org"})
    )
    assert isinstance(first, Row)
    assert (second.line, second.why) == (2, SkipReason.UNDETERMINED)


def test_two_columns_with_the_name_of_the_address_are_refused():
    """One of them may be the address of whoever looks after the contact."""
    with pytest.raises(Unrecognised, match="several columns are called 'email'"):
        found("Email,Type,BouncedAt,Email\na@example.org,HardBounce,2026-10-01,owner@example.com\n")


@pytest.mark.parametrize(
    "text", ["<!DOCTYPE html>\n<p>help@example.org\n", "<html>help@example.org</html>\n", '<?xml version="1.0"?>']
)
def test_a_web_page_is_refused_as_one(text):
    """A browser saves the page for logging in under the name of the export."""
    with pytest.raises(Unrecognised, match="web page"):
        found(text)


@pytest.mark.parametrize("deep", ["[" * 100_000, '{"a":' * 100_000])
def test_json_without_end_is_broken_json(deep):
    """Python gives up where lists and objects stand in each other too deeply."""
    with pytest.raises(Unrecognised, match="neither JSON nor JSON lines"):
        found(deep)
    good = '{"EmailAddress": "a@example.org", "Reason": "BOUNCE"}\n'
    first, second, third = found(f"{good}{deep}\n{good}")
    assert (first.line, third.line) == (1, 3)
    assert second.text.startswith("broken JSON: ")


def test_a_record_with_an_empty_address_is_reported_also_where_it_has_a_list():
    """It is no answer of an API with nothing in it."""
    good = '{"email_address": "a@example.org", "status": "cleaned", "last_changed": "2026-10-01", "tags": []}\n'
    (_, fault) = found(good + good.replace("a@example.org", ""))
    assert fault == SkippedRow(2, "no email_address")


@pytest.mark.parametrize("first", ["EmailAddress,Reason\n", '{"EmailAddress": "a@example.org", "Reason": "BOUNCE"}\n'])
def test_empty_lines_at_the_top_count_as_lines(first):
    """So that an editor finds the line that is named."""
    bad = "b@example.org,WHY\n" if first.startswith("E") else '{"EmailAddress": "b@example.org", "Reason": "WHY"}\n'
    assert found(f"\n\n{first}{bad}")[-1] == SkippedRow(4, "b@example.org: not understood: 'why'")


def test_a_field_without_a_value_is_still_a_column():
    """Else the first record would tell another format, in which the others are bad addresses."""
    empty = {"created": 1790812800, "email": "a@example.org", "reason": None, "status": None}
    other = {"created": 1790812800, "email": "b@example.org", "reason": "some words about the address", "status": ""}
    assert [(row.line, row.why) for row in found(as_json("", empty, other))] == [
        (1, SkipReason.UNDETERMINED),
        (2, SkipReason.UNDETERMINED),
    ]


@pytest.mark.parametrize(
    "text", ["Recipient address is on the suppression list", "Address is on the account suppression list"]
)
def test_that_a_service_did_not_send_to_an_address_on_its_list_says_nothing_of_the_address(text):
    """Nobody knows how it came there."""
    (fault,) = found(f"recipient,source,description\na@example.org,Bounce Rule,{text}\n")
    assert isinstance(fault, SkippedRow)
    assert fault.why is SkipReason.UNDETERMINED


@pytest.mark.parametrize(
    "text",
    ["emailaddress,reason\na@example.org,BOUNCE\n", f"{MAILGUN}a@example.org,550,5.1.1 no such user,\n"],
    ids=["a service's word", "a server's reply"],
)
def test_who_imports_a_row_of_a_service_stands_in_its_state(text):
    """So that the story of an address names a person."""
    reader = Reader(lambda reply, address: classify_reply(reply, RULES, Known(about=address)), NOW, actor="dora")
    (row,) = read_rows(text.splitlines(keepends=True), reader)
    assert isinstance(row, Row)
    assert row.said.actor == "dora"
