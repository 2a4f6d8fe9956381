"""Who runs a mailbox: providers by the names of their servers and domains, and the domains that millions share."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from types import MappingProxyType

_IP = re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4})(?![\w:]|\.\d)")
_FOR_EXAMPLES = ("192.0.2.", "198.51.100.", "203.0.113.", "2001:db8:")
_TOLD_OF_REMOTE = re.compile(r"^.*?\bsaid:", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider.  ``servers`` are the ends of its MTAs' names, ``domains`` those in which anybody has a mailbox."""

    name: str
    servers: tuple[str, ...]
    domains: tuple[str, ...] = ()


def _everywhere(name: str, *endings: str) -> tuple[str, ...]:
    return tuple(f"{name}.{ending}" for ending in endings)


PROVIDERS = (
    Provider("google", ("google.com", "googlemail.com", "gmail.com"), ("gmail.com", "googlemail.com")),
    Provider(
        "microsoft",
        ("outlook.com", "hotmail.com", "exchangelabs.com", "office365.us", "partner.outlook.cn"),
        (
            *_everywhere("hotmail", "com", "co.uk", "fr", "de", "it", "es", "nl", "be", "se", "no", "dk", "fi"),
            *_everywhere("outlook", "com", "fr", "de", "it", "es", "jp", "com.br", "com.au", "at", "be", "dk", "pt"),
            *_everywhere("live", "com", "co.uk", "fr", "de", "it", "nl", "be", "se", "no", "dk", "ca", "com.au"),
            "msn.com",
        ),
    ),
    Provider(
        "yahoo",
        ("yahoodns.net", "yahoo.com", "yahoo.co.jp", "aol.com"),
        (
            *_everywhere("yahoo", "com", "co.uk", "fr", "de", "it", "es", "ca", "in", "co.in", "co.jp"),
            *_everywhere("yahoo", "com.mx", "com.ar", "co.id", "com.ph", "com.sg", "com.tw", "com.br", "com.au", "ie"),
            *_everywhere("aol", "com", "co.uk", "de", "fr", "it"),
            *("ymail.com", "rocketmail.com", "myyahoo.com", "aim.com", "netscape.net"),
        ),
    ),
    Provider("apple", ("icloud.com", "apple.com", "me.com"), ("icloud.com", "me.com", "mac.com")),
    Provider(
        "gmx",
        ("gmx.net", "gmx.com", "web.de", "kundenserver.de", "mail.com"),
        (*_everywhere("gmx", "de", "net", "com", "at", "ch", "fr", "co.uk"), "web.de", "mail.com"),
    ),
    Provider("telekom", ("t-online.de",), ("t-online.de", "magenta.de")),
    Provider("freenet", ("freenet.de",), ("freenet.de",)),
    Provider("orange", ("orange.fr", "wanadoo.fr", "laposte.net"), ("orange.fr", "wanadoo.fr", "laposte.net")),
    Provider("free", ("free.fr", "proxad.net"), ("free.fr",)),
    Provider("sfr", ("sfr.fr", "neuf.fr"), ("sfr.fr", "neuf.fr", "cegetel.net")),
    Provider("italiaonline", ("libero.it", "iol.it", "virgilio.it"), ("libero.it", "virgilio.it", "inwind.it")),
    Provider("tim", ("tim.it", "alice.it", "telecomitalia.it"), ("tim.it", "alice.it", "tin.it")),
    Provider("mail.ru", ("mail.ru",), ("mail.ru", "inbox.ru", "list.ru", "bk.ru", "internet.ru")),
    Provider("yandex", ("yandex.ru", "yandex.net"), _everywhere("yandex", "ru", "com", "by", "kz", "ua", "com.tr")),
    Provider("tencent", ("qq.com", "exmail.qq.com"), ("qq.com", "foxmail.com", "vip.qq.com")),
    Provider("netease", ("163.com", "126.com", "netease.com"), ("163.com", "126.com", "yeah.net")),
    Provider("naver", ("naver.com",), ("naver.com",)),
    Provider("kakao", ("daum.net", "hanmail.net"), ("daum.net", "hanmail.net", "kakao.com")),
    Provider("docomo", ("docomo.ne.jp",), ("docomo.ne.jp",)),
    Provider("kddi", ("ezweb.ne.jp", "au.com", "dion.ne.jp", "kddi.com", "kddi.ne.jp"), ("ezweb.ne.jp", "au.com")),
    Provider("softbank", ("softbank.jp", "softbank.ne.jp"), ("softbank.ne.jp", "i.softbank.jp", "ymobile.ne.jp")),
    Provider("comcast", ("comcast.net",), ("comcast.net",)),
    Provider("spectrum", ("charter.net", "rr.com", "spectrum.net"), ("charter.net", "rr.com", "spectrum.net")),
    Provider("cox", ("cox.net",), ("cox.net",)),
    Provider("at&t", ("att.net", "prodigy.net"), ("att.net", "sbcglobal.net", "bellsouth.net")),
    Provider("verizon", ("verizon.net",), ("verizon.net",)),
    Provider("bt", ("btinternet.com", "bt.com"), ("btinternet.com", "btopenworld.com")),
    Provider("sky", ("sky.com",), ("sky.com",)),
    Provider("virgin media", ("virginmedia.com", "virgin.net"), ("virginmedia.com", "ntlworld.com")),
    Provider("talktalk", ("talktalk.net",), ("talktalk.net", "tiscali.co.uk")),
    Provider("proton", ("protonmail.ch", "proton.me"), ("proton.me", "protonmail.com", "pm.me")),
    Provider("fastmail", ("messagingengine.com",), ("fastmail.com", "fastmail.fm")),
    Provider("zoho", ("zoho.com", "zoho.eu"), ("zoho.com", "zohomail.com")),
    Provider("uol", ("uol.com.br", "bol.com.br"), ("uol.com.br", "bol.com.br")),
    Provider("seznam", ("seznam.cz",), ("seznam.cz", "email.cz")),
    Provider("wp", ("wp.pl", "o2.pl"), ("wp.pl", "o2.pl")),
    Provider("onet", ("onet.pl",), ("onet.pl", "op.pl", "poczta.onet.pl")),
    Provider("interia", ("interia.pl",), ("interia.pl",)),
    Provider("telstra", ("bigpond.com", "telstra.com"), ("bigpond.com", "bigpond.net.au")),
    Provider("ziggo", ("ziggo.nl", "upcmail.net"), ("ziggo.nl", "home.nl", "upcmail.nl")),
    Provider("kpn", ("kpnmail.nl", "kpn.net"), ("kpnmail.nl", "planet.nl", "hetnet.nl")),
    Provider("telenet", ("telenet.be", "telenet-ops.be"), ("telenet.be",)),
    Provider("bluewin", ("bluewin.ch",), ("bluewin.ch",)),
    Provider("rediffmail", ("rediffmail.com",), ("rediffmail.com",)),
    Provider("proofpoint", ("pphosted.com", "ppe-hosted.com")),
    Provider("mimecast", ("mimecast.com", "mimecast.co.za")),
    Provider("barracuda", ("barracudanetworks.com",)),
    Provider("symantec", ("messagelabs.com",)),
    Provider("cisco", ("iphmx.com",)),
    Provider("trend micro", ("trendmicro.com", "trendmicro.eu")),
    Provider("sophos", ("reflexion.net", "hydra.sophos.com")),
    Provider("hornetsecurity", ("hornetsecurity.com", "antispameurope.com")),
    Provider("ionos", ("ionos.com", "ionos.de", "1and1.com")),
    Provider("ovh", ("ovh.net",)),
    Provider("amazon", ("amazonaws.com", "awsapps.com")),
    Provider("cloudflare", ("mx.cloudflare.net",)),
    Provider("godaddy", ("secureserver.net", "godaddy.com")),
    Provider("facebook", ("facebook.com",), ("facebook.com",)),
)
"""A company's filter is named as such, whosever mailboxes are behind it."""

SHARED_DOMAINS = frozenset(domain for provider in PROVIDERS for domain in provider.domains)
"""Domains in which anybody may have a mailbox: what one recipient's failure says, it says of that mailbox only."""

KNOWN_PROVIDERS = {provider.name: provider for provider in PROVIDERS}

_BY_SERVER = {server: provider.name for provider in PROVIDERS for server in provider.servers}
_MOST_LABELS = max(server.count(".") + 1 for server in _BY_SERVER)
_BY_DOMAIN = {domain: provider.name for provider in PROVIDERS for domain in provider.domains}
_ALSO_KNOWN_AS = MappingProxyType(
    {
        word: provider.name
        for provider in reversed(PROVIDERS)
        for domain in (*reversed(provider.domains), *reversed(provider.servers))
        for word in (domain, domain.partition(".")[0])
        if word not in KNOWN_PROVIDERS
    }
)
"""Providers by words that people take for their names: hotmail, gmail.com."""


def provider_of(remote_mta: str | None, domain: str) -> str:
    """Return who refused: by the server's name, else by the recipient's domain; a domain of its own names itself."""
    return _by_server(remote_mta or "") or _BY_DOMAIN.get(domain, domain)


def known_provider(*hosts: str) -> str | None:
    """Return the first provider of this list to which a name of a server or a domain belongs."""
    found = (_by_server(host) or _BY_DOMAIN.get(host.lower().rstrip(".")) for host in hosts)
    return next(filter(None, found), None)


def known_as(text: str) -> str:
    """Return the provider that people mean by a word, such as google by gmail; any other word as it is."""
    return _ALSO_KNOWN_AS.get(text.strip().lower(), text.strip().lower())


def sending_ip(reply: str) -> str:
    """Return the public IP address that a refusal names, which is ours; empty where it names none."""
    words = _TOLD_OF_REMOTE.sub("", reply)
    return next((found[0] for found in _IP.finditer(words) if _is_public(found[0])), "")


def _by_server(host: str) -> str | None:
    labels = host.lower().rstrip(".").rsplit(".", _MOST_LABELS)[-_MOST_LABELS:]
    endings = (".".join(labels[first:]) for first in range(len(labels)))
    return next((_BY_SERVER[ending] for ending in endings if ending in _BY_SERVER), None)


def _is_public(text: str) -> bool:
    """Tell whether an address can be a sender's; those kept for examples pass for one.  (RFC 5737, RFC 3849)"""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return address.is_global or text.startswith(_FOR_EXAMPLES)
