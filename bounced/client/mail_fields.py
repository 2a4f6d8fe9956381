"""The header fields by which a message's recipient unsubscribes and its mailbox provider tells of complaints.

    List-Unsubscribe: <https://BASE/u/PATH>, <mailto:PATH?subject=unsubscribe>      (RFC 2369, RFC 6068)
    List-Unsubscribe-Post: List-Unsubscribe=One-Click                               (RFC 8058)
    Feedback-ID: TAG:LIST::SENDER
    CFBL-Address: fbl@DOMAIN; report=arf                                            (RFC 9477)
    CFBL-Feedback-ID: PATH

PATH is the unsubscribe path and never the return path.  These fields travel on when a message is forwarded or quoted:
who reads an unsubscribe path there can unsubscribe one recipient, and who reads a return path can make up its bounces.
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote, urlsplit

from bounced.core.return_path.paths import MAX_LOCAL_PART_BYTES

MAX_BASE_URL_CHARACTERS = 200
"""So that the longest List-Unsubscribe stays below the 998 octets of a line.  (RFC 5322 section 2.1.1)"""
SENDER_CHARACTERS = 12

# What may stand in a URL between angle brackets, without quotes, commas, queries and fragments.
_URL = re.compile(r"https://[!$-+\--;=@-~]+", re.ASCII)
_LOCAL_PART = re.compile(r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*", re.ASCII)
# The identifier of the sender in a Feedback-ID has 5 to 15 characters, and the colon separates its groups.
_SENDER = re.compile(r"[A-Za-z0-9._-]{5,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class MailFields:
    """What the header fields say of the sender.  Raises ValueError for what would be no good in a header.

    ``unsubscribe_url`` is the https address of the page behind which ``/u/PATH`` answers a POST, empty where there is
    none.  ``feedback`` is one of the list's feedback addresses, without its domain.  ``sender_id`` names the sender in
    Feedback-ID; a digest of the bounce domain does where it is empty.
    """

    unsubscribe_url: str = ""
    feedback: str = "fbl"
    sender_id: str = ""

    def __post_init__(self) -> None:
        """Refuse what would break a line, a URL or a field."""
        url = self.unsubscribe_url
        if url and (not _is_page(url) or len(url) > MAX_BASE_URL_CHARACTERS):
            expected = f"an https URL in ASCII, without query, and at most {MAX_BASE_URL_CHARACTERS} characters"
            raise ValueError(f"unsubscribe_url is {expected}, got {url!r}")
        if not _LOCAL_PART.fullmatch(self.feedback) or len(self.feedback) > MAX_LOCAL_PART_BYTES:
            raise ValueError(f'feedback is a local part in lower case such as "fbl", got {self.feedback!r}')
        if self.sender_id and not _SENDER.fullmatch(self.sender_id):
            raise ValueError(f"sender_id has 5 to 15 of A-Z, a-z, 0-9, dot, - and _, got {self.sender_id!r}")

    def of(self, unsubscribe_path: str, *, list_: str, tag: str) -> dict[str, str]:
        """Return the fields of one message, each on one line of ASCII."""
        local_part, _, domain = unsubscribe_path.rpartition("@")
        encoded = quote(local_part, safe="")
        ways = [f"<mailto:{encoded}@{domain}?subject=unsubscribe>"]
        fields = {}
        if self.unsubscribe_url:
            ways.insert(0, f"<{self.unsubscribe_url.rstrip('/')}/u/{encoded}>")
            fields["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        return {
            "List-Unsubscribe": ", ".join(ways),
            **fields,
            "Feedback-ID": f"{tag}:{list_}::{self.sender_id or _digest(domain)}",
            "CFBL-Address": f"{self.feedback}@{domain}; report=arf",
            "CFBL-Feedback-ID": _feedback_id(unsubscribe_path),
        }


DEFAULT_MAIL_FIELDS = MailFields()


def _is_page(url: str) -> bool:
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return bool(_URL.fullmatch(url)) and named and not parts.username


def _digest(domain: str) -> str:
    return sha256(domain.encode()).hexdigest()[:SENDER_CHARACTERS]


def _feedback_id(path: str) -> str:
    """Return a path as CFBL-Feedback-ID takes it, which knows no dot and no ``@``: fid = 1*(atext / ":" / CFWS)."""
    return quote(path, safe="").replace(".", "%2E")
