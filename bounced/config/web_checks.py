"""Checks of the settings of `bounced web`: addresses that are taken or too open, and the files that it reads."""

from collections.abc import Callable, Collection, Iterator
from functools import partial
from ipaddress import ip_address
from pathlib import Path

from bounced.config.errors import Problem, Severity
from bounced.config.fields import TcpAddress, UnixAddress
from bounced.config.file_checks import (
    certificate_problems,
    list_file_problems,
    rule_file_problems,
    secret_problems,
    tls_halves,
)
from bounced.config.files import read_hook_secret, read_path_secret
from bounced.config.model import Config
from bounced.config.web import WebListener
from bounced.core.exchange.hooks import SERVICES

PUBLIC, PRIVATE = "public", "private"
"""The names of the two listeners."""


def web_listeners(config: Config) -> dict[str, WebListener]:
    """Return both listeners by their names."""
    return {PUBLIC: config.web.public, PRIVATE: config.web.private}


def is_local(address: TcpAddress | UnixAddress) -> bool:
    """Whether no other machine reaches an address."""
    return isinstance(address, UnixAddress) or ip_address(address.host).is_loopback


def web_problems(config: Config) -> Iterator[Problem]:
    """Yield settings of `bounced web` that contradict each other or others, without looking at any file."""
    taken = _taken(config)
    for name, listener in web_listeners(config).items():
        table, address = f"web.{name}", listener.listen
        yield from tls_halves(table, listener)
        if listener.redis_password_file and not listener.redis_username:
            yield Problem(f"{table}.redis_username", "be given beside redis_password_file")
        if address is None:
            continue
        if address in taken and not _is_any_port(address):
            yield Problem(f"{table}.listen", f"be free ({taken[address]} listens there)", str(address))
        taken.setdefault(address, f"{table}.listen")
        if not is_local(address) and not listener.hosts:
            yield Problem(f"{table}.hosts", "name the hosts that other machines may ask for", "none")
    yield from _hook_problems(config)
    private = config.web.private
    if private.user_header and not private.proxies and not isinstance(private.listen, UnixAddress):
        yield Problem(
            "web.private.proxies", "name the proxies that send web.private.user_header", "none", Severity.WARNING
        )
    if private.session_s < private.session_idle_s:
        yield Problem("web.private.session_s", "be at least web.private.session_idle_s", f"{private.session_s:g}")
    if private.listen and not is_local(private.listen) and not private.allow_remote:
        must = "be a loopback address or a Unix socket, or web.private.allow_remote be true"
        yield Problem("web.private.listen", must, str(private.listen))


def web_file_problems(config: Config, names: Collection[str]) -> Iterator[Problem]:
    """Yield files that these listeners read and that are missing or not what they must be."""
    yield from list_file_problems(config)
    yield from rule_file_problems(config)
    for name, listener in web_listeners(config).items():
        if name not in names:
            continue
        if name == PUBLIC:
            yield from _hook_file_problems(config)
        yield from certificate_problems(f"web.{name}", listener)
        own = listener.redis_password_file
        key, file = (f"web.{name}.redis_password_file", own) if own else ("redis.password_file", _shared(config, name))
        if file:
            yield from secret_problems(key, file, at_least=1)


def hook_secrets(config: Config) -> Iterator[tuple[str, Path, Callable[[Path], bytes]]]:
    """Yield each secret of a service: its key, its file, and how it is read."""
    for name, list_ in config.lists.items():
        for service, hook in list_.hooks.items():
            where = f"lists.{name}.hooks.{service}"
            for position, file in enumerate(hook.secret_files or ()):
                yield f"{where}.secret_files[{position}]", file, partial(read_hook_secret, service)
            for position, file in enumerate(hook.path_secret_files or ()):
                yield f"{where}.path_secret_files[{position}]", file, read_path_secret


def _hook_file_problems(config: Config) -> Iterator[Problem]:
    for key, file, read in hook_secrets(config):
        yield from secret_problems(key, file, at_least=1, read=read)


def _hook_problems(config: Config) -> Iterator[Problem]:
    for name, list_ in config.lists.items():
        for service, hook in list_.hooks.items():
            where, by_topic = f"lists.{name}.hooks.{service}", SERVICES[service].by_topic
            needed, other = ("topics", "secret_files") if by_topic else ("secret_files", "topics")
            if not getattr(hook, needed):
                yield Problem(f"{where}.{needed}", f"be given: it proves what {service} posts")
            if getattr(hook, other):
                must = f"be left out: nothing that {service} posts is proven by it"
                yield Problem(f"{where}.{other}", must, severity=Severity.WARNING)


def login_of(config: Config, name: str) -> Config:
    """Return the configuration in which Redis' user is a listener's own, where it has one."""
    listener = web_listeners(config)[name]
    if listener.redis_username is None:
        return config
    own = {"username": listener.redis_username, "password_file": listener.redis_password_file}
    return config.model_copy(update={"redis": config.redis.model_copy(update=own)})


def _shared(config: Config, name: str) -> Path | None:
    return login_of(config, name).redis.password_file


def _is_any_port(address: TcpAddress | UnixAddress) -> bool:
    return isinstance(address, TcpAddress) and address.port == 0


def _taken(config: Config) -> dict[TcpAddress | UnixAddress, str]:
    """Return the addresses of other servers, by the key that names them."""
    given = [
        *((address, f"smtp.listen[{position}]") for position, address in enumerate(config.smtp.listen)),
        *((each.address, f"listeners[{position}].address") for position, each in enumerate(config.listeners)),
        (config.http.listen, "http.listen"),
        (config.lookup.listen, "lookup.listen"),
        (config.web.public.metrics_listen, "web.public.metrics_listen"),
    ]
    return {address: key for address, key in reversed(given) if address is not None}
