"""Which evidence decides, and what is made of it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounced.core.escape import escaped
from bounced.core.meaning.classify import classify, classify_reply
from bounced.core.meaning.proof import Missing
from bounced.core.terms import Action, Category, Class, Kind, PerRecipientFields, Proof, Report
from bounced.explain import packaged_rules

RULES = packaged_rules()


def _report(kind: Kind = Kind.BOUNCE, *recipients: PerRecipientFields, **fields: str) -> Report:
    return Report(kind, "rfc3464", recipients=recipients, fields={k.replace("_", "-"): v for k, v in fields.items()})


def _classified(text: str = "", **fields: str):
    own = PerRecipientFields(action=Action.FAILED, **fields)
    return classify(own, Report(Kind.BOUNCE, "rfc3464", recipients=(own,), text=text), RULES)


def test_the_remote_servers_words_beat_every_code():
    """5.1.1 for a spam block is a block: gateways answer so."""
    verdict = _classified(status="5.1.1", diagnostic_code="550 5.1.1 Message rejected as spam")
    assert (verdict.category, verdict.place) == (Category.SPAM_CONTENT, "diagnostic")


def test_the_reply_beats_the_notices_own_words():
    """The remote server was there; the reporting one explains."""
    verdict = _classified(diagnostic_code="452 4.2.2 Mailbox full", text="The account does not exist")
    assert verdict.category is Category.MAILBOX_FULL


@pytest.mark.parametrize(
    "reply",
    [
        "550 IP-Adresse unbekannt",
        "550 adresse IP inconnue",
        "550 direccion IP desconocida",
        "550 indirizzo IP sconosciuto",
        "550 endereco IP desconhecido",
        "550 adres IP nieznany",
        "550 Het IP-adres is onbekend",
        "554 IP-adressen finns inte i DNS",
        "550 IP adresi bulunamadı",
        "550 IP-адрес не найден",
        "550 IP地址不存在",
        "550 IPアドレスが存在しません",
    ],
)
def test_an_unknown_ip_address_is_no_unknown_recipient(reply: str):
    """It is the sending server's, in whatever language."""
    assert _classified(diagnostic_code=reply).class_ is Class.BLOCK


def test_a_code_that_a_notice_explains_further_down_suppresses_nobody():
    """What stands beside the address is about it; a table of codes is about anybody."""
    own = PerRecipientFields(action=Action.FAILED, text="The mailbox of alice is full.")
    text = f"{own.text}\n\nWhat the codes mean:\n550 5.1.1 user unknown: the address does not exist"
    assert classify(own, Report(Kind.BOUNCE, "notice", recipients=(own,), text=text), RULES).class_ is Class.SOFT


def test_the_notices_own_words_beat_the_codes():
    """Exim and Courier write Status 5.0.0, OpenSMTPD puts the reply into the text only."""
    verdict = _classified(status="5.0.0", text="Unknown local user: no such user here")
    assert (verdict.category, verdict.place) == (Category.MAILBOX_UNKNOWN, "text")


def test_the_code_in_the_reply_beats_the_status_field():
    """Sendmail derives Status from the reply code alone."""
    verdict = _classified(status="5.1.1", diagnostic_code="550 5.2.2 <bob@example.net>")
    assert (verdict.category, verdict.status, verdict.rule) == (Category.MAILBOX_FULL, "5.2.2", "iana.x.2.2")


def test_the_status_field_beats_the_reply_code():
    """It says more than three digits."""
    assert _classified(status="5.1.6", diagnostic_code="552 <bob@example.net>").category is Category.MAILBOX_MOVED


def test_the_reply_code_is_the_last_resort():
    """556 has one meaning only.  (RFC 7504 section 4)"""
    verdict = _classified(diagnostic_code="556 <bob@example.net>")
    assert (verdict.category, verdict.place) == (Category.DOMAIN_INVALID, "reply_code")


@pytest.mark.parametrize("fields", [{}, {"status": "5.0.0"}, {"diagnostic_code": "550 no"}, {"diagnostic_code": "554"}])
def test_no_reason_is_undetermined_never_hard(fields: dict[str, str]):
    """A bare 550 says as much about the sender as about the recipient."""
    assert _classified(**fields).category is Category.UNDETERMINED


def test_a_temporary_reply_that_expired_keeps_its_reason():
    """Haraka turns 4.2.2 into 5.2.2, others say 4.4.7: the mailbox was full."""
    verdict = _classified(status="4.4.7", diagnostic_code="452 4.2.2 over quota")
    assert (verdict.category, verdict.status) == (Category.MAILBOX_FULL, "4.2.2")


@pytest.mark.parametrize("text", ["retry timeout exceeded", "Message expired after 5 days in queue"])
def test_expiry_is_the_reason_only_where_nothing_better_is_found(text: str):
    """Whatever made a server wait five days is the reason."""
    assert _classified(text=text).category is Category.EXPIRED
    assert _classified(text=f"{text}; Connection refused").category is Category.NETWORK
    assert _classified(status="4.7.1", text=text).category is Category.GREYLISTED


def test_a_domain_that_is_missing_for_now_is_a_name_server_that_failed():
    """The same words with a 4 before them condemn nobody."""
    assert classify_reply("550 5.1.2 Host unknown", RULES).class_ is Class.HARD
    assert classify_reply("450 4.1.2 Host unknown", RULES).category is Category.DNS_FAILURE


@pytest.mark.parametrize(
    "name",
    [
        "mx.mailspamprotection.example",
        "mx1.reputation-blacklist.example",
        "<bob@full-mailbox.example.net>",
        "https://user.unknown.example.org/",
    ],
)
def test_host_names_addresses_and_links_are_no_reasons(name: str):
    """They are whatever somebody called them."""
    assert classify_reply(f"550 {name}", RULES).category is Category.UNDETERMINED


def test_a_user_unknown_only_after_the_message_was_sent_is_proven_in_another_way():
    """The recipient had been accepted: what follows is a filter's doing, unless its own code says otherwise."""
    reply = "550 Unknown user bob@example.net"
    assert _classified(diagnostic_code=reply).proof == Proof.WORDS
    after_data = "(in reply to end of DATA command)"
    assert _classified(diagnostic_code=reply, text=f"said: {reply} {after_data}").category is Category.RECIPIENT_REFUSED
    told = _classified(diagnostic_code="550 5.1.1 Unknown user bob@example.net", text=after_data)
    assert (told.class_, told.proof) == (Class.HARD, Proof.AFTER_DATA)
    code = _classified(diagnostic_code="550 5.1.1 no", text="in reply to end of DATA command")
    assert (code.class_, code.doubt) == (Class.SOFT, Missing.STAGE)


@pytest.mark.parametrize("reply", ["550 Unknown domain example.net", "550 5.1.1 no", "550 User unknown"])
def test_what_was_said_before_a_recipient_was_named_condemns_none(reply: str):
    """A refusal of MAIL FROM or of the connection is about the sender, whatever its words."""
    assert _classified(diagnostic_code=reply, text=f"{reply} (in reply to RCPT TO command)").class_ is Class.HARD
    verdict = _classified(diagnostic_code=reply, text=f"host mx said: {reply} (in reply to MAIL FROM command)")
    assert verdict.category is Category.SENDER_REJECTED


def test_a_general_status_gives_way_to_any_other():
    """5.0.0 in the reply, 5.1.1 in the field: the field says more."""
    verdict = _classified(status="5.1.1 (bad address)", diagnostic_code="550 5.0.0 no")
    assert (verdict.status, verdict.reply_code) == ("5.1.1", "550")


def test_a_comment_beside_the_status_is_evidence():
    """``5.1.10 (host/domain does not accept mail)``"""
    assert _classified(status="5.0.0 (host/domain does not accept mail)").category is Category.DOMAIN_INVALID


def test_another_recipients_words_are_not_ours():
    """The common text of a notice about two says nothing about either."""
    one, two = PerRecipientFields(final_recipient="a@example.net"), PerRecipientFields(final_recipient="b@example.net")
    both = Report(Kind.BOUNCE, "notice", recipients=(one, two), text="a@example.net: mailbox full")
    assert classify(two, both, RULES).category is Category.UNDETERMINED


@pytest.mark.parametrize("action", [Action.DELIVERED, Action.RELAYED, Action.EXPANDED])
def test_a_success_is_no_bounce_whatever_its_words(action: Action):
    """A forwarding server may quote anything."""
    own = PerRecipientFields(action=action, diagnostic_code="250 2.1.5 user unknown elsewhere")
    assert classify(own, _report(Kind.DELIVERED, own), RULES).category is Category.SUCCESS


@pytest.mark.parametrize(
    ("kind", "category"),
    [
        (Kind.AUTO_REPLY, Category.AUTO_REPLY),
        (Kind.CHALLENGE, Category.CHALLENGE),
        (Kind.SUBSCRIPTION, Category.SUBSCRIPTION),
    ],
)
def test_a_vacation_notice_that_quotes_a_bounce_is_no_bounce(kind: Kind, category: Category):
    """The kind of the message is settled before its words."""
    own = PerRecipientFields(diagnostic_code="550 5.1.1 User unknown")
    assert classify(own, _report(kind, own), RULES).category is category


@pytest.mark.parametrize(
    ("feedback_type", "class_"),
    [
        ("abuse", Class.COMPLAINT),
        ("fraud", Class.COMPLAINT),
        ("not-spam", Class.NONE),
        ("auth-failure", Class.BLOCK),
        ("dmarc", Class.BLOCK),
        ("something-new", Class.UNDETERMINED),
    ],
)
def test_only_abuse_and_the_like_are_complaints(feedback_type: str, class_: Class):
    """Who says "not spam" complains about nobody.  (RFC 5965 section 7.3, RFC 6591)"""
    assert classify(PerRecipientFields(), _report(Kind.COMPLAINT, feedback_type=feedback_type), RULES).class_ is class_


def test_a_bare_reply_is_classified_like_a_report():
    """The sender's own MTA was refused in the dialogue."""
    verdict = classify_reply("550 5.1.1 <bob@example.net>: User unknown", RULES)
    assert (verdict.class_, verdict.status, verdict.reply_code) == (Class.HARD, "5.1.1", "550")


def test_a_diagnostic_is_bounded_and_its_control_characters_escaped():
    """It goes into logs, into Redis, onto terminals."""
    assert escaped("a\x1b[2Jb\n") == "a\\x1b[2Jb\\n"
    assert len(escaped("x" * 500)) == 200


@given(st.text(max_size=400), st.text(max_size=400), st.text(max_size=20))
def test_whatever_a_report_says_is_classified(diagnostic: str, text: str, status: str):
    """Nothing raises."""
    assert len(_classified(diagnostic_code=diagnostic, text=text, status=status).diagnostic) <= 200


@pytest.mark.parametrize(
    "piece", ["@a", "a@", "a.", ":", "ab:", " ", "said: 550 ", "<421 4.4.2 x ", "550-'", "550 ", "\n", "5."]
)
def test_no_words_hold_the_daemon(piece: str):
    """Repeated without end, nothing that a peer says costs more than the 50 ms that a message may."""
    text = piece * (8000 // len(piece))
    started = time.process_time()
    _classified(diagnostic_code=text, text=text, status=text)
    assert time.process_time() - started < 0.05
