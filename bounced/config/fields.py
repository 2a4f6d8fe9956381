"""The kinds of values that a configuration holds, each checked and parsed once.

A validator's ValueError completes the sentence "KEY must ...".
"""

import os
import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, PlainValidator, Strict, ValidationInfo

from bounced.core.contract.event_types import TYPES
from bounced.core.mailbox import BadAddress, normalise_domain
from bounced.core.return_path.pattern import Pattern

CREDENTIAL = "credential:"
_CREDSTORE = "/etc/credstore"  # where LoadCredential= looks: commands outside the service find the same files
_HIGHEST_PORT = 65_535
_MOST_WORKERS = 256
_LOOPBACK_URL = re.compile(r"http://(localhost|127\.0\.0\.1|\[::1\])(:[1-9]\d{0,4})?/?", re.ASCII)


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """A host and port to listen on; port 0 lets the kernel choose."""

    host: str
    port: int

    def __str__(self) -> str:
        """As the configuration writes it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """A Unix socket to listen on."""

    path: Path

    def __str__(self) -> str:
        """As the configuration writes it."""
        return f"unix:{self.path}"


def _address(value: Any) -> TcpAddress | UnixAddress:
    expected = 'be "IP:PORT", "[IPv6]:PORT" or "unix:/path"'
    if isinstance(value, TcpAddress | UnixAddress):
        return value
    text = value if isinstance(value, str) else ""
    if text.startswith("unix:/"):
        return UnixAddress(Path(text.removeprefix("unix:")))
    host, _, port = text.rpartition(":")
    try:
        plain = str(ip_address(host.removeprefix("[").removesuffix("]")))
    except ValueError:
        raise ValueError(expected) from None
    if (":" in plain) != host.startswith("[") or not port.isascii() or not port.isdigit() or int(port) > _HIGHEST_PORT:
        raise ValueError(expected)
    return TcpAddress(plain, int(port))


def _network(value: Any) -> IPv4Network | IPv6Network:
    try:
        return ip_network(value, strict=False)
    except ValueError:
        raise ValueError('be an IP address or network such as "192.0.2.0/24"') from None


def _domain(value: str) -> str:
    try:
        domain = normalise_domain(value)
    except BadAddress:
        domain = ""
    if not domain or domain.startswith("["):
        raise ValueError('be a domain such as "bounce.example.com"')
    return domain


def _path(value: Any, info: ValidationInfo) -> Path:
    """Return where a file or folder is: relative paths start at the folder of the configuration."""
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError("be a path")
    return Path(info.context or ".") / value


def _file(value: Any, info: ValidationInfo) -> Path:
    """Return where a file is; credentials are where systemd puts them, or where it takes them from."""
    if not isinstance(value, str) or not value.startswith(CREDENTIAL):
        return _path(value, info)
    name = value.removeprefix(CREDENTIAL)
    if not name or "/" in name or name in (".", ".."):
        raise ValueError('name the credential, such as "credential:bounced-main"')
    return Path(os.environ.get("CREDENTIALS_DIRECTORY", _CREDSTORE)) / name


def _host_name(value: str) -> str:
    """Return a name as a Host header has it, without a port.  (RFC 9110 section 7.2)"""
    try:
        return f"[{ip_address(value.strip('[]'))}]" if ":" in value else normalise_domain(value)
    except ValueError:
        raise ValueError('be a host name or an IP address without a port, such as "bounced.example.com"') from None


def _page_url(value: str) -> str:
    from bounced.client.mail_fields import MailFields  # noqa: PLC0415 - redis, which comes with it, takes long

    try:
        return MailFields(unsubscribe_url=value).unsubscribe_url.rstrip("/")
    except ValueError:
        raise ValueError('be an https URL in ASCII, without query, such as "https://mail.example.com"') from None


def _people_url(value: str) -> str:
    if _LOOPBACK_URL.fullmatch(value):
        return value.rstrip("/")
    try:
        return _page_url(value)
    except ValueError:
        raise ValueError(
            'be an https URL in ASCII, without query, such as "https://bounced.example.com"; '
            'http is for this machine alone, such as "http://localhost:9027"'
        ) from None


def _hook_url(value: str) -> str:
    expected = 'be an "https://" or "http://" URL in ASCII, without user, password and fragment'
    try:
        parts = urlsplit(value)
        known = parts.scheme in ("https", "http") and parts.hostname and parts.port != 0
    except ValueError:
        raise ValueError(expected) from None
    if not known or "@" in parts.netloc or parts.fragment or not re.fullmatch(r"[!-~]+", value):
        raise ValueError(expected)
    return value


def _allowed(value: Any) -> str | IPv4Network | IPv6Network:
    """Return a host's name, or the network that an address or a network names."""
    expected = 'be a host name, an IP address or a network, such as "crm.example.com" or "10.0.0.0/8"'
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    if not isinstance(value, str):
        raise ValueError(expected)  # noqa: TRY004 - pydantic tells ValueErrors
    try:
        return ip_network(value.strip("[]"), strict=False)
    except ValueError:
        pass
    try:
        return _host_name(value)
    except ValueError:
        raise ValueError(expected) from None


def _event_type(value: str) -> str:
    if value not in TYPES:
        raise ValueError(f"be a type of event: {', '.join(TYPES)}")
    return value


def _redis_url(value: str) -> str:
    if value != "embedded" and not _leads_to_redis(value):
        raise ValueError(
            'be "redis://HOST:PORT/DB", "rediss://...", "unix:///path", "redis+sentinel://HOST:PORT,HOST:PORT/GROUP", '
            '"redis+cluster://HOST:PORT,HOST:PORT" or "embedded"'
        )
    return value


def _leads_to_redis(url: str) -> bool:
    """Whether a URL names one server, a group behind Sentinels, or a Cluster.  (bounced.edges.redis.connect)"""
    try:
        parts = urlsplit(url)
        hosts = [urlsplit(f"//{host}") for host in parts.netloc.rpartition("@")[2].split(",")]
        named = all(host.hostname and host.port != 0 for host in hosts)
    except ValueError:
        return False
    match parts.scheme.split("+"):
        case ["unix"]:
            return bool(parts.path)
        case ["redis" | "rediss"]:
            return named and len(hosts) == 1
        case ["redis" | "rediss", "sentinel"]:
            return named and bool(parts.path.strip("/"))
        case ["redis" | "rediss", "cluster"]:
            return named
    return False


def _workers(value: Any) -> int | Literal["auto"]:
    if value == "auto":
        return "auto"
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST_WORKERS:
        return value
    raise ValueError(f'be "auto" or a whole number from 1 to {_MOST_WORKERS}')


def _pattern(value: str) -> str:
    try:
        Pattern(value)
    except ValueError:
        expected = 'hold {local} and {domain} once each, and perhaps {tag}, such as "bounces+{local}={domain}"'
        raise ValueError(expected) from None
    return value


def _fully(pattern: str, expected: str) -> AfterValidator:
    """Return a validator for text that matches a pattern as a whole."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(expected)
        return value

    return AfterValidator(check)


_written = PlainSerializer(str, return_type=str)

Address = Annotated[TcpAddress | UnixAddress, BeforeValidator(_address), _written]
Network = Annotated[IPv4Network | IPv6Network, PlainValidator(_network), _written]
Domain = Annotated[str, AfterValidator(_domain)]
AnyPath = Annotated[Path, BeforeValidator(_path)]
File = Annotated[Path, BeforeValidator(_file)]
HeaderName = Annotated[
    str,
    _fully(
        r"(?i)(?!(?:authorization|connection|content-.*|cookie|host|transfer-encoding|x-forwarded-(?:for|proto))$)"
        r"[a-z0-9-]{1,64}",
        'be the name of a header field that nothing else uses, such as "X-Remote-User"',
    ),
]
HostName = Annotated[str, AfterValidator(_host_name)]
HookName = Annotated[str, _fully(r"[a-z0-9-]{1,32}", "be the name of a webhook, 1 to 32 of a-z, 0-9 and -")]
HookUrl = Annotated[str, AfterValidator(_hook_url)]
Allowed = Annotated[str | IPv4Network | IPv6Network, PlainValidator(_allowed), _written]
EventTypeName = Annotated[str, AfterValidator(_event_type)]
PageUrl = Annotated[str, AfterValidator(_page_url)]
PeopleUrl = Annotated[str, AfterValidator(_people_url)]
RedisUrl = Annotated[str, AfterValidator(_redis_url)]
Durability = Annotated[
    str, _fully(r"auto|memory|fsync|replica(:[1-9][0-9]*)?", 'be "auto", "memory", "fsync", "replica" or "replica:N"')
]
Workers = Annotated[int | Literal["auto"], PlainValidator(_workers)]
Count = Annotated[int, Strict(), Field(ge=1)]
WholeNumber = Annotated[int, Strict(), Field(ge=0)]
Flag = Annotated[bool, Strict()]
CommitSeconds = Annotated[float, Strict(), Field(ge=0.1, le=60)]
Seconds = Annotated[float, Strict(), Field(gt=0, le=86_400)]
Days = Annotated[int, Strict(), Field(ge=1, le=3650)]
TokenDays = Annotated[int, Strict(), Field(ge=1, le=400)]
ListName = Annotated[str, _fully(r"[a-z0-9-]{1,32}", "be the name of a list, 1 to 32 of a-z, 0-9 and -")]
KeyId = Annotated[str, _fully(r"[a-z2-7]", "be one character of a-z and 2-7")]
PathPrefix = Annotated[str, _fully(r"[a-z0-9._-]{1,16}", "be 1 to 16 of a-z, 0-9, '.', '_' and '-'")]
KeyPrefix = Annotated[str, _fully(r"[!-z|~]{1,64}", "be 1 to 64 printable characters without braces and spaces")]
Tag = Annotated[str, _fully(r"[a-z0-9-]{1,8}", "be 1 to 8 of a-z, 0-9 and -")]
LocalPart = Annotated[
    str, _fully(r"[a-z0-9_+-]+(\.[a-z0-9_+-]+)*", 'be a local part in lower case such as "fbl", without its domain')
]
PatternText = Annotated[str, AfterValidator(_pattern)]
