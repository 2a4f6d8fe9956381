"""Addresses in one canonical form, in which they are compared, stored and signed.

The form is the contract's (section 1, Normalisation); docs/return-path.md gives test vectors.
"""

import hmac
import re
import unicodedata
from functools import lru_cache

import idna

MAX_ADDRESS_BYTES = 320
MAX_DOMAIN_BYTES = 253
MAX_LABEL_BYTES = 63
REMEMBERED_DOMAINS = 256

ATEXT = r"a-zA-Z0-9!#$%&'*+/=?^_`{|}~\-"
"""The characters of a dot-atom, for use inside a bracketed set of a regular expression.  (RFC 5322 section 3.2.3)"""

# Mailbox = Dot-string "@" Domain, in ASCII.  (RFC 5321 section 4.1.2; dots may stand anywhere, "_" in a label)
_PLAIN = re.compile(rf"[{ATEXT}.]++@(?:[a-zA-Z0-9_-]{{1,{MAX_LABEL_BYTES}}}\.)*+[a-zA-Z0-9_-]{{1,{MAX_LABEL_BYTES}}}")
# Domain = sub-domain *("." sub-domain) / address-literal, in lower case.  (RFC 5321 section 4.1.2)
_DOMAIN = re.compile(
    rf"(?:[a-z0-9_-]{{1,{MAX_LABEL_BYTES}}}\.)*[a-z0-9_-]{{1,{MAX_LABEL_BYTES}}}|\[[a-z0-9.:-]+\]", re.ASCII
)
# Dot-string in which dots may stand anywhere, with UTF8-non-ascii.  (RFC 5321 section 4.1.2; RFC 6531 section 3.3)
_DOT_ATOM = re.compile(rf"(?:[{ATEXT}.]|[^\x00-\x7f\s])+")
# Quoted-string = DQUOTE *(qtextSMTP / quoted-pairSMTP) DQUOTE; quoted-pairSMTP = "\\" any.  (RFC 5321 section 4.1.2)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_QUOTED_PAIR = re.compile(r"\\(.)")
_NEEDS_QUOTING = re.compile(r'(["\\])')
_LOWER_ASCII = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
ADDRESS_LIKE = re.compile(
    r"""(?:"(?:[^"\\\n]|\\.){1,64}"|(?<![^\s<>()\[\],;:"'])[^\s<>()\[\],;:"']+)@[^\s<>(),;:"']+"""
)
"""What looks like an address in a text: Quoted-string (1 to 64 characters) or a run without specials, "@", such a run.

The specials are those of RFC 5322 section 3.2.3, and the single quote.  Matching takes linear time.
"""
_DOTS = re.compile(r"[.\u3002\uff0e\uff61]")
"""The full stops that stand between two labels.  (UTS 46 section 2.3)"""
_FORBIDDEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode categories of controls, halves of surrogate pairs, line and paragraph separators."""


class BadAddress(ValueError):  # noqa: N818 - says what is wrong, like the field's other words
    """Something that cannot be an address."""


def normalise(address: str, *, fold_local_part: bool = True) -> str:
    """Return the canonical form of an address: NFC, the domain in lower-case A-labels, needless quotes gone.

    ``fold_local_part`` lowers A to Z, and nothing else, in the local part.  Dots may stand where RFC 5321 forbids
    them (``a..b@``, ``a.@``), since Japanese mobile providers gave such addresses out.  Raises BadAddress.
    """
    if len(address) <= MAX_DOMAIN_BYTES and _PLAIN.fullmatch(address):
        if fold_local_part:
            return address.lower()
        local_part, _, domain = address.rpartition("@")
        return f"{local_part}@{domain.lower()}"
    return _normalise_unusual(address, fold_local_part=fold_local_part)


def normalise_beginning(text: str, *, fold_local_part: bool = True) -> str:
    """Return how canonical addresses begin that begin so; of a domain, letters are lowered and no more."""
    local_part, at, domain = unicodedata.normalize("NFC", text).partition("@")
    return f"{local_part.translate(_LOWER_ASCII) if fold_local_part else local_part}{at}{domain.lower()}"


def normalise_domain(domain: str) -> str:
    """Return a domain in lower case, in A-labels where it is not ASCII, without a trailing dot.  Raises BadAddress.

    The mapping is UTS 46 non-transitional.  What registries allow (IDNA 2008) is not asked: emoji domains get mail.
    """
    ascii_domain = domain.lower() if domain.isascii() else _to_a_labels(domain)
    ascii_domain = ascii_domain.removesuffix(".")
    if len(ascii_domain) > MAX_DOMAIN_BYTES or not _DOMAIN.fullmatch(ascii_domain):
        raise BadAddress(f"not a domain: {domain!a}")
    return ascii_domain


def domain_of(address: str) -> str:
    """Return the domain of a normalised address."""
    return address.rpartition("@")[2]


class AddressId(str):
    """An address in the form that keys carry, as it was read from a key.  ``address_id`` leaves it as it is."""

    __slots__ = ()


def address_id(address: str, pepper: bytes | None) -> str:
    """Return the form of a normalised address that keys carry: itself, or its HMAC-SHA256 in hex under a pepper."""
    if pepper is None or isinstance(address, AddressId):
        return address
    return hmac.digest(pepper, address.encode(), "sha256").hex()


def _normalise_unusual(address: str, *, fold_local_part: bool) -> str:
    if len(address) > MAX_ADDRESS_BYTES:
        raise BadAddress(f"longer than {MAX_ADDRESS_BYTES} octets: {address[:MAX_ADDRESS_BYTES]!a}...")
    address = unicodedata.normalize("NFC", address)
    if any(unicodedata.category(character) in _FORBIDDEN for character in address):
        raise BadAddress(f"control characters: {address!a}")
    local_part, at, domain = address.rpartition("@")
    if not at:
        raise BadAddress(f"no @ in it: {address!a}")
    local_part = _canonical_local_part(local_part)
    if fold_local_part:
        local_part = local_part.translate(_LOWER_ASCII)
    canonical = f"{local_part}@{normalise_domain(domain)}"
    if len(canonical.encode()) > MAX_ADDRESS_BYTES:
        raise BadAddress(f"longer than {MAX_ADDRESS_BYTES} octets: {address!a}")
    return canonical


def _canonical_local_part(local_part: str) -> str:
    if _DOT_ATOM.fullmatch(local_part):
        return local_part
    if not _QUOTED.fullmatch(local_part):
        raise BadAddress(f"neither a dot-atom nor a quoted string: {local_part!a}")
    content = _QUOTED_PAIR.sub(r"\1", local_part[1:-1])
    if _DOT_ATOM.fullmatch(content):
        return content
    return '"' + _NEEDS_QUOTING.sub(r"\\\1", content) + '"'


def is_written(domain: str, written: str) -> bool:
    """Tell whether a normalised domain is the same as one that somebody wrote in Unicode.

    The normalised domain is turned into Unicode, not the other one into A-labels: that would take a hundred times as
    long, and one report may name hundreds of domains.
    """
    folded = unicodedata.normalize("NFKC", written).lower() if _is_short(written) else ""
    return ".".join(_DOTS.split(folded)).removesuffix(".") == _unicode_domain(domain)


@lru_cache(REMEMBERED_DOMAINS)
def _unicode_domain(domain: str) -> str:
    return ".".join(map(_unicode_label, domain.split(".")))


def _unicode_label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label


def _is_short(domain: str) -> bool:
    """Tell whether a domain is short enough to be coded: the time grows with the square of a label's length."""
    return len(domain) <= MAX_DOMAIN_BYTES and max(map(len, _DOTS.split(domain))) <= MAX_LABEL_BYTES


def _to_a_labels(domain: str) -> str:
    if not _is_short(domain):
        raise BadAddress(f"not a domain: {domain[:MAX_DOMAIN_BYTES]!a}")
    try:
        mapped = idna.uts46_remap(domain, std3_rules=False)
    except idna.IDNAError as error:
        raise BadAddress(f"not a domain: {domain!a}") from error
    return ".".join(
        label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii") for label in mapped.split(".")
    )
