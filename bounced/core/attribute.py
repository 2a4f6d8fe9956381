"""Whose bounce a report is: the group of the recipient that the return path was signed for."""

import re
from typing import NamedTuple

from bounced.core import mailbox
from bounced.core.terms import Action, PerRecipientFields, Report

_LOCAL_USER = re.compile(r"[\w.+-]+")
_XTEXT = re.compile(r"\+([2-7][0-9A-F])")
_ACTIONS = (Action.DELIVERED, Action.RELAYED, Action.EXPANDED, Action.DELAYED, Action.FAILED)


class Attribution(NamedTuple):
    """The group that speaks for a recipient.  ``names_recipient`` is false where the report names only others."""

    fields: PerRecipientFields | None
    names_recipient: bool


def group_for(report: Report, recipient: str) -> Attribution:
    """Return the group that speaks for ``recipient`` (normalised), whatever order the groups are in.

    Original-Recipient names it as well as Final-Recipient does; where the mail was on its way to somebody else by then,
    the report is about that other.  Of several that name it the mildest speaks.  Groups of others alone are forwarding
    or the members of an alias: then the mildest of them speaks.  A report that names nobody speaks of whom the return
    path was made for.
    """
    named = [
        group
        for group in report.recipients
        if _same(group.original_recipient, recipient) or _same(group.final_recipient, recipient)
    ]
    if named:
        mildest = min(named, key=_severity)
        return Attribution(mildest, names_recipient=not _went_on(mildest.final_recipient, recipient))
    if not report.recipients:
        return Attribution(None, names_recipient=True)
    mildest = min(report.recipients, key=_severity)
    names_nobody = "@" not in (mildest.address or "") and not _LOCAL_USER.fullmatch(mildest.address or "")
    return Attribution(mildest, names_recipient=names_nobody and len(report.recipients) == 1)


def _went_on(final: str | None, recipient: str) -> bool:
    """Tell whether mail for the recipient went on to another mailbox.

    MTAs write the alias as Original-Recipient for each of its members.  The same user at another host is still the
    recipient: a mail store behind a gateway.
    """
    if not final or _same(final, recipient):
        return False
    user = _comparable(final).rpartition("@")[0] if "@" in final else final.lower()
    return bool(_LOCAL_USER.fullmatch(user)) and user != recipient.rpartition("@")[0].lower()


def _same(address: str | None, recipient: str) -> bool:
    if not address:
        return False
    if "@" not in address:  # a local user, or what an alias runs
        return address.lower() == recipient.partition("@")[0].lower()
    if address == recipient:
        return True
    wanted = _comparable(recipient)
    return _comparable(address) == wanted or ("+" in address and _comparable(_without_xtext(address)) == wanted)


def _comparable(address: str) -> str:
    try:
        return mailbox.normalise(address)
    except mailbox.BadAddress:
        return address.lower()


def _without_xtext(address: str) -> str:
    """Undo what some MTAs leave in Original-Recipient.  (RFC 3461 section 4)"""
    return _XTEXT.sub(lambda found: chr(int(found[1], 16)), address)


def _severity(group: PerRecipientFields) -> tuple[int, bool, str, str]:
    action = _ACTIONS.index(group.action) if group.action in _ACTIONS else len(_ACTIONS)
    return action, (group.status or "5").startswith("5"), group.status or "", group.address or ""
