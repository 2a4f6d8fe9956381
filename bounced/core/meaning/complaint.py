"""What a sentence complains of, as marks among its words: ``unknown``, ``does not exist``, ``has been closed``."""

import re

MAX_TOKENS = 200
"""Of one sentence: real ones have fewer, and what one complaint is about is looked for among all of them."""

_NOT = r"(?:not|n['\u2019]t|can(?:not|['\u2019]t))"
_VERB = r"(?:does|do|did|could|can|would|will|is|are|was|were|has|have|had)"
_PREDICATE = (
    r"(?:exists?|found|listed|registered|located|recogni[sz]ed|known|here|local|resolved?|active|in use|valid|available"
    r"|accepted|reachable|routable|ok|parsed|validated|decoded)"
)
_DONE = r"(?:closed|deleted|removed|moved|cancell?ed|disabled|deactivated|terminated|suspended|locked)"
_SOMETHING = r"(?:this|the|your|our|his|her|their|its|an?|all|notifications?|mails?|messages?|delivery)"
"""What somebody did to a thing is said of the thing: ``the recipient has cancelled this subscription``."""
BEFORE, AFTER, BOTH = "§before", "§after", "§both"
# What is wrong, each as one mark: it may stand before the noun, behind it, or both.
_COMPLAINTS = tuple(
    (re.compile("|".join(patterns), re.IGNORECASE), f" {mark} ")
    for mark, patterns in (
        (
            BEFORE,
            (
                rf"\b{_VERB}?\s?{_NOT}\s(?:be )?(?:accept|receiv|tak)(?:e|ed|ing)?\b(?= \w)",
                rf"\b{_VERB}?\s?{_NOT}\s(?:find|have|know|recogni[sz]e|locate)\b(?= \w)",
                r"\b(?:unable|failed) to (?:find|locate)\b(?= \w)",
                rf"\b(?:has|have|had) (?:already |now |just )?{_DONE}(?= {_SOMETHING}\b)",
            ),
        ),
        (
            AFTER,
            (
                r"\bno longer\b",
                rf"\b{_VERB}?\s?(?:{_NOT}|no)\s(?:to be |be |been |longer |currently )?{_PREDICATE}\b(?!\s(?:a|an)\s)",
            ),
        ),
        (
            BEFORE,
            (
                r"\b(?:there (?:is|was) )?no such\b|\bno\b(?= \w)|\bnon-?existent\b",
                rf"\b{_NOT} (?:an? |our |my )(?:known |valid |existing |active |recogni[sz]ed )?",
            ),
        ),
        (
            BOTH,
            (
                r"\b(?:unknown|missing|unrecogni[sz]ed|invalid|illegal|inactive|nonexistent|bad|malformed|undeliverable)\b",
                r"\b(?:unrouteable|unroutable|unavailable|unresolvable|misspell?ed)\b",
                r"\b(?:disabled|deactivated|closed|suspended|terminated|deleted|removed|expired|locked|discontinued)\b",
            ),
        ),
        (AFTER, (r"\b(?:rejected|refused|denied|moved|relocated|cancell?ed|gone|left)\b",)),
    )
)
_QUOTED_NAME = re.compile(
    r"\b(user|recipient|account|mailbox|local-part|name|login|alias|addressee)( name)?:? [\"'<][\w.+-]{1,64}[\"'>]",
    re.IGNORECASE,
)
_QUOTED_WORDS = re.compile(
    r"\b(phrases?|text|words?|strings?|subject|keywords?|expression|rules?|policy|policies)\b:? "
    r"(?:[\"\u201c][^\"\u201d]{1,200}[\"\u201d]|'[^']{1,200}')",
    re.IGNORECASE,
)
"""What a filter found in a message, and shows."""
_HEADER_NAME = re.compile(
    r"\b(?:\w+-){0,3}(?:from|to|cc|bcc|in-reply-to):?[ -](?:\w+[ -])?(headers?|header field|line)\b", re.IGNORECASE
)
_FIELD_NAME = re.compile(
    r"\b(?:from|to|cc|bcc|sender|reply-to|subject|date|message-id|errors-to): (?!<?@)", re.IGNORECASE
)
_HYPHENED = re.compile(
    r"\b(?!Error|Status|Diagnostic|Reason|Delivery|Failure|Remote|Mail)[A-Z][a-z]*+(?:-[A-Z][A-Za-z]*+){1,8}+: (?!<?@)"
)
_FIELD = re.compile(
    r"\b(?:List|Errors|Feedback|Disposition|Resent|Content|Authentication|X)-[A-Z][\w-]{0,75}+(?![\w:-])"
)
_LOCAL_PART = re.compile(r"\blocal parts?\b", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])")
_DASH = re.compile(r"\s(?:-{1,3}|[\u2013\u2014])\s")
_NUMBERS = re.compile(r"(?<![\w.-])#?\d[\d.-]*(?![\w-])")
_TOKEN = re.compile(r"§\w+|[@~]|[^\W_](?:[\w'\u2019-]*[^\W_]|)(?:\(s\))?|[.;:!?()\[\],]")


def apart(words: str) -> str:
    """Return words apart that a server joined: ``INVALID_RECIPIENT``, ``NoSuchUser``."""
    return _CAMEL.sub(" ", words.replace("_", " "))


def marked(sentence: str) -> list[str]:
    """Return the words of a sentence in lower case, with a mark in the place of each complaint.

    The mark tells on which side of it the noun stands that something is wrong with.
    """
    if '"' in sentence or "'" in sentence:
        sentence = _QUOTED_WORDS.sub(r"\1", sentence)
    plain = _LOCAL_PART.sub(
        "local-part", _FIELD_NAME.sub("header ", _HYPHENED.sub("header ", _FIELD.sub("header", apart(sentence))))
    )
    plain = _QUOTED_NAME.sub(r"\1 @", _HEADER_NAME.sub(r"\1", plain))
    words = _NUMBERS.sub(" ", _DASH.sub(" ; ", plain))
    for pattern, mark in _COMPLAINTS:
        words = pattern.sub(mark, words)
    return [token.lower() for token in _TOKEN.findall(words)[:MAX_TOKENS]]
