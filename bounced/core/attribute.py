"""Whose bounce a report is: the group of the recipient that the return path was signed for."""

import re
from dataclasses import dataclass

from bounced.core import mailbox
from bounced.core.terms import Action, PerRecipientFields, Report

_XTEXT = re.compile(r"\+([2-7][0-9A-F])")
_ACTIONS = (Action.DELIVERED, Action.RELAYED, Action.EXPANDED, Action.DELAYED, Action.FAILED)


@dataclass(frozen=True, slots=True)
class Attribution:
    """The group that speaks for a recipient.  ``names_recipient`` is false where the report names only others."""

    fields: PerRecipientFields | None
    names_recipient: bool


def group_for(report: Report, recipient: str) -> Attribution:
    """Return the group that speaks for ``recipient`` (normalised), whatever order the groups are in.

    Original-Recipient names it before Final-Recipient does.  Groups of others alone are forwarding or the members of
    an alias: then the mildest of them speaks.  A report that names nobody speaks of whom the return path was made for.
    """
    for name in ("original_recipient", "final_recipient"):
        named = [group for group in report.recipients if _same(getattr(group, name), recipient)]
        if named:
            return Attribution(min(named, key=_severity), names_recipient=True)
    if not report.recipients:
        return Attribution(None, names_recipient=True)
    mildest = min(report.recipients, key=_severity)
    names_nobody = len(report.recipients) == 1 and "@" not in (mildest.address or "")
    return Attribution(mildest, names_recipient=names_nobody)


def _same(address: str | None, recipient: str) -> bool:
    if not address:
        return False
    if "@" not in address:  # a local user, or what an alias runs
        return address.lower() == recipient.partition("@")[0].lower()
    return _comparable(address) == _comparable(recipient) or _comparable(_without_xtext(address)) == _comparable(
        recipient
    )


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
