"""From settings to the objects that work: keys, return paths, policies, key names, the server's URL."""

import hmac
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

from bounced.config.files import read_secret
from bounced.config.hook_checks import lists_of
from bounced.config.model import Config, Redis, SuppressionList
from bounced.config.policy import policy_of
from bounced.core.contract.keys import Keyspace
from bounced.core.policy import Policy
from bounced.core.return_path.keyring import Keyring, KeyStatus, SigningKey
from bounced.core.return_path.paths import ReturnPaths
from bounced.core.return_path.pattern import Pattern


def keyring(settings: SuppressionList) -> Keyring:
    """Return the keys of a list.  Raises OSError, and ValueError for a file that changed since it was checked."""
    return Keyring(*(SigningKey.from_file(key.id, key.file, KeyStatus(key.status)) for key in settings.keys))


def return_paths(name: str, settings: SuppressionList) -> ReturnPaths:
    """Return how a list makes and reads its return paths.  Raises OSError."""
    return ReturnPaths(
        list=name,
        domains=settings.domains,
        keyring=keyring(settings),
        prefix=settings.prefix,
        max_age_days=settings.max_age_days,
        token_days=settings.token_days,
        patterns=tuple(Pattern(template) for template in settings.patterns),
        fold_local_part=settings.fold_local_part,
        roles=frozenset(settings.feedback),
        tags=settings.tags,
    )


def policy(settings: SuppressionList) -> Policy:
    """Return what failures lead to in a list."""
    return policy_of(settings.policy, settings.cadence_days)


def keyspace(config: Config, name: str) -> Keyspace:
    """Return the names of a list's keys, and the form in which they carry addresses.  Raises OSError."""
    settings = config.lists[name]
    pepper = read_secret(settings.pepper_file) if settings.pepper_file else None
    if settings.address_form == "hmac":
        return Keyspace(config.redis.prefix, name, pepper)
    return Keyspace(config.redis.prefix, name, erasure_pepper=pepper)


def log_secret(settings: SuppressionList) -> bytes | None:
    """Return what the log hashes the addresses of a list with; None where it has no secret that we may read.

    It is made of the pepper, else of the key that signs: the same on all hosts, and of no use for anything else.
    """
    signing = [key.file for key in settings.keys if KeyStatus(key.status) is KeyStatus.SIGNING]
    file = settings.pepper_file or next(iter(signing), None)
    if file is None:
        return None
    try:
        return hmac.digest(read_secret(file), b"bounced log", "sha256")
    except OSError:  # a command of a user who may not read it
        return None


def log_secrets(config: Config) -> dict[str, bytes]:
    """Return those of all lists that have one."""
    found = {name: log_secret(settings) for name, settings in config.lists.items()}
    return {name: secret for name, secret in found.items() if secret}


def redis_url(settings: Redis) -> str | None:
    """Return the server's URL with user name and password in it, for the client's eyes only.  Raises OSError."""
    if settings.url is None or settings.embedded or not (settings.username or settings.password_file):
        return settings.url
    password = read_secret(settings.password_file).decode() if settings.password_file else ""
    parts = urlsplit(settings.url)
    host = parts.netloc.rpartition("@")[2]
    user = f"{quote(settings.username or '', safe='')}:{quote(password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{user}@{host}"))


def redis_place(settings: Redis) -> str:
    """Return where the server is, for a file: its URL without a login, or ``embedded``; empty if there is none."""
    if settings.embedded or settings.url is None:
        return settings.url or ""
    parts = urlsplit(settings.url)
    database = parse_qs(parts.query).get("db", ("",))[-1]
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" + (f"?db={database}" if database else "")


def webhooks_of(config: Config) -> dict[str, tuple[str, ...]]:
    """Return the names of the webhooks that are sent the events of each list."""
    return {
        list_: tuple(hook.name for hook in config.hooks if list_ in lists_of(hook, config.lists))
        for list_ in config.lists
    }
