"""Which member of an alias each group of a report is about, where the notice tells."""

from collections.abc import Mapping, Sequence

from bounced.core.meaning import quoted
from bounced.core.reading.message import Message
from bounced.core.reading.notices.expansion import Expansion, expansions
from bounced.core.reading.notices.notice import addresses
from bounced.core.terms import PerRecipientFields

Groups = Sequence[PerRecipientFields]


def with_members(groups: Groups, message: Message) -> list[PerRecipientFields]:
    """Return the groups with the members that they are about, where the words or X-Failed-Recipients (Exim) say so.

    A group that names the member itself knows it best.  One that names the alias is about the member that its reply
    quotes, else about any that is left: MTAs write groups and words in different orders.  The only group of a report is
    about the member that the words name, whatever they call the alias.
    """
    told = expansions(message.words)
    failed = addresses(message.header.get("x-failed-recipients"))
    if told:
        groups = _told(groups, told)
    return _failed(groups, failed) if failed else list(groups)


def _told(groups: Groups, told: Sequence[Expansion]) -> list[PerRecipientFields]:
    by_member = {each.member.lower(): each for each in reversed(told) if each.member}
    claims = [_by_itself(group, by_member) for group in groups]
    left: dict[str, list[Expansion]] = {}
    for each in reversed(told):
        if each not in claims:
            left.setdefault(each.alias.lower(), []).append(each)
    for number, group in enumerate(groups):
        waiting = next((left[name] for name in _names(group) if left.get(name)), [])
        if claims[number] is None and waiting:
            claims[number] = waiting.pop()
    if claims == [None]:
        claims = [told[0]]
    return [_about(group, claim) for group, claim in zip(groups, claims, strict=True)]


def _by_itself(group: PerRecipientFields, by_member: Mapping[str, Expansion]) -> Expansion | None:
    named = (group.actual_recipient, quoted.recipient_in(group.diagnostic_code or ""), group.final_recipient)
    return next((by_member[name.lower()] for name in named if name and name.lower() in by_member), None)


def _about(group: PerRecipientFields, claim: Expansion | None) -> PerRecipientFields:
    if claim is None:
        return group
    return group._replace(
        actual_recipient=group.actual_recipient or claim.member or None,
        expanded_from=claim.alias,
    )


def _failed(groups: Groups, failed: Sequence[str]) -> list[PerRecipientFields]:
    """Give each group that X-Failed-Recipients does not name one of those that only it names."""
    known = {name for group in groups for name in _names(group)}
    others = [address for address in reversed(failed) if address.lower() not in known]
    if not others:
        return list(groups)
    listed = {address.lower() for address in failed}
    return [
        group._replace(actual_recipient=others.pop())
        if others and not group.actual_recipient and listed.isdisjoint(_names(group))
        else group
        for group in groups
    ]


def _names(group: PerRecipientFields) -> list[str]:
    return [address.lower() for address in (group.original_recipient, group.final_recipient) if address]
