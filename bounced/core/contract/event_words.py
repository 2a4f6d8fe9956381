"""An event in words: what came, and what followed from it and why."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from bounced.core.contract.event_types import ALARM, DISPUTED, MAILED_WHILE_SUPPRESSED
from bounced.core.contract.summary import Summary
from bounced.core.terms import Category, Kind

CAME = MappingProxyType(
    {
        "rejected": "the sender's own MTA was refused",
        "delivered": "a delivery was reported",
        "engaged": "opened, clicked or logged in",
        "subscribed": "subscribed",
        "unsubscribed": "unsubscribed",
        "complained": "complained",
        "suppress": "an operator suppressed it",
        "release": "an operator released it",
        "due": "its time came",
        "dispute": "its domain or provider called many addresses unknown",
    }
)
"""What came, by the type of the evidence; a report says more of itself."""

CAME_BY_REASON = MappingProxyType(
    {
        "released": "release",
        "operator": "suppress",
        "complaint": "complained",
        "expired": "due",
        "disputed": "dispute",
        "engaged": "engaged",
        "delivered": "delivered",
        "subscribed": "subscribed",
        "unsubscribed": "unsubscribed",
        "due": "due",
    }
)
"""What came, where the history has kept the change of state alone."""

MANY: Mapping[str, str] = MappingProxyType(
    {
        Summary.RECOVERED: "addresses were recovered",
        Summary.RELEASED: "addresses were released",
        Summary.SUPPRESSED: "addresses were suppressed",
        Summary.IMPORTED: "addresses were imported",
        Summary.RECLASSIFIED: "addresses were released by today's rules",
        Summary.ERASED: "an address was erased",
        Summary.ACCEPTED: "Redis was replaced on purpose",
    }
)
"""What a person did to many addresses, or to the list."""

OPT_OUT = "an unsubscription, passed on by a provider"
KINDS = MappingProxyType(
    {
        "delayed": "a delay, not a failure",
        "delivered": "a delivery was confirmed",
        "relayed": "relayed to where no more is reported",
        "expanded": "expanded to a list's members",
        "complaint": "a complaint",
        "auto_reply": "an automatic reply",
        "challenge": "a challenge",
        "subscription": "a subscription request",
        "unproven": "perhaps a bounce, but nothing proved it",
        "other": "mail that is no report",
    }
)

WHY = MappingProxyType(
    {
        "untrusted": "nobody signed the return path, so it changes nothing",
        "no_verdict": "nothing that speaks against the address",
        "older_than_a_failure": "older than a failure, so it changes nothing",
        "delivery_not_believed_yet": "believed in 72 hours, if no failure comes",
        "older_than_the_state": "older than what is known, so it changes nothing",
        "older_than_a_release": "older than a release, so it changes nothing",
        "older_than_a_subscription": "older than a subscription, so it changes nothing",
        "expired": "the suppression expired",
        "not_due_yet": "not its time yet",
        "not_in_the_wave": "not part of that",
        "disputed": "its domain or provider is not believed now",
        "not_believed_yet": "not believed yet, the address was recently active",
        "sent_before_release": "the mail was sent before a release, so it is not counted",
        "same_mail": "the same mail failed before, so it is not counted",
        "sent_on_day_of_release": "the mail may have been sent before a release, so the address is held",
        "replaces_words_about_others": "it names the recipient, where a report of that day named others",
        "within_24_hours": "counted already within a day",
        "under_threshold": "counted, too few for a consequence",
        "threshold": "that reached the threshold",
        "holds_used_up": "it was held often enough",
        "already_held": "held already",
        "already_suppressed": "suppressed already",
        "stronger_reason": "a stronger reason than the one that stood",
        "nothing_to_lift": "there was nothing to lift",
        "unknown_state": "a later version of bounced set this state, so it changes nothing",
        "imported": "imported from a file",
        "belongs_to_nobody": "it names no return path of ours",
    }
)
"""Reasons that say more than what came and what followed."""


Shown = Callable[[str], str]
"""Returns a stamp as it is shown to whoever reads."""


def sentence(fields: Mapping[str, str], shown: Shown) -> str:
    """Return one event, in the fields of the contract, as a sentence without its time and address."""
    parts = [_what(fields, shown), _followed(fields, shown), _alarm(fields)]
    if actor := fields.get("actor"):
        parts.append(f"by {actor}")
    if why := WHY.get(fields.get("reason", "")):
        parts.append(why)
    if shared := fields.get("shared_from"):
        parts.append(f"shared from list {shared}")
    if note := fields.get("note"):
        parts.append(f'"{note}"')
    return "; ".join(part for part in parts if part)


def _alarm(fields: Mapping[str, str]) -> str:
    """Return what an alarm is about and what it asks for; a `feedback` alarm says who passed the complaints on."""
    if fields.get("type") != ALARM or "scope" not in fields:
        return ""
    about = f"{fields['scope']}: {fields.get('level', '')}"
    if providers := fields.get("providers"):
        return f"{about}, complaints that name nobody: {fields.get('complaints', '')}, by {providers}"
    if reason := fields.get("reason"):
        return f"{about}, {reason}"
    if fields.get("sent", "0") != "0":
        return f"{about}, {fields['sent']} sent, {fields.get('hard')} hard, {fields.get('complaints')} complaints"
    return about


def _what(fields: Mapping[str, str], shown: Shown) -> str:
    type_ = fields.get("type", "")
    if type_ in MANY:
        return _many(fields)
    if who := fields.get(DISPUTED.get(type_, "")):
        return _dispute(who, fields, shown)
    if "kind" in fields or "category" in fields:
        came = _report(fields)
    else:
        came = CAME.get(type_) or CAME.get(CAME_BY_REASON.get(fields.get("reason", ""), ""), type_)
    if type_ == MAILED_WHILE_SUPPRESSED:
        came = f"mailed while suppressed: {came}"
    if diagnostic := fields.get("diagnostic"):
        came = f"{came}: {diagnostic}"
    return f"{came} (campaign {fields['campaign']})" if fields.get("campaign") else came


def _many(fields: Mapping[str, str]) -> str:
    """Return what a person did to many addresses at once, and how they were chosen."""
    told = f"{fields.get('addresses', '')} {MANY[fields['type']]}".strip()
    if fields.get("addresses") == "1":
        told = told.replace("addresses were", "address was")
    return f"{told} ({fields['filters']})" if fields.get("filters") else told


def _dispute(who: str, fields: Mapping[str, str], shown: Shown) -> str:
    until = f" until {shown(fields['until'])}" if fields.get("until") else ""
    return f"{who} called {fields.get('addresses', 'many')} addresses unknown; it is not believed{until}"


def _report(fields: Mapping[str, str]) -> str:
    kind, category = fields.get("kind", ""), fields.get("category", "")
    if kind in KINDS:
        return OPT_OUT if (kind, category) == (Kind.COMPLAINT, Category.UNSUBSCRIBED) else KINDS[kind]
    doubt = f", doubtful: {fields['doubt']}" if fields.get("doubt") else ""
    return f"{category.replace('_', ' ')} ({fields.get('class', '')}{doubt})" if category else kind


def _followed(fields: Mapping[str, str], shown: Shown) -> str:
    before, after = fields.get("before", ""), fields.get("after", "")
    if not after:
        return ""
    until = f" until {shown(fields['until'])}" if fields.get("until") else ""
    return f"still {after}{until}" if before == after else f"now {after}{until}"
