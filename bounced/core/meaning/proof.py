"""What a hard verdict needs before it may condemn: a server says so, of this recipient, and nothing speaks against it.

A row that matches somewhere is no proof.  What looks hard and is not proven keeps its category, counts as soft, and
says what was missing; where the words are plainly about somebody else, they mean that other thing instead.
"""

import re
from enum import StrEnum
from functools import lru_cache

from bounced.core.meaning.against import A_CAUSE, CAUSES, Against, against, is_of_thing, without_advice
from bounced.core.meaning.parties import Parties
from bounced.core.meaning.rules import Rule, Stage, Where
from bounced.core.meaning.silent import may_be_of_recipient
from bounced.core.meaning.statements import Heard, Speaker, Statement
from bounced.core.meaning.subject import About, claims, is_of_relay
from bounced.core.reading.patterns import PatternSet, span
from bounced.core.terms import CLASS_OF, Category, Class, Proof

PROVING_CODES = frozenset({"5.1.1", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
"""The enhanced status codes of a reply that are about the recipient by their own definition.  (RFC 3463 section 3.2)"""
_PROVING_AFTER_DATA = PROVING_CODES - {"5.1.3"}
"""A syntax that was accepted at RCPT is that of a header when it is refused later."""
REMEMBERED = 4096
SHORT_CHARS = 240
_WENT = re.compile(
    r"\b(?:return|bounc|sent back)\w*(?: \w+)? (?:back )?to (?:the |its )?(?:original )?sender\b"
    r"|发送(?:给|到|至|失败)|(?:无法|未能|不能)发送|发送的(?:邮件|信件|消息)(?=被|无法|未能|不能|没有)"
    r"|送信(?:でき|に失敗|エラー|不能|した(?:メール|メッセージ)[はがを])|보낸 ?(?:메일|메시지)(?=[이은을를가는] )"
    r"|\byou sent from <?@>? to\b|\bgönderil(?:eme|mes|mek|miş)\w*|\blähettäminen\b|\blähettämäsi viesti\w*",
    re.IGNORECASE,
)
"""Where the message went, and that it could not be sent, is no complaint about the sender."""
_LABEL = re.compile(
    r"\bclient host rejected: |\brecipient address rejected: (?:(?:undeliverable|unverified) address: )?", re.IGNORECASE
)
"""Postfix writes before a reason in which list, or by which check, it was found; not whom it is about."""
_OF_THE_SENDER = PatternSet(
    (
        r"\b(account|mailbox|address|user) (of|at) (your|the sending)\b|\bfrom which (this|it) was sent\b",
        r"\b(api user|feedback address|originator|bounce address|sasl|logged in|who (sent|submitted))\b",
        r"\b(permitted|allowed|accepted) senders\b",
        r"\byou (are |have )?(sending|send|writing|write|wrote|sent)( \w+){0,2} from\b|\b(message|mail) came from\b",
        r"\byou (are|were|have been) (not|no longer|an? un\w+|un\w+)\b",
        r"\bused to (submit|send)\b|\b(that|which|who) (sent|submitted|relayed|wrote|posted|originated) (this|it)\b",
        r"\b(this|it) (message |mail )?originate[sd]\b|\bsending (end|side|party|host)\b",
        r"\byour (bounces?|repl(y|ies)|answers?|complaint|contact (address|e-?mail|person))\b",
        r"\b(repl(y|ies)|bounces?|answers?) to your\b|\bat origin\b|\breverse check\b",
        r"\b(verp|srs) address\b|\b(in|to|after) (the )?mail command\b|\baddress used for mail\b",
        r"\byou have sent to (us|too|so|more|several|many)\b",
        r"\bfrom line\b|\b(repl(y|ies)|answer) (to )?you\b|\bcalled? back\b|\bvon (der|dem) sie\b|\bque env[ií]a",
        r"\b(sender|mail from|return[- ]?path|reverse[- ]?path|envelope[- ]from|helo|ehlo|call-?back)\b",
        r"\b(absender|exp[ée]diteur|remitente|remetente|mittente|nadawc|afzender|odes[ií]latel|avsändare|lähettäj)",
        r"\bafsender|\bodosielate[lľ]|\bfelad[óo]|\bk[üu]ld[őo]|\bexpeditor|αποστολέ|відправник|подател|изпращач|po[šs]iljat|po[šs]iljal",
        r"\b(care trimite|de expediere|koji [šs]alje|za slanje|som s[eä]nder|pro odes[íi]l\w*|för avsändning)",
        r"που στέλν|λογαριασμός αποστολής|който изпраща|за изпращане|який надсила|для надсилання|который отправля",
        r"отправител|发件人|寄件人|發件人|发送|送信|差出人|보낸|발신자|\bgönder|\blähettä",
    )
)
_OTHER_SUBJECTS = PatternSet(
    (
        r"\byour (message|e-?mail|mail|server|network|ip|host|domain|system|address range)\b",
        r"\b(headers?|content|attachment|subject|network|country|suspicious|blocked|black-?list\w*|spam\w*|virus\w*)\b",
        r"\b(reply-to|message-id|list-\w+|storage|quota|refuses?|newsletters?|only)\b",
        r"\b(captcha|challenge\w*|credits?|subscription|time-?out|encrypt\w*|parental|werbung|too (many|much))\b",
        r"\b(unauthenticated|quarantin\w*|review|score|threshold|duplicate|licen[cs]e\w*|phishing|wanted|like you)\b",
        r"^(\d\.\d\.\d )?listed$",
        r"слишком|реклам|\btrop de\b|\bdemasiad|\btropp[ie]\b|太多|过多|广告|\bzu (viele|gro[ßs])",
        r"\b(policy|policies|rules?|sending|authori[sz]\w*|reputation|filter\w*|whitelist\w*|allow-?list\w*)\b",
    )
)
"""Words beside a code that make of it another server's opinion of the mail: the code alone is no proof then."""
_OF_A_DOMAIN = frozenset({"5.1.2", "5.4.4", "5.1.10"})
_OF_OTHER_RECIPIENTS = frozenset({"5.1.2", "5.7.17", "5.7.18"})
"""Bad destination system (RFC 3463); the mailbox or its domain has another owner by now (RFC 7293)."""
_NO_USER = re.compile(r"\b(?:status|code|exit(?:ed)?(?: with)?)[ :=]{1,3}67\b|\bEX_NOUSER\b")
"""The exit code by which a local program tells its MTA that there is no such user.  (sysexits.h)"""
_SAYS_NOTHING = re.compile(r"\b(?:service unavailable|transaction failed|permanent failure)\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{3,}")
_SENTENCE_END = re.compile(r"[.;!?]\s|-{3,}|[。\uff01\uff1f\uff1b]")


class Missing(StrEnum):
    """What a hard verdict lacks."""

    SPEAKER = "no server says so"
    SUBJECT = "nothing says that it is about this recipient"
    SENDER = "it is about the sender"
    MESSAGE = "it is about the message"
    OTHER = "it is about something else"
    DENIED = "it is said not to be so"
    HEDGE = "it is a guess"
    PASSES = "it may pass"
    RESTRICTED = "it holds for some senders only"
    STAGE = "it came after the message had been taken"
    RELAY = "a relay says so of a reply that says something else"


INSTEAD = {
    Missing.SENDER: Category.SENDER_REJECTED,
    Missing.MESSAGE: Category.CONTENT_REJECTED,
    Missing.OTHER: Category.REMOTE_SYSTEM,
    Missing.STAGE: Category.RECIPIENT_REFUSED,
}
"""What words mean that are plainly about somebody or something else, or that a filter says of a known recipient."""
_OF = {About.SENDER: Missing.SENDER, About.MESSAGE: Missing.MESSAGE, About.OTHER: Missing.OTHER}


_LOOKED_UP = frozenset({Category.DNS_FAILURE, Category.DOMAIN_INVALID})
"""What is said of a name that was looked up, which may be the sender's."""
_NEVER_AFTER_DATA = {Category.BAD_ADDRESS: Missing.MESSAGE, Category.DOMAIN_INVALID: Missing.STAGE}
"""What nobody can find out after having accepted the recipient: then it is a header's address that is malformed."""


_AGAINST = {
    Against.GUESS: Missing.HEDGE,
    Against.DENIED: Missing.DENIED,
    Against.PASSES: Missing.PASSES,
    Against.LOOP: Missing.OTHER,
    Against.TOO_MANY: Missing.OTHER,
    Against.CLIENT: Missing.SENDER,
    Against.RESTRICTED: Missing.RESTRICTED,
}
_OF_COMMANDS = frozenset({"500", "502", "503", "504"})
"""Replies about a command or its order: the syntax is the command's.  (RFC 5321 section 4.2.2)"""
_OF_WHO_LOGS_IN = frozenset({"454", "530", "534", "535", "538", "5.7.8", "5.7.9", "5.7.11"})
"""Replies about authentication and encryption.  (RFC 4954 section 6, RFC 3207, RFC 5248)"""
_OF_SPACE = frozenset({"5.2.2", "5.2.3", "5.3.4"})
"""A mailbox that is full, or a message that is too big for it: there is one.  (RFC 3463 section 3.3)"""


def of_words(rule: Rule, statement: Statement, heard: Heard, who: Parties) -> Proof | Missing | None:
    """Return by what a row is proven that fits a statement's words, or what it lacks; None where it needs no proof."""
    if rule.category in _LOOKED_UP and _is_of_the_senders_domain(statement, who):
        return Missing.SENDER
    if CLASS_OF[rule.category] is not Class.HARD:
        return None
    words = who.marked(_words_of(rule.pattern, statement.text))
    if missing := _against(rule, statement, words, heard, who):
        return missing
    if rule.category is Category.DOMAIN_INVALID:
        return _of_domain(rule, statement, words, heard, who)
    return _of_recipient(rule, words, heard)


def of_code(rule: Rule, status: str, heard: Heard, who: Parties) -> Proof | Missing | None:
    """Return by what a row about a code alone is proven, or what it lacks; None where it needs no proof.

    ``status`` is the enhanced status code; for a reply code it is empty.
    """
    if CLASS_OF[rule.category] is not Class.HARD:
        return None
    if (heard.circumstances.code or "5").startswith("4"):
        return Missing.PASSES
    reply = next((each for each in heard.statements() if each.speaker in (Speaker.SERVER, Speaker.PROGRAM)), None)
    documented = Proof.FORM if rule.proves or rule.mta else Missing.SUBJECT
    if reply is None and status in heard.own:
        reply = next((each for each in heard.statements() if each.where is Where.TEXT), None)  # (#5.1.1), qmail's own
    if reply is None:
        return Proof.CODE if status in PROVING_CODES | _OF_A_DOMAIN else documented
    words = who.marked(without_advice(reply.text))
    if rule.proves and rule.category is Category.DOMAIN_INVALID and who.names_recipient(reply.raw):
        return Proof.FORM
    if missing := _against_code(rule, reply, words, heard, who):
        return missing
    if reply.speaker is Speaker.PROGRAM:
        return Proof.CODE if _is_mta_s_verdict(heard) else Missing.SPEAKER
    proving = status in PROVING_CODES | _OF_OTHER_RECIPIENTS and may_be_of_recipient(words)
    own = heard.reply_status == status and proving
    return Proof.CODE if own or About.RECIPIENT in _subjects(words) else documented


def _against_code(rule: Rule, reply: Statement, words: str, heard: Heard, who: Parties) -> Missing | None:
    """Return what speaks against a code in the words beside it."""
    if _is_about_the_sender(reply, reply.text, heard, who):
        return Missing.SENDER
    if heard.circumstances.stage is Stage.DATA:
        return Missing.STAGE
    if spoken := against(words):
        return _AGAINST[spoken]
    if rule.category is not Category.MAILBOX_MOVED and who.names_another_address(reply.raw):
        return Missing.SUBJECT
    subjects = _subjects(words)
    if About.RECIPIENT in subjects:
        return None
    if About.DOMAIN in subjects and not who.names_domain(reply.raw) and not who.names_nobody(reply.raw):
        return Missing.SUBJECT
    return _another(subjects) or (Missing.OTHER if _OTHER_SUBJECTS.matching(words) else None)


def _is_of_the_senders_domain(statement: Statement, who: Parties) -> bool:
    """Tell whether the domain or host that a server did not find was the sender's."""
    return statement.speaker is Speaker.SERVER and who.names_a_senders_host(statement.raw)


def _against(rule: Rule, statement: Statement, words: str, heard: Heard, who: Parties) -> Missing | None:
    """Return what speaks against a hard row, whatever speaks for it."""
    if statement.speaker is Speaker.RELAY or (statement.speaker is Speaker.REPORTER and _was_told(heard)):
        return Missing.RELAY
    subjects = _subjects(words)
    if About.SENDER in subjects or _is_about_the_sender(statement, words, heard, who):
        return Missing.SENDER
    if About.DOMAIN in subjects and not who.names_recipient(statement.raw) and not who.names_nobody(statement.raw):
        return Missing.SUBJECT
    if rule.category is not Category.MAILBOX_MOVED and who.names_another_address(statement.raw):
        return Missing.SUBJECT
    if statement.speaker is Speaker.PROGRAM and not _is_mta_s_verdict(heard):
        return Missing.SPEAKER
    if spoken := against(words):
        return _AGAINST[spoken]
    if missing := _against_its_codes(heard):
        return missing
    after_data = heard.circumstances.stage is Stage.DATA
    return _NEVER_AFTER_DATA.get(rule.category) if after_data else None


def _against_its_codes(heard: Heard) -> Missing | None:
    """Return what the codes of a reply say against its words."""
    if heard.reply_status in _OF_SPACE:
        return Missing.PASSES
    return Missing.OTHER if heard.circumstances.code in _OF_COMMANDS else None


def _of_recipient(rule: Rule, words: str, heard: Heard) -> Proof | Missing:
    """Return whether it is the recipient that words find fault with."""
    after_data = heard.circumstances.stage is Stage.DATA
    subjects = _subjects(words)
    if rule.mta or (rule.proves and (About.RECIPIENT in subjects or not is_of_thing(words))):
        return Proof.AFTER_DATA if after_data else Proof.FORM
    if rule.proves:
        return Missing.OTHER
    if after_data and rule.category is Category.MAILBOX_UNKNOWN and heard.reply_status not in _PROVING_AFTER_DATA:
        return Missing.STAGE
    if About.RECIPIENT in subjects:
        return Proof.AFTER_DATA if after_data else Proof.WORDS
    if other := _another(subjects):
        return other
    is_proving = heard.reply_status in PROVING_CODES and not after_data and About.DOMAIN not in subjects
    return Proof.CODE if is_proving else Missing.SUBJECT


def _of_domain(rule: Rule, statement: Statement, words: str, heard: Heard, who: Parties) -> Proof | Missing:
    """Return whether it is the recipient's domain that is missing: it is named, or the reporting MTA looked it up."""
    codes = (heard.field_status, heard.reply_status)
    looked_up = heard.circumstances.code in (None, "556") or any(code in _OF_A_DOMAIN for code in codes)
    subjects = _subjects(words)
    if is_of_relay(words) and not who.names_recipient(statement.raw):
        return Missing.OTHER
    if not looked_up and subjects and set(subjects) <= {About.OTHER, About.UNKNOWN}:
        return Missing.SUBJECT  # the domain only describes what is missing: ``connector for domain example.org``
    of_address = who.names_recipient(statement.raw) and not who.names_another_host(statement.raw)
    if who.names_domain(statement.raw) or (of_address and not _is_of_mailbox(words)):
        return Proof.WORDS
    if looked_up and who.names_nobody(statement.raw):
        return Proof.WORDS
    return Proof.FORM if rule.mta or rule.proves else Missing.SUBJECT


def _is_of_mailbox(words: str) -> bool:
    """Tell whether words find fault with a mailbox, and not with a domain."""
    subjects = _subjects(words)
    return About.RECIPIENT in subjects and About.DOMAIN not in subjects


def _subjects(words: str) -> list[About]:
    return [claim.about for claim in claims(words)]


def _another(subjects: list[About]) -> Missing | None:
    """Return what else than the recipient is the subject of a complaint."""
    return next((_OF[subject] for subject in subjects if subject in _OF), None)


def _is_about_the_sender(statement: Statement, words: str, heard: Heard, who: Parties) -> bool:
    """Tell whether a statement is about the sender: other words said so, it names it, or it uses a word for it."""
    around = statement.text if len(statement.text) <= SHORT_CHARS else words
    if not _OF_WHO_LOGS_IN.isdisjoint((heard.circumstances.code, heard.reply_status)) or any(
        who.names_a_sender(layer) or _has_word_for_sender(layer) for layer in heard.relayed
    ):
        return True
    return statement.about is About.SENDER or _has_word_for_sender(around) or who.names_a_sender(statement.raw)


@lru_cache(REMEMBERED)
def _has_word_for_sender(words: str) -> bool:
    return bool(_OF_THE_SENDER.matching(_WENT.sub(" ", words)))


def _was_told(heard: Heard) -> bool:
    """Tell whether a server gave its reason: then what the reporting MTA makes of it is a guess.

    Sendmail writes "User unknown" below any refusal of a recipient.
    """
    words = _SAYS_NOTHING.sub("", heard.reply.text)
    return heard.speaker is Speaker.SERVER and bool(_WORD.search(words))


def _is_mta_s_verdict(heard: Heard) -> bool:
    """Tell whether the reporting MTA itself says that there is no such user, whatever its program wrote."""
    return heard.field_status in PROVING_CODES or bool(_NO_USER.search(heard.diagnostic))


@lru_cache(REMEMBERED)
def _words_of(pattern: str, text: str) -> str:
    """Return the sentences of a neutral text that a pattern fits, without labels and advice."""
    said = _matched(pattern, text)
    reason = _LABEL.sub("", said)
    words = without_advice(reason if claims(reason) else said)
    return f"{A_CAUSE} {words}" if CAUSES.search(text) else words


def _matched(pattern: str, text: str) -> str:
    if not _SENTENCE_END.search(text) or (found := span(pattern, text)) is None:
        return text
    start, end = found
    before = [each.end() for each in _SENTENCE_END.finditer(text, 0, start)]
    end -= text.endswith(".", start, end)  # a row may have read the full stop
    after = _SENTENCE_END.search(text, end)
    return text[before[-1] if before else 0 : after.start() + 1 if after else len(text)]
