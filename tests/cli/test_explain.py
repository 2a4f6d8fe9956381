"""``explain`` reads messages wherever they are kept, and says what they mean and why."""

import json
import mailbox
import re
from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_bytes
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from bounced.cli.explained import show
from bounced.cli.mailboxes import Stored
from bounced.cli.root import bounced
from bounced.core.exchange.names import names_as_json
from bounced.core.return_path.keyring import Keyring, SigningKey
from bounced.core.return_path.paths import ReturnPaths
from bounced.core.terms import Category
from bounced.explain import explain as explain_message
from bounced.explain import packaged_rules

MTA = Path(__file__).parents[1] / "corpus" / "mta"
UNKNOWN_USER = MTA / "postfix-nouser.eml"
FULL = MTA / "exim-full.eml"
REFUSED = b"""From: MAILER-DAEMON@mx.example
Subject: Undelivered
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; zoe@example.net
Action: failed
Status: %s
Diagnostic-Code: smtp; %s

--b--
"""
RULES = """
[[rule]]
id = "mine.table"
pattern = "virtual mailbox table"
category = "policy"
example = "550 5.1.1 virtual mailbox table"
source = "our own gateway"
"""

Explain = Callable[..., Result]


@pytest.fixture
def explain(tmp_path: Path) -> Explain:
    """Return what runs the command with an empty configuration."""
    config = tmp_path / "bounced.toml"
    config.touch(mode=0o600)

    def explain(*arguments: object, stdin: bytes | None = None) -> Result:
        words = ["explain", "--config", str(config), *map(str, arguments)]
        return CliRunner().invoke(bounced, words, input=stdin)

    return explain


def lines(result: Result) -> list[dict[str, object]]:
    """Return the JSON objects that a run printed."""
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.output.splitlines()]


def recipient_of(message: dict[str, object]) -> dict[str, object]:
    """Return the only recipient of an explained message."""
    match message["recipients"]:
        case [dict() as recipient]:
            return recipient
    pytest.fail(f"not one recipient: {message}")


def test_json_has_exactly_the_fields_of_the_contract(explain: Explain) -> None:
    """Other programs build on them."""
    finding = explain_message(UNKNOWN_USER.read_bytes()).findings[0]
    (found,) = lines(explain("--json", UNKNOWN_USER))
    statements = recipient_of(found)["statements"]
    assert isinstance(statements, list)
    assert statements[0] == {
        "place": "diagnostic",
        "speaker": "server",
        "about": "recipient",
        "stage": None,
        "text": "5.1.1 <nouser.postfix@remote.example.test>: Recipient address rejected: "
        "User unknown in virtual mailbox table",
        "rule": finding.verdict.rule,
        "category": "mailbox_unknown",
        "proof": "words",
        "doubt": None,
        "counted": True,
    }
    assert [found] == [
        {
            "file": str(UNKNOWN_USER),
            "kind": "bounce",
            "return_path": None,
            "reporting_mta": "mail.postfix.example.test",
            "recipients": [
                {
                    "address": "nouser.postfix@remote.example.test",
                    "original_recipient": "nouser.postfix@remote.example.test",
                    "final_recipient": "nouser.postfix@remote.example.test",
                    "action": "failed",
                    "status": "5.1.1",
                    "reply_code": "550",
                    "remote_mta": "127.0.1.1",
                    "category": "mailbox_unknown",
                    "class": "hard",
                    "rule": finding.verdict.rule,
                    "diagnostic": "550 5.1.1 <nouser.postfix@remote.example.test>: Recipient address rejected: "
                    "User unknown in virtual mailbox table",
                    "proof": "words",
                    "doubt": None,
                    "names": names_as_json(Category.MAILBOX_UNKNOWN),
                    "statements": statements,
                }
            ],
        }
    ]


def test_a_folder_is_read_recursively_and_named_as_given(explain: Explain, tmp_path: Path) -> None:
    """The name is the path as given, joined with the name inside the folder; hidden files are left out."""
    inner = tmp_path / "mail" / "inner"
    inner.mkdir(parents=True)
    (inner / "a.eml").write_bytes(FULL.read_bytes())
    (inner / ".hidden.eml").write_bytes(FULL.read_bytes())
    (found,) = lines(explain("--json", tmp_path / "mail"))
    assert found["file"] == str(inner / "a.eml")


def test_a_maildir_is_a_folder_without_what_is_still_being_written(explain: Explain, tmp_path: Path) -> None:
    """``new`` and ``cur`` are read, ``tmp`` is not."""
    maildir = mailbox.Maildir(tmp_path / "Maildir")
    maildir.add(FULL.read_bytes())
    (tmp_path / "Maildir" / "tmp" / "half").write_bytes(b"From: x")
    assert [found["kind"] for found in lines(explain("--json", tmp_path / "Maildir"))] == ["bounce"]


def test_an_mbox_is_several_messages(explain: Explain, tmp_path: Path) -> None:
    """Each is named by the file and its number; quoted From lines do not cut one."""
    mbox = mailbox.mbox(tmp_path / "mbox")
    for content in (UNKNOWN_USER.read_bytes(), FULL.read_bytes() + b"\n\nFrom here on it is quoted.\n"):
        mbox.add(message_from_bytes(content))
    mbox.close()
    found = lines(explain("--json", tmp_path / "mbox"))
    assert [message["file"] for message in found] == [f"{tmp_path / 'mbox'}:1", f"{tmp_path / 'mbox'}:2"]


def test_standard_input_is_one_message(explain: Explain) -> None:
    """As in a pipe."""
    (found,) = lines(explain("--json", "-", stdin=FULL.read_bytes()))
    assert (found["file"], found["kind"]) == ("-", "bounce")


def test_people_are_shown_who_said_what_and_what_it_came_to(explain: Explain) -> None:
    """Which line, whose words, about whom, which row, and why not another."""
    output = explain(UNKNOWN_USER).output
    rule = explain_message(UNKNOWN_USER.read_bytes()).findings[0].verdict.rule
    assert "mailbox_unknown (hard, proven by words)" in output
    assert "line 51  server's reply, about the recipient: " in output
    assert f"fits {rule} \u2192 mailbox_unknown  \u2190 counts" in output
    assert "a weak row" in output
    assert "a weightier one spoke first" in output


def test_people_are_shown_each_word_of_a_reply_once(explain: Explain) -> None:
    """The statements hold the diagnostic."""
    assert explain(UNKNOWN_USER).output.count("User unknown in virtual mailbox table") == 1


@pytest.mark.parametrize("width", [80, 200])
def test_a_terminal_cuts_no_word(width: int) -> None:
    """Long lines go on below, further to the right than they begin."""
    console = Console(file=StringIO(), force_terminal=True, width=width, highlight=False, soft_wrap=True)
    content = UNKNOWN_USER.read_bytes()
    show(console, Stored("-", content), explain_message(content), None, packaged_rules(), reverse_path=None)
    assert isinstance(console.file, StringIO)
    shown = re.sub(r"\x1b\[[\d;]*m", "", console.file.getvalue()).splitlines()
    assert max(map(len, shown)) <= width
    assert "virtual mailbox table" in " ".join(line.strip() for line in shown)
    begins = next(number for number, line in enumerate(shown) if "server's reply, about" in line)
    if width == 80:
        assert shown[begins].startswith("      line 51")
        assert shown[begins + 1].startswith("        ")


def test_what_looks_hard_says_what_is_missing(explain: Explain) -> None:
    """It counts as soft, and its sentence says why."""
    content = REFUSED % (b"5.0.0", b"550 It might be that the mailbox does not exist")
    (found,) = lines(explain("--json", "-", stdin=content))
    recipient = recipient_of(found)
    assert (recipient["category"], recipient["class"], recipient["proof"]) == ("mailbox_unknown", "soft", None)
    assert recipient["doubt"] == "it is a guess"
    output = explain("-", stdin=content).output
    assert "mailbox_unknown (looks hard, counts as soft: it is a guess)" in output
    assert "\u2190 it is a guess, counts as soft" in output


def test_words_about_the_sender_are_shown_as_such(explain: Explain) -> None:
    """The row that fits, and what it is taken for."""
    relayed = b"550 Sender address rejected: mx.sender.example said: 550 5.1.1 User unknown"
    output = explain("-", stdin=REFUSED % (b"5.0.0", relayed)).output
    assert "server's reply, about the sender" in output
    assert "it is about the sender, counts as sender_rejected by about.sender" in output


def test_nothing_of_an_automatic_answer_is_told(explain: Explain) -> None:
    """A person wrote it."""
    content = (
        b"From: Dana <dana@example.net>\nSubject: Out of office\nAuto-Submitted: auto-replied\n\nI am in hospital.\n"
    )
    assert "hospital" not in explain("-", stdin=content).output
    assert "hospital" not in explain("--json", "-", stdin=content).output


def test_several_messages_are_counted_at_the_end(explain: Explain) -> None:
    """The first question to a folder is how many of what."""
    output = explain(UNKNOWN_USER, FULL).output
    assert "2 messages: 2 bounce" in output
    assert "1  mailbox_full" in output


def test_a_bounce_that_names_nobody_is_explained_too(explain: Explain) -> None:
    """It speaks of whom the return path was made for."""
    content = b"From: MAILER-DAEMON@x.example\nSubject: Undelivered mail\n\nUser unknown: it could not be delivered.\n"
    output = explain("-", stdin=content).output
    assert "(names nobody)" in output
    assert "mailbox_unknown" in output


def test_control_characters_do_not_reach_the_terminal(explain: Explain) -> None:
    """What a peer sent is escaped."""
    content = FULL.read_bytes().replace(b"user is over quota", b"user is over quota \x1b[2J\x07")
    output = explain("-", stdin=content).output
    assert "\x1b" not in output
    assert "\x07" not in output


def test_own_rules_come_first(explain: Explain, tmp_path: Path) -> None:
    """A row of the operator's decides before any packaged one."""
    file = tmp_path / "own.toml"
    file.write_text(RULES)
    (found,) = lines(explain("--json", "--rules", file, UNKNOWN_USER))
    recipients = found["recipients"]
    assert isinstance(recipients, list)
    assert recipients[0]["rule"] == "mine.table"


def test_rules_that_are_configured_already_can_be_tried(tmp_path: Path) -> None:
    """The same file twice is no row twice, however its path is written."""
    file = tmp_path / "own.toml"
    file.write_text(RULES)
    config = tmp_path / "bounced.toml"
    config.write_text('rules.files = ["own.toml"]')
    again = f"{tmp_path}/../{tmp_path.name}/own.toml"
    words = ["explain", "--json", "--config", str(config), "--rules", again, str(UNKNOWN_USER)]
    (found,) = lines(CliRunner().invoke(bounced, words))
    assert "mine.table" in str(found)


def test_broken_rules_are_usage_errors(explain: Explain, tmp_path: Path) -> None:
    """Every fault is named, and nothing is explained by half."""
    file = tmp_path / "own.toml"
    file.write_text(RULES.replace("policy", "nonsense"))
    result = explain("--rules", file, UNKNOWN_USER)
    assert result.exit_code == 2
    assert "nonsense" in result.output


def test_a_path_that_is_not_there_is_a_usage_error(explain: Explain, tmp_path: Path) -> None:
    """It says which."""
    result = explain(tmp_path / "nowhere.eml")
    assert result.exit_code == 2
    assert "nowhere.eml" in result.output


def test_our_own_return_path_is_read_where_the_keys_are(explain: Explain, tmp_path: Path) -> None:
    """Then it is also known whose group counts."""
    secret = b"0123456789abcdef"
    (tmp_path / "a.key").write_bytes(secret)
    (tmp_path / "a.key").chmod(0o600)
    (tmp_path / "bounced.toml").write_text(
        '[redis]\nurl = "redis://localhost"\n[lists.main]\ndomains = ["bounce.example.com"]\n'
        'keys = [{ id = "a", file = "a.key" }]\n'
    )
    paths = ReturnPaths(list="main", domains=("bounce.example.com",), keyring=Keyring(SigningKey("a", secret)))
    path = paths.encode("nouser.postfix@remote.example.test", issued=datetime.now(UTC).date())
    content = b"Delivered-To: " + path.encode() + b"\n" + UNKNOWN_USER.read_bytes()
    (found,) = lines(explain("--json", "-", stdin=content))
    assert found["return_path"] == "nouser.postfix@remote.example.test"
    assert "named here" in explain("-", stdin=content).output


UNPROVEN = b"Return-Path: <>\nFrom: postmaster@mx.example\nSubject: your mail\n\nalice@example.org: whom do you mean?\n"


def test_what_is_not_proven_is_shown_with_its_signs(explain: Explain) -> None:
    """So that an operator sees why it counts for nothing."""
    output = explain("-", stdin=UNPROVEN).output
    assert "unproven" in output
    assert "signs of a mail system: a mail system as author; no proof" in output
    assert "missing by an unknown reverse path: " in output


def test_what_is_missing_depends_on_the_reverse_path(explain: Explain) -> None:
    """By somebody's path more is needed."""
    output = explain("--reverse-path", "dana@example.net", "-", stdin=UNPROVEN).output
    assert "missing by somebody's reverse path: " in output
    assert "a fixed phrase of a known MTA and our message returned" in output


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ((), "unproven"),
        (("--reverse-path", ""), "bounce"),
        (("--reverse-path", "<>"), "bounce"),
        (("--reverse-path", "dana@example.net"), "unproven"),
        (("--trust-return-path",), "bounce"),
        (("--trust-return-path", "--reverse-path", "dana@example.net"), "unproven"),
    ],
)
def test_the_reverse_path_is_known_only_where_the_operator_vouches_for_it(
    explain: Explain, options: tuple[str, ...], kind: str
) -> None:
    """Anybody may write a Return-Path field."""
    (found,) = lines(explain("--json", *options, "-", stdin=UNPROVEN))
    assert found["kind"] == kind


def test_a_missing_return_path_proves_nothing(explain: Explain) -> None:
    """Many programs store mail without it."""
    (found,) = lines(explain("--json", "--trust-return-path", "-", stdin=UNPROVEN.partition(b"\n")[2]))
    assert found["kind"] == "unproven"
