"""SMTP replies: found in texts, split into parts, and freed of names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounced.core.reading import reply
from bounced.core.reading.reply import Reply


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("550 5.1.1 User unknown", Reply("550", "5.1.1", "5.1.1 User unknown")),
        ("550-5.1.1 User\n550 5.1.1 unknown", Reply("550", "5.1.1", "5.1.1 User unknown")),
        ("550 sorry (#5.7.1)", Reply("550", "5.7.1", "sorry (#5.7.1)")),
        ("550: 5.2.2 <bob@example.net>... Full", Reply("550", "5.2.2", "5.2.2 <bob@example.net>... Full")),
        ("550 : User unknown", Reply("550", None, ": User unknown")),
        ("connect to mx[192.0.2.25]:25: timed out", Reply(None, None, "connect to mx[192.0.2.25]:25: timed out")),
        ("421", Reply("421", None, "")),
        ('unknown user: "450"', Reply(None, None, 'unknown user: "450"')),
    ],
)
def test_a_reply_is_split_into_code_status_and_words(line: str, expected: Reply):
    """Continuation marks are no words, and numbers that are no codes stay what they are."""
    assert reply.split(line) == expected


@pytest.mark.parametrize(
    ("line", "code", "status", "text"),
    [
        (
            "554 4.4.7 Message expired: unable to deliver in 840 minutes.<421 4.4.2 Connection timed out>",
            "421",
            "4.4.2",
            "4.4.2 Connection timed out",
        ),
        (
            "5.3.0 - Other mail system problem 550-'Unknown user bob' (attempts: 0)",
            "550",
            "5.3.0",
            "'Unknown user bob'",
        ),
        ("Remote Server returned '550 5.1.10 not found'", "550", "5.1.10", "5.1.10 not found"),
        ("554 5.7.1 <mx #5.7.1 smtp;550 5.1.1 user unknown>", "550", "5.1.1", "5.1.1 user unknown"),
        ("450 4.1.1 unverified: host mx said: 550 5.1.1 No such user", "550", "5.1.1", "5.1.1 No such user"),
    ],
)
def test_of_replies_within_replies_the_innermost_counts(line: str, code: str, status: str, text: str):
    """The last server in the chain is the one that knows."""
    found = reply.split(line)
    assert (found.code, found.status) == (code, status)
    assert found.text.startswith(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.1 does not like recipient.\nRemote host said: 550 5.1.1 no\n\nGiving up", "550 5.1.1 no"),
        ("host mx [192.0.2.1]: 550-first\n    550 second\n\nbye", "550-first 550 second"),
        (">>> RCPT TO:<bob@example.net>\n<<< 550 5.1.1 unknown\n\n554 5.0.0 Service unavailable", "550 5.1.1 unknown"),
        ("Diagnostic code: smtp;550 5.1.1 unknown\n  Remote system: dns;mx (ESMTP)", "550 5.1.1 unknown"),
        ("It will be retried for 432 more hours", None),
        ("", None),
    ],
)
def test_a_reply_is_found_in_the_words_of_a_notice(text: str, expected: str | None):
    """After what introduces it, or at the start of a line."""
    assert reply.find(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("refused by mx1.mailspamprotection.example[192.0.2.1]:25:", "refused by ~[~]:25:"),
        ("see https://spam.example.com/why?ip=192.0.2.1.", "see ~"),
        ("<bob@full.example.net>... User unknown", "<@>... User unknown"),
        ("5.1.1 RESOLVER.ADR.RecipNotFound; not found", "5.1.1 RESOLVER.ADR.RecipNotFound; not found"),
        ("Mailbox not found.Please check", "Mailbox not found.Please check"),
        ("blocked 2001:db8::1 here", "blocked ~ here"),
    ],
)
def test_names_are_no_words(text: str, expected: str):
    """mailspamprotection.example does not say spam."""
    assert reply.neutral(text).text == expected


def of(recipient: str, dialogue: str) -> str | None:
    """Return the reply that a notice quotes of a recipient."""
    return reply.find(reply.without_others(recipient, dialogue))


def test_of_a_dialogue_about_several_each_hears_what_was_said_of_it():
    """Sendmail shows one dialogue to all who were named in it."""
    dialogue = (
        ">>> RCPT To:<alice@example.net>\n<<< 250 ok\n"
        ">>> RCPT To:<bob@example.net>\n<<< 550 no such user\n"
        ">>> RCPT To:<carol@example.net>\n<<< 452 full\n"
        ">>> DATA\n<<< 354 go on\n"
    )
    assert (of("bob@example.net", dialogue) or "").startswith("550 no such user")
    assert (of("Carol@example.net", dialogue) or "").startswith("452 full")
    assert of("alice@example.net", dialogue) is None
    assert of("dan@example.net", dialogue) is None, "nobody asked for dan"
    assert of("alice@example.net", f"{dialogue}<<< 554 too spammy\n") == "554 too spammy"


def test_of_commands_that_did_not_wait_each_has_the_answer_in_its_turn():
    """A client that pipelines (RFC 2920) shows its commands first.  Answers may have several lines."""
    dialogue = (
        ">>> MAIL FROM:<>\n>>> RCPT TO:<alice@example.net>\n>>> RCPT TO:<bob@example.net>\n"
        "<<< 250 ok\n<<< 550-5.1.1 no\n<<< 550 5.1.1 such user\n<<< 452 4.2.2 full\n"
    )
    assert of("alice@example.net", dialogue) == "550-5.1.1 no 550 5.1.1 such user"
    assert of("bob@example.net", dialogue) == "452 4.2.2 full"


def test_of_commands_that_did_not_wait_nobody_has_an_answer_that_may_be_anothers():
    """A notice shows the refusals only."""
    dialogue = ">>> RCPT TO:<alice@example.net>\n>>> RCPT TO:<bob@example.net>\n<<< 550 5.1.1 no such user\n"
    assert of("alice@example.net", dialogue) is None
    assert of("bob@example.net", dialogue) is None
    said = "550 5.1.1 <Alice@example.net>... User unknown"
    assert of("alice@example.net", f"{dialogue}{said}\n") == said, "Sendmail names her below the answer"
    assert of("bob@example.net", f"{dialogue}{said}\n") is None


def test_lines_of_fields_are_sentences_of_their_own():
    """What one field ends with is not said of what the next begins with."""
    assert reply.neutral("Reason: unknown\nUser: bob").text == "Reason: unknown ; User: bob"
    assert reply.neutral("the user is\nunknown").text == "the user is unknown"


def test_names_are_kept_beside_the_words():
    """A link to a block list may be all that a reply says."""
    assert reply.neutral("553 http://www.spamhaus.org/query/bl?ip=192.0.2.1").names.startswith(
        "http://www.spamhaus.org"
    )


@given(st.text(max_size=300))
def test_nothing_that_a_peer_says_raises(text: str):
    """Whatever comes, it is split, searched and made neutral."""
    reply.find(text)
    reply.neutral(reply.split(text).text)
