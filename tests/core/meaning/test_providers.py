"""Who runs a mailbox."""

import pytest

from bounced.core.meaning.providers import PROVIDERS, SHARED_DOMAINS, provider_of, sending_ip


@pytest.mark.parametrize(
    ("server", "domain", "provider"),
    [
        ("gmail-smtp-in.l.google.com", "gmail.com", "google"),
        ("aspmx.l.google.com", "company.example", "google"),
        ("company-example.mail.protection.outlook.com.", "company.example", "microsoft"),
        ("MTA7.AM0.YAHOODNS.NET", "aol.com", "yahoo"),
        ("mx0a-00000000.pphosted.com", "company.example", "proofpoint"),
        ("notgoogle.com", "company.example", "company.example"),
        ("google.com", "company.example", "google"),
        ("google.com.example", "company.example", "company.example"),
        ("a.b.c.d.partner.outlook.cn", "company.example", "microsoft"),
        (None, "hotmail.com", "microsoft"),
        (None, "company.example", "company.example"),
    ],
)
def test_the_server_names_the_provider_else_the_domain(server: str | None, domain: str, provider: str) -> None:
    """A company's domain behind a provider's server is the provider's matter."""
    assert provider_of(server, domain) == provider


def test_each_domain_belongs_to_one_provider() -> None:
    """Else the order of the table would decide in silence."""
    assert sum(len(set(provider.domains)) for provider in PROVIDERS) == len(SHARED_DOMAINS)


def test_each_server_belongs_to_one_provider() -> None:
    """A name that ends like two entries of the table is the same provider's by both."""
    owners = {server: provider.name for provider in PROVIDERS for server in provider.servers}
    assert len(owners) == sum(len(provider.servers) for provider in PROVIDERS)
    assert all(owners[long] == owners[end] for long in owners for end in owners if long.endswith(f".{end}"))


@pytest.mark.parametrize("domain", ["gmail.com", "outlook.com", "yahoo.co.jp", "gmx.de", "orange.fr", "qq.com"])
def test_what_millions_share(domain: str) -> None:
    """The large providers are there."""
    assert domain in SHARED_DOMAINS


@pytest.mark.parametrize(
    ("reply", "address"),
    [
        ("550 5.7.606 Access denied, banned sending IP [192.0.2.25]", "192.0.2.25"),
        ("554 5.7.1 Service unavailable; Client host [198.51.100.7] blocked using zen.example", "198.51.100.7"),
        ("550-5.7.1 [2001:db8::25] Our system has detected unsolicited mail", "2001:db8::25"),
        ("host mx.example[203.0.113.1] said: 550 blocked", ""),
        ("host mx.example[203.0.113.1] said: 550 blocked: 198.51.100.7", "198.51.100.7"),
        ("550 5.7.1 blocked, see 10.0.0.1", ""),
        ("550 5.7.26 version 1.2.3 at 12:30:45", ""),
        ("550 no", ""),
    ],
)
def test_the_address_that_was_refused_is_ours(reply: str, address: str) -> None:
    """Not the server's that refused, nor a private one, nor what only looks like one."""
    assert sending_ip(reply) == address
