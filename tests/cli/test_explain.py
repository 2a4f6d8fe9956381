"""``explain`` reads messages wherever they are kept, and says what they mean and why."""

import json
import mailbox
from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bounced.cli.root import bounced
from bounced.core.return_path.keyring import Keyring, SigningKey
from bounced.core.return_path.paths import ReturnPaths
from bounced.explain import explain as explain_message

MTA = Path(__file__).parents[1] / "corpus" / "mta"
UNKNOWN_USER = MTA / "postfix-nouser.eml"
FULL = MTA / "exim-full.eml"
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


def test_json_has_exactly_the_fields_of_the_contract(explain: Explain) -> None:
    """Other programs build on them."""
    assert lines(explain("--json", UNKNOWN_USER)) == [
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
                    "rule": explain_message(UNKNOWN_USER.read_bytes()).findings[0].verdict.rule,
                    "diagnostic": "550 5.1.1 <nouser.postfix@remote.example.test>: Recipient address rejected: "
                    "User unknown in virtual mailbox table",
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


def test_people_are_shown_the_way_from_evidence_to_verdict(explain: Explain) -> None:
    """Which line, which words, which rule, and why not another."""
    output = explain(UNKNOWN_USER).output
    rule = explain_message(UNKNOWN_USER.read_bytes()).findings[0].verdict.rule
    assert "mailbox_unknown (hard)" in output
    assert "line 51" in output
    assert f"fits {rule}" in output
    assert "decides" in output


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
