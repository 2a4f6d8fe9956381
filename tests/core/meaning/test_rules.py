"""The packaged rows: each is reached by its own example, and so the order of all holds."""

from collections import Counter
from dataclasses import replace
from importlib import resources

import pytest

from bounced import rules
from bounced.core.meaning.classify import classify_example, classify_reply
from bounced.core.meaning.rulefile import FEWEST_COUNTER_EXAMPLES
from bounced.core.meaning.rules import Circumstances, Example, Rule, Where
from bounced.core.reading import reply
from bounced.core.terms import CLASS_OF, Category, Class
from bounced.explain import packaged_rules

RULES = packaged_rules()

# https://www.iana.org/assignments/smtp-enhanced-status-codes: how many details each subject has, from X.n.0 on.
REGISTERED_DETAILS = {0: 0, 1: 10, 2: 4, 3: 6, 4: 7, 5: 6, 6: 10, 7: 30}

# What the notices of mail systems say about every failure, whatever the reason.
BOILERPLATE = (
    "This message was created automatically by mail delivery software.",
    "A message that you sent could not be delivered to one or more of its recipients. This is a permanent error.",
    "The following address(es) failed:",
    "SMTP error from remote mail server after RCPT TO:<bob@example.net>:",
    "SMTP error from remote mail server after end of data:",
    "I'm afraid I wasn't able to deliver your message to the following addresses.",
    "This is a permanent error; I've given up. Sorry it didn't work out.",
    "I'm sorry to have to inform you that your message could not be delivered to one or more recipients.",
    "For further assistance, please send mail to postmaster. You can delete your own text from the returned message.",
    "Delivery to the following recipient failed permanently:",
    "Google tried to deliver your message, but it was rejected by the recipient domain.",
    "We recommend contacting the other email provider for further information about the cause of this error.",
    "The error that the other server returned was:",
    "An error has occurred while attempting to deliver a message for the following list of recipients:",
    "----- The following addresses had permanent fatal errors -----",
    "----- Transcript of session follows -----",
    "Delivery has failed to these recipients or groups:",
    "Your message did not reach some or all of the intended recipients.",
    "Diagnostic information for administrators: Generating server: mx.example.org",
    "The following recipients did not receive this message:",
    "Sorry, we were unable to deliver your message to the following address.",
    "This is an automatically generated Delivery Status Notification.",
    "host mx.example.net [192.0.2.1]",
    "Giving up on 192.0.2.1.",
    "Ihre Nachricht hat einige oder alle Empfänger nicht erreicht.",
    "Fehler bei der Nachrichtenzustellung an folgende Empfänger oder Verteilerlisten:",
    "Votre message n'a pas été remis à certains ou à tous les destinataires prévus.",
    "Échec de la remise pour ces destinataires ou groupes :",
    "Non è stato possibile recapitare il messaggio ai seguenti destinatari o gruppi:",
    "No se pudo entregar el mensaje a estos destinatarios o grupos:",
    "Sua mensagem não foi entregue a alguns ou a todos os destinatários.",
    "Dostarczenie do następujących adresatów lub list dystrybucyjnych nie powiodło się:",
    "К сожалению, Ваше письмо не может быть доставлено одному или нескольким получателям:",  # noqa: RUF001 - Russian is meant
    "Не удалось доставить сообщение следующим получателям или группам рассылки:",  # noqa: RUF001 - Russian is meant
    "次のあて先へのメッセージはエラーのため送信できませんでした。",
    "次の受信者またはグループへの配信に失敗しました:",
    "很抱歉，您的邮件无法投递到以下收件人。",  # noqa: RUF001 - Chinese is meant
)


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.id)
def test_each_example_leads_to_its_own_row(rule: Rule):
    """No row is shadowed by an earlier one, and none may be moved before one that it would shadow."""
    verdict = classify_example(rule, RULES)
    assert (verdict.rule, verdict.category) == (rule.id, rule.category)


@pytest.mark.parametrize("rule", [rule for rule in RULES.rules if rule.counter_examples], ids=lambda rule: rule.id)
def test_no_counter_example_condemns(rule: Rule):
    """What looks like a row's words and is about somebody else is hard by no row at all."""
    verdicts = {text: classify_example(replace(rule, example=Example(text)), RULES) for text in rule.counter_examples}
    assert {text: verdict.rule for text, verdict in verdicts.items() if verdict.class_ is Class.HARD} == {}


def test_each_row_that_condemns_has_counter_examples():
    """Two at least: a pattern that matches somewhere is no proof."""
    condemning = [rule for rule in RULES.rules if CLASS_OF[rule.category] is Class.HARD]
    few = [rule.id for rule in condemning if len(rule.counter_examples) < FEWEST_COUNTER_EXAMPLES]
    assert few == []


@pytest.mark.parametrize("rule", [rule for rule in RULES.rules if rule.mta], ids=lambda rule: rule.id)
def test_a_providers_row_is_for_nobody_else(rule: Rule):
    """The same words of another server are judged by another row."""
    elsewhere = replace(rule, example=replace(rule.example, mta="mx.example.net"))
    assert classify_example(elsewhere, RULES).rule != rule.id


def test_every_packaged_file_is_asked():
    """A rule file that nobody listed would be silent."""
    packaged = {entry.name for entry in resources.files("bounced.rules").iterdir() if entry.name.endswith(".toml")}
    assert packaged == set(rules.PACKAGED)


@pytest.mark.parametrize("class_", ["4", "5"])
def test_the_registry_of_status_codes_is_complete(class_: str):
    """Each registered subject and detail has a row, failing for now and for good."""
    missing = [
        code
        for subject, details in REGISTERED_DETAILS.items()
        for code in (f"{class_}.{subject}.{detail}" for detail in range(details + 1))
        if RULES.for_status(code) is None
    ]
    assert missing == []


def test_a_code_that_says_for_now_is_never_hard():
    """4.1.1 alone condemns nobody."""
    hard = {Category.MAILBOX_UNKNOWN, Category.BAD_ADDRESS, Category.MAILBOX_MOVED, Category.MAILBOX_INACTIVE}
    told = Counter(rule.category for rule in RULES.rules if any(status.startswith("4") for status in rule.statuses))
    assert not hard & told.keys()


@pytest.mark.parametrize("text", BOILERPLATE)
def test_what_a_notice_says_of_every_failure_is_no_reason(text: str):
    """A row that matched it would decide everything that nothing else decided."""
    assert [rule.id for rule in RULES.fitting(Where.TEXT, reply.neutral(text).text, Circumstances())] == []


def test_explaining_names_the_winner_first_with_its_place_and_then_the_others():
    """``explain`` shows what else would have matched, and where."""
    text = "User unknown; the mailbox is full"
    matches = RULES.matches(Where.REPLY, text, Circumstances("550", "5.1.1"))
    assert matches[0].rule.id == classify_reply(f"550 5.1.1 {text}", RULES).rule
    assert text[matches[0].start : matches[0].end] == "mailbox is full"
    assert "mailbox.unknown-in-table" in [match.rule.id for match in matches[1:]]
