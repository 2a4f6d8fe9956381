"""How far a command is stands on a terminal, and nowhere else."""

import pytest

from bounced.cli.progress import counting, pace


def test_a_pace_names_things_and_rate():
    """Before a moment has passed there is no rate yet."""
    assert pace("rows", 12_345, 2.0) == "12,345 rows, 6,172 a second"
    assert pace("rows", 0, None) == "0 rows"


@pytest.mark.parametrize(("terminal", "watched"), [(True, True), (True, False), (False, True)])
def test_what_is_done_is_shown_only_on_a_terminal(monkeypatch, capsys, terminal, watched):
    """A log or a pipe gets none of it, nor does a terminal to which rows are written."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal, raising=False)
    with counting("rows", watched=watched) as advance:
        advance(2000)
        advance(345)
    told = capsys.readouterr()
    assert told.out == ""
    assert ("2,345 rows" in told.err) == (terminal and watched)
