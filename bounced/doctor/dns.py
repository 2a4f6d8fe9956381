"""The DNS of the bounce domains: whether mail gets here (MX, addresses), and who may send from them (SPF)."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from bounced.config import Config
from bounced.edges.judge.finding import Finding, error, ok, skipped, warning

Resolve = Callable[[str, str], Awaitable[Sequence[str]]]
"""Returns the records of a name and type as text, none where there are none.  Raises NoAnswer."""


class NoAnswer(Exception):  # noqa: N818 - says what is so
    """Nobody could be asked."""


def resolver() -> Resolve | None:
    """Return what asks this machine's name servers, or None where dnspython, an extra, is not installed."""
    try:
        import dns.asyncresolver  # noqa: PLC0415 - an extra
        import dns.exception  # noqa: PLC0415
        import dns.resolver  # noqa: PLC0415
    except ImportError:
        return None

    async def resolve(name: str, type_: str) -> Sequence[str]:
        try:
            answer = await dns.asyncresolver.Resolver().resolve(f"{name}.", type_, lifetime=5.0)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except dns.exception.DNSException as reason:
            raise NoAnswer(str(reason)) from reason
        if type_ == "TXT":
            return [b"".join(record.strings).decode("ascii", "replace") for record in answer]
        return [record.to_text() for record in answer]

    return resolve


async def examine_dns(config: Config, resolve: Resolve | None) -> AsyncIterator[Finding]:
    """Yield how each bounce domain stands in the DNS."""
    for domain in sorted({domain for list_ in config.lists.values() for domain in list_.domains}):
        if resolve is None:
            yield skipped(f"DNS {domain}", "dnspython is not installed", "pip install 'bounced-mx[dns]'")
            continue
        try:
            for finding in [await _mx(domain, config.host_name, resolve), await _spf(domain, resolve)]:
                yield finding
        except NoAnswer as reason:
            yield skipped(f"DNS {domain}", f"no name server answers: {reason}")


async def _mx(domain: str, host_name: str | None, resolve: Resolve) -> Finding:
    subject = f"MX {domain}"
    hosts = sorted(record.split()[1].rstrip(".").lower() for record in await resolve(domain, "MX"))
    ours = host_name or "the host that runs bounced"
    if not hosts:
        return error(subject, "none: bounces cannot get here", f"Add: {domain}. MX 10 {ours}.")
    if hosts == [""]:
        return error(subject, "null MX: says that no mail is taken", f"Replace it by: {domain}. MX 10 {ours}.")
    without = [host for host in hosts if not await resolve(host, "A") and not await resolve(host, "AAAA")]
    if without:
        return error(subject, f"{', '.join(without)} has no address", "Add A and AAAA records for it.")
    if host_name and host_name not in hosts:
        found = f"{', '.join(hosts)}: none is {host_name}"
        return warning(subject, found, "Set host_name to the MX's name, or let the MX point here.")
    return ok(subject, ", ".join(hosts))


async def _spf(domain: str, resolve: Resolve) -> Finding:
    subject = f"SPF {domain}"
    policies = [record for record in await resolve(domain, "TXT") if record.lower().split()[:1] == ["v=spf1"]]
    if not policies:
        advice = f'Add: {domain}. TXT "v=spf1 ip4:ADDRESS-OF-YOUR-SENDING-MTA -all"'
        return warning(subject, "none: SPF is checked for this domain, since it is the envelope sender's", advice)
    if len(policies) > 1:
        return error(subject, "more than one policy counts as none (RFC 7208 section 4.5)", "Leave one.")
    if {"+all", "all"} & set(policies[0].lower().split()):
        return warning(subject, f"{policies[0]}: lets everybody send", 'End it with "-all".')
    return ok(subject, policies[0])
