"""Checks beyond one table: tables that contradict each other, and files that cannot be used."""

from collections.abc import Iterable, Iterator, Sequence

from bounced.config.errors import Problem, Severity
from bounced.config.file_checks import (
    certificate_problems,
    list_file_problems,
    rule_file_problems,
    secret_problems,
    tls_halves,
)
from bounced.config.follow_checks import follow_problems
from bounced.config.hook_checks import hook_problems
from bounced.config.model import Config, Key, SuppressionList
from bounced.config.policy import PolicySettings, merged, named
from bounced.config.web_checks import web_problems
from bounced.core.policy import Policy
from bounced.core.return_path.paths import UNSUBSCRIBE_PREFIX, is_ambiguous


def mutual_problems(config: Config) -> Iterator[Problem]:
    """Yield settings that contradict each other, without looking at any file."""
    yield from tls_halves("smtp", config.smtp)
    yield from _domains_twice(config)
    yield from _listeners_twice(config)
    yield from web_problems(config)
    yield from hook_problems(config)
    yield from follow_problems(config)
    for name, list_ in config.lists.items():
        yield from _keys(f"lists.{name}", list_.keys)
        yield from _references(f"lists.{name}", name, list_, config)
        yield from _promises(f"lists.{name}", list_.policy)
    if config.redis.embedded and config.redis.durability.startswith("replica"):
        yield Problem("redis.durability", "be memory or fsync: an embedded server has no replicas", "replica")


def file_problems(config: Config) -> Iterator[Problem]:
    """Yield files that are missing, unreadable, too short, or not what they must be.

    Those of `bounced web` and `bounced deliver` are not among them: other users read them.  (bounced.config.web_checks,
    hook_checks)
    """
    if config.redis.password_file:
        yield from secret_problems("redis.password_file", config.redis.password_file, at_least=1)
    yield from list_file_problems(config)
    yield from rule_file_problems(config)
    yield from certificate_problems("smtp", config.smtp)


def missing_to_run(config: Config, told: Sequence[Problem] = ()) -> Iterator[Problem]:
    """Yield what the daemon needs and no other command does; nothing whose key is ``told`` to be wrong already."""
    for problem in _lacking(config):
        if not any(f"{each.key}.".startswith(f"{problem.key}.") for each in told):
            yield problem


def _lacking(config: Config) -> Iterator[Problem]:
    if config.redis.url is None:
        must = (
            'be given to run: "redis://127.0.0.1:6379/0", or "embedded" for a private server that keeps its data here'
        )
        yield Problem("redis.url", must)
    if not config.lists:
        yield Problem("lists", "hold a suppression list to run: a table such as [lists.main] with domains and keys")


def _domains_twice(config: Config) -> Iterator[Problem]:
    owners: dict[str, str] = {}
    for name, list_ in config.lists.items():
        for position, domain in enumerate(list_.domains):
            key = f"lists.{name}.domains[{position}]"
            if domain in owners:
                yield Problem(key, f"belong to one list only (it stands in {owners[domain]} too)", domain)
            owners.setdefault(domain, f"lists.{name}")


def _listeners_twice(config: Config) -> Iterator[Problem]:
    taken = {address: f"smtp.listen[{position}]" for position, address in enumerate(config.smtp.listen)}
    for position, listener in enumerate(config.listeners):
        key = f"listeners[{position}].address"
        if listener.address in taken:
            yield Problem(key, f"be free ({taken[listener.address]} listens there)", str(listener.address))
        taken.setdefault(listener.address, key)


def _keys(where: str, keys: Iterable[Key]) -> Iterator[Problem]:
    seen: set[str] = set()
    for position, key in enumerate(keys):
        if key.id in seen:
            yield Problem(f"{where}.keys[{position}].id", "be another for each key", key.id)
        seen.add(key.id)
    signing = [key.id for key in keys if key.status == "signing"]
    if len(signing) != 1:
        yield Problem(f"{where}.keys", 'have exactly one with status "signing"', ", ".join(signing) or "none")


def _references(where: str, name: str, list_: SuppressionList, config: Config) -> Iterator[Problem]:
    for position, other in enumerate(list_.shares_hard_with):
        if other == name or other not in config.lists:
            yield Problem(f"{where}.shares_hard_with[{position}]", "be the name of another list", other)
    if list_.address_form == "hmac" and not list_.pepper_file:
        yield Problem(f"{where}.pepper_file", 'be given with address_form = "hmac"')
    if is_ambiguous(list_.prefix):
        must = f'not begin like "{UNSUBSCRIBE_PREFIX}", nor "{UNSUBSCRIBE_PREFIX}" like it: so begin unsubscribe paths'
        yield Problem(f"{where}.prefix", must, list_.prefix)
    for position, template in enumerate(list_.patterns):
        for prefix in (list_.prefix, UNSUBSCRIBE_PREFIX):
            if template.lower().startswith(prefix):
                must = f'not begin like a signed return path, "{prefix}"'
                yield Problem(f"{where}.patterns[{position}]", must, template)
                break
    if list_.trust_unsigned and not list_.patterns:
        yield Problem(
            f"{where}.trust_unsigned", "stand beside patterns: nothing else is unsigned", "true", Severity.WARNING
        )


def _promises(where: str, policy: PolicySettings) -> Iterator[Problem]:
    """Yield the rules that would break an invariant, such as a transient failure that suppresses."""
    for name, rule in policy.rules.items():
        try:
            Policy(rules={named(name): merged(name, rule)})
        except ValueError as error:
            yield Problem(f"{where}.policy.rules.{name}", f"keep what the daemon promises: {error}")
