"""What speaks against a reason in its own words, and what only looks as if it did."""

import pytest

from bounced.core.meaning.classify import classify
from bounced.core.meaning.proof import Missing
from bounced.core.terms import Action, Class, Kind, PerRecipientFields, Report, Verdict
from bounced.explain import packaged_rules

RULES = packaged_rules()


def _verdict(reply: str) -> Verdict:
    group = PerRecipientFields(
        action=Action.FAILED, final_recipient="bob@example.net", diagnostic_code=reply, remote_mta="mx.example.net"
    )
    report = Report(Kind.BOUNCE, "rfc3464", recipients=(group,), sent_to=("b-1@bounce.example",))
    return classify(group, report, RULES)


@pytest.mark.parametrize(
    "reply",
    [
        "550 Mailbox unknown or over quota",
        "550 5.1.1 No such recipient or you are not permitted to write to it",
        "550 access denied or no such mailbox",
        "550 recipient does not exist or does not want your mail",
        "550 nie ma takiej skrzynki albo jest przepełniona",
    ],
)
def test_an_or_with_a_milder_reason_is_a_guess(reply: str) -> None:
    """A server that names two causes has not said which; ``either`` need not stand there."""
    assert _verdict(reply).class_ is not Class.HARD


@pytest.mark.parametrize("reply", ["550 Mailbox not found or disabled", "550 5.1.1 unknown or illegal user"])
def test_an_or_between_two_hard_reasons_leaves_no_doubt(reply: str) -> None:
    """Whichever it is, nobody reads mail there."""
    assert _verdict(reply).class_ is Class.HARD


@pytest.mark.parametrize(
    "reply",
    [
        "550 5.7.1 The mailbox is not unknown, we refuse your host",
        "550 5.7.1 That does not mean no such user",
        "550 5.7.1 The mailbox isn't unknown, we refuse your host",
        "550 5.7.1 That doesn't mean no such user",
        "550 5.7.1 it is no question of an unknown user",
        "550 Das Postfach ist nicht unbekannt",
        "550 le destinataire n'est pas inconnu",
    ],
)
def test_what_is_denied_is_not_so(reply: str) -> None:
    """The words of a reason stand in its denial too."""
    assert _verdict(reply).class_ is not Class.HARD


@pytest.mark.parametrize(
    "reply",
    [
        "550 Should the recipient not exist you will hear again",
        "550 We do not show whether the mailbox is unknown",
        "550 Unless the account is unknown, wait an hour",
        "550 Does the user not exist? Ask your postmaster",
        "550 mailbox unknown? Call the desk",
        "550 Falls das Postfach nicht existiert, folgt eine weitere Meldung",
        "550 si le destinataire est inconnu, un avis suivra",
        "550 si la cuenta no existe recibirá un aviso",
        "550 если адрес не найден, придёт письмо",
        "550 如果收件人不存在, 另行通知",
    ],
)
def test_a_condition_and_a_question_are_no_statement(reply: str) -> None:
    """They name the reason without saying that it holds."""
    assert _verdict(reply).class_ is not Class.HARD


@pytest.mark.parametrize(
    "reply",
    [
        "550 User not found. If this address once worked, its owner has left",
        "550 Empfänger unbekannt. Wenn die Adresse stimmt, fragen Sie postmaster@example.net",
        "550 用户不存在。如果用户有疑问请联系管理员",
    ],
)
def test_a_condition_in_another_sentence_is_no_condition_of_this_one(reply: str) -> None:
    """Chinese ends sentences without a space."""
    assert _verdict(reply).class_ is Class.HARD


@pytest.mark.parametrize(
    "reply",
    [
        "550 The mailbox was deleted in error and has been restored",
        "550 account was disabled but is active again",
        "550 5.2.1 account suspended: no disk space",
        "550 5.2.1 mailbox locked: being restored from tape",
        "550 5.2.1 mailbox closed for the holidays",
        "550 5.1.1 set-up of the mailbox is pending",
        "550 Das Postfach wird nächste Woche gelöscht",
        "550 le compte sera fermé demain",
        "550 5.1.1 time-out",
        "550 5.1.1 Please retry in 20 minutes",
    ],
)
def test_a_state_that_is_over_or_will_be_is_no_reason(reply: str) -> None:
    """A mailbox that is open again, or that waits for room, is a living one."""
    assert _verdict(reply).class_ is not Class.HARD


@pytest.mark.parametrize(
    "reply",
    [
        "550 5.7.12 refused, user unknown outside of our organization",
        "550 5.1.1 no such mailbox for your domain",
        "550 recipient not valid for strangers",
        "550 unknown user: only registered partners write to us",
        "550 Benutzer für externe Absender unbekannt",
    ],
)
def test_who_is_unknown_to_some_senders_only_exists(reply: str) -> None:
    """A group that its own company may write to looks so from outside."""
    assert _verdict(reply).class_ is not Class.HARD


@pytest.mark.parametrize(
    "reply", ["550 User is unknown to this organization", "550 unknown to domain example.net: bob"]
)
def test_who_is_unknown_to_its_own_server_is_unknown(reply: str) -> None:
    """The organization is the recipient's."""
    assert _verdict(reply).class_ is Class.HARD


@pytest.mark.parametrize(
    "reply",
    [
        "550 This usually happens because the user is unknown",
        "550 Typical causes: the address is misspelt, the user is unknown",
        "550 Mögliche Ursachen: Empfänger existiert nicht",
        "550 Causes fréquentes : utilisateur inconnu",
        "550 Motivos probables: el usuario no existe",
        "550 Возможные причины: пользователь не найден",
    ],
)
def test_what_is_mostly_so_may_be_otherwise_here(reply: str) -> None:
    """A text that servers send for every refusal names what is common."""
    assert _verdict(reply).doubt == Missing.HEDGE


def test_a_reply_for_now_is_never_hard_by_a_code_for_good() -> None:
    """The three digits are the protocol's; the enhanced code beside them contradicts it."""
    assert _verdict("450 5.1.1 user unknown").class_ is not Class.HARD
    assert _verdict("550 5.1.1 user unknown").class_ is Class.HARD


def test_a_mailbox_that_is_full_by_its_code_exists() -> None:
    """5.2.2 contradicts words about somebody unknown."""
    assert _verdict("550 5.2.2 user not found in the list of exceptions").class_ is not Class.HARD


def test_who_logs_in_is_the_sender() -> None:
    """5.7.8 is about credentials, whoever the unknown user seems to be.  (RFC 4954 section 6)"""
    assert _verdict("550 5.7.8 user unknown").class_ is not Class.HARD


@pytest.mark.parametrize(
    "reply",
    [
        "550 Your MX told us: no such user",
        "550 no valid user name and password given",
        "550 refused by rule 'unknown users'",
        "550 5.1.1 quarantined",
        "550 replies to your address fail: user unknown",
    ],
)
def test_the_senders_server_its_login_and_a_filters_rule_are_not_the_recipient(reply: str) -> None:
    """None of them says that nobody is there."""
    assert _verdict(reply).class_ is not Class.HARD


@pytest.mark.parametrize(
    "reply",
    ["550 user unknown, LDAP failure", "550 mailbox not found because a node is down", "550 5.1.1 milter crashed"],
)
def test_a_server_that_tells_of_its_own_trouble_has_not_found_out(reply: str) -> None:
    """A directory that is down knows nobody."""
    assert _verdict(reply).class_ is not Class.HARD


def test_a_code_in_a_local_servers_own_words_is_weighed_by_them() -> None:
    """Local programs of qmail write the code behind a sentence, and quote no reply."""

    def said(words: str) -> Class:
        group = PerRecipientFields(final_recipient="bob@example.net", action=Action.FAILED, text=words)
        return classify(group, Report(Kind.BOUNCE, "qmail", recipients=(group,)), RULES).class_

    assert said("The user does not accept mail in this character set. (#5.1.1)") is not Class.HARD
    assert said("Sorry, no mailbox here by that name. (#5.1.1)") is Class.HARD
