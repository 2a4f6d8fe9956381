"""Options that choose addresses by when, where and why they came on the list."""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, TypeVar

import click

from bounced import rules
from bounced.cli.times import local_option, since_option, span, until_option
from bounced.config import Config
from bounced.core.mailbox import BadAddress, normalise_domain
from bounced.core.meaning.providers import PROVIDERS
from bounced.core.meaning.rulefile import RulesInvalid
from bounced.core.selection import PERSONS, Selection
from bounced.core.spoken_times import READS
from bounced.core.terms import Category

F = TypeVar("F", bound=Callable[..., Any])

OPTIONS = (
    local_option,
    since_option(f"On the list since then or later: {READS}."),
    until_option("On the list since before then; of a day alone, its end."),
    click.option("--domain", metavar="DOMAIN", help="The recipient's domain."),
    click.option("--provider", metavar="NAME", help="Who refused: google, microsoft, yahoo, ..."),
    click.option("--category", metavar="CATEGORY", help="Why: mailbox_unknown, mailbox_full, ..."),
    click.option("--campaign", metavar="NAME", help="The campaign whose mail failed, or its tag."),
    click.option("--rule", metavar="ID", help="The row that judged the failure, as `bounced lookup` names it."),
    click.option("--match", metavar="TEXT", help="A part of what the server said, in any letter case."),
)
NAMES = ("since", "until", "domain", "provider", "category", "campaign", "rule", "match")
Asked = Mapping[str, str | None]
"""What the options of ``filter_options`` say, by NAMES."""

_PROVIDERS = tuple(provider.name for provider in PROVIDERS)
_ALSO_KNOWN_AS = MappingProxyType(
    {
        word: provider.name
        for provider in reversed(PROVIDERS)
        for domain in (*reversed(provider.domains), *reversed(provider.servers))
        for word in (domain, domain.partition(".")[0])
        if word not in _PROVIDERS
    }
)
"""Providers by words that people take for their names: hotmail, gmail.com."""
_NEAREST, _SHOWN = 5, 20


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
    return Selection(
        since=since,
        until=until,
        domain=_domain(config, list_, given["domain"]),
        provider=_provider(given["provider"]),
        category=_category(given["category"], persons_too=persons_too),
        campaign=config.lists[list_].tags.get(given["campaign"], given["campaign"]),
        rule=_rule(config, given["rule"]),
        match=given["match"],
    )


def _domain(config: Config, list_: str, text: str) -> str:
    if not text:
        return ""
    if config.lists[list_].address_form == "hmac":
        raise click.UsageError(f"--domain: the list {list_} keeps keyed hashes, and no domains")
    try:
        return normalise_domain(text.rpartition("@")[2])
    except BadAddress as error:
        raise click.UsageError(f"--domain: {error}") from error


def _provider(text: str) -> str:
    if not text or text.lower() in _PROVIDERS:
        return text.lower()
    known = _ALSO_KNOWN_AS.get(text.lower())
    raise click.UsageError(f"--provider: {none_such(text, _PROVIDERS, [known] if known else [])}")


def known_as(text: str) -> str:
    """Return the provider that people mean by a word, such as google by gmail; any other word as it is."""
    return _ALSO_KNOWN_AS.get(text.strip().lower(), text.strip().lower())


def _category(text: str, *, persons_too: bool) -> Category | None:
    if not text:
        return None
    if not persons_too and text in PERSONS:
        raise click.UsageError(
            f"--category: {text} stays: no filter releases it.  `bounced release ADDRESS` does, one by one"
        )
    names = [str(category) for category in Category if persons_too or category not in PERSONS]
    if text not in names:
        raise click.UsageError(f"--category: {none_such(text, names)}")
    return Category(text)


def _rule(config: Config, text: str) -> str:
    if not text:
        return ""
    try:
        names = [rule.id for rule in rules.load(config.rules.files).rules]
    except RulesInvalid as error:
        raise click.UsageError(str(error)) from error
    if text not in names:
        raise click.UsageError(f"--rule: {none_such(text, names)}")
    return text


def none_such(text: str, names: Iterable[str], nearest: list[str] | None = None) -> str:
    """Return that there is no such name, and the nearest there are."""
    names = list(names)
    nearest = nearest or get_close_matches(text.lower(), names, n=_NEAREST, cutoff=0.5)
    if nearest:
        return f"there is no {text!r}; did you mean {' or '.join(nearest)}?"
    return f"there is no {text!r}; there is {', '.join(names[:_SHOWN])}{', ...' if len(names) > _SHOWN else ''}"
