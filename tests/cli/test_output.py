"""Answers are made for their readers: a terminal, a pipe, a program."""

import json
from datetime import UTC, datetime

import pytest
from rich.console import Console
from rich.text import Text

from bounced.cli import output
from bounced.core.numbers import Share

COLUMNS = ("address", "category")
ROWS = [("alice@example.org", "mailbox_unknown"), ("evil\x1b[2J\n@example.org", "[bold]policy[/bold]")]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that somebody looks at it."""
    monkeypatch.setattr(
        output, "console", lambda: Console(force_terminal=True, width=60, highlight=False, markup=False)
    )


def test_a_table_in_a_pipe_is_lines_with_tabs(capsys: pytest.CaptureFixture[str]) -> None:
    """For cut and awk: the names of the columns first; no title, no frame, no colour."""
    output.print_table(COLUMNS, ROWS[:1], title="What is known")
    assert capsys.readouterr().out == "address\tcategory\nalice@example.org\tmailbox_unknown\n"


def test_a_table_on_a_terminal_has_columns_with_names(terminal: None, capsys: pytest.CaptureFixture[str]) -> None:
    """For people."""
    output.print_table(COLUMNS, ROWS[:1], title="What is known")
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("What is known", "address", "category", "alice@example.org"))


def test_what_a_peer_sent_can_neither_move_the_cursor_nor_forge_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Addresses and diagnostics come from strangers."""
    output.print_table(COLUMNS, ROWS[1:])
    output.print_facts({"address": ROWS[1][0]})
    assert capsys.readouterr().out == (
        "address\tcategory\nevil\\x1b[2J\\n@example.org\t[bold]policy[/bold]\naddress  evil\\x1b[2J\\n@example.org\n"
    )


def test_nothing_in_a_cell_is_markup(terminal: None, capsys: pytest.CaptureFixture[str]) -> None:
    """A diagnostic with brackets in it is shown as it is."""
    output.print_table(COLUMNS, ROWS[1:])
    assert "[bold]policy[/bold]" in capsys.readouterr().out


def test_a_table_breaks_between_words_as_long_as_each_word_has_room(
    terminal: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """The long cell takes what the short ones leave."""
    said = "Recipient address rejected: User unknown in virtual mailbox table"
    output.print_table(("address", "said", "category"), [("alice@example.org", said, "mailbox_unknown")])
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("alice@example.org", "mailbox_unknown", *said.split()))
    assert len(shown.splitlines()[-1]) <= 60


def test_a_word_that_has_no_room_is_broken_and_nothing_of_it_lost(
    terminal: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """There are long domains."""
    output.print_table(COLUMNS, [("x" * 100, "policy")])
    assert capsys.readouterr().out.count("x") == 100


def test_numbers_are_aligned_and_have_separators_and_a_total(
    terminal: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a terminal the units of a column of numbers stand below each other; its total stands below a line."""
    rows = [("a.example", 1_234_567, Share(0.5)), ("b.example", 7, Share(1))]
    output.print_table(("domain", "count", "share"), rows, total=("total", 1_234_574, ""))
    *_, first, second, _line, total, _ = map(str.split, map(_without_lines, capsys.readouterr().out.splitlines()))
    assert (first, second, total) == (
        ["a.example", "1,234,567", "50.0%"],
        ["b.example", "7", "100%"],
        ["total", "1,234,574"],
    )


def test_in_a_pipe_numbers_are_digits_and_there_is_no_total(capsys: pytest.CaptureFixture[str]) -> None:
    """A program reads them."""
    output.print_table(("domain", "count"), [("a.example", 1_234_567)], total=("total", 1_234_567))
    assert capsys.readouterr().out == "domain\tcount\na.example\t1234567\n"


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0%"), (0.0004, "<0.1%"), (0.001, "0.1%"), (0.0349, "3.5%"), (0.06, "6.0%"), (0.9999, ">99.9%"), (1, "100%")],
)
def test_a_share_is_nothing_or_all_only_where_it_is(share: float, text: str) -> None:
    """What is rounded away would be read as none."""
    assert str(Share(share)) == text


def _without_lines(line: str) -> str:
    return line.replace("│", " ").replace("┃", " ")


def test_facts_are_aligned_and_empty_ones_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """One a line."""
    output.print_facts({"state": "suppressed", "until": "", "category": "mailbox_unknown"})
    assert capsys.readouterr().out == "state     suppressed\ncategory  mailbox_unknown\n"


def test_a_long_fact_in_a_pipe_stays_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A line is a record."""
    output.print_facts({"diagnostic": "x" * 300})
    assert capsys.readouterr().out == f"diagnostic  {'x' * 300}\n"


def test_a_record_is_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever stands in it; what JSON has no form for stands as text."""
    output.print_json({"address": "müller@example.org", "note": "a\nb", "at": datetime(2026, 5, 4, tzinfo=UTC)})
    (line,) = capsys.readouterr().out.splitlines()
    assert "müller" in line
    assert json.loads(line)["at"] == "2026-05-04T00:00:00Z"


LINK = "https://support.example.com/mail/?p=NoSuchUser-a640c23a62f3a-a9f-and-so-on-and-so-forth"


def test_a_long_fact_on_a_terminal_breaks_between_words_below_its_beginning(
    terminal: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """What stands left of it stays free, so that the names can be read down."""
    output.print_facts({"state": "suppressed", "said": "The account that you tried to reach does not exist. " * 2})
    lines = [_plain(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "state  suppressed",
        "said   The account that you tried to reach does not exist.",
        "       The account that you tried to reach does not exist.",
    ]


def test_a_link_stays_whole(terminal: None, capsys: pytest.CaptureFixture[str]) -> None:
    """A terminal opens it, and somebody copies it."""
    output.print_facts({"said": f"550 5.1.1 No such user. For more information, go to {LINK} - gsmtp"})
    assert LINK in capsys.readouterr().out


def test_a_long_name_does_not_take_all_room_of_the_other_columns(
    terminal: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is the one that is broken, since it fits nowhere."""
    name = "a-very-long-name-of-a-department-of-a-university.example.ac.uk"
    output.print_table(("domain", "count", "mostly"), [(name, 13_657, "mailbox_unknown")])
    shown = capsys.readouterr().out
    assert "13,657" in shown
    assert "mailbox_unknown" in shown
    assert max(map(len, map(_plain, shown.splitlines()))) <= 60


def test_title_and_caption_are_for_terminals(terminal: None, capsys: pytest.CaptureFixture[str]) -> None:
    """However narrow the table is, they stand on one line."""
    title, caption = "news: what was said, until now", "Over time: 2 h a column, the last is now"
    output.print_table(("n",), [(1,)], title=title, caption=caption)
    lines = [_plain(line) for line in capsys.readouterr().out.splitlines()]
    assert (lines[0], lines[-1]) == (title, caption)


@pytest.mark.parametrize(("hours", "columns", "step"), [(24, 24, 1), (24, 12, 2), (168, 24, 7), (3, 12, 1)])
def test_a_course_says_how_long_a_column_is(hours: int, columns: int, step: int) -> None:
    """As `spark` draws it."""
    assert output.course(hours, columns).startswith(f"Over time: {step} h a column,")
    assert len(output.spark([1] * hours, columns)) == -(-hours // step)


def _plain(line: str) -> str:
    return Text.from_ansi(line).plain
