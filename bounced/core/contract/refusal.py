"""What an intake entry says of mail that was refused: the reply, or what somebody calls the failure where none is left.

A name is a last resort.  It is asked only where there is no reply, or none that says anything, and it proves nothing: a
hard category by its name alone is doubtful, so it counts as soft.  (docs/contract.md, section 2)
"""

from collections.abc import Callable, Mapping

from bounced.core.mailbox import MAX_DOMAIN_BYTES
from bounced.core.meaning.bare import Command, Known
from bounced.core.terms import CLASS_OF, Action, Category, Class, Verdict

Classify = Callable[[str, Known], Verdict]
"""Says what a bare reply means."""

RULE, PLACE = "sender.category", "name"
DOUBT = "no server's words are given, only what somebody calls the failure"

NAMEABLE = {
    str(category): category
    for category, class_ in CLASS_OF.items()
    if class_ in (Class.HARD, Class.SOFT, Class.BLOCK, Class.TRANSIENT, Class.UNDETERMINED)
}
"""Categories of a failure.  Complaints and unsubscriptions have types of their own."""
ACTIONS = {str(each): each for each in (Action.FAILED, Action.DELAYED)}


def verdict_of(fields: Mapping[str, str], address: str, classify: Classify) -> Verdict:
    """Return what a refusal of an address means.  Raises ValueError with what is wrong.

    Without ``action``, a temporary reply (4yz) is a delay: the sender's MTA will try again.  (RFC 5321 section 4.2.1)
    """
    reply, named, action = fields.get("reply", "").strip(), _category(fields), _action(fields)
    if not reply and named is None:
        raise ValueError('reply must say with what the sender was refused, such as "550 5.1.1 no such user"')
    server = fields.get("mta", "").strip()[:MAX_DOMAIN_BYTES]  # what is no server's name binds no row
    command = _command(fields)
    verdict = classify(reply, Known(address, server=server, command=command)) if reply else NOTHING_SAID
    if verdict.category is Category.UNDETERMINED and named is not None:
        verdict = _by_name(verdict, named)
    if action is None and (verdict.reply_code or verdict.status or "5").startswith("4"):
        action = Action.DELAYED
    return verdict if action is None else verdict._replace(action=action)


NOTHING_SAID = Verdict(Category.UNDETERMINED, rule="none", place="none", action=Action.FAILED)


def _by_name(verdict: Verdict, named: Category) -> Verdict:
    hard = CLASS_OF[named] is Class.HARD
    return verdict._replace(category=named, rule=RULE, place=PLACE, proof="", doubt=DOUBT if hard else "")


def _category(fields: Mapping[str, str]) -> Category | None:
    given = fields.get("category", "").strip().lower()
    if given and given not in NAMEABLE:
        raise ValueError(f"category must be one of {', '.join(sorted(NAMEABLE))}, got {given[:40]!r}")
    return NAMEABLE[given] if given else None


def _action(fields: Mapping[str, str]) -> Action | None:
    given = fields.get("action", "").strip().lower()
    if given and given not in ACTIONS:
        raise ValueError(f"action must be one of {', '.join(ACTIONS)}, got {given[:40]!r}")
    return ACTIONS[given] if given else None


def _command(fields: Mapping[str, str]) -> Command | None:
    try:
        return Command.of(fields["stage"]) if fields.get("stage") else None
    except ValueError as error:
        raise ValueError(f"stage {error}") from None
