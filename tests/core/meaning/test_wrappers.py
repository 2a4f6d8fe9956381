"""The innermost reply decides, whatever a gateway, a relay or the reporting MTA wrote in front; in both directions."""

import pytest

from bounced.core.meaning.classify import classify
from bounced.core.terms import Action, Category, Class, Kind, PerRecipientFields, Report, Verdict
from bounced.explain import packaged_rules

RULES = packaged_rules()
DEAD = (
    "550 5.1.1 User unknown",
    "550 No such user here",
    "550 5.1.1 <alice@example.org>: mailbox does not exist",
    "553 sorry, no such mailbox (#5.7.1)",
    "550 5.2.1 This mailbox has been disabled",
)
ALIVE = (
    "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
    "550 5.7.1 Message rejected as spam",
    "452 4.2.2 The email account is over quota",
    "451 4.7.1 Greylisted, please try again later",
    "550 5.7.1 Sender address rejected: not allowed",
    "554 Denied by policy",
    "550 5.7.26 Unauthenticated mail is prohibited",
    "550 Administrative prohibition",
    "552 5.3.4 Message too big",
    "550 5.7.1 Unable to relay",
)
CHAIN = (
    "host relay.example.com[192.0.2.4] said: 550 5.1.1 <alice@example.org>: Recipient address rejected: undeliverable "
    "address: host mx.example.org[192.0.2.9] said: {reply} (in reply to RCPT TO command)"
)
WRAPPERS = (
    CHAIN,
    "550 5.1.351 Remote server returned unknown recipient or mailbox unavailable -> {reply}",
    "550 5.7.367 Remote server returned not permitted to relay -> {reply}",
    "550 5.7.350 Remote server returned message detected as spam -> {reply}",
    "550 5.0.350 Remote server returned an error -> {reply}",
    "554 5.4.300 Message expired -> {reply}",
    "550 5.1.0 Unknown address error {code}-'{words}'",
    "5.3.0 - Other mail system problem {code}-'{words}' (delivery attempts: 0)",
    "5.1.2 - Bad destination host {code}-'{words}'",
    "SMTP error from remote mail server after RCPT TO:<alice@example.org>: host mx.example.org [192.0.2.9]: {reply}",
    "host mx.example.org[192.0.2.9] said: {reply} (in reply to RCPT TO command)",
    "The response from the remote server was: {reply}",
    "550 permanent failure for one or more recipients (alice@example.org:{reply})",
    "550 5.1.1 <alice@example.org>... User unknown (reason: {reply})",
    "550 Recipient server replied: {reply}",
    "550 Invalid recipient: remote server answered {reply}",
    "554 5.0.0 delivery failed: error message: {reply}",
    "550 5.1.1 Unknown user - mx.example.org responded with: {reply}",
)


def _verdict(reply: str) -> Verdict:
    fields = PerRecipientFields(action=Action.FAILED, final_recipient="alice@example.org", diagnostic_code=reply)
    return classify(fields, Report(Kind.BOUNCE, "rfc3464", sent_to=("news@sender.example",)), RULES)


def _wrapped(wrapper: str, reply: str) -> Verdict:
    code, _, words = reply.partition(" ")
    return _verdict(wrapper.format(reply=reply, code=code, words=words))


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_dead_mailbox_is_dead_behind_any_wrapper(wrapper: str) -> None:
    """A gateway may call everything spam, or an error."""
    assert [reply for reply in DEAD if _wrapped(wrapper, reply).class_ is not Class.HARD] == []


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_living_mailbox_is_alive_behind_any_wrapper(wrapper: str) -> None:
    """A gateway may call every refusal an unknown address; what the server said keeps its class."""
    apart = {reply: _wrapped(wrapper, reply).class_ for reply in ALIVE}
    assert apart == {reply: _verdict(reply).class_ for reply in ALIVE}


DOMAINS = (
    "550 Domain {domain} does not exist",
    "550 Host {domain} not found",
    "550 5.1.2 {domain}: host unknown",
    "550 5.4.4 Host or domain name not found. Name service error for name={domain} type=MX: Host not found",
    "554 5.4.4 [internal] Domain Lookup Failed: no MX for {domain}",
    "550 No MX record found for domain {domain}",
    "DNS Error: DNS type 'mx' lookup of {domain} responded with code NXDOMAIN Domain name not found: {domain}",
    "all relevant MX records point to non-existent hosts for {domain}",
    "550 {domain} has a null MX record",
    "Domain {domain} has no mail exchangers",
    "550 Invalid domain name {domain}",
    "Sorry, I couldn't find any host named {domain}. (#5.1.2)",
    "Sorry, I couldn't find a mail exchanger or IP address for {domain}. (#5.4.4)",
    "550 5.1.10 {domain} does not accept mail (nullMX)",
)


@pytest.mark.parametrize("reply", DOMAINS)
def test_only_the_recipients_own_domain_is_missing_for_the_recipient(reply: str) -> None:
    """The sender's missing domain is the sender's fault, and another host is nobody's."""
    assert _verdict(reply.format(domain="example.org")).category is Category.DOMAIN_INVALID
    assert _verdict(reply.format(domain="example.org")).class_ is Class.HARD
    assert _verdict(reply.format(domain="sender.example")).category is Category.SENDER_REJECTED
    assert _verdict(reply.format(domain="mx7.other.example")).class_ is not Class.HARD
