"""Tokens: return paths that say nothing, and what is registered under them.  (docs/contract.md, section 3)"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from bounced.core.return_path import base32
from bounced.core.return_path.errors import BadReturnPath, Reason
from bounced.core.terms import UNKNOWN_PROFILE, Profile

TOKEN_LENGTH = 26
DEFAULT_TOKEN_DAYS = 60
UNSUBSCRIBE = "unsubscribe"
"""The purpose of a token that is registered for an unsubscribe path; one for a return path has none."""
RANDOM_BYTES = 17

_TOKEN = re.compile(rf"t([a-z2-7]{{{TOKEN_LENGTH}}})", re.ASCII)


@dataclass(frozen=True, slots=True)
class TokenPath:
    """A well-formed token of one list.  Only Redis knows whether it stands for somebody.

    ``unsubscribes`` is whether it stands in an unsubscribe path.
    """

    list: str
    token: str
    unsubscribes: bool = False


@dataclass(frozen=True, slots=True)
class Registration:
    """What a sender stores under a token before it sends.  ``recipient`` as the sender writes it.

    ``unsubscribes`` is whether the token is for an unsubscribe path, and for no return path.
    """

    recipient: str
    issued: date
    campaign: str = ""
    message_id: str = ""
    profile: Profile = UNKNOWN_PROFILE
    unsubscribes: bool = False

    def to_fields(self) -> dict[str, str]:
        """Return the fields of the token's hash, empty ones left out."""
        fields = {
            "recipient": self.recipient,
            "issued": self.issued.isoformat(),
            "campaign": self.campaign,
            "message_id": self.message_id,
            "profile": str(self.profile),
            "purpose": UNSUBSCRIBE if self.unsubscribes else "",
        }
        return {name: value for name, value in fields.items() if value}

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> "Registration":
        """Return what ``to_fields`` or another sender wrote.

        A time is cut to its day, and a profile that cannot be read is unknown: a bounce is not lost for either.  Raises
        BadReturnPath where the recipient or the day is missing.
        """
        try:
            return cls(
                recipient=fields["recipient"],
                issued=datetime.fromisoformat(fields["issued"].strip()).date(),
                campaign=fields.get("campaign", ""),
                message_id=fields.get("message_id", ""),
                profile=_profile(fields.get("profile", "")),
                unsubscribes=fields.get("purpose") == UNSUBSCRIBE,
            )
        except (KeyError, ValueError) as error:
            raise BadReturnPath(Reason.UNREADABLE) from error


def new_token(random_bytes: bytes) -> str:
    """Return a token made of the first 130 bits of 17 random octets or more.  Raises ValueError for fewer."""
    if len(random_bytes) < RANDOM_BYTES:
        raise ValueError(f"a token takes {RANDOM_BYTES} random octets, got {len(random_bytes)}")
    return base32.leading(random_bytes, TOKEN_LENGTH)


def encode(token: str) -> str:
    """Return the local part of a token without its prefix.  Raises ValueError for what is no token."""
    text = f"t{token}"
    if not _TOKEN.fullmatch(text):
        raise ValueError(f"a token has {TOKEN_LENGTH} of a-z and 2-7, got {token!r}")
    return text


def decode(text: str) -> str:
    """Return the token in a local part without its prefix, in lower case.  Raises BadReturnPath."""
    match = _TOKEN.fullmatch(text)
    if not match:
        raise BadReturnPath(Reason.MALFORMED)
    return match[1]


def _profile(text: str) -> Profile:
    try:
        return Profile.of(text)
    except ValueError:
        return UNKNOWN_PROFILE
