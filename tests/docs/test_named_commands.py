"""Every command on the pages is one that there is: ours with its options, make's targets, files; and a test runs it.

A block that no test runs is named in UNRUN, with the reason.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import pytest

from bounced.cli.root import bounced
from tests.docs.test_commands import NOT_HERE, bounced_lines
from tests.support.shell_lines import PAGES, PROJECT, Block, blocks, commands

FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`(bounced [^`]+)`")
ELLIPSIS = re.compile(r"(?:\.\.\.|…)$|\[")
OTHERS = frozenset(
    (
        *("apt", "apt-get", "aws", "base64", "cat", "chgrp", "chmod", "chown", "cp", "curl", "dd", "docker"),
        *("dpkg", "echo", "git", "grep", "head", "install", "journalctl", "jq", "ln", "man", "mkdir", "mv"),
        *("openssl", "pip", "pipx", "podman", "postmap", "printf", "psql", "redis-cli", "rm", "sed", "sleep", "ss"),
        *(
            "swaks",
            "systemctl",
            "systemd-sysusers",
            "systemd-tmpfiles",
            "tar",
            "test",
            "umask",
            "uv",
            "uvx",
            "valkey-cli",
        ),
    )
)
"""Programs of others that the pages call."""
RUNNERS = [
    *(PROJECT / "tests/acceptance").glob("test_*.py"),
    *(PROJECT / "tests/docs").glob("test_requests.py"),
    *(PROJECT / "tests/installation").glob("test_*.py"),
    *(PROJECT / "tests/support").glob("*.py"),
]
"""They take blocks from the pages and run them: each names the page, and the heading or how a line begins."""
INSTALLS = "it installs from a registry; what `make run` starts is run by tests/acceptance/test_demo.py"
COPY = "its user is the reader's; a copy with a new owner reads like any file: tests/client"
JOURNAL = "the journal is systemd's; tests/acceptance/test_systemd.py reads it in other words"
UNRUN: Mapping[str, str] = {
    "CONTRIBUTING.md: make run": INSTALLS,
    "CONTRIBUTING.md: make test ARGS='-k return_path'": "these are the tests",
    "CONTRIBUTING.md: tests/install-programs": "it asks Debian's mirror; .ci/run calls it",
    "README.md: make run": INSTALLS,
    "README.md: make test": "these are the tests",
    "README.md: install -D -m 0400 -o myapp /etc/bounced/keys/a /etc/myapp/bounced.key": COPY,
    "README.md: python3 -m venv /opt/bounced && /opt/bounced/bin/pip install '.[daemon,dns,fast]'": (
        "it installs from a registry; tests/acceptance/test_installation.py installs the wheel without one"
    ),
    "docs/debian.md: apt install make python3 python3-venv": (
        "it installs on the builder's machine; tests/installation/test_deb_machine.py builds where these are"
    ),
    "docs/install.md: make run": INSTALLS,
    "docs/install.md: make deb": "tests/installation/test_deb_machine.py runs it, and installs what it makes",
    "docs/import.md: bounced import suppressed.csv --list newsletter --dry-run": (
        "the second line asks Amazon; what that prints is read by tests/core/exchange"
    ),
    "docs/metrics.md: sed -i"
    " 's|https://docs.example.com/bounced|https://wiki.your-company.example/bounced|' alerts.yml": (
        "the second address is the reader's; tests/acceptance/test_alerts.py tries the file"
    ),
    "docs/mta.md: cp /opt/bounced/lib/systemd/system/bounced-lookup.service /etc/systemd/system/": (
        "tests/acceptance/test_units.py examines the unit; tests/mta/test_postfix.py asks the look-up server"
    ),
    "docs/operate.md: _BOUNCED_COMPLETE=bash_source bounced > /etc/bash_completion.d/bounced": (
        "tests/cli/test_completion.py completes; tests/docs/test_manual_page.py reads the manual page"
    ),
    "docs/operate.md: journalctl -u bounced -p warning": JOURNAL,
    "docs/operate.md: journalctl -u bounced -o cat | jq -nR"
    " '[inputs | fromjson? | select(.event? == \"path.refused\") | 1 + (.left_out // 0)] | add'": JOURNAL,
    "docs/recipes/listmonk.md: psql -At -c \"SELECT email FROM subscribers WHERE status = 'enabled'\" listmonk |": (
        "tests/recipes/test_listmonk_paths.py runs the program, with a database of its own"
    ),
    "docs/readers/developer.md: curl smtp://127.0.0.1:2525 --mail-from '' --mail-rcpt 'PATH'"
    " --upload-file config/examples/bounce.eml": "PATH is the reader's; tests/acceptance/test_demo.py sends to such",
    "docs/rules.md: grep -A 6 '\"mailbox.unknown-in-table\"'"
    " /opt/bounced/lib/python3*/site-packages/bounced/rules/*.toml": (
        "it looks into an installation; tests/acceptance/test_package.py finds these files in the wheel"
    ),
    "docs/start.md: make run": INSTALLS,
    "docs/webhooks.md: pip install 'bounced-mx[deliver,fast]'": (
        "it installs from a registry; tests/deliver runs the deliverer"
    ),
}
"""Blocks that no test takes from the page, and what is tried in their place."""


def complaint(words: list[str], *, complete: bool) -> str:
    """Return what is wrong with a command of ours as it would be parsed; nothing is run.

    Where it need not be ``complete``, arguments may be missing: prose names a command by its first words.
    """
    command: click.Command = bounced
    context, rest = click.Context(bounced, info_name="bounced"), words[1:]
    try:
        while isinstance(command, click.Group):
            _, rest, _ = command.make_parser(context).parse_args(rest)
            if not rest:
                return ""
            found = command.get_command(context, rest[0])
            if found is None:
                return f"there is no command {rest[0]}"
            command, context, rest = found, click.Context(found, info_name=rest[0], parent=context), rest[1:]
        given, surplus, _ = command.make_parser(context).parse_args(rest)
        for parameter in command.params:
            _examine(parameter, given.get(parameter.name or ""), context, complete=complete)
    except click.BadOptionUsage as error:
        return error.format_message() if complete or error.option_name != words[-1] else ""
    except click.UsageError as error:
        return error.format_message()
    return f"unexpected: {' '.join(surplus)}" if surplus else ""


def _examine(parameter: click.Parameter, value: object, context: click.Context, *, complete: bool) -> None:
    values = [each for each in (value if isinstance(value, list | tuple) else [value]) if isinstance(each, str)]
    if complete and parameter.required and not values:
        raise click.MissingParameter(ctx=context, param=parameter)
    for each in values:
        if isinstance(parameter.type, click.Choice) and not each.isupper():  # in upper case it stands for any
            parameter.type.convert(each, parameter, context)


def wrong(words: list[str]) -> str:
    """Return what is wrong with a command of a block."""
    program = Path(words[0]).name
    if program == "bounced":
        return complaint(words, complete=True)
    if program == "make":
        targets = re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text("utf-8"), re.MULTILINE)
        return "" if all(word in targets or "=" in word for word in words[1:]) else "no such target"
    if program in ("pytest", "python", "python3"):
        files = [word for word in words[1:] if "/" in word and not word.startswith("/")]
        return "" if all((PROJECT / file).exists() for file in files) else "no such file"
    if (PROJECT / words[0]).is_file() or program in OTHERS:
        return ""
    return "a program that nobody knows; one of others' is named in OTHERS"


def all_blocks() -> Iterator[Block]:
    """Yield the blocks of all pages."""
    for page in PAGES:
        yield from blocks(page)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_command_in_a_block_is_known(page: Path) -> None:
    """Whoever copies a line gets no error of usage."""
    found = [(words, wrong(words)) for block in blocks(page) for words in commands(block.text)]
    assert [(" ".join(words), why) for words, why in found if why] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_command_of_ours_that_prose_names_is_known(page: Path) -> None:
    """With the options that stand beside it."""
    spans = SPAN.findall(FENCED.sub("", page.read_text("utf-8")))
    complete = [ELLIPSIS.split(span)[0] for span in spans]
    found = [
        (words, complaint(words, complete=False))
        for span in complete
        for words in commands(span)
        if words[0] == "bounced"
    ]
    assert [(" ".join(words), why) for words, why in found if why] == []


def test_every_block_is_run_or_says_why_not() -> None:
    """By a test that takes it from the page; one that is added needs a test, or a reason."""
    texts = [runner.read_text("utf-8") for runner in RUNNERS]
    elsewhere: dict[str, bool] = {}
    for block in all_blocks():
        is_ours_alone = not set(block.text.splitlines()) - set(bounced_lines(block))  # tests/docs/test_commands.py
        if block.language == "sh" and block.page.name != "questions.md" and not is_ours_alone:
            elsewhere[block.name] = elsewhere.get(block.name, False) or any(_takes(text, block) for text in texts)
    assert [name for name, taken in elsewhere.items() if taken == (name in UNRUN)] == []
    assert sorted(set(UNRUN) - set(elsewhere)) == []


def _takes(test: str, block: Block) -> bool:
    begun = re.findall(r'"([^"\n ]+ [^"\n]+)"', test)
    by_line = any(line.startswith(begin) for begin in begun for line in block.text.splitlines())
    by_heading = re.search(rf"""["'](?:\\n)?(?:##+ )?{re.escape(block.heading)}(?:\\n)?["']""", test) is not None
    return block.page.name in test and (by_line or by_heading)


def test_tests_that_reasons_name_are_there() -> None:
    """A reason leads somewhere."""
    named = re.findall(r"\btests/[\w/]+(?:\.py)?", " ".join([*UNRUN.values(), *NOT_HERE.values()]))
    assert len(set(named)) > 8
    assert sorted({test for test in named if not (PROJECT / test).exists()}) == []


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("bounced lookip alice@example.org", "no command lookip"),
        ("bounced lookup --lost alice@example.org", "No such option"),
        ("bounced lookup", "Missing argument"),
        ("bounced return-path encode a@example.org --opt-in often", "'often' is not one of"),
        ("bounced status now", "unexpected"),
        ("make coffee", "no such target"),
        (".venv/bin/pytest tests/nowhere", "no such file"),
        ("x=1 sudo -u bounced bounced lookip a | jq .", "no command lookip"),
        ("frobnicate --all", "nobody knows"),
    ],
)
def test_a_wrong_command_is_found(line: str, why: str) -> None:
    """The tests above test something."""
    first = next(commands(line))
    assert why in wrong(first)
