"""What a Redis URL names: one server, a group behind Sentinels, or some nodes of a Cluster."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qs, urlencode, urlsplit, urlunsplit

from bounced.core.terms import Word


class Topology(Word):
    """How the servers of a URL belong together."""

    ONE = ""
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True)
class Servers:
    """The servers that a URL names.

    ``urls`` has a ``redis://``, ``rediss://`` or ``unix://`` URL for each host; all of them carry the same login.
    ``group`` is what Sentinels call the servers, ``sentinel_login`` the username and password for the Sentinels
    themselves, where they want one.
    """

    topology: Topology
    urls: tuple[str, ...] = field(repr=False)
    group: str = ""
    sentinel_login: Mapping[str, str] = field(default_factory=dict, repr=False)


def servers(url: str) -> Servers:
    """Return what a URL names.

    ``redis://``, ``rediss://`` (TLS) and ``unix://`` name one server; ``redis+sentinel://HOST:PORT,HOST:PORT/GROUP``
    a group behind Sentinels (their own login as ``?sentinel_username=`` and ``sentinel_password=``), and
    ``redis+cluster://HOST:PORT,HOST:PORT`` some nodes of a Cluster; both also with ``rediss``.
    Raises ValueError for a URL that names no server.
    """
    parts = urlsplit(url)
    scheme, _, topology = parts.scheme.partition("+")
    match topology:
        case Topology.ONE:
            return Servers(Topology.ONE, (url,))
        case Topology.SENTINEL:
            return _sentinels(parts._replace(scheme=scheme))
        case Topology.CLUSTER:
            return Servers(Topology.CLUSTER, _each_host(parts._replace(scheme=scheme)))
    raise ValueError(f"a Redis URL is redis, rediss, unix, redis+sentinel or redis+cluster, not {parts.scheme}")


def _sentinels(parts: SplitResult) -> Servers:
    group, _, database = parts.path.strip("/").partition("/")
    if not group:
        raise ValueError("a redis+sentinel URL ends in the name of the group: redis+sentinel://HOST:PORT/GROUP")
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    login = {name: query.pop(f"sentinel_{name}") for name in ("username", "password") if f"sentinel_{name}" in query}
    plain = parts._replace(path=f"/{database}", query=urlencode(query))
    return Servers(Topology.SENTINEL, _each_host(plain), group, login)


def _each_host(parts: SplitResult) -> tuple[str, ...]:
    """Return a URL for each of the hosts that one URL names."""
    login, at, hosts = parts.netloc.rpartition("@")
    return tuple(urlunsplit(parts._replace(netloc=f"{login}{at}{host}")) for host in hosts.split(","))
