"""What bounces, warnings and automatic answers say of themselves, in the languages in which they come.

A phrase is an RE2 pattern; letter case does not count.  New ones go where their like stand.
"""

import re
from collections.abc import Mapping
from enum import Enum, auto

from bounced.core.reading.patterns import Locator, PatternSet

# Who writes bounces: in From.
MAIL_SYSTEMS = PatternSet(
    (
        r"mailer[-_. ]?daemon",
        r"mail[-_. ]?deliver",
        r"post[-_]?master|\bpostoffice\b|mailmaster",
        r"microsoftexchange",
        r"mail(er)? (system|admin|server)|delivery (sub)?system",
        r"system ?admin",
        r"\bndr\b|\bbounces?[@-]",
        r"mdaemon|majordomo|mailgw|\bimss\b|antivirus",
    )
)

# What a bounce is called: in Subject.
BOUNCE_SUBJECTS = PatternSet(
    (
        r"undeliver|non[ -]?deliver|not delivered|could not be delivered",
        r"deliver(y|ed)?( of)?[ :-]*(status |has |have )*(report|notification|notice|fail|error|problem|delay|warning)",
        r"delivery[- ](status|incomplete)|status notification",
        r"fail(ed|ure)[ :]*(notice|mail|to|deliver)",
        r"return(ed|ing) (mail|message|to)",
        r"(mail|message).{0,30}(fail|return|could not|cannot|not deliver|rejected|blocked|delayed|error)",
        r"error sending (message|your mail|mail)",
        r"user unknown|unknown (user|recipient|address)",
        r"warning: could not send|delayed mail",
        r"unzustell|nicht zustell|zustellung",
        r"non remis|non distribu|échec de (la )?remise",
        r"no entregad|no se pudo entregar|não entregue|não pôde ser entregue",
        r"mancato recapito|non recapit|mancata consegna",
        r"niet (bezorgd|afgeleverd)|onbestelbaar",
        r"niedostarcz|nie dostarczono|niedor[eę]cz|zwrot (wiadomo|poczty|przesy)",
        r"nedoru[cč]",
        r"(kan|kunde|kunne)( inte| ikke) lever|kunne ikke sendes|ikke levert",
        r"teslim edileme|iletileme",
        r"발송 ?실패|전송 ?실패|배달 ?실패|반송",
        r"не доставлен|недоставлен",
        r"不可送達|配信不能|配信エラー|送信エラー|退信|无法投递|未送達|エラー通知",
    )
)

# What a bounce says: anywhere in its own words.
BOUNCE_WORDS = PatternSet(
    (
        r"could not be (sent|delivered|reached)",
        r"(un|not )able to deliver|undeliverable|did not reach|delivery fail|failed to deliver",
        r"can(not|'t) be delivered|could not deliver|trouble delivering",
        r"delivery (to|of).{0,50}(fail|been delayed)",
        r"automatically rejected|not been delivered",
        r"(was|were|been|is) (not delivered|undeliverable|rejected|returned|not sent)",
        r"permanent (error|failure)|fatal errors?",
        r"the following (address|recipient)",
        r"no such (user|mailbox|address|recipient)|user unknown|unknown user",
        r"mailbox (is )?(full|unavailable)|over ?quota",
        r"nicht (zugestellt|erreicht|ausgeliefert) werden|konnte[^.]{0,40}nicht zugestellt",
        r"n'a pas pu être (délivr|remis|achemin)|n'ont pas pu être",
        r"no (se )?(ha )?p(udo|odido) (ser )?entreg",
        r"não (pôde|pode|foi possível).{0,20} entreg",
        r"non (ha potuto|è stato possibile).{0,30} (consegn|recapit)",
        r"не (может быть )?доставлен|не удалось доставить",
        r"nie (został|można|mog|może).{0,20} (dostarcz|doręcz)",
        r"niet (worden |kunnen )?(worden )?(bezorgd|afgeleverd)",
        r"(nemohl[aoy]?|nelze|nebylo možné|nepodařilo se).{0,20} doruč",
        r"gick inte att (leverera|skicka)|(kunde|kan) inte levereras|kunne ikke (lever|sende)",
        r"teslim(i|at)? (edileme|başarısız)|iletileme(di|miş)",
        r"(발송|전송|배달|전달)[^.]{0,8}(않았|못했|실패)",
        r"退信|无法送达|無法傳送|未能送達|送信できません|配信できません|届けることができません",
    )
)

# What a mailbox's own filter answers.
REJECTIONS = PatternSet((r"automatically rejected|was (rejected|refused) by the recipient",))


class Attempts(Enum):
    """What words say of further attempts to deliver."""

    GO_ON = auto()
    MAY_GO_ON = auto()
    WERE_THE_LAST = auto()


_ATTEMPTS: Mapping[Attempts, tuple[str, ...]] = {
    # What only a warning says of itself.
    Attempts.GO_ON: (
        r"warning message only|this is a warning|this is only a|only a temporary|advisory-only",
        r"has not yet been|not yet (been )?deliver|have not been able to deliver",
        r"(still|will) be(ing)? retried|still being (re)?tried|will be retried for",
        r"attempts will continue|will continue to (try|attempt|be)|will keep trying",
        r"no action is required|(do not|don't) need to re-?send",
        r"could not send m(essage|ail) for past",
        r"keine aktion|weitere zustellversuche|nouvelles tentatives|ulteriori tentativi|seguirá intentando",
        r"引き続き|再送を試み|将继续尝试|попытки будут",
    ),
    # What a warning says, and what a server that is quoted in a last notice may say too.
    Attempts.MAY_GO_ON: (
        r"(has been|is|was) (delayed|postponed)|delivery is delayed|temporarily delayed",
        r"could not be delivered for (more than|the (past|last))",
        r"do not re-?send|we will (retry|try again)",
    ),
    Attempts.WERE_THE_LAST: (
        r"giving up|given up|gave up|i'm not going to try again|in the queue too long",
        r"retry time-?(out|limit) exceeded|retry timeout|no further (delivery )?attempts|will not be retried",
        r"(permanent|fatal) (error|failure)|failed permanently|returned mail: could not send",
        r"maximum (number of )?(retries|delivery attempts)|has been (bounced|returned)",
        r"message expired|delivery time expired",
    ),
}
_MEANINGS = tuple(meaning for meaning, phrases in _ATTEMPTS.items() for _ in phrases)
_ATTEMPT_PHRASES = PatternSet(phrase for phrases in _ATTEMPTS.values() for phrase in phrases)


def attempts(words: str) -> frozenset[Attempts]:
    """Return all that words say of further attempts."""
    return frozenset(_MEANINGS[index] for index in _ATTEMPT_PHRASES.matching(words))


DELAY_SUBJECTS = PatternSet(
    (
        r"\bdelay(ed)?\b|still being (re)?tried|delivery warning",
        r"warning[ :-]+could not send|warning: message",
        r"verzöger|retard|retras|ritard|atras|opóźni|задерж|遅延|延迟",
    )
)

# What only a last notice is called, though its Action is ``delayed``; "failure" is said of delays too.
FINAL_SUBJECTS = PatternSet((r"returned mail|returning message",))

# Where a list of recipients begins.
ANNOUNCEMENTS = Locator(
    (
        r"(the following|these|this|one or more) (e-?mail )?(recipients?|address(es)?|users?|mailbox)[^\n:]{0,50}[:\n]",
        r"(did not reach|was not delivered to|undeliverable to|failed addresses)[^\n:]{0,40}:",
        r"(folgende[rn]?|nachstehende) [^\n:]{0,50}:",
        r"(suivant|siguiente|seguent|seguinte)[^\n:]{0,50}:",
        r"(następując|volgende|následující|följande|følgende)[^\n:]{0,50}:",
    )
)

# What introduces a recipient on the same line.
_RECIPIENTS = (
    r"\b(deliver\w*|undeliverable|recipients?|address(ed)?|mail(ed|box)?|message|users?|account|rcpt|for|to)\b",
    r"(empfänger|destinat[aá]|destinataire|adresat|odbiorc|ontvanger|příjemc|mott?ag|alıcı|получател|адрес)",
    r"(收件人|收信人|宛先|受信者|发送到|發送到|发送至|받는 ?사람|수신자)",
)
INTRODUCTIONS = PatternSet(word + r".*[\s:：<\"'(\[]$" for word in _RECIPIENTS)

# Where the returned message begins, in lower case, behind a line end: Python's engine skips to a first character.
# Each line is one family's phrase, or a few families' common one; all begin with a letter of ASCII.  A place is wanted,
# which RE2 is slower to tell.
RETURNED = re.compile(
    r"\n(?:[ \t>*|#-]*+(?=[a-z])(?:"
    r"this is a copy of (?:the|your) message|"
    r"(?:below (?:this|the next) line|(?:below|enclosed|included|here|following) is a copy) (?:is a copy )?of the|"
    r"(?:possibly truncated )?(?:a )?(?:copy of )?(?:the |your )?(?:original|unsent|undelivered|returned|rejected) "
    r"(?:mail |e-?mail )?(?:message|mail|e-?mail)?(?: headers?| details?| info| text)?"
    r"[ \t]*+(?:follows|following|below|this line|attached|is attached|-|:|=|$)|"
    r"(?:the )?headers?(?: and top \d+ lines)? of the (?:original|returned|message)|"
    r"(?:message|original) (?:headers?|text) (?:follows?|:)|message text follows|"
    r"your message reads|the first \d+ (?:lines|bytes|characters)|original[ -]message(?: headers)?[ \t]*+-|"
    r"mensaje original|message d'origine|messaggio originale|mensagem original|"
    r"urspr(?:ü|ue?)ngliche (?:nachricht|mail)|es folgt d|kopfzeilen|en-têtes|"
    r"copy of (?:the )?(?:original|returned|your)|"
    r"start of (?:the )?returned message|begin (?:of )?(?:the )?(?:original|returned)"
    r")|(?:return-path|received|message-id):[ \t]*+[<(]?[^ \t\n])",
    re.MULTILINE,
)

# Automatic answers: in Subject.
VACATION_SUBJECTS = PatternSet(
    (
        r"^(re: ?)?auto(matic|mated|matically generated)?[ -]?(reply|response|responder|antwort|svar)\b",
        r"^(re: ?)?auto: ",
        r"^(re: ?)?out[ -]of[ -](the[ -])?office|^(re: ?)?(i am |i'm )?(away|on vacation|on leave|on holiday)\b",
        r"^(re: ?)?vacation\b|\bauto-?reply\b|\bvacation (reply|message|notice)\b",
        r"^(re: ?)?(automatische antwort|abwesen|autoantwort|automatisch antwoord|afwezig)",
        r"^(re: ?)?(réponse automatique|absence|absent\b)",
        r"^(re: ?)?(respuesta autom|fuera de la oficina|ausen[tc]|resposta autom|risposta automatica)",
        r"^(re: ?)?(automatyczna odpowied|автоответ|自動応答|自動返信|自动回复|自动答复|不在職|不在通知)",
    )
)
# How people answer a bounce, or hand one on.
CONVERSATIONS = PatternSet((r"^(re|aw|antw|sv|fwd?|wg|tr|rv|i|enc) ?: ",))
VACATION_WORDS = PatternSet((r"\bout of (the )?office\b", r"\bauto(matic)?[- ]?reply\b"))
CHALLENGE_SUBJECTS = PatternSet(
    (
        r"please confirm (your|that|you)|confirm(ation)? (required|needed|request|your (message|e-?mail))",
        r"verify (your|you)|you must (verify|authenticate)|sender (address )?(verification|confirmation)",
        r"challenge[ /-]response|your (e-?mail|message).{0,40}(requires|awaits) (verification|confirmation)",
        r"(click|reply).{0,50}(prove|human)|spam ?arrest|boxtrapper|mailblocks|bluebottle|\btmda\b",
        r"\(conf#[0-9a-f]{16,}\)",
    )
)
