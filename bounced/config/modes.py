"""File modes: nobody but owner and group may read the secrets, or change what the daemon reads.

The mode that counts is that of the file, not of a symbolic link to it; ``chmod`` follows links too.  Credentials that
systemd hands over are readable by the service alone.
"""

import stat
from collections.abc import Iterator
from pathlib import Path
from shlex import quote

from bounced.config.errors import Problem, Severity, masked
from bounced.config.follow_checks import settings_of
from bounced.config.model import Config
from bounced.config.web_checks import hook_secrets, web_listeners


def mode_problems(config: Config, file: Path | None) -> Iterator[Problem]:
    """Yield the files that are open to everybody.  ``file`` is the configuration's own.

    Missing files are skipped; they are reported elsewhere.
    """
    if file:
        yield from writable_by_everybody("", file)
        if config.redis.url and masked(config.redis.url) != config.redis.url:
            yield from _readable_by_everybody("redis.url", file, Severity.WARNING)
    for key, secret in _secrets(config):
        yield from _of_a_secret(key, secret)
    for key, other in _others(config):
        yield from writable_by_everybody(key, other)


def web_mode_problems(config: Config) -> Iterator[Problem]:
    """Yield what only `bounced web` reads and everybody may read or change; the daemon starts all the same."""
    yield from _of_a_secret("web.private.tokens_file", config.web.private.tokens_file)
    yield from _of_a_secret("web.private.users_file", config.web.private.users_file)
    yield from _folder_of_everybody("web.private.login_folder", config.web.private.login_folder)
    for key, secret, _read in hook_secrets(config):
        yield from _of_a_secret(key, secret)
    for name, listener in web_listeners(config).items():
        if listener.tls_key:
            yield from _of_a_secret(f"web.{name}.tls_key", listener.tls_key)
        if listener.redis_password_file:
            yield from _of_a_secret(f"web.{name}.redis_password_file", listener.redis_password_file)
        if listener.tls_certificate:
            yield from writable_by_everybody(f"web.{name}.tls_certificate", listener.tls_certificate)


def hook_mode_problems(config: Config) -> Iterator[Problem]:
    """Yield what only `bounced deliver` reads and everybody may read or change; the daemon starts all the same."""
    if config.deliver.redis_password_file:
        yield from _of_a_secret("deliver.redis_password_file", config.deliver.redis_password_file)
    for position, hook in enumerate(config.hooks):
        for place, secret in enumerate(hook.secret_files or ()):
            yield from _of_a_secret(f"hooks[{position}].secret_files[{place}]", secret)
        if hook.authorization_file:
            yield from _of_a_secret(f"hooks[{position}].authorization_file", hook.authorization_file)
        if hook.ca_file:
            yield from writable_by_everybody(f"hooks[{position}].ca_file", hook.ca_file)


def follow_mode_problems(config: Config, mta: str) -> Iterator[Problem]:
    """Yield what only `bounced follow` reads and everybody may read or change; the daemon starts all the same."""
    own = settings_of(config, mta)
    if own.redis_password_file:
        yield from _of_a_secret(f"follow.{mta}.redis_password_file", own.redis_password_file)


def writable_by_everybody(key: str, file: Path) -> list[Problem]:
    """Return what is wrong with a file that everybody may change, and so decide what the daemon does."""
    mode = _mode(file)
    if not mode & stat.S_IWOTH:
        return []
    return [Problem(key, f"not be writable by everybody: chmod o-w {quote(str(file))}", f"mode {mode:04o}")]


def _folder_of_everybody(key: str, folder: Path) -> list[Problem]:
    """Return what is wrong with a folder in which everybody may make files."""
    if not folder.is_dir() or not (mode := stat.S_IMODE(folder.stat().st_mode)) & stat.S_IWOTH:
        return []
    return [Problem(key, f"not be writable by everybody: chmod o-w {quote(str(folder))}", f"mode {mode:04o}")]


def _of_a_secret(key: str, file: Path) -> list[Problem]:
    return _readable_by_everybody(key, file) or writable_by_everybody(key, file)


def _readable_by_everybody(key: str, file: Path, severity: Severity = Severity.ERROR) -> list[Problem]:
    mode = _mode(file)
    if not mode & stat.S_IROTH:
        return []
    return [Problem(key, f"not be readable by everybody: chmod o= {quote(str(file))}", f"mode {mode:04o}", severity)]


def _secrets(config: Config) -> Iterator[tuple[str, Path]]:
    if config.redis.password_file:
        yield "redis.password_file", config.redis.password_file
    for name, list_ in config.lists.items():
        for position, key in enumerate(list_.keys):
            yield f"lists.{name}.keys[{position}].file", key.file
        if list_.pepper_file:
            yield f"lists.{name}.pepper_file", list_.pepper_file
    if config.smtp.tls_key:
        yield "smtp.tls_key", config.smtp.tls_key


def _others(config: Config) -> Iterator[tuple[str, Path]]:
    for position, rules in enumerate(config.rules.files):
        yield f"rules.files[{position}]", rules
    if config.smtp.tls_certificate:
        yield "smtp.tls_certificate", config.smtp.tls_certificate
    if config.redis.embedded and config.redis.server_binary:
        yield "redis.server_binary", config.redis.server_binary


def _mode(file: Path) -> int:
    """Return the mode of a file, 0 for one that is not there or no file."""
    try:
        status = file.stat()
    except OSError:
        return 0
    return stat.S_IMODE(status.st_mode) if stat.S_ISREG(status.st_mode) else 0
