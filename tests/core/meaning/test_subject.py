"""Of whom a sentence says that they are unknown, invalid or gone: the head noun decides."""

import time

import pytest

from bounced.core.meaning.subject import About, claims

RECIPIENT, DOMAIN, SENDER, MESSAGE, OTHER, UNKNOWN = (
    About.RECIPIENT,
    About.DOMAIN,
    About.SENDER,
    About.MESSAGE,
    About.OTHER,
    About.UNKNOWN,
)


@pytest.mark.parametrize(
    ("sentence", "about"),
    [
        ("no such user", RECIPIENT),
        ("the mailbox of this customer could not be found", RECIPIENT),
        ("unknown or illegal alias", RECIPIENT),
        ("INVALID_RECIPIENT - see ~", RECIPIENT),
        ("@: unknown", RECIPIENT),
        ('unknown user "bob"', RECIPIENT),
        ("The user's email name is not found.", RECIPIENT),
        ("user has no mailbox entry", RECIPIENT),
        ("unknown domain", DOMAIN),
        ("sender's mailbox does not exist", SENDER),
        ("invalid HELO name", SENDER),
        ("your account is unknown", SENDER),
        ("unknown From header", MESSAGE),
        ("bad address in the Subject header", MESSAGE),
        ("the header contains an unknown user", MESSAGE),
        ("invalid character set", MESSAGE),
        ("user database not found", OTHER),
        ("mailbox server is unavailable", OTHER),
        ("invalid recipient count", UNKNOWN),
        ("user input is invalid", UNKNOWN),
        ("no account manager found", OTHER),
        ("bounce address does not exist", SENDER),
        ("no such mailbox at the sending site", SENDER),
        ("address not found among our subscribers", SENDER),
        ("malformed address in To", MESSAGE),
        ("the text mentions an unknown user", MESSAGE),
        ("another recipient is unknown", OTHER),
        ("the forwarding address of this user is invalid", OTHER),
        ("mail store host not found", OTHER),
        ("smarthost unknown", OTHER),
        ("the Cc recipient does not exist", OTHER),
        ("Errors-To address is unknown", MESSAGE),
        ("user is not found on your allow list", SENDER),
        ("the user has an unknown condition", UNKNOWN),
        ("the recipient has disabled notifications", UNKNOWN),
        ("account not found among those who paid", UNKNOWN),
        ("user not known to be at work", UNKNOWN),
        ("user not found in our directory", RECIPIENT),
        ("user unknown to this system", RECIPIENT),
        ("one of the printers does not exist", UNKNOWN),
        ("the recipient has cancelled this order", UNKNOWN),
        ("the recipient has moved your address to the list", SENDER),
        ("the customer has closed his account", RECIPIENT),
    ],
)
def test_the_head_noun_is_the_subject(sentence: str, about: About):
    """What stands before it, or behind ``of``, ``in`` and ``for``, only describes it.

    What somebody did to a thing is said of the thing.
    """
    assert claims(sentence)[0].about is about


@pytest.mark.parametrize("sentence", ["message accepted", "", "Benutzer unbekannt", "unknown error", "no reason given"])
def test_a_sentence_without_a_fault_of_anybody_claims_nothing(sentence: str):
    """Errors and reasons may be unknown: that says nothing of anybody."""
    assert claims(sentence) == ()


def test_many_faults_in_one_sentence_are_quickly_found():
    """A sentence of faults alone holds nobody up."""
    sentence = "the header contains unknown user " * 90
    started = time.process_time()
    assert len(claims(sentence)) > 1
    assert time.process_time() - started < 0.05
