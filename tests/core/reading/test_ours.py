"""What our own message says is no reason, wherever a notice quotes it."""

import pytest

from bounced.core.terms import Class
from bounced.explain import explain

SUBJECTS = (
    "No such user here",
    "Mailbox full?",
    "550 5.1.1 User unknown",
    "Blocked: your spam report",
    "Re: User unknown",
)
FORMS = (
    "Subject: {subject}\n",
    "    Subject: {subject}\n    Sent:    Mon, 23 Nov\n",
    "> Betreff: {subject}\n",
    "Subject\n{subject}\n",
    "Betreff:\n    {subject}\n",
    "**Subject:** {subject}\n",
    "| Subject | {subject} |\n",
    "Objet : {subject}\n",
    "件名：{subject}\n",
    "Your document: {subject}\n",
    'I was not able to deliver your message\n    "{subject}"\nto the following addresses.\n',
    'I was not able to deliver your message\n    "About "{subject}" and more"\nto the following addresses.\n',
    'Your message "{subject}" could not be delivered.\n',
    "Your message with subject {subject} sent on Mon, 23 Nov could not be delivered.\n",
    "The message with the subject '{subject}' was not delivered.\n",
    "Ihre Nachricht „{subject}“ wurde nicht zugestellt.\n",
    "Die Nachricht mit dem Betreff „{subject}“ wurde nicht zugestellt.\n",
    "Votre message « {subject} » n'a pas pu être remis.\n",
    "Su mensaje con asunto {subject} no pudo entregarse.\n",
)
KNOWN_FORMS = (
    "Your email {subject} has not reached everybody.\n",
    "{subject}\n",
    "Message from News of User Unknown Ltd, {subject}, failed.\n",
    "> {wrapped}\n",
)
WHY = "Could not deliver to <alice@example.org>: connect ECONNREFUSED 192.0.2.9:25\n"


def notice(words: str, *, status: bool, returned: str = "") -> bytes:
    """Return a notice, with a status part that gives no reason or without, that returns a header or nothing."""
    parts = [f"\n{words}"]
    if status:
        group = "Final-Recipient: rfc822; alice@example.org\nAction: failed\nStatus: 5.0.0"
        parts.append(f"Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n{group}\n")
    if returned:
        parts.append(f"Content-Type: text/rfc822-headers\n\n{returned}\n")
    head = "From: MAILER-DAEMON@mx.example\nTo: shop@sender.example\nSubject: failure notice\n"
    body = "".join(f"--b\n{part}\n" for part in parts)
    return f"{head}Content-Type: multipart/mixed; boundary=b\n\n{body}--b--\n".encode()


def class_of(content: bytes) -> Class:
    """Return the class of the one recipient."""
    (finding,) = explain(content).findings
    return finding.verdict.class_


@pytest.mark.parametrize("status", [True, False], ids=["status", "words"])
@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("form", FORMS)
def test_a_subject_that_is_told_as_such_gives_no_reason(form: str, subject: str, status: bool) -> None:
    """Nothing of our message came back: labels and words around it tell what it is."""
    assert class_of(notice(form.format(subject=subject) + WHY, status=status)) is Class.TRANSIENT


@pytest.mark.parametrize("status", [True, False], ids=["status", "words"])
@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("form", [*FORMS, *KNOWN_FORMS])
def test_a_subject_that_came_back_gives_no_reason(form: str, subject: str, status: bool) -> None:
    """It is known from the returned header, encoded and folded there, and may stand anywhere."""
    words = form.format(subject=subject, wrapped=subject.replace(" ", "\n> ", 1))
    encoded = subject.replace(" ", "_").replace("?", "=3F")
    returned = f"From: News of User Unknown Ltd <shop@sender.example>\nSubject:\n =?utf-8?q?{encoded}?="
    assert class_of(notice(words + WHY, status=status, returned=returned)) is Class.TRANSIENT


def test_a_returned_message_below_the_words_gives_no_reason() -> None:
    """Neither its header nor its body; the words in front of it quote its subject."""
    words = (
        "Your email No such user here has not reached everybody.\n"
        f"{WHY}\n--- Below this line is a copy of the message.\n\n"
        "Subject: No such user here\nTo: alice@example.org\n\nThat mailbox does not exist.\n"
    )
    assert class_of(notice(words, status=False)) is Class.TRANSIENT


def test_a_subject_is_taken_out_of_a_reply_only_where_that_quotes_it() -> None:
    """What a server says in our words is still its reason."""
    returned = "Subject: User unknown"
    quoted = "Diagnostic-Code: smtp; 550 5.7.1 Message 'User unknown' refused as spam"
    said = "Diagnostic-Code: smtp; 550 5.1.1 User unknown"
    for reply, class_ in ((quoted, Class.BLOCK), (said, Class.HARD)):
        content = notice(WHY, status=True, returned=returned).replace(b"Status: 5.0.0", reply.encode())
        assert class_of(content) is class_


def test_a_short_word_of_the_subject_may_be_the_reason_too() -> None:
    """Only in quotes or on a line of its own it is ours."""
    words = "Could not deliver to <alice@example.org>: user unknown\n"
    assert class_of(notice(words, status=False, returned="Subject: unknown")) is Class.HARD
