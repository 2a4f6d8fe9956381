"""Signed local parts: what they say, made and verified.  (docs/contract.md, section 3)

    text    = HEAD "=" TAG "=" LOCAL "=" DOMAIN     ; after the list's prefix
    HEAD    = KEY DAY PROFILE MAC                   ; base32: 1, 3, 1 and 13 characters
    TAG     = *8( a-z / 0-9 / "-" )                 ; the campaign
    LOCAL   = atom *( "." atom )                    ; the recipient's local part, atext without ! % / | and upper case
    DOMAIN  = label *( "." label )                  ; the recipient's domain in A-labels

DAY is counted from 1970.  PROFILE is four bits and a zero, masked with bits of an HMAC.  The MAC covers everything else
and the name of the list.  An unsubscribe path is written alike; its MAC covers the word "unsubscribe" before all else,
so that neither form can stand for the other, and it is good under a revoked key too: the worst that a forger can do is
to unsubscribe somebody.
"""

import re
from datetime import date, timedelta
from hmac import compare_digest, digest
from typing import NamedTuple

from bounced.core.return_path import base32
from bounced.core.return_path.errors import BadReturnPath, DoesNotFit, Reason
from bounced.core.return_path.keyring import Keyring, SigningKey
from bounced.core.terms import Engagement, OptIn, Profile

EPOCH = date(1970, 1, 1)
LAST_DAY = 32**3 - 1
MAC_LENGTH = 13

_UNSUBSCRIBE = "unsubscribe\0"
"""What the MAC of an unsubscribe path covers before all else."""

_PROFILES = tuple(Profile(opt_in, engagement) for opt_in in OptIn for engagement in Engagement)

_ATOM = r"[a-z0-9#$&'*+=?^_`{}~-]+"
_LOCAL = rf"{_ATOM}(?:\.{_ATOM})*"
_DOMAIN = r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*"
_FITTING = re.compile(rf"({_LOCAL})@({_DOMAIN})", re.ASCII)
_TAG = re.compile(r"[a-z0-9-]{0,8}", re.ASCII)
_SIGNED = re.compile(
    r"(?P<key>[a-z2-7])(?P<day>[a-z2-7]{3})(?P<profile>[a-z2-7])(?P<mac>[a-z2-7]{13})"
    rf"=(?P<tag>[a-z0-9-]{{0,8}})=(?P<local>{_LOCAL})=(?P<domain>{_DOMAIN})",
    re.ASCII,
)


class Claim(NamedTuple):
    """What a signed local part says about a normalised recipient."""

    recipient: str
    issued: date
    tag: str
    profile: Profile
    unsubscribes: bool = False


def encode(list_: str, key: SigningKey, claim: Claim) -> str:
    """Return the local part, without its prefix, that makes a claim about a normalised recipient.

    Raises DoesNotFit for a recipient that only a token can stand for, ValueError for a bad tag or day.
    """
    fitting = _FITTING.fullmatch(claim.recipient)
    if not fitting:
        raise DoesNotFit(f"not a lower-case ASCII dot-atom without ! % / |: {claim.recipient!a}")
    if not _TAG.fullmatch(claim.tag):
        raise ValueError(f"a tag has at most 8 of a-z, 0-9 and -, got {claim.tag!r}")
    day = (claim.issued - EPOCH).days
    if not 0 <= day <= LAST_DAY:
        raise ValueError(f"a day between 1970 and 2059 was expected, got {claim.issued}")
    coded_day = base32.from_int(day, 3)
    bits = claim.profile.opt_in << 3 | claim.profile.engagement << 1
    form = _UNSUBSCRIBE if claim.unsubscribes else ""
    mac = _mac(key, form, list_, key.id, coded_day, base32.ALPHABET[bits], claim.tag, claim.recipient)
    masked = base32.ALPHABET[bits ^ _mask(key, mac)]
    return f"{key.id}{coded_day}{masked}{mac}={claim.tag}={fitting[1]}={fitting[2]}"


def decode(list_: str, keyring: Keyring, text: str, *, unsubscribes: bool = False) -> tuple[Claim, str]:
    """Return what a local part without its prefix, in lower case, claims, and its MAC.  Raises BadReturnPath.

    Only the spelling that ``encode`` writes is accepted: every character is covered by the MAC or is part of it.
    """
    parts = _SIGNED.fullmatch(text)
    if not parts:
        raise BadReturnPath(Reason.MALFORMED)
    key_id, coded_day, masked, mac, tag, local_part, domain = parts.groups()
    key = keyring.verifying(key_id, revoked_too=unsubscribes)
    bits = base32.VALUE_OF[masked] ^ _mask(key, mac)
    recipient = f"{local_part}@{domain}"
    form = _UNSUBSCRIBE if unsubscribes else ""
    if not compare_digest(mac, _mac(key, form, list_, key_id, coded_day, base32.ALPHABET[bits], tag, recipient)):
        raise BadReturnPath(Reason.TAMPERED)
    issued = EPOCH + timedelta(days=base32.to_int(coded_day))
    return Claim(recipient, issued, tag, _PROFILES[bits >> 1], unsubscribes), mac


def made_with(secret: bytes, list_: str, text: str, *, unsubscribes: bool = False) -> bool:
    """Whether a local part without its prefix was made with this secret for a list, whatever key id it names."""
    parts = _SIGNED.fullmatch(text)
    if not parts:
        return False
    key_id, coded_day, masked, mac, tag, local_part, domain = parts.groups()
    mask = digest(secret, b"profile\0" + mac.encode("ascii"), "sha256")[0] >> 3
    bits = base32.ALPHABET[base32.VALUE_OF[masked] ^ mask]
    covered = "\0".join((list_, key_id, coded_day, bits, tag, f"{local_part}@{domain}"))
    form = _UNSUBSCRIBE if unsubscribes else ""
    return compare_digest(mac, base32.leading(digest(secret, (form + covered).encode(), "sha256"), MAC_LENGTH))


def _mac(key: SigningKey, form: str, *covered: str) -> str:
    return base32.leading(key.hmac((form + "\0".join(covered)).encode()), MAC_LENGTH)


def _mask(key: SigningKey, mac: str) -> int:
    """Return the 5 bits that hide the profile from everybody who has no key."""
    return key.hmac(b"profile\0" + mac.encode("ascii"))[0] >> 3
