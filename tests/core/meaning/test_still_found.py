"""Dead addresses whose servers use words that elsewhere speak against a reason, or names that look like hosts."""

import pytest

from bounced.core.meaning.classify import classify
from bounced.core.terms import Action, Class, Kind, PerRecipientFields, Report, Verdict
from bounced.explain import packaged_rules

RULES = packaged_rules()


def _verdict(reply: str, *, address: str = "bob@example.net", text: str = "", mta: str = "mx.example.net") -> Verdict:
    group = PerRecipientFields(
        action=Action.FAILED, final_recipient=address, diagnostic_code=reply, remote_mta=mta, text=text or None
    )
    report = Report(Kind.BOUNCE, "rfc3464", recipients=(group,), sent_to=("b-1@bounce.example",))
    return classify(group, report, RULES)


@pytest.mark.parametrize("reply", ["550 5.1.1 No se encontró usuario", "550 5.1.1 No se conoce al destinatario"])
def test_a_reflexive_verb_is_no_condition(reply: str) -> None:
    """``Se`` is ``if`` in Italian and Portuguese, where an article follows it; in Spanish it never is."""
    assert _verdict(reply).class_ is Class.HARD


def test_as_is_no_condition() -> None:
    """``Als`` is ``when`` in Dutch and ``as`` in German."""
    assert _verdict("550 5.1.1 Der Empfänger ist bei uns nicht als Benutzer bekannt").class_ is Class.HARD


@pytest.mark.parametrize(
    "reply",
    [
        "550 5.1.1 Se o usuário não existe verifique o endereço",
        "550 5.1.1 Se l'utente non esiste controllare l'indirizzo",
        "550 5.1.1 Si el usuario no existe, hable con el administrador",
        "550 5.1.1 Si l'utilisateur n'existe pas, vérifiez l'adresse",
        "550 5.1.1 Als de gebruiker niet bestaat, probeer later",
        "550 5.1.1 Pokud adresa neexistuje, kontaktujte správce",
    ],
)
def test_a_condition_is_a_guess(reply: str) -> None:
    """What would be if nobody were there says of nobody that they are not."""
    assert _verdict(reply).class_ is not Class.HARD


@pytest.mark.parametrize(
    "reply",
    [
        "550 5.2.1 The account has been closed because it was not used for more than 12 months",
        "550 5.2.1 This mailbox has been inactive for more than 180 days and is disabled",
    ],
)
def test_how_long_a_mailbox_lay_idle_counts_nothing_that_a_sender_did(reply: str) -> None:
    """``More than`` is about time there."""
    assert _verdict(reply).class_ is Class.HARD
    assert _verdict("550 5.7.1 more than 50 unknown users in 10 minutes").class_ is not Class.HARD


def test_a_mailbox_that_is_not_in_a_directory_is_not_the_directorys_trouble() -> None:
    """A directory is a cause only where it fails."""
    assert _verdict("550 5.1.1 <bob@example.net> unknown, rejected because not in our directory").class_ is Class.HARD
    assert _verdict("550 5.1.1 user unknown because the directory is down").class_ is not Class.HARD


def test_who_is_not_to_try_again_meets_no_state_that_passes() -> None:
    """The words of a second try stand in its denial too."""
    assert _verdict("550 5.1.1 User does not exist, do not try again").class_ is Class.HARD
    assert _verdict("550 5.1.1 User does not exist, try again later").class_ is not Class.HARD


def test_a_stale_address_is_gone_and_a_stale_copy_is_renewed() -> None:
    """It is an adjective of both."""
    assert _verdict("550 5.1.1 This is a stale alias, mailbox deleted").class_ is Class.HARD
    assert _verdict("550 5.1.1 user unknown, stale NFS handle").class_ is not Class.HARD


def test_the_mailer_daemon_is_no_daemon_that_failed() -> None:
    """It is who speaks."""
    assert _verdict("550 5.1.1 MAILER-DAEMON: User unknown").class_ is Class.HARD
    assert _verdict("550 5.1.1 scan daemon: user unknown").class_ is not Class.HARD


@pytest.mark.parametrize(
    "reply",
    [
        "550 5.1.1 The email address you have sent to does not exist",
        "550 5.1.1 unknown user, remove from your contact list",
    ],
)
def test_whom_the_reader_wrote_to_is_the_recipient(reply: str) -> None:
    """``You`` and ``your`` stand in words about the recipient too."""
    assert _verdict(reply).class_ is Class.HARD


@pytest.mark.parametrize(
    "reply",
    ["550 5.1.1 The address you have sent from does not exist", "550 5.1.1 your contact address does not exist"],
)
def test_what_the_reader_wrote_from_is_the_sender(reply: str) -> None:
    """It is a reader's own address that is unknown."""
    assert _verdict(reply).class_ is not Class.HARD


def test_a_recipients_noun_without_accents_leaves_the_reason_to_the_code() -> None:
    """Servers write their language in ASCII letters."""
    assert _verdict("550 5.1.1 Brak skrzynki").class_ is Class.HARD
    assert _verdict("550 Nie ma takiej skrzynki").class_ is Class.HARD


@pytest.mark.parametrize(
    "reply",
    [
        "550 5.1.1 User john.smith not found",
        "550 unknown user john.smith at example.net",
        '550 5.1.1 Mailbox "John.Smith" does not exist',
        "550 no mailbox john.smith here.",
    ],
)
def test_a_user_name_with_a_dot_is_no_host(reply: str) -> None:
    """Most addresses of companies have one."""
    assert _verdict(reply, address="john.smith@example.net").class_ is Class.HARD


def test_a_user_name_with_a_dot_is_none_in_a_notices_own_words_either() -> None:
    """Some systems quote no reply."""
    words = "Your message was not delivered.\n\nUser john.smith does not exist."
    group = PerRecipientFields(action=Action.FAILED, final_recipient="john.smith@example.net", text=words)
    assert classify(group, Report(Kind.BOUNCE, "plain", recipients=(group,)), RULES).class_ is Class.HARD


@pytest.mark.parametrize(
    ("reply", "address"),
    [
        ("550 5.7.1 User jane.smith not found", "john.smith@example.net"),
        ("550 5.7.1 client mail.example.com unknown", "mail.example.com@example.net"),
        ("550 5.7.1 host gw.john.smith unknown", "john.smith@example.net"),
    ],
)
def test_another_name_with_a_dot_may_be_a_hosts(reply: str, address: str) -> None:
    """Only the recipient's own is known, and not where it ends as domains do."""
    assert _verdict(reply, address=address).class_ is not Class.HARD


def test_three_dots_end_an_address() -> None:
    """Some write Sendmail's form without blanks."""
    assert _verdict("550 5.1.1 bob@example.net...User unknown").class_ is Class.HARD
    assert _verdict("550 carol@example.org...User unknown").class_ is not Class.HARD


def test_yahoo_may_say_after_data_that_a_mailbox_was_not_found() -> None:
    """Elsewhere nobody finds that out any more."""
    reply, late = "552 1 Requested mail action aborted, mailbox not found", "(in reply to end of DATA command)"
    assert _verdict(reply, text=late, mta="mta5.am0.yahoodns.net").class_ is Class.HARD
    assert _verdict(reply, text=late).class_ is not Class.HARD
