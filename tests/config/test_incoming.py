"""Which services may post events to a list, and their secrets: everything that is wrong at once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bounced.config import ConfigError, examine, load_for_web, read_configuration
from bounced.config.web_checks import PRIVATE, PUBLIC

Complaints = Callable[[str], list[str]]
MAIN = """
[redis]
url = "redis://127.0.0.1"
[lists.main]
domains = ["bounce.example.com"]
keys = [{ id = "a", file = "a.key" }]
"""
HOOKS = MAIN + "[lists.main.hooks]\n"


def test_services_and_what_proves_them(complaints: Complaints) -> None:
    """A name that is none, a secret that is missing, three of them, a key that is none."""
    told = complaints(
        HOOKS
        + 'pigeon = { secret_files = ["a.key"] }\n'
        + "postmark = {}\n"
        + 'mailgun = { secret_files = ["a", "b", "c"] }\n'
        + 'resend = { secret_files = ["a"], secret = "x" }\n'
    )
    starts = [complaint.split(",")[0] for complaint in told]
    assert sorted(starts) == [
        "lists.main.hooks.mailgun.secret_files must have at most 2",
        "lists.main.hooks.pigeon must be a service whose events are understood: " + told_services(told),
        "lists.main.hooks.postmark.secret_files must be given: it proves what postmark posts",
        'lists.main.hooks.resend.secret must be a known key: did you mean "secret_files"?',
    ]


def told_services(told: list[str]) -> str:
    """Return the first service that is named."""
    (complaint,) = (each for each in told if "pigeon" in each)
    return complaint.partition("understood: ")[2].split(",")[0]


def test_topics_prove_nothing_of_services_with_a_secret(write: Callable[[str], Path]) -> None:
    """It is a warning: they do no harm."""
    file = write(HOOKS + 'postmark = { secret_files = ["a.key"], topics = ["arn:aws:sns:eu-west-1:123456789012:x"] }\n')
    config, problems = examine(file)
    assert config is not None
    assert [str(problem.severity) for problem in problems] == ["warning"]


def test_topics_of_amazon_are_needed_and_checked(complaints: Complaints) -> None:
    """A signature of Amazon alone proves nothing, and what is no topic would refuse everything."""
    assert complaints(HOOKS + "ses = {}\n") == ["lists.main.hooks.ses.topics must be given: it proves what ses posts"]
    (told,) = complaints(HOOKS + 'ses = { topics = ["arn:aws:sns:eu-west-1:123456789012:x", "bounces"] }\n')
    assert told.startswith("lists.main.hooks.ses.topics[1] must be the ARN of an SNS topic, such as")


@pytest.mark.parametrize(
    ("service", "key", "secret", "must"),
    [
        ("postmark", "secret_files", "short", "hold a good key: at least 16 octets are needed, got 5"),
        ("resend", "secret_files", "0123456789abcdef", "hold a good key: whsec_ and at least 16 octets in base64"),
        ("resend", "secret_files", "whsec_c2hvcnQ=", "hold a good key: whsec_ and at least 16 octets in base64"),
        ("sendgrid", "secret_files", "0123456789abcdef", "hold a good key: a public key (ECDSA, P-256) in base64"),
        ("mailgun", "path_secret_files", "0123456789 abcdef", "hold a good key: only letters, digits, dot"),
        ("mailgun", "path_secret_files", "short", "hold a good key: at least 16 octets"),
        ("mailgun", "path_secret_files", None, "be a file that can be read"),
    ],
)
def test_secrets_are_looked_at_before_the_public_listener_starts(
    write: Callable[[str], Path], service: str, key: str, secret: str | None, must: str
) -> None:
    """The private one does not read them, nor does the daemon: their users may not."""
    file = write(
        HOOKS + f'{service} = {{ secret_files = ["good"], {key} = ["b"] }}\n'.replace('["good"], secret_files = ', "")
    )
    good = "whsec_MDEyMzQ1Njc4OWFiY2RlZg==" if service == "resend" else "0123456789abcdef"
    for name, text in (("good", good), ("b", secret)):
        if text is not None:
            (file.parent / name).write_text(text)
            (file.parent / name).chmod(0o600)
    with pytest.raises(ConfigError) as caught:
        load_for_web(read_configuration(file), [PUBLIC])
    (problem,) = caught.value.problems
    assert (problem.key, problem.must.startswith(must)) == (f"lists.main.hooks.{service}.{key}[0]", True)
    load_for_web(read_configuration(file), [PRIVATE])
    assert examine(file)[1] == ()


def test_a_secret_that_everybody_may_read_is_refused(write: Callable[[str], Path]) -> None:
    """Like every other."""
    file = write(HOOKS + 'postmark = { secret_files = ["b"] }\n')
    (file.parent / "b").write_text("0123456789abcdef")
    (file.parent / "b").chmod(0o644)
    with pytest.raises(ConfigError, match=r"postmark\.secret_files\[0\] must not be readable by everybody"):
        load_for_web(read_configuration(file), [PUBLIC])
