"""What a bare reply means is asked of the client, without any server."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bounced.client import BadAddress, Category, Class, classify

PAGE = Path(__file__).parents[2] / "docs" / "client.md"
DENIED = "550 5.4.1 Recipient address rejected: Access denied"
WITHOUT_RE2 = """
import sys
sys.modules["re2"] = None
from bounced.client import classify
try:
    classify("550 5.1.1 User unknown")
except ModuleNotFoundError as error:
    print(error)
"""


def test_a_reply_has_a_category_a_class_and_a_proof() -> None:
    """As in a bounce."""
    verdict = classify("550 5.1.1 <alice@example.org>: User unknown")
    assert (verdict.category, verdict.class_, verdict.proof) == (Category.MAILBOX_UNKNOWN, Class.HARD, "words")
    assert (verdict.reply_code, verdict.status) == ("550", "5.1.1")


def test_what_looks_hard_and_is_not_proven_counts_as_soft() -> None:
    """And tells what is missing."""
    verdict = classify("550 possibly the mailbox does not exist")
    assert (verdict.category, verdict.class_, verdict.proof) == (Category.MAILBOX_UNKNOWN, Class.SOFT, "")
    assert verdict.doubt == "it is a guess"


@pytest.mark.parametrize(
    "known", [{"server": "example-org.mail.protection.outlook.com"}, {"about": "alice@outlook.com"}]
)
def test_a_provider_s_words_are_known_by_its_server_or_its_domain(known: dict[str, str]) -> None:
    """Access denied means an unknown recipient at Microsoft alone."""
    assert classify(DENIED, **known).class_ is Class.HARD
    assert classify(DENIED).class_ is Class.SOFT


@pytest.mark.parametrize("sender", ["news.example", "bob@news.example", ["other.example", "news.example"]])
def test_who_is_named_as_the_sender_is_no_recipient(sender: str | list[str]) -> None:
    """The reply complains about us."""
    reply = "550 5.1.1 <bob@news.example>: User unknown"
    assert classify(reply, about="alice@example.org", sender=sender).category is Category.SENDER_REJECTED


@pytest.mark.parametrize(
    ("stage", "class_", "proof"),
    [
        ("", Class.HARD, "words"),
        ("rcpt", Class.HARD, "words"),
        ("DATA", Class.HARD, "after_data"),
        ("mail", Class.BLOCK, ""),
        ("ehlo", Class.BLOCK, ""),
    ],
)
def test_the_command_that_was_answered_tells_the_stage(stage: str, class_: Class, proof: str) -> None:
    """Before a recipient was named nobody can be unknown."""
    verdict = classify("550 5.1.1 User unknown", stage=stage)
    assert (verdict.class_, verdict.proof) == (class_, proof)


@pytest.mark.parametrize("reply", ["", "\x00" * 5000, "550", "\ud800", "550 " + "said: 550 " * 2000])
def test_no_reply_raises_anything(reply: str) -> None:
    """A peer wrote it."""
    assert classify(reply).class_ is not Class.HARD


def test_nonsense_beside_a_reply_raises() -> None:
    """The caller wrote it."""
    with pytest.raises(BadAddress):
        classify("550 User unknown", about="alice")
    with pytest.raises(BadAddress):
        classify("550 User unknown", sender="not a domain")
    with pytest.raises(ValueError, match="must be a host name or an IP address"):
        classify("550 User unknown", server="not a host")
    with pytest.raises(ValueError, match="must be one of ehlo, mail, rcpt, data"):
        classify("550 User unknown", stage="lunch")


def test_without_its_packages_it_names_the_extra_and_the_rest_works() -> None:
    """Who only sends installs redis and idna."""
    done = subprocess.run([sys.executable, "-c", WITHOUT_RE2], capture_output=True, text=True, check=True)
    assert "pip install 'bounced-mx[classify]'" in done.stdout


def test_the_example_of_the_page_does_what_it_says() -> None:
    """Each line that ends with a comment gives that."""
    (example,) = (
        block for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL) if "classify" in block
    )
    names: dict[str, object] = {}
    exec(example, names)  # noqa: S102 - our own page
    told = re.findall(r"^(\S.*?)  # (.+)$", example, re.MULTILINE)
    assert told
    for expression, said in told:
        assert str(eval(expression, names)) == said  # noqa: S307 - likewise
