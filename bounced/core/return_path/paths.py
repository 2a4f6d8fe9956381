"""How one list makes its return paths and reads them again."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from bounced.core.mailbox import BadAddress, normalise, normalise_domain
from bounced.core.return_path import signed, token
from bounced.core.return_path.errors import BadReturnPath, DoesNotFit, Reason
from bounced.core.return_path.keyring import Keyring
from bounced.core.return_path.pattern import Pattern, unsigned_path
from bounced.core.return_path.spelling import fold, in_a_labels
from bounced.core.return_path.token import DEFAULT_TOKEN_DAYS, Registration, TokenPath
from bounced.core.terms import UNKNOWN_PROFILE, Profile, ReturnPath

MAX_LOCAL_PART_BYTES = 64
DEFAULT_PREFIX = "b-"
UNSUBSCRIBE_PREFIX = "u-"
"""What every unsubscribe path begins with, in every list."""
UNSUBSCRIBE_DAYS = 400
"""How long unsubscribe paths get mail.  (docs/contract.md, section 3)"""
DEFAULT_MAX_AGE_DAYS = 30
DEFAULT_INNER_MAX_AGE_DAYS = 400

# PREFIX = 1*16( a-z / 0-9 / "." / "-" / "_" ), the first a letter or digit.  (docs/return-path.md)
_PREFIX = re.compile(r"[a-z0-9][a-z0-9._-]{0,15}", re.ASCII)
_TOMORROW = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ReturnPaths:
    """One list's return paths.

    ``domains`` are its bounce domains, the first of which new paths get.  ``roles`` are local parts that are no
    return paths, such as those of feedback loops.  ``tags`` maps campaign codes to names.  ``max_age_days`` is for
    signed paths, ``token_days`` for tokens, which senders register for so long; ``inner_max_age_days``
    is for paths found inside a report, for complaints come late.  Raises ValueError, BadAddress.
    """

    list: str
    domains: tuple[str, ...]
    keyring: Keyring
    prefix: str = DEFAULT_PREFIX
    max_age_days: int = DEFAULT_MAX_AGE_DAYS
    token_days: int = DEFAULT_TOKEN_DAYS
    inner_max_age_days: int = DEFAULT_INNER_MAX_AGE_DAYS
    patterns: tuple[Pattern, ...] = ()
    fold_local_part: bool = True
    roles: frozenset[str] = frozenset()
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what could never be decoded again."""
        if not self.domains:
            raise ValueError(f"list {self.list}: at least one bounce domain is needed")
        if not _PREFIX.fullmatch(self.prefix):
            raise ValueError(f"a prefix has 1 to 16 of a-z, 0-9, dot, - and _, got {self.prefix!r}")
        if is_ambiguous(self.prefix):
            raise ValueError(f"{UNSUBSCRIBE_PREFIX!r} begins unsubscribe paths, got the prefix {self.prefix!r}")
        for pattern in self.patterns:
            for prefix in (self.prefix, UNSUBSCRIBE_PREFIX):
                if pattern.template.lower().startswith(prefix):
                    raise ValueError(f"pattern {pattern.template!r} begins like a signed path, {prefix!r}")
        object.__setattr__(self, "domains", tuple(normalise_domain(domain) for domain in self.domains))
        object.__setattr__(self, "roles", frozenset(role.lower() for role in self.roles))

    def normalise(self, address: str) -> str:
        """Return the canonical form of an address in this list.  Raises BadAddress."""
        return normalise(address, fold_local_part=self.fold_local_part)

    def encode(self, recipient: str, *, issued: date, tag: str = "", profile: Profile = UNKNOWN_PROFILE) -> str:
        """Return the signed return path for mail sent to ``recipient`` on the UTC day ``issued``.

        Raises DoesNotFit where a token is needed instead, BadAddress, and ValueError for a bad tag or day.
        """
        return self._signed(self.prefix, signed.Claim(self.normalise(recipient), issued, tag, profile))

    def encode_unsubscribe(
        self, recipient: str, *, issued: date, tag: str = "", profile: Profile = UNKNOWN_PROFILE
    ) -> str:
        """Return the address to which ``recipient`` writes to be unsubscribed, in mail sent on the UTC day ``issued``.

        Raises DoesNotFit where a token is needed instead, BadAddress, and ValueError for a bad tag or day.
        """
        claim = signed.Claim(self.normalise(recipient), issued, tag, profile, unsubscribes=True)
        return self._signed(UNSUBSCRIBE_PREFIX, claim)

    def token_path(self, token_: str, *, unsubscribes: bool = False) -> str:
        """Return the return path, or the unsubscribe path, of a token.  Raises ValueError for what is no token."""
        prefix = UNSUBSCRIBE_PREFIX if unsubscribes else self.prefix
        return f"{prefix}{token.encode(token_)}@{self.domains[0]}"

    def token_life(self, *, unsubscribes: bool) -> timedelta:
        """Return how long a token is registered for."""
        return timedelta(days=UNSUBSCRIBE_DAYS if unsubscribes else self.token_days)

    def decode_local_part(
        self, local_part: str, *, today: date, max_age_days: int | None = None
    ) -> ReturnPath | TokenPath:
        """Return whom a local part in any letter case was made for.  Raises BadReturnPath.

        ``max_age_days`` is for a path that is found inside a report.
        """
        folded = fold(local_part)
        if folded.startswith(self.prefix):
            return self._decode(folded, self.prefix, today, max_age_days)
        if not folded.startswith(UNSUBSCRIBE_PREFIX):
            return self._by_pattern(local_part)
        try:
            return self._decode(folded, UNSUBSCRIBE_PREFIX, today, max_age_days)
        except BadReturnPath as refused:
            if refused.reason is Reason.MALFORMED and self.patterns:
                return self._by_pattern(local_part)  # a recipient of an older scheme may begin so
            raise

    def _decode(self, folded: str, prefix: str, today: date, max_age_days: int | None) -> ReturnPath | TokenPath:
        unsubscribes = prefix == UNSUBSCRIBE_PREFIX
        text = _signed_in_ascii(folded.removeprefix(prefix))
        if len(prefix) + len(text) > MAX_LOCAL_PART_BYTES:
            raise BadReturnPath(Reason.MALFORMED)
        if "=" not in text:
            return TokenPath(self.list, token.decode(text), unsubscribes)
        claim, mac = signed.decode(self.list, self.keyring, text, unsubscribes=unsubscribes)
        good_days = UNSUBSCRIBE_DAYS if unsubscribes else self.max_age_days
        self._check_age(claim.issued, today, good_days if max_age_days is None else max_age_days)
        return ReturnPath(
            self.list,
            claim.recipient,
            mac,
            claim.issued,
            self.campaign(claim.tag),
            claim.profile,
            unsubscribes=unsubscribes,
            good_days=good_days,
        )

    def resolve(
        self, path: TokenPath, fields: Mapping[str, str] | None, *, today: date, max_age_days: int | None = None
    ) -> ReturnPath:
        """Return whom a token was registered for, given the fields of its hash.  Raises BadReturnPath."""
        if not fields:
            raise BadReturnPath(Reason.UNREGISTERED, list_=self.list)
        registered = Registration.from_fields(fields)
        if registered.unsubscribes is not path.unsubscribes:
            raise BadReturnPath(Reason.TAMPERED, list_=self.list)
        good_days = UNSUBSCRIBE_DAYS if path.unsubscribes else self.token_days
        self._check_age(registered.issued, today, good_days if max_age_days is None else max_age_days)
        try:
            recipient = self.normalise(registered.recipient)
        except BadAddress as error:
            raise BadReturnPath(Reason.UNREADABLE, list_=self.list) from error
        return ReturnPath(
            self.list,
            recipient,
            path.token,
            registered.issued,
            self.campaign(registered.campaign),
            registered.profile,
            unsubscribes=path.unsubscribes,
            good_days=good_days,
        )

    def campaign(self, tag: str) -> str:
        """Return the configured name of a tag, or the tag."""
        return self.tags.get(tag, tag)

    def _signed(self, prefix: str, claim: signed.Claim) -> str:
        local_part = prefix + signed.encode(self.list, self.keyring.signing, claim)
        if len(local_part) > MAX_LOCAL_PART_BYTES:
            size = f"{len(local_part)} octets instead of at most {MAX_LOCAL_PART_BYTES}"
            raise DoesNotFit(f"{size}: {claim.recipient!a}")
        return f"{local_part}@{self.domains[0]}"

    def _by_pattern(self, local_part: str) -> ReturnPath:
        local_part = unicodedata.normalize("NFC", local_part)
        for pattern in self.patterns:
            found = pattern.match(local_part, fold_local_part=self.fold_local_part)
            if found:
                recipient, tag = found
                path = unsigned_path(local_part, recipient)
                return ReturnPath(self.list, recipient, path, None, self.campaign(tag), signed=False)
        raise BadReturnPath(Reason.UNSIGNED)

    def _check_age(self, issued: date, today: date, max_age_days: int) -> None:
        if issued - today > _TOMORROW:
            raise BadReturnPath(Reason.NOT_YET_VALID, list_=self.list, issued=issued)
        if (today - issued).days > max_age_days:
            raise BadReturnPath(Reason.EXPIRED, list_=self.list, issued=issued)


def is_ambiguous(prefix: str) -> bool:
    """Tell whether nobody could tell a return path with this prefix from an unsubscribe path."""
    return prefix.startswith(UNSUBSCRIBE_PREFIX) or UNSUBSCRIBE_PREFIX.startswith(prefix)


def _signed_in_ascii(text: str) -> str:
    """Return what was signed where an MTA wrote the recipient's domain, the last part, beyond ASCII.

    Raises BadReturnPath.
    """
    if text.isascii():
        return text
    head, equals, domain = text.rpartition("=")
    try:
        return head + equals + in_a_labels(domain)
    except BadAddress as error:
        raise BadReturnPath(Reason.MALFORMED) from error
