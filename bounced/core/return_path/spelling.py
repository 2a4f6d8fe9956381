"""The ways in which mail systems write one local part: quoted, percent-encoded, in punycode, beyond ASCII, wrapped.

We write none of these, and all of them arrive.  Quotes are another spelling of the same local part (RFC 5321 section
4.1.2).  Exim turns a whole local part into punycode where the next server offers no SMTPUTF8.  What was copied out of a
mailto is percent-encoded (RFC 6068 section 2).  BATV (draft-levine-smtp-batv) and SRS (the Sender Rewriting Scheme,
https://www.libsrs2.net/srs/srs.pdf) wrap a reverse-path in another one, and the bounce goes to that.
"""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from bounced.core.mailbox import BadAddress, normalise_domain

ACE = "xn--"
MAX_LAYERS = 4
"""How many wrappings are undone: forwarding may be followed by forwarding."""

# Quoted-string = DQUOTE *(qtextSMTP / quoted-pairSMTP) DQUOTE  (RFC 5321 section 4.1.2)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ODD = re.compile(r'["%]|^xn--', re.ASCII | re.IGNORECASE)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_UPPER = re.compile(r"[A-Z]+")
# BATV = "prvs=" DIGIT 3DIGIT 6HEXDIG "=" local-part, the numbers being key, day and hash.
_BATV = re.compile(r"prvs=[0-9]{4}[0-9a-f]{6}=(.+)", re.ASCII | re.IGNORECASE)
# SRS0 = "SRS0" sep HASH "=" TT "=" domain "=" local-part; sep = "=" / "+" / "-"; TT is a time in base32.
_SRS0 = re.compile(r"srs0[=+-][^=@]+=[a-z2-7]{2}=([^=@]+)=(.+)", re.ASCII | re.IGNORECASE)
# SRS1 = "SRS1" sep HASH "=" forwarder "=" sep HASH "=" TT "=" domain "=" local-part: an SRS0 forwarded once more.
_SRS1 = re.compile(r"srs1[=+-][^=@]+=[^=@]+=[=+-][^=@]+=[a-z2-7]{2}=([^=@]+)=(.+)", re.ASCII | re.IGNORECASE)


def may_differ(local_part: str) -> bool:
    """Tell quickly whether ``readings`` may find more than the local part as it is written."""
    return _ODD.search(local_part) is not None


def readings(local_part: str) -> Iterator[str]:
    """Yield what a local part may stand for: first as it is written, without quotes."""
    quoted = _QUOTED.fullmatch(local_part)
    plain = _QUOTED_PAIR.sub(r"\1", quoted[1]) if quoted else local_part
    yield plain
    try:
        if "%" in plain and (decoded := unquote(plain, errors="strict")) != plain:
            yield decoded
        if plain[: len(ACE)].lower() == ACE:
            yield plain[len(ACE) :].encode("ascii").decode("punycode")
    except UnicodeError:
        return


def unwrap(local_part: str, domain: str) -> tuple[str, str]:
    """Return the local part and domain inside all wrappings.

    Their hashes are not checked: other systems have the keys.
    """
    for _ in range(MAX_LAYERS):
        batv = _BATV.fullmatch(local_part)
        srs = _SRS0.fullmatch(local_part) or _SRS1.fullmatch(local_part)
        if batv:
            local_part = batv[1]
        elif srs:
            domain, local_part = srs[1].lower(), srs[2]
        else:
            break
    return local_part, domain


def fold(text: str) -> str:
    """Return text with only A to Z in lower case.  ``str.lower`` alone would turn the Kelvin sign into a k."""
    return text.lower() if text.isascii() else _UPPER.sub(lambda found: found[0].lower(), text)


def in_a_labels(domain: str) -> str:
    """Return a domain with each label that is not ASCII as the A-label it stands for.  Raises BadAddress.

    A label that would become plain ASCII, such as one in full-width letters, is refused: no MTA writes it.
    """
    if domain.isascii():
        return domain
    labels = (label if label.isascii() else _a_label(label) for label in domain.split("."))
    return ".".join(labels)


def _a_label(label: str) -> str:
    encoded = normalise_domain(label)
    if not encoded.startswith(ACE):
        raise BadAddress(f"another spelling of {encoded}: {label!a}")
    return encoded
