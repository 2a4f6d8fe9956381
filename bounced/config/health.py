"""What a list does when a domain contradicts what the sender knows, and when rates say that something is wrong."""

from typing import Annotated

from pydantic import Field, Strict

from bounced.config.fields import Count, Domain
from bounced.config.shape import Section
from bounced.core.contract.alarms import DEFAULT_ALARMS, AlarmRule
from bounced.core.policy.dispute import DEFAULT_DISPUTES, DisputeRule
from bounced.core.policy.outage import DEFAULT_PROVIDERS, ProviderRule

Percent = Annotated[float, Strict(), Field(gt=0, le=100)]


class DisputeSettings(Section):
    """When "user unknown" of a domain or of a provider is not believed. docs/policy.md says why."""

    addresses: Count = Field(
        default=DEFAULT_DISPUTES.addresses,
        description="A domain is disputed if, within an hour, it calls so many addresses unknown that are confirmed "
        "or recently active.",
    )
    factor: Count = Field(
        default=int(DEFAULT_DISPUTES.factor),
        description="And only if they are at least so many times what it calls unknown in a usual hour.",
    )
    hours: Count = Field(default=DEFAULT_DISPUTES.hours, description="Hours for which the domain is then disputed.")
    shared_domains: tuple[Domain, ...] = Field(
        default=(),
        examples=[["mail.example.net"]],
        description="Domains in which anybody may have a mailbox, besides the large providers that are known. They "
        "are never disputed.",
    )
    provider_addresses: Count = Field(
        default=DEFAULT_PROVIDERS.addresses,
        description="A large provider is disputed if it calls so many addresses unknown in two consecutive hours. "
        "Twenty imported ones or first mails count as one.",
    )
    provider_factor: Count = Field(
        default=int(DEFAULT_PROVIDERS.factor),
        description="And only if they are more than so many times what it called unknown in the highest two hours of "
        "the last 32 days, without the last three days.",
    )
    provider_hours: Count = Field(
        default=DEFAULT_PROVIDERS.hours, description="Hours for which the provider is then disputed."
    )


class AlarmSettings(Section):
    """From which share of the messages sent in 24 hours an alarm stands. This needs senders that tell `sent`."""

    at_least_sent: Count = Field(
        default=DEFAULT_ALARMS.at_least_sent,
        description="Messages that must have been sent to a campaign, domain or list before there is a rate.",
    )
    hard_warn_percent: Percent = Field(
        default=100 * DEFAULT_ALARMS.hard_warn, description="Share of hard failures that raises a warning, in percent."
    )
    hard_pause_percent: Percent = Field(
        default=100 * DEFAULT_ALARMS.hard_pause, description="Share of hard failures at which to pause, in percent."
    )
    complaint_warn_percent: Percent = Field(
        default=100 * DEFAULT_ALARMS.complaint_warn,
        description="Share of complaints that raises a warning, in percent.",
    )
    complaint_pause_percent: Percent = Field(
        default=100 * DEFAULT_ALARMS.complaint_pause, description="Share of complaints at which to pause, in percent."
    )


def dispute_rule(settings: DisputeSettings) -> DisputeRule:
    """Return when a domain of a list is disputed."""
    shared = DEFAULT_DISPUTES.shared | frozenset(settings.shared_domains)
    return DisputeRule(settings.addresses, settings.factor, settings.hours, shared)


def provider_rule(settings: DisputeSettings) -> ProviderRule:
    """Return when a provider of a list is disputed."""
    return ProviderRule(settings.provider_addresses, settings.provider_factor, settings.provider_hours)


def alarm_rule(settings: AlarmSettings) -> AlarmRule:
    """Return when a list raises an alarm."""
    return AlarmRule(
        at_least_sent=settings.at_least_sent,
        hard_warn=settings.hard_warn_percent / 100,
        hard_pause=settings.hard_pause_percent / 100,
        complaint_warn=settings.complaint_warn_percent / 100,
        complaint_pause=settings.complaint_pause_percent / 100,
    )
