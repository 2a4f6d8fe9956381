"""What other systems call a failure, there and back."""

import pytest

from bounced.core.exchange.names import NAMES, System, category_of, named, names_as_json, names_of
from bounced.core.terms import Category, Class, class_of

EVERY = [name for names in NAMES.values() for name in names]
COMPARED = (System.POWERMTA, System.KUMOMTA, System.SPARKPOST, System.SES, System.SENDGRID)
FAILURES = (Class.HARD, Class.SOFT, Class.BLOCK, Class.TRANSIENT, Class.UNDETERMINED)


@pytest.mark.parametrize("name", EVERY, ids=lambda name: f"{name.system}-{name.text}")
def test_a_name_is_found_however_it_is_spelled(name) -> None:
    """Log files, exports and webhooks spell the same name with other cases and other separators."""
    for text in (name.text, name.text.upper(), name.text.replace(" ", "_").replace("-", " ")):
        assert named(name.system, text) == name
    if name.code:
        assert named(name.system, str(name.code)) == name


@pytest.mark.parametrize(
    ("system", "text", "category"),
    [
        (System.POWERMTA, "quota-issues", Category.MAILBOX_FULL),
        (System.KUMOMTA, "SpamBlock", Category.REPUTATION_BLOCK),
        (System.SPARKPOST, "10", Category.MAILBOX_UNKNOWN),
        (System.SPARKPOST, "Relaying Denied", Category.RELAY_DENIED),
        (System.SES, "Permanent/NoEmail", Category.MAILBOX_UNKNOWN),
        (System.SENDGRID, "Frequency or Volume Too High", Category.RATE_LIMITED),
        (System.POSTMARK, "DMARCPolicy", Category.AUTH_FAILURE),
        (System.MAILJET, "user unknown", Category.MAILBOX_UNKNOWN),
    ],
)
def test_a_name_has_a_category(system, text, category) -> None:
    """Each system's own word, or its number."""
    assert category_of(system, text) is category


@pytest.mark.parametrize("system", System)
@pytest.mark.parametrize("text", ["", "a word of tomorrow", "Permanent/", "/", "0", "550 5.1.1 user unknown"])
def test_a_name_that_is_not_in_the_table_has_no_category(system, text) -> None:
    """Nothing is guessed from parts of it."""
    assert named(system, text) is None
    assert category_of(system, text) is None


@pytest.mark.parametrize(
    ("system", "text"),
    [
        (System.SES, "Permanent/OnAccountSuppressionList"),
        (System.SES, "Permanent/Suppressed"),
        (System.SPARKPOST, "25"),
        (System.SENDGRID, "dropped"),
        (System.MAILJET, "preblocked"),
        (System.POSTMARK, "SMTPApiError"),
        (System.POSTMARK, "AutoResponder"),
        (System.KUMOMTA, "ChallengeResponse"),
    ],
)
def test_what_was_not_sent_and_what_is_no_failure_says_nothing_of_the_address(system, text) -> None:
    """The name is known, and nothing follows from it."""
    found = named(system, text)
    assert found is not None
    assert found.says_nothing
    assert category_of(system, text) is None


@pytest.mark.parametrize("text", ["Permanent/General", "Transient/General", "Undetermined/Undetermined"])
def test_permanent_alone_is_no_reason(text) -> None:
    """Amazon SES says with General that it does not know why."""
    assert category_of(System.SES, text) is Category.UNDETERMINED


def test_each_failure_has_a_nearest_name_in_each_system_that_is_compared() -> None:
    """No gap in the table that operators read."""
    for category in Category:
        nearest = names_of(category)
        assert tuple(nearest) == COMPARED
        if class_of(category) in FAILURES:
            assert None not in nearest.values(), category


def test_no_nearest_name_condemns_what_is_not_hard() -> None:
    """Whoever reads their name for a block or a full mailbox must not delete the address."""
    for category in Category:
        for name in names_of(category).values():
            if name is not None and class_of(name.category or Category.UNDETERMINED) is Class.HARD:
                assert class_of(category) is Class.HARD, (category, name)


def test_what_looks_hard_and_is_not_proven_has_a_name_that_does_not_condemn() -> None:
    """Its class is soft, whatever its category is called."""
    for category in (each for each in Category if class_of(each) is Class.HARD):
        for name in names_of(category, Class.SOFT).values():
            assert name is not None
            assert class_of(name.category or Category.UNDETERMINED) is Class.UNDETERMINED


def test_names_are_written_as_the_system_writes_them() -> None:
    """SparkPost writes a number, Amazon SES a type and a subtype."""
    assert names_as_json(Category.MAILBOX_UNKNOWN, Class.HARD) == {
        "powermta": "bad-mailbox",
        "kumomta": "InvalidRecipient",
        "sparkpost": {"code": 10, "name": "Invalid Recipient"},
        "ses": {"bounceType": "Permanent", "bounceSubType": "NoEmail"},
        "sendgrid": "Invalid Address",
    }
    assert set(names_as_json(Category.OPERATOR).values()) == {None}
    later = names_as_json(Category.read("a_word_of_tomorrow"))
    assert set(later.values()) == {None}
