"""Options that choose addresses by when, where and why they came on the list."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import click

from bounced import rules
from bounced.cli.times import local_option, since_option, span, until_option
from bounced.config import Config
from bounced.core.choosing import FILTERS, Choice, NotThere
from bounced.core.meaning.rulefile import RulesInvalid
from bounced.core.selection import Selection
from bounced.core.spoken_times import READS

F = TypeVar("F", bound=Callable[..., Any])

OPTIONS = (
    local_option,
    since_option(f"On the list since then or later: {READS}."),
    until_option("On the list since before then.  A day alone means its end."),
    click.option("--domain", metavar="DOMAIN", help="The recipient's domain."),
    click.option("--provider", metavar="NAME", help="Who refused: google, microsoft, yahoo, ..."),
    click.option("--category", metavar="CATEGORY", help="Why: mailbox_unknown, mailbox_full, ..."),
    click.option("--campaign", metavar="NAME", help="The campaign whose mail failed, or its tag."),
    click.option("--rule", metavar="ID", help="The row that judged the failure, as `bounced lookup` names it."),
    click.option("--match", metavar="TEXT", help="A part of what the server said, in any letter case."),
)
NAMES = ("since", "until", *FILTERS)
Asked = Mapping[str, str | None]
"""What the options of ``filter_options`` say, by NAMES."""


def filter_options(command: F) -> F:
    """Hand a command the options of NAMES; ``chosen`` makes a Selection of them."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def chosen(config: Config, list_: str, asked: Asked, *, persons_too: bool = False) -> Selection:
    """Return the selection that the options ask for; ``persons_too`` where it may be of what people said.

    Raises click.UsageError.
    """
    given = {name: (asked[name] or "").strip() for name in NAMES}
    since, until = span(given["since"], given["until"])
    own = config.lists[list_]
    choice = Choice(list_, own.tags, partial(_rules, config), keeps_addresses=own.address_form != "hmac")
    try:
        return replace(choice.selection(given, persons_too=persons_too), since=since, until=until)
    except NotThere as error:
        raise click.UsageError(f"--{error.name}: {error}") from error


def _rules(config: Config) -> list[str]:
    try:
        return [rule.id for rule in rules.load(config.rules.files).rules]
    except RulesInvalid as error:
        raise click.UsageError(str(error)) from error
