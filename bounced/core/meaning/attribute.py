"""Whose bounce a report is: the group of the recipient that the return path was signed for."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bounced.core import mailbox
from bounced.core.meaning import quoted
from bounced.core.meaning.statements import MAX_TEXT_CHARS, quoted_reply
from bounced.core.reading.message import Header
from bounced.core.reading.notices.notice import addresses
from bounced.core.terms import Action, PerRecipientFields, Report

_LOCAL_USER = re.compile(r"[\w.+-]+")
_PACKING = re.compile(r"[=%!/:@\s]")
"""Between these stand the addresses that a gateway packed into the user of its own: ``SRS0=x=y=example.org=bob``."""
_X400 = re.compile(r"IMCEA", re.IGNORECASE)
"""So begins Exchange's name for a mailbox that has no address here; it tells of nobody."""
_XTEXT = re.compile(r"\+([2-7][0-9A-F])")
_OCTAL = re.compile(r"(?:\\[0-3][0-7]{2})+")
_ACTIONS = (Action.DELIVERED, Action.RELAYED, Action.EXPANDED, Action.DELAYED, Action.FAILED)
_TENANTS = ".onmicrosoft.com."
"""Under this Microsoft 365 has a domain for each company, to which the company's own servers hand over."""
_WRITERS = ("from", "sender", "return-path", "reply-to")


class Attribution(NamedTuple):
    """The group that speaks for a recipient.  ``names_recipient`` is false where the report names only others."""

    fields: PerRecipientFields | None
    names_recipient: bool


def group_for(report: Report, recipient: str) -> Attribution:
    """Return the group that speaks for ``recipient`` (normalised), whatever order the groups are in.

    Original-Recipient names it as well as Final-Recipient does; where the mail was on its way to somebody else by then,
    the report is about that other.  Of several that name it the mildest speaks.  Groups of others alone are forwarding
    or the members of an alias: then the mildest of them speaks.  A report that is words alone and names nobody does
    not name the recipient; a group of fields that names nobody speaks of whom the return path was made for, unless its
    reply is about another.
    """
    named = [group for group in report.recipients if any(_same(name, recipient) for name in _names(group))]
    if named:
        mildest = min(named, key=_severity)
        return Attribution(mildest, names_recipient=not _went_on(mildest, named, report, recipient))
    if not report.recipients:
        return Attribution(None, names_recipient=False)
    mildest = min(report.recipients, key=_severity)
    names_nobody = "@" not in (mildest.address or "") and not _LOCAL_USER.fullmatch(mildest.address or "")
    alone = names_nobody and len(report.recipients) == 1
    return Attribution(mildest, names_recipient=alone and not _went_on(mildest, (), report, recipient))


def _names(group: PerRecipientFields) -> tuple[str | None, ...]:
    """Return all that a group calls the one whom the mail was for."""
    return group.original_recipient, group.final_recipient, group.expanded_from


def _went_on(group: PerRecipientFields, named: Sequence[PerRecipientFields], report: Report, recipient: str) -> bool:
    """Tell whether mail for the recipient had gone on to another mailbox, and this is the other's failure.

    MTAs write the alias as Original-Recipient or as Final-Recipient for each of its members.  One mail goes on to one
    mail store: where it went to several places these are members, whatever they are called.
    """
    members = {(each.actual_recipient or each.final_recipient or "").lower() for each in named}
    if len(members) > 1:
        return True
    actual = group.actual_recipient
    if group.expanded_from and (not actual or not _is_within(actual, recipient)):
        return True
    if actual and _is_program(actual):
        return True
    if len({each.diagnostic_code for each in named if each.action is Action.FAILED}) > 1:
        return True  # each member's own reason
    return any(_is_another(each, recipient) for each in (group.final_recipient, actual)) or _is_about_another(
        group, report, recipient
    )


def _is_about_another(group: PerRecipientFields, report: Report, recipient: str) -> bool:
    """Tell whether the reply, or the dialogue around it, quotes another recipient."""
    words = group.text or (report.text if len(report.recipients) <= 1 else "")
    told = quoted.told_at_rcpt(words[:MAX_TEXT_CHARS])
    if told and all(_is_another(each, recipient) for each in told):
        return True
    reply = quoted_reply(group, report)
    found = quoted.recipient_in(reply, _Ours(report, recipient)) if reply else None
    return _is_another(found, recipient)


class _Ours:
    """The sender's addresses: those to which the notice went, those that wrote what came back, and return paths."""

    def __init__(self, report: Report, recipient: str) -> None:
        self._report = report
        self._encoded = recipient.replace("@", "=")

    def __contains__(self, address: object) -> bool:
        return self._encoded in str(address) or address in set(self._addresses())

    def _addresses(self) -> Iterator[str]:
        yield from (address.lower() for address in self._report.sent_to)
        header = Header(self._report.returned_header)
        for name in _WRITERS:
            yield from (address.lower() for address in addresses(header.get(name)))


def _is_another(address: str | None, recipient: str) -> bool:
    """Tell another mailbox from the same user at whatever host, which is a store behind a gateway."""
    if not address or _same(address, recipient) or _is_program(address) or _X400.match(address):
        return False
    user, ours = _user(address), _user(recipient)
    if _LOCAL_USER.fullmatch(user):
        return user != ours
    return "@" in address and user != "" and user.isascii() and ours not in _PACKING.split(user)


def _is_program(address: str) -> bool:
    """Tell what an alias runs or writes to."""
    return address.lstrip('"')[:1] in ("|", "/")


def _is_within(address: str, recipient: str) -> bool:
    """Tell a store of the recipient's own domain from a namesake elsewhere.

    A store has no domain, one below the recipient's or above it, or one that holds its name (Google's hosting).
    """
    if _is_another(address, recipient) or "@" not in address:
        return not _is_another(address, recipient)
    host, domain = f".{mailbox.domain_of(address).lower()}.", f".{mailbox.domain_of(recipient)}."
    return domain in host or domain.endswith(host) or host.endswith(_TENANTS)


def _user(address: str) -> str:
    """Return the user in an address: without the detail, and without what a gateway packed in."""
    local_part = address.rpartition("@")[0] if "@" in address else address
    user, _, _ = local_part.strip('"').lower().partition("+")
    return user


def _same(address: str | None, recipient: str) -> bool:
    if not address:
        return False
    if "\\" in address:
        address = _without_octal(address)
    if "@" not in address:  # a local user, or what an alias runs
        return address.lower() == recipient.partition("@")[0].lower()
    if address == recipient:
        return True
    local_part, _, domain = address.rpartition("@")
    if not domain.isascii():
        ours = mailbox.domain_of(recipient)
        if not mailbox.is_written(ours, domain):
            return False
        address = f"{local_part}@{ours}"
    wanted = _comparable(recipient)
    return _comparable(address) == wanted or ("+" in address and _comparable(_without_xtext(address)) == wanted)


def _comparable(address: str) -> str:
    try:
        return mailbox.normalise(address)
    except mailbox.BadAddress:
        return address.lower()


def _without_octal(address: str) -> str:
    r"""Undo what Exim prints for octets beyond ASCII in its words and in X-Failed-Recipients, such as ``\320\277``."""

    def decoded(found: re.Match[str]) -> str:
        return bytes(int(octet, 8) for octet in found[0].split("\\")[1:]).decode("utf-8", "replace")

    return _OCTAL.sub(decoded, address)


def _without_xtext(address: str) -> str:
    """Undo what some MTAs leave in Original-Recipient.  (RFC 3461 section 4)"""
    return _XTEXT.sub(lambda found: chr(int(found[1], 16)), address)


def _severity(group: PerRecipientFields) -> tuple[int, bool, str, str]:
    action = _ACTIONS.index(group.action) if group.action in _ACTIONS else len(_ACTIONS)
    return action, (group.status or "5").startswith("5"), group.status or "", group.address or ""
