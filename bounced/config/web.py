"""The settings of `bounced web`: its two listeners, which share neither socket nor login at Redis."""

from pathlib import Path

from pydantic import Field

from bounced.config.fields import (
    Address,
    AnyPath,
    Count,
    File,
    Flag,
    HeaderName,
    HostName,
    Network,
    PageUrl,
    PeopleUrl,
    Seconds,
    TcpAddress,
)
from bounced.config.shape import Section


class WebListener(Section):
    """What both listeners have."""

    listen: Address | None = Field(
        default=None,
        examples=["127.0.0.1:9028"],
        description='Where HTTP is answered: "127.0.0.1:9028" or "unix:/run/bounced-web/socket". '
        "Sockets handed over by systemd replace it.",
    )
    hosts: tuple[HostName, ...] = Field(
        default=(),
        examples=[["bounced.example.com"]],
        description="Names in the Host header that are answered. Any other gets 421. On a loopback address and a Unix "
        "socket localhost, 127.0.0.1 and [::1] are answered too.",
    )
    proxies: tuple[Network, ...] = Field(
        default=(),
        examples=[["192.0.2.10"]],
        description="Peers whose X-Forwarded-For and X-Forwarded-Proto are believed. On a Unix socket every peer is "
        "believed.",
    )
    tls_certificate: File | None = Field(
        default=None,
        examples=["credential:bounced-web-certificate"],
        description="Certificate chain in PEM. With it and tls_key, the listener speaks only HTTPS.",
    )
    tls_key: File | None = Field(
        default=None,
        examples=["credential:bounced-web-key"],
        description="Private key of the certificate, in PEM.",
    )
    redis_username: str | None = Field(
        default=None,
        examples=["bounced-web"],
        description="The listener's own user at Redis, with fewer rights than the daemon's; else redis.username is "
        "used.",
    )
    redis_password_file: File | None = Field(
        default=None,
        examples=["credential:bounced-web-redis"],
        description="File with the password of redis_username.",
    )
    connections_total: Count = Field(
        default=1000, description="Connections at once. One more closes the one that was idle the longest."
    )
    request_s: Seconds = Field(
        default=30.0,
        description="Seconds for one request from its first octet to its last, and again for the client to take the "
        "answer.",
    )
    idle_s: Seconds = Field(default=60.0, description="Seconds of silence between two requests on one connection.")
    max_body_bytes: Count = Field(
        default=1_048_576, description="Largest body of a request, in octets. A longer one gets 413."
    )


class WebPublic(WebListener):
    """The listener that may face the internet, for recipients and hosted services. Without listen it is off."""

    base_url: PageUrl | None = Field(
        default=None,
        examples=["https://mail.example.com"],
        description="URL at which the internet reaches this listener. List-Unsubscribe fields that the API makes "
        "contain it.",
    )
    metrics_listen: Address | None = Field(
        default=None,
        examples=["127.0.0.1:9029"],
        description="Where /metrics, /healthz and /readyz of this listener answer, and nothing else. You need it only "
        "if the public listener runs alone: a private listener in the same process shows its counts too.",
    )


class WebPrivate(WebListener):
    """The listener for your own programs and people: API, health, metrics."""

    listen: Address | None = Field(
        default=TcpAddress("127.0.0.1", 9027),
        description='Where HTTP is answered: "127.0.0.1:9027" or "unix:/run/bounced-web/socket". '
        "Sockets handed over by systemd replace it.",
    )
    allow_remote: Flag = Field(
        default=False, description="Whether listen may be an address that other machines can reach."
    )
    writes: Flag = Field(
        default=False,
        description="Whether tokens with the rights report and write may use them. Then the user at Redis needs the "
        "daemon's rights.",
    )
    tokens_file: AnyPath = Field(
        default=Path("/etc/bounced/web-tokens.toml"),
        description="File with the hashes of the API's tokens, which `bounced web token` writes.",
    )
    users_file: AnyPath = Field(
        default=Path("/etc/bounced/web-users.toml"),
        description="File with the people who sign in with a password, which `bounced web user` writes.",
    )
    user_header: HeaderName | None = Field(
        default=None,
        examples=["X-Remote-User"],
        description="Header field in which a proxy names the person who is signed in there. It is believed from "
        "proxies and on a Unix socket, and removed from requests of all others.",
    )
    login_folder: AnyPath = Field(
        default=Path("/run/bounced-web"),
        description="Folder in which `bounced web login` leaves a link's hash for the running application.",
    )
    base_url: PeopleUrl | None = Field(
        default=None,
        examples=["https://bounced.example.com"],
        description="URL at which people reach this listener. The link of `bounced web login` begins with it, else "
        "with listen. It is https, or http at localhost.",
    )
    session_idle_s: Seconds = Field(default=3600.0, description="Seconds without a request after which a session ends.")
    session_s: Seconds = Field(default=43_200.0, description="Seconds after which a session ends, even if it is used.")
    streams_total: Count = Field(
        default=100, description="Programs that may follow events at once. Each holds a connection."
    )


class Web(Section):
    """The web application, `bounced web`: a process of its own with two listeners."""

    public: WebPublic = WebPublic()
    private: WebPrivate = WebPrivate()
