"""Unsigned return paths of older schemes, as templates, while a sender migrates.  (docs/contract.md, section 3)"""

import re
import unicodedata
from dataclasses import dataclass, field
from hashlib import sha256

from bounced.core.mailbox import BadAddress, normalise

# "{" name "}"
_PLACEHOLDER = re.compile(r"\{(\w*)\}")
_GROUPS = {
    "local": r"(?P<local>.+)",
    "domain": r"(?P<domain>(?:[a-z0-9._-]|[^\x00-\x7f])+)",
    "tag": r"(?P<tag>[a-z0-9-]*)",
}
_NEEDS_QUOTING = re.compile(r'(["\\])')
DIGEST_CHARACTERS = 32


@dataclass(frozen=True, slots=True)
class Pattern:
    """A template over ``{local}``, ``{domain}`` and perhaps ``{tag}``.  Raises ValueError for any other."""

    template: str
    _regex: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Compile the template."""
        template = unicodedata.normalize("NFC", self.template)
        names = _PLACEHOLDER.findall(template)
        if sorted(names) not in (["domain", "local"], ["domain", "local", "tag"]):
            raise ValueError(f"a pattern holds {{local}} and {{domain}} once, and perhaps {{tag}}: {self.template!r}")
        pieces = _PLACEHOLDER.split(template)
        regex = "".join(_GROUPS[piece] if place % 2 else re.escape(piece) for place, piece in enumerate(pieces))
        object.__setattr__(self, "_regex", re.compile(regex, re.IGNORECASE | re.ASCII | re.DOTALL))

    def match(self, local_part: str, *, fold_local_part: bool) -> tuple[str, str] | None:
        """Return the normalised recipient and the tag that a local part in NFC holds, or None."""
        found = self._regex.fullmatch(local_part)
        if not found:
            return None
        for spelt in (found["local"], _quoted(found["local"])):
            try:
                recipient = normalise(f"{spelt}@{found['domain']}", fold_local_part=fold_local_part)
            except BadAddress:
                continue
            return recipient, found.groupdict().get("tag", "").lower()
        return None


def _quoted(local: str) -> str:
    """Return a recipient's local part in quotes: they got lost when the whole return path was quoted."""
    return '"' + _NEEDS_QUOTING.sub(r"\\\1", local) + '"'


def unsigned_path(local_part: str, recipient: str) -> str:
    """Return PATH where nobody signed: the digest of the local part and the recipient found.

    (docs/contract.md, section 1)
    """
    return sha256(f"{local_part.lower()}\0{recipient}".encode()).hexdigest()[:DIGEST_CHARACTERS]
