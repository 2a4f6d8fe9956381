"""The ways in which mail systems write one local part: quoted, percent-encoded, in punycode, beyond ASCII, wrapped.

None of them is ours, and all of them arrive: quotes are another spelling of the same local part (RFC 5321 section
4.1.2), Exim turns a whole local part into punycode where the next server offers no SMTPUTF8, and what was copied out of
a mailto is percent-encoded (RFC 6068 section 2).
"""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from bounced.core.mailbox import BadAddress, normalise_domain

ACE = "xn--"
MAX_LAYERS = 4

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ODD = re.compile(r'["%]|^xn--', re.ASCII | re.IGNORECASE)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_UPPER = re.compile(r"[A-Z]+")
_BATV = re.compile(r"prvs=[0-9]{4}[0-9a-f]{6}=(.+)", re.ASCII | re.IGNORECASE)
_SRS0 = re.compile(r"srs0[=+-][^=@]+=[a-z2-7]{2}=([^=@]+)=(.+)", re.ASCII | re.IGNORECASE)
_SRS1 = re.compile(r"srs1[=+-][^=@]+=[^=@]+=[=+-][^=@]+=[a-z2-7]{2}=([^=@]+)=(.+)", re.ASCII | re.IGNORECASE)


def may_differ(local_part: str) -> bool:
    """Whether a local part may stand for more than what is written; of most it is known at once that it does not."""
    return _ODD.search(local_part) is not None


def readings(local_part: str) -> Iterator[str]:
    """Yield what a local part may stand for, as it is written first."""
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
    """Return the local part and domain inside all wrappings.  Their own hashes are not ours to check."""
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
    """Return text with A to Z, and nothing else, in lower case: the Kelvin sign is no k."""
    return text.lower() if text.isascii() else _UPPER.sub(lambda found: found[0].lower(), text)


def in_a_labels(domain: str) -> str:
    """Return a domain with each label that is not ASCII as the A-label it stands for.  Raises BadAddress.

    A label that would become plain ASCII, such as one in full-width letters, is left as it is: nobody's MTA writes it.
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
