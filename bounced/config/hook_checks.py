"""Checks of webhooks: settings that contradict each other, and the files that `bounced deliver` reads."""

from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from pathlib import Path
from ssl import SSLError, create_default_context
from urllib.parse import urlsplit

from bounced.config.errors import Problem
from bounced.config.file_checks import secret_problems, unreadable
from bounced.config.files import read_secret
from bounced.config.hooks import Hook
from bounced.config.model import Config
from bounced.core.standard_webhooks import secret_of
from bounced.core.targets import is_local, target


def hook_problems(config: Config) -> Iterator[Problem]:
    """Yield settings of webhooks that contradict each other or others, without looking at any file."""
    if config.deliver.redis_password_file and not config.deliver.redis_username:
        yield Problem("deliver.redis_username", "be given beside redis_password_file")
    seen: set[str] = set()
    for position, hook in enumerate(config.hooks):
        where = f"hooks[{position}]"
        if hook.name in seen:
            yield Problem(f"{where}.name", "be another for each webhook", hook.name)
        seen.add(hook.name)
        for place, list_ in enumerate(hook.lists):
            if list_ not in config.lists:
                yield Problem(f"{where}.lists[{place}]", "be the name of a list", list_)
        yield from _of_the_url(f"{where}.url", hook)
        yield from _of_the_body(where, hook, config)
        if hook.authorization and not hook.authorization_file:
            yield Problem(f"{where}.authorization_file", "be given beside authorization")
        if hook.authorization_file and not hook.authorization:
            yield Problem(f"{where}.authorization", "be given beside authorization_file")


def missing_to_deliver(config: Config) -> Iterator[Problem]:
    """Yield what the deliverer needs and no other command does."""
    if not config.hooks:
        yield Problem("hooks", "hold a webhook to deliver to: a table [[hooks]] with name, url and secret_files")


def as_deliverer(config: Config) -> Config:
    """Return the configuration with the deliverer's own user of Redis, and without the secrets of lists."""
    lists = {
        name: list_.model_copy(update={"keys": (), "pepper_file": None, "address_form": "plain"})
        for name, list_ in config.lists.items()
    }
    own = config.deliver
    if own.redis_username is None:
        return config.model_copy(update={"lists": lists})
    login = {"username": own.redis_username, "password_file": own.redis_password_file}
    return config.model_copy(update={"lists": lists, "redis": config.redis.model_copy(update=login)})


def hook_file_problems(config: Config) -> Iterator[Problem]:
    """Yield files of the deliverer that are missing or not what they must be."""
    file = config.deliver.redis_password_file
    if file:
        yield from secret_problems("deliver.redis_password_file", file, at_least=1)
    elif config.deliver.redis_username is None and config.redis.password_file:
        yield from secret_problems("redis.password_file", config.redis.password_file, at_least=1)
    for position, hook in enumerate(config.hooks):
        where = f"hooks[{position}]"
        for place, secret in enumerate(hook.secret_files or ()):
            yield from secret_problems(f"{where}.secret_files[{place}]", secret, at_least=1, read=read_hook_secret)
        if hook.authorization_file:
            yield from _of_the_login(f"{where}.authorization_file", hook.authorization_file, hook)
        if hook.ca_file:
            yield from _of_the_authorities(f"{where}.ca_file", hook.ca_file)


def lists_of(hook: Hook, lists: Iterable[str]) -> tuple[str, ...]:
    """Return which lists a webhook is sent the events of."""
    return tuple(name for name in lists if not hook.lists or name in hook.lists)


def read_hook_secret(file: Path) -> bytes:
    """Return the octets of a secret that signs.  Raises OSError, ValueError."""
    try:
        return secret_of(read_secret(file).decode("ascii"))
    except UnicodeDecodeError:
        raise ValueError("be in ASCII") from None


def _of_the_url(key: str, hook: Hook) -> Iterator[Problem]:
    """Yield what can be said against a URL before any name is resolved."""
    parts = urlsplit(hook.url)
    host = parts.hostname or ""
    to = target(host, tls=parts.scheme == "https", allow=hook.allow)
    try:
        ip_address(host)
    except ValueError:
        if not (to.tls or is_local(host) or host in to.hosts or to.networks):
            yield Problem(key, "be https, or allow name its host", hook.url)
        return
    if why := to.refusal(host):
        yield Problem(key, f"lead to an address that may be reached ({why})", hook.url)


def _of_the_body(where: str, hook: Hook, config: Config) -> Iterator[Problem]:
    if hook.body == "bounced":
        if not hook.secret_files:
            yield Problem(f"{where}.secret_files", 'name the secret that signs, with body = "bounced"')
        return
    if "types" in hook.model_fields_set:
        yield Problem(f"{where}.types", 'be left out with body = "listmonk", which chooses by itself')
    for list_ in lists_of(hook, config.lists):
        if config.lists[list_].address_form == "hmac":
            must = 'be no list with address_form = "hmac" beside body = "listmonk", which needs addresses'
            yield Problem(f"{where}.lists", must, list_)


def _of_the_login(key: str, file: Path, hook: Hook) -> Iterator[Problem]:
    def read(file: Path) -> bytes:
        login = read_secret(file)
        if not login.isascii() or not login.decode("ascii").isprintable():
            raise ValueError("be one line of ASCII")
        if hook.authorization == "basic" and b":" not in login:
            raise ValueError("be USER:PASSWORD")
        return login

    yield from secret_problems(key, file, at_least=1, read=read)


def _of_the_authorities(key: str, file: Path) -> Iterator[Problem]:
    broken = list(unreadable(key, file))
    yield from broken
    if not broken:
        try:
            create_default_context(cafile=str(file))
        except SSLError as error:
            yield Problem(key, f"hold certificates in PEM ({error.reason or error})", str(file))
