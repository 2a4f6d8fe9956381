"""``check-config`` prints what is in force, or everything that is wrong."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bounced.cli.root import bounced
from bounced.config import errors, loading
from bounced.config.document import example_file

Check = Callable[..., Result]

MAIN = """
[redis]
url = "redis://bounced:hunter2@localhost:6379/0"
[lists.main]
domains = ["bounce.example.com"]
keys = [{ id = "a", file = "a.key" }]
"""


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Return what runs the command on a configuration beside a good key."""
    (tmp_path / "a.key").write_bytes(b"0123456789abcdef")
    (tmp_path / "a.key").chmod(0o600)
    file = tmp_path / "bounced.toml"
    file.touch(mode=0o600)

    def check(text: str, *arguments: str) -> Result:
        file.write_text(text, "utf-8")
        return CliRunner().invoke(bounced, ["check-config", "--config", str(file), *arguments])

    return check


def test_a_valid_configuration_is_printed_in_full_as_toml(check: Check) -> None:
    """Defaults included, so that nobody has to look them up."""
    result = check(MAIN)
    assert result.exit_code == 0
    assert result.stderr == ""
    printed = tomllib.loads(result.stdout)
    assert printed["limits"]["connections_per_peer"] == 50
    assert printed["lists"]["main"]["domains"] == ["bounce.example.com"]


def test_what_auto_comes_to_is_printed(check: Check) -> None:
    """The effective configuration, not the wording of the file."""
    printed = tomllib.loads(check(MAIN).stdout)
    assert isinstance(printed["workers"], int)
    assert printed["redis"]["durability"] == "memory"


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_secrets_are_masked(check: Check, arguments: list[str]) -> None:
    """Neither a URL's password nor the content of a file is shown."""
    output = check(MAIN, *arguments).output
    assert "hunter2" not in output
    assert "0123456789abcdef" not in output
    assert "redis://bounced:***@localhost:6379/0" in output


def test_every_error_is_printed_and_the_exit_code_is_two(check: Check, tmp_path: Path) -> None:
    """Nothing else is: half a configuration is in force nowhere."""
    result = check(MAIN + 'max_age = 3\n[log]\nlevel = "loud"')
    file = tmp_path / "bounced.toml"
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        f'{file}: lists.main.max_age must be a known key: did you mean "max_age_days"?',
        f"{file}: log.level must be 'debug', 'info', 'warning' or 'error', got \"loud\"",
    ]


@pytest.mark.parametrize("text", ["", "\n", "# nothing but a comment\n"])
def test_an_empty_file_is_refused(check: Check, text: str) -> None:
    """Most often a redirection went wrong, and the daemon would not start."""
    result = check(text)
    assert result.exit_code == 2
    assert result.stderr.endswith(
        "bounced.toml: must hold a configuration and is empty; `bounced check-config --example` prints one\n"
    )
    assert result.stdout == ""


def test_a_file_with_which_the_daemon_cannot_run_is_refused(check: Check) -> None:
    """The unit checks it before each start."""
    result = check("workers = 2\n")
    assert result.exit_code == 2
    assert [line.split(": ")[1] for line in result.stderr.splitlines()] == [
        "redis.url must be given to run",
        "lists must hold a suppression list to run",
    ]


def test_without_a_file_the_defaults_are_valid(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """They are good enough for ``explain``; what the daemon would need is a warning, with the file looked for."""
    monkeypatch.setattr(loading, "DEFAULT_PATH", tmp_path / "none.toml")
    monkeypatch.setattr(errors, "DEFAULT_PATH", tmp_path / "none.toml")
    result = CliRunner().invoke(bounced, ["check-config"], env={"BOUNCED_CONFIG": None})
    assert result.exit_code == 0
    place = f"built-in defaults (there is no {tmp_path / 'none.toml'})"
    assert result.stdout.startswith(f"# {place}: valid; this is in force.\n")
    assert [line.partition(f"{place}: ")[2].split(": ")[0] for line in result.stderr.splitlines()] == ["warning"] * 2


def test_what_is_wrong_is_not_told_as_missing_too(check: Check) -> None:
    """A mistake is told once, where it is."""
    result = check('[redis]\nurl = "reddis://localhost"\n[lists.Main]\ndomains = ["bounce.example.com"]')
    assert [line.split(": ")[1].split(" must ")[0] for line in result.stderr.splitlines()] == [
        "redis.url",
        "lists.Main",
    ]


def test_quiet_prints_what_is_wrong_or_doubtful_and_nothing_else(check: Check) -> None:
    """For the service, whose log nobody wants to be filled at each start."""
    assert check(MAIN, "--quiet").output == ""
    assert check("workers = 0", "--quiet").exit_code == 2


def test_faults_of_rule_files_are_told_with_row_and_key(check: Check, tmp_path: Path) -> None:
    """A broken rule is found here and not at the next bounce."""
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nid = "own.1"\npattern = "("\ncategory = "nonsense"\n')
    result = check(MAIN + f'[rules]\nfiles = ["{rules}"]')
    assert result.exit_code == 2
    assert f"{rules}: own.1: category: expected" in result.stderr
    assert f"{rules}: own.1: pattern: expected" in result.stderr


def test_json_holds_configuration_and_problems_in_one_line(check: Check) -> None:
    """For programs; the exit code is the same."""
    good, bad = check(MAIN, "--json"), check("workers = 0", "--json")
    (line,) = good.stdout.splitlines()
    answer = json.loads(line)
    assert (good.exit_code, answer["valid"], answer["problems"]) == (0, True, [])
    assert answer["config"]["smtp"]["listen"] == ["0.0.0.0:25", "[::]:25"]
    answer = json.loads(bad.stdout)
    assert (bad.exit_code, answer["valid"], answer["config"]) == (2, False, None)
    assert answer["problems"][0] == {
        "key": "workers",
        "must": 'be "auto" or a whole number from 1 to 256',
        "got": "0",
        "severity": "error",
    }


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """Rather than the defaults, which nobody meant."""
    result = CliRunner().invoke(bounced, ["check-config", "--config", str(tmp_path / "none.toml")])
    assert result.exit_code == 2
    assert result.stderr.endswith("none.toml: must be a file that can be read: No such file or directory\n")


def test_the_example_is_printed_to_begin_with(check: Check) -> None:
    """It needs no valid configuration."""
    assert check("workers = 0", "--example").stdout == example_file()


def test_the_environment_can_name_the_file(tmp_path: Path) -> None:
    """For whoever types several commands."""
    file = tmp_path / "bounced.toml"
    file.write_text(f"workers = 7\n{MAIN}")
    file.chmod(0o600)
    (tmp_path / "a.key").write_bytes(b"0123456789abcdef")
    (tmp_path / "a.key").chmod(0o600)
    result = CliRunner().invoke(bounced, ["check-config"], env={"BOUNCED_CONFIG": str(file)})
    assert tomllib.loads(result.stdout)["workers"] == 7
