"""What ordinary servers say of dead addresses, and of name servers that did not answer."""

import pytest

from bounced.core.meaning.classify import classify
from bounced.core.terms import Action, Category, Class, Kind, PerRecipientFields, Report, Verdict
from bounced.explain import packaged_rules

REFUSALS = (
    "550 User unknown",
    "550 user unknown",
    "550 : User unknown",
    "550 Unknown user bob@example.net",
    "550 No such user here",
    "550 5.1.1 User unknown",
    "550 5.1.1 <bob@example.net>: Recipient address rejected: User unknown",
    "550 5.1.1 <bob@example.net>... User unknown",
    "550 bob@example.net... no such user",
)
LOOKUPS = (
    "DNS lookup failed.",
    "DNS lookup failure for example.net",
    "DNS query failed",
    "DNS error while looking up example.net",
    "DNS server failure",
    "Domain lookup failed",
    "MX lookup failed for example.net",
    "Could not resolve host example.net",
    "Unable to resolve the domain example.net",
    "Failed to resolve MX for example.net",
    "The domain example.net could not be resolved",
    "example.net cannot be resolved",
    "Name resolution of host failed",
    "lookup of example.net: SERVFAIL",
    "域名解析失败",
    "无法解析域名: DNS查询超时",
)
NON_EXISTENT = (
    "550 5.1.2 Host unknown",
    "DNS lookup failed: NXDOMAIN",
    "DNS Error: DNS type 'mx' lookup of example.net responded with code NXDOMAIN",
    "Domain example.net does not exist",
    "Host or domain name not found. Name service error for name=example.net type=A: Host not found",
    "550 5.1.2 Could not resolve domain example.net",
)


def verdict(said: str, status: str | None = None, mta: str = "mx.example.net") -> Verdict:
    """Return what a reply of a server to bob means."""
    recipient = f"bob@{mta.partition('.')[2]}"
    group = PerRecipientFields(None, recipient, Action.FAILED, status, said, remote_mta=mta)
    return classify(group, Report(Kind.BOUNCE, "test", recipients=(group,)), packaged_rules())


@pytest.mark.parametrize("status", ["5.0.0", "5.1.1", "5.1.0", "5.2.0", "5.3.0", None])
@pytest.mark.parametrize("said", REFUSALS)
def test_a_plain_refusal_is_hard_whatever_status_stands_beside_it(said: str, status: str | None) -> None:
    """What a provider means by it elsewhere is the provider's."""
    assert verdict(said, status).class_ is Class.HARD


@pytest.mark.parametrize("mta", ["lsean.ezweb.ne.jp", "mx.au.com", "mta.dion.ne.jp"])
def test_kddi_say_it_of_refused_senders_too(mta: str) -> None:
    """Where they leave the address out."""
    assert verdict("550 user unknown", "5.0.0", mta).category is Category.RECIPIENT_REFUSED
    assert verdict("550 : User unknown", "5.0.0", mta).category is Category.RECIPIENT_REFUSED


@pytest.mark.parametrize("mta", ["mx.au.com.example.net", "mx.plateau.com", "kddi.example.net"])
def test_names_that_only_look_like_a_providers_are_not_its_servers(mta: str) -> None:
    """A row for a provider applies to nobody else."""
    assert verdict("550 user unknown", "5.0.0", mta).class_ is Class.HARD


@pytest.mark.parametrize("status", ["5.0.0", "5.4.4", None])
@pytest.mark.parametrize("said", LOOKUPS)
def test_a_name_that_was_not_looked_up_may_exist(said: str, status: str | None) -> None:
    """Courier says so for a server that fails, with Status 5.0.0; in a reply or in the words."""
    assert verdict(said, status).category is Category.DNS_FAILURE
    group = PerRecipientFields(None, "bob@example.net", Action.FAILED, status, text=said)
    assert classify(group, Report(Kind.BOUNCE, "test"), packaged_rules()).category is Category.DNS_FAILURE


@pytest.mark.parametrize("said", NON_EXISTENT)
def test_a_name_that_is_said_not_to_exist_is_gone(said: str) -> None:
    """By words, or by a status code that says which."""
    assert verdict(said).category is Category.DOMAIN_INVALID


def test_codes_and_words_of_other_providers_are_theirs() -> None:
    """GoDaddy's codes and Comcast's customers mean nothing elsewhere."""
    assert verdict("550 Not sent for you by its SPF record. IB508").category is Category.AUTH_FAILURE
    assert verdict("550 Relaying denied: you are not our customer").class_ is not Class.HARD
    assert verdict("550 Rejected because the domain of the sender is too new").class_ is not Class.HARD


@pytest.mark.parametrize("status", ["5.0.0", "5.1.2", "5.4.4", None])
@pytest.mark.parametrize(
    "said",
    [
        "Temporary failure in name resolution",
        "Unable to resolve domain example.net: server failure",
        "Hostname lookup failed, retry later",
        "MX lookup of example.net failed temporarily",
    ],
)
def test_a_lookup_that_failed_for_now_is_no_missing_domain_whatever_status_stands_beside_it(
    said: str, status: str | None
) -> None:
    """MTAs write 5.1.2 of every domain that they could not look up."""
    assert verdict(said, status).category is Category.DNS_FAILURE
