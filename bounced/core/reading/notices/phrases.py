"""What bounces, warnings and automatic answers say of themselves, in the languages in which they come.

A phrase is an RE2 pattern; letter case does not count.  New ones go where their like stand.
"""

import re
from collections.abc import Mapping
from enum import Enum, auto

from bounced.core.reading.patterns import Locator, PatternSet

# Who writes bounces: in From, the local part of the address.  The first ones nobody else has.
DAEMONS = PatternSet(
    (
        r"^(mail(er|ing)?|smtp|maier)[-_. ]?d(ae|e|a)mon([-_.]?\d+)?$|^double-bounce$|^mdaemon$|^(no-?reply[-_.])?ndr$",
        r"^mail[-_. ]?deliver(y|er)?([-_. ]?(sub)?system)?$|^delivery[-_. ]?(sub)?system$|^microsoftexchange[0-9a-f]{8,}$",
    )
)
SYSTEM_USERS = PatternSet(
    (
        r"^(mail(er|ing)?|smtp|maier)[-_. ]?d(ae|e|a)mon([-_.]?\d+)?$",
        r"^poo?st[-_. ]?master([-_.]?\d+)?$|^(post|mail)[-_.]?office$|^mailmaster$|^double-bounce$",
        r"^mail[-_. ]?deliver(y|er)?([-_. ]?(sub)?system)?$|^delivery[-_. ]?(sub)?system$|^mailerrordelivery$|smtp[-_]mail[-_]service$",
        r"^microsoftexchange[0-9a-f]*$|^(mail|system)[-_. ]?(admin|administrator|system|server|gw|gateway)$",
        r"^(no-?reply[-_.])?(ndr|bounces?)$|^mdaemon$|^majordomo$|^imss$|^inetgw\d*$|anti-?virus",
    )
)

# The same in From beside the address, or in place of one: the whole name, or how it begins.
SYSTEM_NAMES = PatternSet(
    (
        r"^(the )?(internet |smtp |e-?mail |pmdf )?(mail(er)?|message)[-_ ](deliver\w* |handling |transfer |transport |sieve )*"
        r"(sub)?(system|agent|server|service|daemon|admin)\b",
        r"^mail deliver(y|er)?( (sub)?system| service| agent)?$|^e-?mail delivery$|^(mailer|mail)-?d(ae|e)mon\b",
        r"^postmaster( (at|@) .*|@.*)?$|^system (administrator|attendant)$|^system ?administrat(or|ör)$|^mdaemon at ",
        r"^courier mail server at |^imss$|^interscan|^pmdf e-mail",
        r"^administra(teur système|dor del sistema|tore di sistema|dor do sistema)$|^systeembeheerder$",
        r"^администратор системы$|^системный администратор$|^administrator systemu$|^システム ?管理者$|^系統管理員$|^系统管理员$",
    )
)

# What known MTAs write, word for word; spaces stand for line ends too, and an apostrophe for the other ones.  Words that
# a person or a help desk might use as well ("user unknown", "could not be delivered") are none.  {at} is an address.
_FIXED = (
    # Postfix
    r"this is the (postfix program|mail system|\w{1,30}mail program) at host",
    r"i'm sorry to have to inform you that (your message could not be delivered to one or more recipients"
    r"|the message returned below could not be delivered to one or more destinations)",
    r"your message could not be delivered for more than \S+ hour\(s\)\. it will be retried until",
    # Exim, and GMX, 1&1, mail.ru, Zoho, MX Logic, which borrowed its words
    r"this message was created automatically by (the )?mail (delivery (software|system)|server)",
    r"a message that you (have )?sent (could not be delivered|has not yet been delivered|contained (one or more|no) recipient)",
    r"the following address(\(es\))? failed:",
    r"no action is required on your part\. delivery attempts will continue",
    r"this is a collection of reports about email delivery",  # ZMailer
    # Sendmail, from version 5 on; what stands around its lists of recipients
    r"-- ?(the following addresses had|transcript of session follows|unsent message follows|recipients of this delivery)",
    r"the original message was received at .*from \S+",
    r"this is a warning message only",
    # qmail, and Yahoo, GoDaddy, MessageLabs, Postini, which are its kin
    r"this is the qmail-send program at|this is a message from the \w{1,30} mail system",
    r"i('m afraid i)? wasn't able to deliver your message to the following address",
    r"this is a permanent error; i've given up\. sorry it didn't work out",
    r"sorry,? we were unable to deliver your message to the following address",
    r"(this message|message from \S+) (was|could not be) (un)?able to (be )?deliver(ed)? (your message )?to the following address",
    r"unable to deliver message to the following address\(es\)|your mail message to the following address\(es\) could not be",
    # Courier
    r"this is a delivery status notification from \S+ running the courier mail server",
    r"(undeliverable|delayed) mail your message to the following recipients (cannot|has not yet) be(en)? delivered",
    # OpenSMTPD
    r"this is the mailer-daemon, please do not reply to this e-?mail",
    r"an error has occurred while attempting to deliver a message for the following list of recipients",
    r"a message is delayed for more than \S+( \S+)? for the following list of recipients",
    # DragonFly Mail Agent, nullmailer, Haraka, James, masqmail
    r"this is the dragonfly mail agent|there was an error delivering your mail to <",
    r"this is the nullmailer delivery system|could not be delivered to one or more of the intended recipients",
    r"this is the haraka mailer program|this is the (james mail server|masqmail)",
    # Sieve of Dovecot, Cyrus and others
    r"your message to <?{at}>? was automatically rejected:|message was automatically rejected by sieve",
    # Gmail
    r"delivery to the following recipients? (failed permanently|has been delayed|has failed permanently)",
    r"technical details of (permanent|temporary) failure:|the error that the other server returned was",
    r"your message (wasn't|to {at} (wasn't|was not|has been|couldn't be|could not be)) (delivered|blocked|delayed)",
    r"there was a (temporary )?problem (while )?delivering your message to {at}",
    # Gmail and Microsoft 365, in their languages
    r"ihre nachricht (wurde nicht )?an {at} (konnte nicht zugestellt|zugestellt|wurde (blockiert|nicht))",
    r"votre message (adressé )?à {at} n'a pas (pu être|été) (remis|distribué|envoyé|livré)",
    r"(no se (pudo|ha podido) entregar (el|su|tu) mensaje a|(el|su|tu) mensaje (enviado )?a) {at}",
    r"(il messaggio (indirizzato )?a|non è stato possibile recapitare il messaggio a|impossibile recapitare il messaggio a) {at}",
    r"(não foi possível entregar (a |sua )?mensagem (para|a)|(a |sua )mensagem (para|a|enviada para)) {at}",
    r"(uw|je) bericht (aan|naar) {at} (kan|kon|is) niet|ditt meddelande till {at} (kunde|gick|har) inte",
    r"(din besked|meddelelsen|din meddelelse|meldingen( din)?) til {at} (kunne|ble|blev) ikke|viestiä(si)? .{0,40}{at}.{0,40} toimit",
    r"(twoja |twojej )?wiadomoś(ć|ci) do {at} nie|(vaši |vaše )?zpráv[au] (pro|uživateli|adresátovi) {at} ne|{at} .{0,30}nedoruč",
    r"не удалось доставить (ваше )?(сообщение|письмо) (для|пользователю|получателю|на адрес)?:? ?{at}",
    r"(ваше )?(сообщение|письмо) (для|пользователю|на адрес) {at} не (было )?доставлено",
    r"{at} ?(へ|宛)(の|て)?(の)?メ(ッセージ|ール)を?(は)?(配信|送信|お届け)|(您|你)(发送)?(到|给|至|的)?.{0,12}{at}.{0,12}(未能|无法|無法)",
    r"{at}(에게|님에게|\(으\)로|로) (보낸 )?메(시지|일).{0,20}(배달|전송|전달)|{at} adresine (gönder|ilet)",
    # Exchange and Microsoft 365: the headings of their reports
    r"(did not reach|could not be delivered to) (some or all of the intended|the following) recipient(\(s\)|s)?",
    r"the following recipient\(s\) (could not|cannot|can't) be reached",
    r"delivery (has failed|is delayed) to these recipients or (groups|distribution lists)",
    r"(reporting|generating) server:|diagnostic information for administrators|msexch:ims:",
    r"more info for email admins|original message headers|remote server returned '",
    r"hat einige oder alle empfänger nicht erreicht|folgende\(r\) empfänger (konnte|kann)",
    r"fehler bei der (nachrichten)?zustellung (an|für) (die )?folgenden? empfänger|diagnoseinformationen für administratoren",
    r"n'(a|est) pas (été remis à|parvenu? à) certains (ou à tous les|des) destinataires",
    r"échec de (la )?remise (à|pour) ces destinataires ou|informations de diagnostic pour les administrateurs",
    r"no (ha llegado a|alcanzó|llegó a) (algunos|alguno o todos)( o a todos)? (de )?los destinatarios",
    r"(error|no se pudo realizar la) (de )?entrega a estos destinatarios o|información de diagnóstico para los administradores",
    r"(impossibile recapitare il messaggio ai|recapito non riuscito (per|a)( i| ai)?) (seguenti|questi) destinatari o",
    r"il messaggio non è stato recapitato ad alcuni|informazioni di diagnostica per gli amministratori",
    r"(falha|não foi possível efetuar) (n?a )?entrega (a|para) est(es|as) destinatários ou|informações de diagnóstico para",
    r"bezorging (is mislukt voor|aan) deze geadresseerden of|kan niet (worden )?bezor\w+ (bij|aan) de volgende geadresseerden",
    r"diagnostische (gegevens|informatie) voor beheerders|diagnostisk information för administratörer",
    r"gick inte att leverera till (följande|dessa) mottagare eller|diagnosti(ske|ceringsoplysninger|kkinformasjon)\w* (oplysninger )?(for|til) administrator",
    r"lever(ing|ingen) mislyk(ke)?de?s? til disse (modtagere|mottaker\w*) eller|seuraaville vastaanottajille tai ryhmille",
    r"do (tych|następujących) (adresatów|odbiorców) lub|informacje diagnostyczne dla administratorów",
    r"(následujícím|těmto) příjemcům nebo|diagnostické informace pro správce",
    r"(следующим|этим) получателям или (группам|спискам)|диагностические сведения для администраторов",
    r"(alıcılara|kişilere) veya (gruplara|dağıtım listelerine) teslim",
    r"(次|以下)の(受信者|宛先)または(グループ|配布リスト)|管理者(向け|用)の診断情報",
    r"(以下|这些|下列)收件人或(组|群组|通讯组)|(以下|這些|下列)收件者或(群組|通訊群組)|供管理员使用的诊断信息",
    r"다음 받는 사람 또는 (그룹|배포 목록)|관리자용 진단 정보",
    # Domino, in the languages of its templates
    r"(was not|could not be) delivered to: {at}( \(.*\))? because:",
    r"not listed in (domino directory|public name & address book)|-- failure reasons ?-",
    r"(wurde nicht zugestellt an|n'a pas été (distribué|remis) à|no (se )?(ha|pudo) .{0,20}entreg\w+ a|non è stato recapitato a) ?: {at}",
    # GroupWise, IMail, MDaemon, SmarterMail, CommuniGate, MailEnable, XMail, hMailServer, Kerio
    r"the message that you sent was undeliverable to the following:",
    r"user mailbox exceeds allowed size:|invalid final delivery userid:|unknown (user|host): {at} original message follows",
    r"the attached message had (permanent|transient) (fatal|non-fatal) delivery errors",
    r"could not deliver message to the following recipient\(s\):|failed recipient: {at} reason:",
    r"failed to deliver to '?<?{at}|(smtp|local) module\([^)]{1,50}\) reports",
    r"mailenable: message could not be delivered|xmail bounce: rcpt=",
    # mail.ru and Yandex, Zoho, NAVER, QQ and NetEase, the telephone companies of Japan
    r"это письмо создано автоматически|не может быть доставлено одному или нескольким получателям",
    r"this is the mail delivery agent at messagelabs|this message was created automatically by mail delivery software\.",
    r"(抱歉|很抱歉),? ?(，)?您的邮件被退回|退信原因",
    r"could not be delivered to: <{at}|each of the following recipients was rejected by a remote mail server",
    r"送信先(の)?メールアドレス(が|は)見つかりません|次のあて先へのメッセージはエラーのため送信できませんでした",
    # Gateways and filters: Mimecast, MailMarshal, InterScan, Messaging Server, InterMail, PowerMTA, Amazon
    r"an email that you attempted to send to the following address could not be delivered",
    r"the following recipients were affected:|this report relates to (a|your) message you sent",
    r"this message was undeliverable due to the following reason|error message below:",
    r"your message cannot be delivered to the following recipients:|this is an automatically generated delivery status notification",
    r"an error occurred while trying to deliver the mail to the following recipients",
    r"a message could not be delivered to: {at}|unable to deliver your message to {at} for the following reason",
    r"message from interscan messaging security suite|this is the machine generated message from mail service",
    r"your message has encountered delivery problems to|-message not delivered to the following addresses:",
    r"your mail to the following recipients could not be delivered because|user's mailbox is full: {at} unable to deliver mail",
    r"delivery of e-?mail to this address .{0,80}has been postponed|this is an advisory-only e-?mail",
    r"the following recipients did not receive this message:|your message was not delivered within \d+ days",
    r"delivery failed \d+ attempts: {at}|we had trouble delivering your message\. full details follow",
    r"the following recipients returned permanent errors:|i was unable to deliver your message, addressed to",
    # What Postfix and others say in templates of their operators: the message, and a list of recipients
    r"(your|the|this|attached|following) (e-?)?(mail|message)( [^ .]+){0,6} (could not|cannot|can't|couldn't|was not|has not|wasn't|is not able to)"
    r"( be| been)? (delivered|sent) to (the following|one or more|these|some of the|all of the) (recipient|address|destination|e-?mail|user)",
    r"(unable|failed|not possible|impossible) to deliver (your|the|this) (e-?)?(mail|message) to (the following|one or more|these)",
    r"(nachricht|e-?mail)( [^ .]+){0,4} (an )?(die|den|der|einen oder mehrere)?[rn]? ?folgende[rn]? (empfängern?|adressen?)( [^ .]+){0,3} nicht (zu|aus)ge",
    r"message n'a (pas )?pu être (remis|distribué|délivré|acheminé) (au|aux|à un ou plusieurs) (destinataires?|adresses)",
    r"no (se )?(pudo|ha podido|puede) entregar (el|su|este) mensaje a (los|uno|el|las) ?(siguientes?)? ?(destinatario|direcci)",
    r"mensaje no (ha )?(se )?(pudo|podido|puede) (ser )?entrega(do|r|rse) (a|al) (los|uno o más|el|las) ?(siguientes?)? ?(destinatario|direcci)",
    r"mensagem não (pôde|pode) ser entregue (ao|aos|a um ou mais|para) ?(os|o)? ?(seguintes?)? ?(destinatário|endereço)",
    r"messaggio non (è stato|ha potuto|può) (essere )?(recapitato|consegnato) (al|ai|a uno o più)( seguent[ei])? destinatari",
    r"wiadomość nie (została|mogła (być|zostać)) (dostarczona|doręczona) do następując|(bericht|e-?mail) kon niet worden (bezorgd|afgeleverd) bij de volgende",
    r"(以下|次|下記)の(宛先|メールアドレス|受信者|アドレス)(に|へ)(の)?(は)?(メール|メッセージ|配信|送信|お届け)",
)
# What one program alone writes, whoever it calls the author; from the beginning of the words.
_FORMS = (
    r"^you are not a member of this mailing list <[^<>]+>\. if you know the general guide of this list",  # fml
    r"^\[<\d\d>\] xmail bounce: rcpt=\[[^\]]+\];error=\[",  # XMail
    r"^your mail sent on:? .{0,60}could not be delivered to:? <[^<>]+> as their mailbox is full",  # KDDI
)
# How a report says that all went well: that the message was delivered, or that it went where nobody will tell more.
_DELIVERIES = (
    r"(message|mail) (was|has been) (successfully )?delivered to (the following|the destination|these|this)",
    r"(nachricht|e-?mail) wurde (den|dem|an die|an den) folgenden empfängern? (erfolgreich )?zugestellt|a été remis aux? destinataires? suivant",
    r"har levererats till följande|(został|zostało|została) (pomyślnie )?dostarczon[aoey]+ do następując|доставлено следующим получател",
    r"is (met succes )?(bezorgd bij|afgeleverd aan) de volgende|byla? doručena? následujícím|已(成功)?(传递|投递|送达)(给|到|至)?(以下|下列)",
    r"次の(受信者|宛先)(に|へ)[^。]{0,12}(配信|配達)(され|しま)",
    r"se ha entregado a(l| los)? siguientes? destinatario|è stato recapitato a[il] seguent[ei] destinatari|foi entregue aos? seguintes? dest",
)
_RELAYS = (
    r"(is|was) (complete|relayed|successfully relayed),? but (no delivery|delivery) notification",
    r"delivery to these recipients or (groups|distribution lists) is complete|was successfully relayed to the following",
    r"zustellung an diese empfänger oder (gruppen|verteilerlisten) ist abgeschlossen|remise à ces destinataires ou groupes est terminée",
    r"(completó|completado) la entrega a estos destinatarios|entrega a estes destinatários ou grupos (foi|está) conclu",
    r"recapito a questi destinatari o gruppi (è stato )?complet|bezorging (bij|aan) deze geadresseerden of groepen is voltooid",
    r"(受信者|宛先)またはグループへの配信は完了|已完成向这些收件人或组的传递",
)


class Success(Enum):
    """What a report says that is none of failure."""

    DELIVERED = auto()
    RELAYED = auto()


_AT = r"[<\[(\"']{0,3}[^\s<>]+@[^\s<>]+"
_PHRASES = PatternSet(phrase.replace("{at}", _AT) for phrase in (*_FORMS, *_FIXED, *_RELAYS))
_SUCCESSES = PatternSet((*_DELIVERIES, *_RELAYS))


class Known(Enum):
    """What the phrases in a message tell of its author."""

    FORM = auto()
    PHRASE = auto()


def known(words: str) -> Known | None:
    """Return whether words on one line hold a phrase of a known MTA, or are wholly in the form of one."""
    found = _PHRASES.matching(words)
    if not found:
        return None
    return Known.FORM if found[0] < len(_FORMS) else Known.PHRASE


def success(words: str) -> Success | None:
    """Return what words on one line say that went well."""
    found = _SUCCESSES.matching(words)
    if not found:
        return None
    return Success.DELIVERED if found[0] < len(_DELIVERIES) else Success.RELAYED


# How any mail system says that a message was not delivered: enough beside a mail system as author, and nothing by itself.
ANNOUNCEMENTS_OF_FAILURE = PatternSet(
    (
        r"(could not|cannot|can't|couldn't|was not|has not|have not|wasn't|not yet)( be| been)?( yet)? (delivered|sent|forwarded|accepted)",
        r"undeliverable|(was|is|been) (rejected|returned|refused|bounced|delayed|postponed)|given up|giving up|gave up",
        r"(un|not )able to (be )?(deliver|send)|(failed|trouble|failure|problem) (to deliver|delivering)|could not deliver",
        r"problems?\b[^.]* while trying to deliver",
        r"delivery (has |(of|to) [^ ]+( [^ ]+){0,4} (has )?)?(failed|not possible|unsuccessful)|delivery (error|failure|problem)",
        r"nicht (erfolgreich |an [^ ]+ )?(zugestellt|ausgeliefert|übermittelt|versendet)|unzustellbar|zustellung [^.]*fehlgeschlagen",
        r"(n'a|n'ont) (pas )?pu être (remis|distribu|délivr|achemin|envoy)|non (remis|distribu)|échec de (la )?(remise|distribution)",
        r"no (se )?(ha )?p(udo|odido|uede) (ser )?entreg|no (fue )?entregado|não (pôde|pode|foi possível|foi) (ser )?entreg|não entregue",
        r"non (ha potuto|può|è stat[oa]|è stato possibile) (essere )?(consegn|recapit)|mancat[oa] (recapito|consegna)",
        r"не (может быть |было |удалось )?(доставить|доставлен)|не удалось доставить",
        r"не (може бути |було |вдалося )?(доставити|доставлен)|не (можа|може) да бъде доставен|не (беше|бе|е) доставен",
        r"δεν (ήταν δυνατό(ν)? να |μπόρεσε να |μπορεί να )?παραδ[οό]|δεν ήταν δυνατή η παράδοση|αδυναμία παράδοσης",
        r"nie (został|można|mog|może)[^ ]*( [^ ]+){0,2} (dostarcz|doręcz)|nie (dostarczono|doręczono)|(niet|kon) (worden |kunnen )*(bezorgd|afgeleverd)",
        r"onbestelbaar|(nemohl|nelze|nebylo možné|nepodařilo|nebyla)[^ ]*( [^ ]+)? doruč|doručení [^.]*se nezdařilo|"
        r"(nie je možné|nebolo možné|nepodarilo|nemožno)( [^ ]+)? doruč|(gick|kunde|kan) inte (att )?(leverer|skick)",
        r"(kunne|kan|ble|blev) ikke (lever|sende|afleveres)|toimittaminen [^.]*(epäonnistui|ei)|ei voitu toimittaa",
        r"teslim(i|at)? (edileme|başarısız)|iletileme(di|miş)|kézbesít[^.]*(nem|sikertelen)|nu a (putut fi|fost) livrat",
        r"nem (lehet(ett)?|sikerült)?( [^ ]+)? ?kézbesít|livrarea [^.]*a eșuat|\bni(je)? (bil[ao] )?(mo(guć|goč)[eo] )?(isporuč|dostav)",
        r"(발송|전송|배달|전달)[^. ]* ?[^. ]*(않았|못했|실패)|退信|无法(送达|投递|传递)|無法(傳送|投遞)|未能送達|投递失败",
        r"(送信|配信|配達|届ける|お届け)(することが)?(は)?(でき(ません|なかった)|不能|エラー)",
        # Not yet: a warning is a notice too.
        r"noch nicht zugestellt|zustellung (?:[^.]|\.[^ ])*verzöger|n'a pas encore été (remis|distribué|délivré)|remise (?:[^.]|\.[^ ])*retardée",
        r"(no se ha|no ha sido) entregado (todavía|aún)|entrega (?:[^.]|\.[^ ])*(retrasad|atrasad)|ainda não foi entregue",
        r"non è (stato )?ancora (stato )?(recapitat|consegnat)|(recapito|consegna) (?:[^.]|\.[^ ])*(posticipat|ritardat)",
        r"nog niet (worden )?(bezorgd|afgeleverd)|(is|wordt) vertraagd|(nie|jeszcze nie) został[^ ]* jeszcze (dostarcz|doręcz)",
        r"доставка (?:[^.]|\.[^ ])*(задерж|отлож|затрим)|ещ[её] не (был[аои]? )?доставлен|ще не (було )?доставлен",
        r"(ännu inte|endnu ikke|ennå ikke)( [^ ]+)? ?lever|még nem [^.]*kézbesít|dosud neby[^ ]+ doruč|henüz (teslim|iletil)",
        r"(配信|配送|送信)[^。]{0,8}遅延|(延迟|延遲)(投递|送达|傳送|发送)|(전송|배달)[^.]{0,6}지연",
    )
)

# What tells why a message was not delivered: enough beside an author that nobody but a mail system has.
REFUSALS = PatternSet(
    (
        r"no such (user|mailbox|address|recipient|account)|user unknown|unknown (user|mailbox|recipient|address)|user not known",
        r"(mailbox|quota|inbox|account) (is |was )?(full|exceeded|unavailable|disabled|unknown)|over (disk )?quota|quota violation",
        r"could ?n[o']t (be )?(deliver|sent|reach)|did not reach|permanent (error|failure)|fatal error|undeliver|given up|giving up",
        r"(following|failed|intended|unknown) (recipient|address)|\b[45]\d\d[ -]#?\(?[45]\.\d{1,3}\.\d|: [45]\d\d |\(?#[45]\.\d\.\d",
    )
)

# Where people begin to quote a message that they answer or hand on.
QUOTATIONS = Locator(
    (
        r"^[-_ \t]*(begin )?(forwarded|original|weitergeleitete|ursprüngliche|originale?|oorspronkelijk|doorgestuurd)"
        r" (message|mail|nachricht|bericht)\b",
        r"^[-_ \t]*(message (transféré|d'origine)|mensaje (reenviado|original)|messaggio (inoltrato|originale))\b",
        r"^[-_ \t]*(mensagem (encaminhada|original)|(vidarebefordrat|ursprungligt|videresendt) (meddelande|meddelelse))\b",
        r"^[-_ \t]*(przekazana|oryginalna) wiadomo|^[-_ \t]*(пересылаемое|исходное) сообщение|^[- \t]*(転送|元の)メッセージ",
        r"^[ \t]*(on|am|le|il|el|em|op|den|dnia) .+(wrote|schrieb|écrit|ha scritto|escribió|escreveu|schreef|skrev|napisał).*:[ \t]*$",
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
        r"could not be delivered yet|(?:^|[.!;:\n][ \n]?)further (delivery )?attempts will",
        r"keine aktion|weitere zustellversuche|noch nicht zugestellt|nouvelles tentatives|n'a pas encore été",
        r"ulteriori tentativi|non è (stato )?ancora|tentativi (di recapito |di consegna )?continueranno|seguirá intentando",
        r"entregado (todavía|aún)|ainda não foi entregue|continuar(á|emos) (a )?tenta|nog niet (worden )?(bezorgd|afgeleverd)",
        r"(blijft|blijven) (het )?(nog )?(opnieuw )?prober|został[^ ]* jeszcze (dostarcz|doręcz)|ponawia|kolejne próby",
        r"(ännu inte|endnu ikke|ennå ikke)( [^ ]+)? ?lever|még nem [^.]*kézbesít|dosud neby[^ ]+ doruč|henüz (teslim|iletil)",
        r"引き続き|再送を試み|(将|將|会|會)(继续|繼續)(尝试|嘗試|重试|重試)|계속 (재)?시도",
        r"попытки будут|продолжит попытки|ещ[её] не (был[аои]? )?доставлен|ще не (було )?доставлен",
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
    return frozenset(_MEANINGS[index] for index in _ATTEMPT_PHRASES.matching(words.replace("\u2019", "'")))


DELAY_SUBJECTS = PatternSet(
    (
        r"\bdelay(ed)?\b|still being (re)?tried|delivery warning",
        r"warning[ :-]+could not send|warning: message",
        r"verzöger|retard|retras|ritard|atras|opóźni|задерж|遅延|延迟",
        r"vertraag|försena|forsink|zpožd|késle|întârzi|καθυστέρ|затрим|延遲|지연|gecik",
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

# Behind which words a notice that is about one recipient quotes the reason: Microsoft 365, Gmail, Haraka.
_REASON_MARKS = (
    r"(?:error|fehler|erreur|errore|erro|fout|fel|fejl|feil|virhe|błąd|chyba|ошибка|hata|エラー|错误|錯誤|오류) ?[:：] *[45]\d\d ",
    r"failure reason:|technical details of (?:permanent|temporary) failure:|[^\n]*the error that the other server returned was:",
    # Gmail quotes a reply behind these, what it got from DNS, or what only its developers understand
    r"(?:the response(?: from the remote server)? was|antwort(?: des remoteservers)?(?: war| lautete)?"
    r"|la réponse(?: du serveur distant)?(?: était| est)? ?|la respuesta(?: del servidor remoto)?(?: fue| es)?"
    r"|a resposta(?: do servidor remoto)?(?: foi| é)?|la risposta(?: del server remoto)?(?: è stata| è)?"
    r"|(?:het )?antwoord(?: van de externe server)?(?: was| is)?|ответ(?: удаленного сервера)?|odpowiedź(?: serwera zdalnego)?"
    r"|リモート サーバーからの応答|远程服务器响应)[:：]\s*(?:[45]\d\d |DNS )",
)
REASONS = Locator(rf"^[ \t]*(?:{mark})" for mark in _REASON_MARKS)
# Who refused the message, as Microsoft 365 says it below the reply.
_REFUSED_BY = (
    r"(?:message rejected by|nachricht (?:abgelehnt|zurückgewiesen) von|message rejeté par|mensaje rechazado por"
    r"|messaggio rifiutato da|mensagem rejeitada por|bericht (?:geweigerd|afgewezen) door|meddelandet avvisades av"
    r"|wiadomość odrzucona przez|сообщение отклонено)"
)
REFUSED_BY = re.compile(
    rf"^[ \t]*+{_REFUSED_BY} ?[:：][ \t]*+(?P<host>[\w-]++(?:\.[\w-]++)+)", re.IGNORECASE | re.MULTILINE
)
END_OF_REASON = re.compile(
    rf"^[ \t]*+(?:(?:{_REFUSED_BY}|notification details|original message|sent by|learn more|for more information|---).*)$",
    re.IGNORECASE | re.MULTILINE,
)

# After which words an address is one to write to: for help, a colleague's, or a new one.  (Python's engine.)
ADVICE = (
    r"please (?:contact|e-?mail|write|send|use|ask|call|notify|reply)|contact(?: us| me)?|write to|instead|assistance|"
    r"(?:for|any) (?:help|support|questions?|(?:more|further) information)|(?:my|her|his|their|your|our) (?:new|successor|administrator|postmaster|assistant)|"
    r"new (?:e-?mail )?address|replaced by|taken over by|colleague|successor|"
    r"(?:kontaktieren|schreiben) sie|wenden sie sich|neue (?:e-?mail-?)?adresse|kollegi?n?e?n?|contacte[rz]?|écrivez|écrire|nouvelle adresse|collègue|"
    r"contact[ae]r?|escriba|escribir|nueva dirección|contattare|scriv[aei]\w*|nuovo indirizzo|entre em contato|novo endereço|"
    r"neem contact|nieuwe? (?:e-?mail)?adres|kontakta|kontakt|напишите|обратитесь|новый адрес"
)

# What introduces a recipient on the same line.
_RECIPIENTS = (
    r"\b(deliver\w*|undeliverable|recipients?|address(ed)?|mail(ed|box)?|message|users?|account|rcpt|for|to)\b",
    r"(empfänger|destinat[aá]|destinataire|adresat|odbiorc|ontvanger|p[rř][ií]jemc|mott?a[gk]|modtager|vastaanottaj|alıcı|címzett|destinatar|παραλήπτ|διεύθυνσ|получател|одержувач|адрес)",
    r"(nachricht|mensaje|mensagem|messaggio|bericht|meddeland|meddelelse|melding|besked|viesti|wiadomo|zpráv|správ|poruk|üzenet|mesaj|μήνυμ|сообщени|повідомлен|съобщени|письм)",
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
    r"(?:mail |e-?mail )?(?:message|mail|e-?mail)?(?: headers?| info| text)?"
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

# How people answer a bounce, or hand one on.
CONVERSATIONS = PatternSet(
    (r"^(re|aw|antw|sv|vs|odp|fwd?|wg|tr|rv|enc|vl|pd|i) ?(\[\d+\])?[:：]", r"^(回复|答复|转发|回覆|轉寄) ?[:：]")
)
