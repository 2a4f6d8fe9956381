"""``explain`` judges bare SMTP replies, from the command line or from a file of any length."""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bounced.cli.replies import MAX_LINE_BYTES, all_replies
from bounced.cli.root import bounced

UNKNOWN, FULL = "550 5.1.1 <zoe@example.net>: User unknown", "452 4.2.2 Mailbox full"
DENIED = "550 5.4.1 Recipient address rejected: Access denied"
SECTION = ("reply", "status", "reply_code", "category", "class", "rule", "proof", "doubt", "names", "statements")

Explain = Callable[..., Result]


@pytest.fixture
def explain(tmp_path: Path) -> Explain:
    """Return what runs the command with an empty configuration."""
    config = tmp_path / "bounced.toml"
    config.touch(mode=0o600)

    def explain(*arguments: object, stdin: str | None = None) -> Result:
        return CliRunner().invoke(bounced, ["explain", "--config", str(config), *map(str, arguments)], input=stdin)

    return explain


def lines(result: Result) -> list[dict[str, object]]:
    """Return the JSON objects that a run printed."""
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.output.splitlines()]


def test_each_reply_is_one_object_with_the_fields_of_the_contract(explain: Explain) -> None:
    """Those of the command line first, then those of the file."""
    found = lines(explain("--json", "-r", UNKNOWN, "--reply", FULL, "--replies", "-", stdin=f"{DENIED}\n"))
    assert [each["reply"] for each in found] == [UNKNOWN, FULL, DENIED]
    assert [each["class"] for each in found] == ["hard", "soft", "soft"]
    assert (found[0]["proof"], found[0]["doubt"]) == ("words", None)
    assert all(tuple(each) == SECTION for each in found)


def test_blank_lines_and_comments_are_no_replies(explain: Explain, tmp_path: Path) -> None:
    """Whatever ends a line."""
    file = tmp_path / "replies.txt"
    file.write_bytes(f"# heard on Monday\r\n\r\n  {UNKNOWN}\r\n\n{FULL}".encode())
    assert [each["reply"] for each in lines(explain("--json", "--replies", file))] == [UNKNOWN, FULL]


def test_people_see_the_reply_once_and_what_it_came_to(explain: Explain) -> None:
    """And at the end how many there were."""
    output = explain("-r", UNKNOWN, "-r", FULL).output
    assert output.count(UNKNOWN.removeprefix("550 ")) == 1
    assert "mailbox_unknown (hard, proven by words)" in output
    assert "2 replies" in output


@pytest.mark.parametrize(
    ("reply", "options", "category"),
    [
        (DENIED, (), "recipient_refused"),
        (DENIED, ("--server", "example-net.mail.protection.outlook.com"), "mailbox_unknown"),
        (DENIED, ("--about", "zoe@outlook.com"), "mailbox_unknown"),
        ("550 <bob@news.example>: User unknown", ("--about", "zoe@example.net"), "mailbox_unknown"),
        (
            "550 <bob@news.example>: User unknown",
            ("--about", "zoe@example.net", "--sender", "news.example"),
            "sender_rejected",
        ),
        ("550 User unknown", ("--stage", "rcpt"), "mailbox_unknown"),
        ("550 User unknown", ("--stage", "MAIL"), "sender_rejected"),
    ],
)
def test_what_is_known_beside_a_reply_counts(
    explain: Explain, reply: str, options: tuple[str, ...], category: str
) -> None:
    """The server, the recipient, the sender, the stage."""
    (found,) = lines(explain("--json", "-r", reply, *options))
    assert found["category"] == category


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say what to explain"),
        (("bounce.eml", "-r", UNKNOWN), "not both"),
        (("-r", UNKNOWN, "--reverse-path", "<>"), "not about bare replies"),
        (("-r", UNKNOWN, "--trust-return-path"), "not about bare replies"),
        (("bounce.eml", "--about", "zoe@example.net"), "are about replies"),
        (("bounce.eml", "--stage", "data"), "are about replies"),
        (("-r", UNKNOWN, "--about", "zoe"), "no @ in it"),
        (("-r", UNKNOWN, "--about", ""), "no @ in it"),
        (("-r", UNKNOWN, "--sender", "not a domain"), "not a domain"),
        (("-r", UNKNOWN, "--server", "not a host"), "must be a host name"),
        (("-r", UNKNOWN, "--stage", "lunch"), "lunch"),
        (("--replies", "nowhere.txt"), "nowhere.txt"),
    ],
)
def test_wrong_use_is_a_usage_error(explain: Explain, words: tuple[str, ...], said: str) -> None:
    """It says what is wrong, and explains nothing by half."""
    result = explain(*words)
    assert (result.exit_code, said in result.stderr) == (2, True), result.stderr
    assert result.stdout == ""


def test_control_characters_do_not_reach_the_terminal(explain: Explain) -> None:
    """What a peer sent is escaped."""
    for options in ((), ("--json",)):
        output = explain(*options, "-r", f"{UNKNOWN} \x1b[2J\x07").output
        assert "\x1b" not in output
        assert "\x07" not in output


class Endless(io.RawIOBase):
    """A file that is longer than any memory, whose first line never ends."""

    def __init__(self) -> None:
        self.read_bytes = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        """Return as much of the line as is asked for, and its end after a mebibyte."""
        assert size == MAX_LINE_BYTES
        self.read_bytes += size
        return b"x" * (size - 1) + b"\n" if self.read_bytes > 2**20 else b"x" * size


def test_a_file_is_read_a_line_at_a_time_in_bounded_memory() -> None:
    """Nothing of it is read before it is asked for, and of a long line the beginning alone is kept."""
    file = Endless()
    found = all_replies((), file)  # type: ignore[arg-type]  # as much of a file as is needed
    assert file.read_bytes == 0
    assert len(next(found)) == MAX_LINE_BYTES
    assert next(found) == "x" * (MAX_LINE_BYTES - 1)


def test_the_page_s_example_is_what_is_printed(explain: Explain) -> None:
    """Other programs are written by it."""
    page = (Path(__file__).parents[2] / "docs" / "contract.md").read_text("utf-8")
    blocks = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    (message,) = (told for told in map(json.loads, blocks) if "recipients" in told)
    (recipient,) = message["recipients"]
    (found,) = lines(explain("--json", "-r", recipient["diagnostic"], "--about", recipient["address"]))
    del found["reply"]
    assert found == {name: recipient[name] for name in found}
