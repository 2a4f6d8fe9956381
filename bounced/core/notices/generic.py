"""What most notices have in common, for all that no other recogniser knows."""

import re

from bounced.core.notices import last_resort, layout
from bounced.core.notices.notice import Notice, addresses
from bounced.core.terms import PerRecipientFields

_AUTHOR = re.compile(
    r"mailer[-_. ]?daemon|mail[-_. ]?deliver|post[-_]?master|\bpostoffice\b|microsoftexchange|majordomo|mailgw|"
    r"mail(?:er)? (?:system|admin)|system admin|\bndr\b|bounce|mdaemon|delivery (?:sub)?system|\bimss\b|antivirus",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"undeliver|non[ -]?deliver|not delivered|could not be delivered|delivery-status|"
    r"deliver(?:y|ed)?(?: of)?[ :-]*(?:status|has |have )*"
    r"(?:report|notification|notice|fail|error|problem|delay|warning|incomplete)|"
    r"fail(?:ed|ure)[ :]*(?:notice|mail|to|deliver)|return(?:ed|ing) (?:mail|message|to)|"
    r"(?:mail|message)[^\n]{0,30}(?:fail|return|could not|cannot|not deliver|rejected|delayed|error)|"
    r"user unknown|unknown (?:user|recipient|address)|warning: could not send|delayed mail|"
    r"unzustell|nicht zustell|non remis|non distribu|no entregad|n\xe3o entregue|mancato recapito|non recapit|"
    r"niet (?:bezorgd|afgeleverd)|niedostarcz|\u4e0d\u53ef\u9001\u9054|\u914d\u4fe1\u4e0d\u80fd|\u9000\u4fe1",
    re.IGNORECASE,
)
_WORDS = re.compile(
    r"could not be (?:sent|delivered|reached)|(?:un|not )able to deliver|undeliverable|did not reach|"
    r"delivery (?:to|of)[^\n]{0,60}(?:fail|been delayed)|delivery fail|failed to deliver|can(?:not|'t) be delivered|"
    r"(?:was|were|been|is) (?:not delivered|undeliverable|rejected|returned)|permanent (?:error|failure)|"
    r"the following (?:address|recipient)|no such (?:user|mailbox|address|recipient)|user unknown|unknown user|"
    r"mailbox (?:is )?(?:full|unavailable)|over ?quota",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"(?:deliver\w*|undeliverable|recipients?|address(?:ed)?|mail(?:ed|box)?|message|users?|account|rcpt to|for|to)\b"
    rf"[^\n@]{{0,60}}?[\s:<\"'(\[](?P<address>{layout.ADDRESS})",
    re.IGNORECASE,
)
_NOT_RECIPIENTS = re.compile(
    r"^[ \t>]*+(?:from|sender|mail from|reply-to|message-id|return-path|contact|please (?:contact|send))\b[^\n]*",
    re.IGNORECASE | re.MULTILINE,
)


def by_daemon(notice: Notice) -> bool:
    """Tell whether a mail system wrote this, as far as From and the fields that only bounces carry can say."""
    return bool(_AUTHOR.search(notice.author)) or "x-failed-recipients" in notice.header


def certainty(notice: Notice) -> int:
    """Return how many of author, subject, words and what came back say that this is a bounce: 0 to 4."""
    return (
        bool(notice.returned and notice.header.get("return-path") in ("<>", ""))
        + bool(_AUTHOR.search(notice.author) or not notice.author.strip("<> "))
        + bool(_SUBJECT.search(notice.subject))
        + bool(_WORDS.search(notice.words))
    )


def read(notice: Notice) -> tuple[PerRecipientFields, ...]:
    """Return the recipients of a notice by the layouts that notices have, the surest first."""
    failed = addresses(notice.header.get("x-failed-recipients"))
    if failed:
        return layout.recipients([layout.Named(address, "") for address in failed], notice.words, frozenset())
    words = _NOT_RECIPIENTS.sub("", notice.words)
    for found in (layout.led(words), layout.named(words, _NAMED)):
        recipients = layout.recipients(found, notice.words, notice.senders)
        if recipients:
            return recipients
    return last_resort.read(notice) or from_returned(notice)


def from_returned(notice: Notice) -> tuple[PerRecipientFields, ...]:
    """Return the one recipient of the returned message, where the notice itself names nobody."""
    if notice.returned is None:
        return ()
    for name in ("x-original-to", "delivered-to", "to"):
        found = addresses(notice.returned.get(name))
        if len(found) == 1:
            return (layout.about(found[0], notice.words),)
    return ()
