"""The settings of `bounced deliver`: the webhooks that events are sent to, and how the process itself works."""

from typing import Literal

from pydantic import Field

from bounced.config.fields import (
    Allowed,
    Count,
    EventTypeName,
    File,
    HookName,
    HookUrl,
    ListName,
    Seconds,
)
from bounced.config.shape import Section
from bounced.core.contract.event_types import TRANSITION


class Hook(Section):
    """A webhook: events of some lists are posted to a URL, signed by Standard Webhooks."""

    name: HookName = Field(
        examples=["crm"], description="Name, 1 to 32 of a-z, 0-9 and -. What was delivered is remembered under it."
    )
    url: HookUrl = Field(
        examples=["https://crm.example.com/bounced"],
        description="Where events are posted to, by https. http is allowed on loopback and to the hosts in allow.",
    )
    lists: tuple[ListName, ...] = Field(
        default=(), examples=[["main"]], description="Lists whose events are sent. If empty, all."
    )
    types: tuple[EventTypeName, ...] = Field(
        default=(TRANSITION,),
        description="Types of events that are sent. If empty, all. The body listmonk ignores it and chooses by itself.",
    )
    body: Literal["bounced", "listmonk"] = Field(
        default="bounced",
        description='"bounced": the event as JSON. "listmonk": what its /webhooks/bounce takes, only for addresses '
        "that came onto the suppression list.",
    )
    secret_files: tuple[File, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=2,
        examples=[["credential:bounced-hook-crm"]],
        description='Files with the secret that signs: "whsec_" and base64. Name two while you replace it. The body '
        "bounced needs one.",
    )
    authorization: Literal["basic", "bearer"] | None = Field(
        default=None,
        examples=["basic"],
        description='What stands in the header field Authorization: "basic" or "bearer", from authorization_file.',
    )
    authorization_file: File | None = Field(
        default=None,
        examples=["credential:bounced-hook-crm-login"],
        description='File with "USER:PASSWORD" for basic, with the token for bearer.',
    )
    allow: tuple[Allowed, ...] = Field(
        default=(),
        examples=[["crm.internal.example", "10.1.2.0/24"]],
        description="Hosts, addresses and networks that the hook may reach although they are private, or by http. All "
        "others must be public.",
    )
    ca_file: File | None = Field(
        default=None,
        examples=["/etc/bounced/tls/internal-ca.pem"],
        description="Certificate authorities in PEM that may sign the receiver's certificate, in place of the "
        "system's.",
    )
    connections: Count = Field(default=8, le=256, description="Requests at once for each list.")
    request_s: Seconds = Field(
        default=15.0, description="Seconds for one request, from looking up the name to the end of the answer."
    )
    give_up_s: Seconds = Field(
        default=86_400.0, description="Seconds after its first failure until an event is set aside."
    )


class Deliver(Section):
    """The deliverer, `bounced deliver`: a process of its own that sends events to webhooks."""

    redis_username: str | None = Field(
        default=None,
        examples=["bounced-deliver"],
        description="The deliverer's own user at Redis, with fewer rights than the daemon's; else redis.username is "
        "used.",
    )
    redis_password_file: File | None = Field(
        default=None,
        examples=["credential:bounced-deliver-redis"],
        description="File with the password of redis_username.",
    )
    lease_s: Seconds = Field(
        default=10.0, description="Seconds until another deliverer takes over from one that has ended."
    )
