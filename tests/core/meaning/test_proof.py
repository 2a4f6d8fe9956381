"""What a hard verdict is proven by, and what it lacks where it is in doubt."""

import pytest

from bounced.core.meaning.classify import classify
from bounced.core.meaning.proof import Missing
from bounced.core.terms import Action, Category, Class, Kind, PerRecipientFields, Proof, Report, Verdict
from bounced.explain import packaged_rules

RULES = packaged_rules()


def _verdict(reply: str, recipient: str = "bob@example.net", **fields: str) -> Verdict:
    group = PerRecipientFields(action=Action.FAILED, final_recipient=recipient, diagnostic_code=reply, **fields)
    returned = "From: News <news@sender.example>\n"
    report = Report(Kind.BOUNCE, "rfc3464", sent_to=("b-1@bounce.example",), returned_header=returned)
    return classify(group, report, RULES)


@pytest.mark.parametrize(
    ("reply", "proof"),
    [
        ("550 no such user", Proof.WORDS),
        ("550 Unknown user bob", Proof.WORDS),
        ("550 5.1.1 <bob@example.net>", Proof.CODE),
        ("550 5.1.1 Utilizador desconhecido neste sistema", Proof.FORM),
        ("554 delivery error: dd This user doesn't have a yahoo.com account (bob@example.net) [0]", Proof.FORM),
        ("550 Mailbox does not exist, message returned to sender", Proof.WORDS),
    ],
)
def test_a_hard_verdict_tells_its_proof(reply: str, proof: Proof):
    """The words, the reply's own code, or the documented form of a provider."""
    verdict = _verdict(reply)
    assert (verdict.class_, verdict.proof, verdict.doubt) == (Class.HARD, proof, "")


def test_a_short_user_name_is_a_name_behind_a_word_for_a_user():
    """Two letters may stand for anything, but not in ``user al``."""
    assert _verdict("550 user al unknown", recipient="al@example.net").class_ is Class.HARD
    assert _verdict("550 al unknown", recipient="al@example.net").class_ is not Class.HARD


@pytest.mark.parametrize("name", ["service", "policy", "server", "info", "database", "key"])
def test_a_user_name_that_is_a_word_is_no_name_where_it_stands_alone(name: str):
    """``service@`` lives where there is no such service."""
    recipient = f"{name}@example.net"
    assert _verdict(f"550 no such {name}", recipient=recipient).class_ is not Class.HARD
    assert _verdict(f"550 <{recipient}>: user unknown", recipient=recipient).class_ is Class.HARD


@pytest.mark.parametrize(
    ("reply", "missing"),
    [
        ("550 invalid recipient count", Missing.SUBJECT),
        ("550 unknown user carol", Missing.SUBJECT),
        ("550 The mailbox may not exist", Missing.HEDGE),
        ("550 The account may not exist, please check", Missing.HEDGE),
        ("550 Possibly the mailbox is unknown", Missing.HEDGE),
        ("550 user unknown (temporarily)", Missing.PASSES),
        ("550 No MX record for domain", Missing.SUBJECT),
        ("550 5.0.0 User unknown -> 550 refused", Missing.RELAY),
    ],
)
def test_what_looks_hard_and_is_not_proven_is_soft_and_says_what_is_missing(reply: str, missing: Missing):
    """It keeps its category, or that of who spoke first; the address stays mailable."""
    verdict = _verdict(reply)
    assert verdict.class_ is not Class.HARD
    assert verdict.doubt in (missing, "")


@pytest.mark.parametrize(
    ("reply", "category"),
    [
        ("550 5.1.1 Sender mailbox does not exist", Category.SENDER_REJECTED),
        ("550 <news@sender.example>: user unknown", Category.SENDER_REJECTED),
        ("550 Host not found: mail.sender.example", Category.SENDER_REJECTED),
        ("554 Domain sender.example is not resolvable", Category.SENDER_REJECTED),
        ("550 The Subject header contains an unknown user", Category.CONTENT_REJECTED),
        ("550 mail loop: unknown user", Category.REMOTE_SYSTEM),
    ],
)
def test_what_is_plainly_about_somebody_else_means_that(reply: str, category: Category):
    """A domain or address that is named and is the sender's is not the recipient's."""
    assert _verdict(reply).category is category


def test_what_postfix_rejects_is_the_reason_behind_the_label():
    """``Recipient address rejected`` names the check; its reason may have another subject."""
    assert _verdict("550 <bob@example.net>: Recipient address rejected: no such permission").class_ is not Class.HARD
    assert _verdict("550 <bob@example.net>: Recipient address rejected: not found").class_ is Class.HARD


@pytest.mark.parametrize(
    "reply",
    [
        "550 The mailbox from which it originated does not exist",
        "550 the account that sent this is closed",
        "550 5.4.4 next hop host unknown",
        "550 5.7.1 forbidden phrase: 'account closed'",
    ],
)
def test_a_clause_may_say_that_it_is_another_mailbox(reply: str):
    """Not every mailbox, and not every host, that a reply names is the recipient's; a filter shows what it found."""
    assert _verdict(reply).class_ is not Class.HARD


@pytest.mark.parametrize(
    "words", ["volume too high", "power outage tonight", "subject too spicy", "tarpit", "consent withdrawn"]
)
def test_a_code_proves_nothing_beside_words_about_something_else(words: str):
    """No list holds all that a server may say; words that neither complain nor name a recipient are about another."""
    assert _verdict(f"550 5.1.1 {words}").class_ is not Class.HARD


@pytest.mark.parametrize(
    "words",
    [
        "",
        "<bob@example.net>",
        "https://help.example.net/6596 ad1si19.83 - gsmtp",
        "bounced",
        "delivery failed",
        "undeliverable",
        "bob has never had a mailbox here",
        "Korisnik ne postoji",
        "такого здесь нет",
    ],
)
def test_a_code_proves_beside_words_that_leave_the_reason_to_it(words: str):
    """They are none, only say that mail was not delivered, are about a mailbox, or in another language."""
    verdict = _verdict(f"550 5.1.1 {words}".strip())
    assert (verdict.class_, verdict.doubt) == (Class.HARD, "")


def test_postfix_label_of_a_list_is_not_what_its_text_is_about():
    """An administrator's list of clients may hold words about the recipient."""
    assert _verdict("554 5.7.1 <bob@example.net>: Client host rejected: User not known here").class_ is Class.HARD
    assert _verdict("554 5.7.1 <bob@example.net>: Sender address rejected: User unknown").class_ is not Class.HARD


@pytest.mark.parametrize(("status", "class_"), [("5.1.1", Class.HARD), ("5.3.0", Class.TRANSIENT)])
def test_a_programs_words_prove_nothing_but_the_mta_may_believe_it(status: str, class_: Class):
    """5.1.1 for its own mailer is the verdict of the MTA itself."""
    assert _verdict("user unknown", diagnostic_type="x-unix", status=status).class_ is class_


def test_a_refusal_by_somebodys_own_filter_keeps_no_words_of_a_person():
    """Sieve's reject holds what its owner wrote, unless it is a reason that the system gave.  (RFC 5429)"""
    fields = PerRecipientFields(final_recipient="bob@example.net", action=Action.FAILED, text="Ring my wife, 555-0199.")
    verdict = classify(fields, Report(Kind.BOUNCE, "sieve", recipients=(fields,)), RULES)
    assert (verdict.category, verdict.diagnostic) == (Category.RECIPIENT_REFUSED, "")
    unknown = fields._replace(text="I have left.  User unknown.")
    assert classify(unknown, Report(Kind.BOUNCE, "sieve"), RULES).class_ is Class.SOFT
    full = fields._replace(text="Quota exceeded (mailbox for user is full)")
    assert classify(full, Report(Kind.BOUNCE, "sieve"), RULES).category is Category.MAILBOX_FULL


def test_exit_code_67_is_the_mtas_verdict():
    """A local program tells its MTA by it that there is no such user.  (sysexits.h)"""
    assert _verdict("550 5.3.0 Command died with status 67: user unknown", status="5.3.0").class_ is Class.HARD
    assert _verdict("550 5.3.0 Command died with status 1: user unknown", status="5.3.0").class_ is not Class.HARD


@pytest.mark.parametrize(
    ("reply", "category", "class_"),
    [
        ("550 no such user", Category.RECIPIENT_REFUSED, Class.SOFT),
        ("550 5.1.1 no such user", Category.MAILBOX_UNKNOWN, Class.HARD),
        ("550 this mailbox is disabled", Category.MAILBOX_INACTIVE, Class.HARD),
        ("550 5.1.3 invalid address", Category.RECIPIENT_REFUSED, Class.SOFT),
    ],
)
def test_after_the_message_a_filter_may_speak(reply: str, category: Category, class_: Class):
    """The recipient had been accepted; only its own code, or a closed mailbox, is believed then."""
    verdict = _verdict(reply, text="(in reply to end of DATA command)")
    assert (verdict.category, verdict.class_) == (category, class_)
    assert verdict.proof == (Proof.AFTER_DATA if class_ is Class.HARD else "")


def test_what_the_reporting_mta_makes_of_a_servers_words_is_a_guess():
    """Sendmail writes "User unknown" below any refusal of a recipient; the server's own code is no guess."""
    own_line = "<<< 550 5.7.1 your host is not among our friends\n550 5.1.1 <bob@example.net>... User unknown"
    assert _verdict("550 5.7.1 your host is not among our friends", text=own_line).class_ is not Class.HARD
    assert _verdict("550 5.1.1 bob has never had a mailbox here", text="User unknown").class_ is Class.HARD


@pytest.mark.parametrize(
    "reply",
    [
        "could not confirm your return address news@sender.example: its exchanger answered 550 5.1.1 mailbox not found",
        "originator news@sender.example was not confirmed: the exchanger replied: 550 no such mailbox",
    ],
)
def test_a_reply_behind_the_senders_address_is_about_the_sender(reply: str):
    """Whoever tried the sender's mailbox says so in whatever words."""
    assert _verdict(f"550 {reply}").category is Category.SENDER_REJECTED


def test_the_words_of_a_program_prove_nothing_wherever_they_stand():
    """A notice without a status part quotes them in its own words."""
    text = "pipe to |/home/bob/bin/sort generated by bob@example.net\nThe following text was generated: user unknown"
    for words in (text, 'Command died with status 73: "/usr/bin/sort". Command output: user unknown'):
        assert _verdict("", text=words).class_ is not Class.HARD


@pytest.mark.parametrize("field", ["Message-ID", "From: address", "host of the Message-ID"])
def test_a_field_is_no_recipient_whatever_the_code(field: str):
    """A code about the recipient proves nothing where the words name a field of the header."""
    for code in ("5.1.1", "5.1.2", "5.1.3"):
        assert _verdict(f"550 {code} {field} is missing or invalid").class_ is not Class.HARD


@pytest.mark.parametrize(
    "words",
    [
        "Your message looks suspicious",
        "header check failed",
        "not accepted from this network",
        "sending server not authorised",
    ],
)
def test_a_code_proves_nothing_beside_words_about_the_mail(words: str):
    """Filters give 5.1.1 to what they do not like."""
    assert _verdict(f"550 5.1.1 {words}").class_ is not Class.HARD


@pytest.mark.parametrize(
    "reply",
    [
        "550 your list contains dead mailboxes and unknown users",
        "550 5.7.1 recipient rejected, session carries more unknown users than we allow",
        "550 5.7.1 the account of your hosting company is disabled here",
        "550 5.7.1 the mailbox from which this was sent is disabled",
        "550 5.2.1 This mailbox accepts mail only from its own organization",
        "550 5.1.3 Reply-To syntax wrong",
        "550 5.6.0 address in List-Unsubscribe does not exist",
        "550 bob@other.example: mailbox not found",
    ],
)
def test_somebody_elses_mailbox_and_many_users_are_not_this_recipient(reply: str):
    """The plural counts what a sender did; an account has an owner, and a name that is told is whose it is."""
    assert _verdict(reply).class_ is not Class.HARD


def test_a_list_of_causes_is_a_guess():
    """At least one of them would be harmless."""
    causes = "Possible causes: user unknown; mailbox disabled; your IP is listed"
    assert _verdict(f"550 5.0.0 delivery refused. {causes}").class_ is not Class.HARD


def test_a_recipient_that_a_server_does_not_know_is_no_missing_domain():
    """The domain stands in the address, and is not what is unknown."""
    assert _verdict("550 The recipient bob@example.net is unknown to this server").category is Category.MAILBOX_UNKNOWN
