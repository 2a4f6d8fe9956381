"""Which hosted services and MTAs may tell a list what became of its mail, and what proves that it is they."""

from typing import Annotated

from pydantic import AfterValidator, Field

from bounced.config.fields import File
from bounced.config.shape import Section
from bounced.core.exchange.hooks import SERVICES
from bounced.core.exchange.hooks.topic import Topic

SECRETS_AT_ONCE = 2
"""The one that is used, and the one that replaces it."""


def _service(name: str) -> str:
    if name not in SERVICES:
        raise ValueError(f"be a service whose events are understood: {', '.join(sorted(SERVICES))}")
    return name


def _topic(arn: str) -> str:
    return Topic.of(arn).arn


class HookSettings(Section):
    """A service that posts events to /hooks/SERVICE/LIST on the public listener; NAME is SERVICE (docs/hooks.md)."""

    secret_files: tuple[File, ...] | None = Field(
        default=None,
        max_length=SECRETS_AT_ONCE,
        examples=[["credential:bounced-main-postmark"]],
        description="Files with the secret that proves the service's requests. While you replace it, name both the "
        "new and the old one.",
    )
    path_secret_files: tuple[File, ...] | None = Field(
        default=None,
        max_length=SECRETS_AT_ONCE,
        examples=[["credential:bounced-main-mailgun-path"]],
        description="Files with a further secret of 16 octets or more that stands in the path: "
        "/hooks/SERVICE/LIST/SECRET. Advised for mailgun, whose signature does not cover the events.",
    )
    topics: tuple[Annotated[str, AfterValidator(_topic)], ...] = Field(
        default=(),
        examples=[["arn:aws:sns:eu-west-1:123456789012:bounces"]],
        description="For the service ses: topics of Amazon SNS that may post here. Events of other topics are refused.",
    )


ServiceName = Annotated[str, AfterValidator(_service)]
