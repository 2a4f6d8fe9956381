"""Who may be named in what is said of a recipient: the recipient, the senders of its message, and others."""

import re
from functools import cached_property

from bounced.core import mailbox
from bounced.core.meaning.quoted import recipient_in
from bounced.core.meaning.statements import quoted_reply
from bounced.core.meaning.subject import is_word
from bounced.core.reading.message import Header
from bounced.core.reading.notices.notice import addresses
from bounced.core.terms import PerRecipientFields, Report

SHORT_USER = 3
"""A user name of fewer characters may be any word, unless a word for a user stands before it."""
_HOST = re.compile(r"(?<![\w-])[\w-]++\.[A-Za-z][\w-]+\b|@")


class Parties:
    """Who may be named in what is said of a recipient, found out where somebody asks.  Domains are in lower case."""

    def __init__(self, fields: PerRecipientFields, report: Report) -> None:
        self._report = report
        self._address = fields.address or recipient_in(quoted_reply(fields, report)) or ""
        self._domain = mailbox.domain_of(self._address).lower()
        self._fields = fields

    def marked(self, words: str) -> str:
        """Return neutral words with the recipient's user name as an address."""
        user = (self._address.rpartition("@")[0] or self._address).lower()
        if not user or user not in words.lower():
            return words
        is_name = len(user) >= SHORT_USER and not is_word(user)
        before = r"(?<![\w.-])" if is_name else r"(?<=user |name |lbox |ount )"
        return re.sub(rf"{before}{re.escape(user)}(?![\w.-]|@)", "@", words, flags=re.IGNORECASE)

    def names_recipient(self, text: str) -> bool:
        """Tell whether words name the recipient, or its domain."""
        return self._domain in text.lower() if self._domain else bool(_HOST.search(text))

    def names_domain(self, text: str) -> bool:
        """Tell whether words name the recipient's domain by itself, and not only in its address."""
        found = self._domain and self._domain in text.lower()
        return bool(found and re.search(rf"(?<![@\w.-]){re.escape(self._domain)}", text, re.IGNORECASE))

    def names_another_address(self, text: str) -> bool:
        """Tell whether words name addresses, and none that is the recipient's or in its domain."""
        named = addresses(text) if "@" in text else []
        return bool(named) and not any(mailbox.domain_of(each).lower().rstrip(".") in self._domains for each in named)

    def names_another_host(self, text: str) -> bool:
        """Tell whether words name a host beside the recipient's address, and not one of its domain."""
        rest = text.lower().replace(self._address.lower(), " ")
        hosts = _HOST.findall(rest)
        return any(host != "@" and not host.endswith(self._domain) for host in hosts)

    def names_a_sender(self, text: str) -> bool:
        """Tell whether words name an address of the sender's, or its domain by itself, and not the recipient."""
        return self._names_one(text, r"(?<![@\w.-])")

    def names_a_senders_host(self, text: str) -> bool:
        """Tell whether words name a host below the sender's domain, and not the recipient."""
        return self._names_one(text, r"(?<![@\w-])")

    def names_nobody(self, text: str) -> bool:
        """Tell whether no domain at all is named."""
        return not _HOST.search(text)

    def _names_one(self, text: str, before: str) -> bool:
        if self.names_nobody(text) or self.names_recipient(text):
            return False
        lowered = text.lower()
        return any(sender in lowered for sender in self._senders if sender != self._address.lower()) or any(
            re.search(before + re.escape(domain), lowered) for domain in self._senders_domains if domain in lowered
        )

    @cached_property
    def _domains(self) -> frozenset[str]:
        """The recipient's domains, by whichever name the report calls it."""
        fields = self._fields
        names = (self._address, fields.final_recipient, fields.original_recipient, fields.actual_recipient)
        return frozenset(mailbox.domain_of(name).lower() for name in names if name)

    @cached_property
    def _senders(self) -> frozenset[str]:
        """The addresses to which the notice was sent, and those that the returned message names as its author."""
        header = Header(self._report.returned_header)
        named = (each for name in ("from", "sender", "return-path") for each in addresses(header.get(name)))
        return frozenset(each.lower() for each in (*self._report.sent_to, *named))

    @cached_property
    def _senders_domains(self) -> frozenset[str]:
        return frozenset({mailbox.domain_of(each) for each in self._senders}) - {self._domain, ""}
