"""The manual page bounced(1), from the commands' own help."""

from inspect import cleandoc

import click

from bounced.cli.root import bounced

_HEAD = r""".\" Written by `make docs` from the help of the commands.
.TH BOUNCED 1 "" "bounced" "bounced"
.SH NAME
bounced \- inbound bounce processor: SMTP in, suppressed addresses in Redis out
.SH SYNOPSIS
.B bounced
.I COMMAND
[\fIOPTIONS\fR] [\fIARGUMENTS\fR]
.SH DESCRIPTION
"""

_TAIL = r""".SH FILES
.TP
.I /etc/bounced/bounced.toml
The configuration, unless --config or BOUNCED_CONFIG names another. See \fBbounced check-config --example\fR.
.SH EXIT STATUS
0 done, 1 the answer is no, 2 usage or configuration, 3 Redis cannot be reached,
4 the output cannot be written, 5 Redis answers and refuses.
.SH SEE ALSO
.BR redis-cli (1),
.BR valkey-cli (1),
.BR systemd.service (5)
"""


def manual_page() -> str:
    """Return docs/bounced.1."""
    top = click.Context(bounced, info_name="bounced")
    lines = [_HEAD.rstrip("\n"), *_text(bounced.help or ""), ".SH COMMANDS"]
    for name in bounced.list_commands(top):
        command = bounced.get_command(top, name)
        assert command is not None
        lines += _command(command, click.Context(command, info_name=name, parent=top))
    return "\n".join(lines) + "\n" + _TAIL


def _command(command: click.Command, context: click.Context) -> list[str]:
    """Return the section of one command, and of those within it."""
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [f".SS {_escaped(context.command_path)} {_escaped(usage)}", *_text(command.help or "")]
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record and "--help" not in record[0]:
            lines += [".TP", f"\\fB{_escaped(record[0])}\\fR", _escaped(" ".join(record[1].split()))]
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            lines += _command(inner, click.Context(inner, info_name=name, parent=context))
    return lines


def _text(text: str) -> list[str]:
    """Return paragraphs; those that click leaves as they are (marked by a backspace) keep their lines."""
    lines: list[str] = []
    for paragraph in cleandoc(text).split("\n\n"):
        kept = paragraph.startswith("\b")
        written = [_escaped(line) for line in paragraph.removeprefix("\b").strip("\n").splitlines()]
        lines += [".PP", *([".nf", *written, ".fi"] if kept else written)]
    return lines


def _escaped(text: str) -> str:
    """Return text that roff takes for nothing else."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
