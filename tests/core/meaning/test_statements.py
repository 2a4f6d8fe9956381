"""Who says what: the server's reply, those who hand it on, programs, and the stage at which it was said."""

import pytest

from bounced.core.meaning.rules import Stage
from bounced.core.meaning.statements import Speaker, hear
from bounced.core.meaning.subject import About
from bounced.core.terms import Action, Kind, PerRecipientFields, Report

REPORT = Report(Kind.BOUNCE, "rfc3464")


def _heard(**fields: str):
    return hear(PerRecipientFields(action=Action.FAILED, final_recipient="bob@example.net", **fields), REPORT)


def test_the_innermost_reply_is_heard_first_and_those_who_hand_it_on_last():
    """A relay writes its guess in front of what the server said."""
    heard = _heard(diagnostic_code="550 5.1.0 Unknown address error 554-'5.7.1 blocked by policy'")
    said = [(each.speaker, each.text) for each in heard.statements()]
    assert said[0] == (Speaker.SERVER, "'5.7.1 blocked by policy'")
    assert said[-1] == (Speaker.RELAY, "550 5.1.0 Unknown address error")
    assert (heard.circumstances.code, heard.reply_status) == ("554", "5.7.1")


def test_a_reply_quoted_by_a_check_of_the_sender_is_about_the_sender():
    """Whoever tried the sender's mailbox hears about that one."""
    heard = _heard(diagnostic_code="450 <news@sender.example>: Sender address rejected: host mx said: 550 User unknown")
    assert next(heard.statements()).about is About.SENDER


@pytest.mark.parametrize(
    "dialogue",
    [
        ">>> RCPT TO:<alice@example.net>\n<<< 550 no such user\n>>> RCPT TO:<carol@example.net>\n<<< 250 ok\n",
        ">>> RCPT TO:<alice@example.net>\n>>> RCPT TO:<bob@example.net>\n<<< 550 no such user\n<<< 250 ok\n",
        ">>> RCPT TO:<alice@example.net>\n>>> RCPT TO:<bob@example.net>\n550 <alice@example.net>... no such user\n",
    ],
    ids=["a stranger to it", "in its turn", "below it"],
)
@pytest.mark.parametrize("where", ["the recipient's words", "the notice's words"])
def test_what_a_dialogue_says_of_a_neighbour_is_no_statement_about_the_recipient(dialogue: str, where: str):
    """Two members of an alias, or two recipients of one mail: the living one would be condemned for the dead one."""
    bob = PerRecipientFields(action=Action.FAILED, final_recipient="bob@example.net")
    if where == "the recipient's words":
        heard = hear(bob._replace(text=dialogue), REPORT)
    else:
        heard = hear(bob, REPORT._replace(text=dialogue, recipients=(bob,)))
    assert not any("no such user" in each.raw for each in heard.statements())


@pytest.mark.parametrize(
    "fields",
    [
        {"diagnostic_type": "x-unix", "diagnostic_code": "user unknown"},
        {"diagnostic_code": "pipe to |/usr/bin/filter: user unknown"},
        {"diagnostic_code": "Command died with status 1: user unknown"},
    ],
)
def test_what_a_program_prints_is_the_programs(fields: dict[str, str]):
    """An MTA that runs a program quotes its output where a server's reply would stand.  (RFC 3464 section 2.3.6)"""
    assert next(_heard(**fields).statements()).speaker is Speaker.PROGRAM


@pytest.mark.parametrize(
    ("text", "stage"),
    [
        (">>> RCPT To:<bob@example.net>\n<<< 550 no such user", None),
        (">>> MAIL From:<a@example.com>\n<<< 550 no", Stage.SENDER),
        (">>> DATA\n<<< 354 go on\n>>> .\n<<< 550 no such user", Stage.DATA),
        (">>> DATA\n<<< 550 5.1.1 no such user\n<<< 503 5.0.0 Need RCPT (recipient)", None),
        (">>> DATA\n<<< 550 no such user\n<<< 554 5.5.1 Error: no valid recipients", None),
        ("said: 550 no (in reply to end of DATA command)", Stage.DATA),
        ("said: 550 no (in reply to end\n    of DATA command)", Stage.DATA),
        ("said: 550 no (in reply\n    to MAIL FROM command)", Stage.SENDER),
        ("said: 550 no (in reply to MAIL\n    FROM command)", Stage.SENDER),
        ("host mx[private/dovecot-lmtp] said: 550 no (in reply to end of DATA command)", None),
    ],
)
def test_the_stage_is_that_of_the_command_which_was_refused(text: str, stage: Stage | None):
    """Who pipelines shows DATA last, and over LMTP the replies after the message are about each recipient.

    Postfix breaks its lines between any two words.
    (RFC 2920 section 3.1, RFC 2033 section 4.2)
    """
    assert _heard(text=text).circumstances.stage is stage


def test_a_notices_words_do_not_repeat_the_reply():
    """What was heard already is cut out of them."""
    reply = "550 5.7.1 blocked by our policy"
    heard = _heard(diagnostic_code=reply, text=f"Could not deliver.\n\nThe host said: {reply}")
    assert [each.text for each in heard.statements()][1:] == ["Could not deliver. ; The host said:"]


def test_a_user_name_with_dots_that_is_no_host_s_is_the_recipient():
    """It stands alone, and so for its address; longer ones than are allowed are none."""
    for user in ("john.smith", "john.smith" * 7):
        address = f"{user}@example.net"
        group = PerRecipientFields(
            action=Action.FAILED, final_recipient=address, diagnostic_code=f"550 User {user} unknown: <{address}>"
        )
        expected = "User @ unknown: <@>" if user == "john.smith" else "User ~ unknown: <@>"
        assert next(hear(group, REPORT).statements()).text == expected
