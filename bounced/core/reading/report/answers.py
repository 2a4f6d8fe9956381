"""How automatic answers, questions of filters and requests to unsubscribe begin, in the languages in which they come.

All phrases are compared folded: in lower case and without accents, since capitals and old programs lose them.
"""

import re
import unicodedata

from bounced.core.reading.patterns import PatternSet

MAX_FOLDED_CHARS = 400


def folded(text: str) -> str:
    """Return a text without accents and in lower case, blanks made one."""
    return _plain(" ".join(text[:MAX_FOLDED_CHARS].split()).casefold())


def _plain(text: str) -> str:
    """Return a text without accents, with plain apostrophes."""
    if text.isascii():
        return text
    marks = unicodedata.normalize("NFKD", text)
    return "".join(char for char in marks if not unicodedata.combining(char)).replace("ı", "i").replace("\u2019", "'")


def _by_first_letter(*phrases: str) -> dict[str, tuple[str, ...]]:
    """Return phrases, folded, by the letter with which they begin: a subject is compared with few of them."""
    found: dict[str, list[str]] = {}
    for phrase in map(folded, phrases):
        found.setdefault(phrase[0], []).append(phrase)
    return {first: tuple(group) for first, group in found.items()}


# So begins the subject of an automatic answer, whatever follows: Outlook and Exchange put it before ours.
_ANSWERS = _by_first_letter(
    *(
        "automatic reply",
        "automatic response",
        "auto reply",
        "autoreply",
        "auto-reply",
        "auto response",
        "auto-response",
    ),
    *("autoresponse", "automated reply", "automated response", "automated-response", "automatically generated reply"),
    *("auto:", "auto :", "out of office", "out-of-office", "out of the office", "ooo:", "ooo re:", "vacation reply"),
    *("away from my mail", "vacation message", "vacation notice", "auto responder", "autoresponder", "auto-responder"),
    *(
        "automatische antwort",
        "abwesenheit",
        "autoantwort",
        "auto-antwort",
        "automatische rückantwort",
        "nicht im büro",
    ),
    *("réponse automatique", "absence du bureau", "absent du bureau", "absent(e) du bureau", "message d'absence"),
    *("respuesta automática", "fuera de la oficina", "autorespuesta", "respuesta de ausencia", "resposta automàtica"),
    *("resposta automática", "fora do escritório", "ausência temporária", "risposta automatica", "fuori sede"),
    *("fuori ufficio", "assente dall'ufficio", "risposta non al computer", "erantzun automatikoa"),
    *("automatisch antwoord", "buiten kantoor", "afwezigheid", "automatische reactie", "niet op kantoor"),
    *("automatiskt svar", "autosvar", "automatisk svar", "automatsvar", "ute av kontoret", "ikke på kontoret"),
    *("fraværsmelding", "fraværsbesked", "frånvaromeddelande", "ej på kontoret", "inte på kontoret", "sjálfvirkt svar"),
    *("automaattinen vastaus", "automaattivastaus", "poissa toimistolta", "lomavastaus"),
    *("automatická odpověď", "mimo kancelář", "automatická odpoveď", "mimo kancelárie", "nepřítomnost"),
    *("odpowiedź automatyczna", "automatyczna odpowiedź", "autoodpowiedź", "poza biurem", "nieobecność"),
    *("automatikus válasz", "házon kívül", "távollét", "răspuns automat", "în afara biroului"),
    *("автоматический ответ", "автоматическое уведомление", "автоответ", "вне офиса", "меня нет в офисе"),
    *(
        "автоматична відповідь",
        "автовідповідь",
        "поза офісом",
        "автоматичен отговор",
        "извън офиса",
        "аўтаматычны адказ",
    ),
    *("аутоматски одговор", "автоматски одговор", "automatski odgovor", "izvan ureda", "samodejni odgovor"),
    *("αυτόματη απάντηση", "εκτός γραφείου", "απουσία από το γραφείο"),
    *("otomatik yanıt", "otomatik cevap", "ofis dışında", "ofis dışı"),
    *("automaatvastus", "automaatne vastus", "kontorist väljas", "automātiskā atbilde", "ārpus biroja"),
    *("automatinis atsakymas", "automatinis atsakas", "nesu biure", "përgjigje automatike"),
    *(
        "自動応答",
        "自動返信",
        "自動回答",
        "不在通知",
        "不在のお知らせ",
        "不在応答",
        "【自動返信】",
        "[自動返信]",
        "休暇のお知らせ",
    ),
    *(
        "自动答复",
        "自动回复",
        "不在办公室",
        "【自动回复】",
        "自動回覆",
        "自動答覆",
        "自動回復",
        "不在辦公室",
        "外出时的助理程序",
    ),
    *("자동 회신", "자동회신", "자동 응답", "자동응답", "부재중", "부재 중", "[자동응답]", "[자동회신]"),
    *("رد تلقائي", "الرد التلقائي", "خارج المكتب", "תשובה אוטומטית", "מענה אוטומטי", "מחוץ למשרד"),
    *("پاسخ خودکار", "स्वचालित उत्तर", "स्वचालित जवाब", "ตอบกลับอัตโนมัติ", "การตอบกลับอัตโนมัติ", "trả lời tự động"),
    *("[request received]", "request received", "[ticket#", "ticket received", "ticket created", "[ticket received]"),
    *("we have received your", "we received your", "thank you for contacting", "thank you for your email"),
    *("freagra uathoibríoch", "ateb awtomatig", "ausencia de la oficina", "ausencia temporal", "absență de la birou"),
    *(
        "nu sunt la birou",
        "не в офисе",
        "вне офиса",
        "нет на работе",
        "поза офісом",
        "не в офісі",
        "távollét",
        "távol vagyok",
    ),
    *("balasan otomatis", "di luar kantor", "balasan automatik", "jawapan automatik", "awtomatikong tugon"),
)
# The same words alone, or before a colon: within a sentence they may be anybody's.
_ABSENCES = _by_first_letter(
    *(
        "away",
        "vacation",
        "absence",
        "absent",
        "absente",
        "absent(e)",
        "ausente",
        "ausencia",
        "ausência",
        "assenza",
        "assente",
    ),
    *(
        "abwesend",
        "urlaub",
        "afwezig",
        "afwezigheidsassistent",
        "vakantie",
        "frånvaro",
        "frånvarande",
        "semester",
        "fravær",
    ),
    *(
        "abwesenheitsnachricht",
        "avwesend",
        "avwesenheit",
        "afwezigheidsbericht",
        "fraværsbesked",
        "lomalla",
        "dovolená",
    ),
    *(
        "dovolenka",
        "szabadságon",
        "в отпуске",
        "я в отпуске",
        "отсутствую",
        "у відпустці",
        "в отпуска",
        "απουσία",
        "σε άδεια",
    ),
    *(
        "izinli",
        "izindeyim",
        "odsutan",
        "godišnji odmor",
        "dopust",
        "puhkus",
        "atvaļinājums",
        "atostogos",
        "επαγγελματικό ταξίδι",
    ),
    *(
        "不在",
        "休暇",
        "休暇中",
        "外出",
        "外出中",
        "出張",
        "出張中",
        "休假",
        "休假中",
        "出差",
        "외출",
        "휴가",
        "휴가중",
        "출장",
        "출장중",
    ),
    *("fraværende", "ferie", "poissa", "loma", "odsotnost", "urlop", "szabadság", "concediu", "отпуск", "відпустка"),
    *("no longer here", "i am away", "i'm away", "on vacation", "on leave", "on holiday", "je suis absent"),
)
_AFTER_ABSENCES = re.compile(
    r"\s*(?:[:!.：(,]|\Z)|\s+(?:[-\u2013]|\d|(?:until|till|from|bis|vom|ab|jusqu|du|hasta|del|fino|dal|ate|tot|vanaf|t\.?o\.?m|til|fra"
    r"|fran|do|od|az|pana|до|с|έως|μεχρι)\b)"
)
# Within a subject: Domino writes who is out, vacation programs what they are.
_WITHIN = PatternSet(
    map(
        _plain,
        (
            r"\bis (currently )?out of (the )?office\b|\bist (derzeit |zur ?zeit )?(ausser haus|nicht im buro|abwesend)\b"
            r"|\best (actuellement )?absent(e|\(e\))?( du bureau|\b)|\besta (ausente|fuera de la oficina|fora do escritorio)"
            r"|\b[eè] (fuori ufficio|assente)\b|\b(er|is|är|ar) (ikke|inte|niet|ej) (på|pa|op) (kontoret|kantoor)\b|\bon poissa toimistosta\b"
            r"|\b(jest|bedzie) (nieobecn|poza biurem)",
            r"\bvacation (reply|message|notice|response)\b|\bauto-?reply\b|\bauto-?responder\b",
        ),
    )
)
# Within the subject of what says that a program sent it.
IN_ANSWERS = PatternSet((r"\bout of (the )?office\b", r"\bauto(matic|mated)?[- ]?(reply|response|answer)\b"))
# What people who left have set up as the answer to all mail, in subject or text.
LEAVERS = PatternSet(
    _plain(phrase)
    for phrase in (
        r"(has|have) left (the|our|this) (company|organi[sz]ation|firm|business|team|school|university)",
        r"no longer (with|work(s|ing)? (for|at|here|with)|employed (by|at))|(have|has) changed jobs|\bi changed jobs",
        r"(mailbox|inbox|account|address) (\S+@\S+ )?is (not|no longer) (being )?(monitored|in use|read|checked|attended)",
        r"(i have|i've) left\b.{0,40}$|(has|have|am) retired\b|\bi retired\b",
        r"nicht mehr (im|in unserem|in der|bei|für) .{0,30}(unternehmen|firma|gesellschaft|haus|tatig|beschaftigt)",
        r"(arbeite|arbeitet) (leider )?nicht mehr (bei|fur|im|in|hier)\b|ausgeschieden\b|im ruhestand\b",
        r"(hat|habe) (das unternehmen|die firma|uns) .{0,20}verlassen|parti[e]? (a|en) (la )?retraite|(jubilad[oa]|pensionat[oa])\b",
        r"(postfach|e-?mail-?adresse|adresse) .{0,60}(wird nicht mehr|nicht mehr) (gelesen|betreut|gepruft|gultig|abgerufen)",
        r"ne (travaille|fais|fait) plus (partie )?(chez|pour|de|dans)|(a|ai) quitté (la société|l'entreprise|mes fonctions)",
        r"ya no (trabajo|trabaja|forma parte|formo parte)|(não|nao) trabalh[ao] mais|já não (trabalh|faço|faz)",
        r"non lavor[oa] più|non fa più parte|niet meer (werkzaam|in dienst)|arbetar inte längre|(arbejder|jobber) ikke længere",
        r"nie pracuj[eę] już|już nie pracuj|zakończył[ae]?m? prac|(už |již )?nepracuj[iue]|больше не работа(ю|ет)|більше не працю",
        r"退職(いた)?しました|退職のお知らせ|異動(いた)?しました|已(经)?离职|已離職|퇴사",
    )
)
# The question of a filter: in Subject.
CHALLENGES = PatternSet(
    _plain(phrase)
    for phrase in (
        r"please confirm (you|that|you)|confirm(ation)? (required|needed|request|your (message|e-?mail))",
        r"verify (your|you)|you must (verify|authenticate)|sender (address )?(verification|confirmation)",
        r"challenge[ /-]response|your (e-?mail|message).{0,40}(requires|awaits|is pending|is waiting)",
        r"(click|reply).{0,50}(prove|human)|spam ?arrest|boxtrapper|mailblocks|bluebottle|\btmda\b",
        r"\(conf#[0-9a-f]{16,}\)|mailinblack|authenti(cation|fication|fizierung) (is )?(required|needed|requise|erforderlich)",
        r"(bestätig|freischalt).{0,30}(ihre|ihrer|deine|nachricht|mail)|(nachricht|mail).{0,20}wartet auf",
        r"confirm(er|ez) (que vous|votre (message|e-?mail|courriel|envoi))|votre (message|e-?mail|courriel)( a \S+)? est en attente",
        r"confirm[ea] (su|tu|o seu|que (es|eres|você)) ?(mensaje|correo|mensagem|e-?mail)?|conferm[ai] (il (tuo|suo)|di essere)",
        r"bevestig (uw|je) (bericht|e-?mail)|potwierd[zź] (swoją )?wiadomo|подтвердите (ваше|отправку|письмо)",
        r"メール(の)?送信(元)?(の)?確認|送信確認|请确认您的(邮件|消息)|請確認您的(郵件|信件)",
    )
)

# Who is to be taken off the list says it so, and nothing else; what stands behind "?" may follow or lead.
_PLEASE = (
    r"(?:(?:please|pls|kindly|bitte|por favor|merci de|veuillez|s'il vous plait|per favore|alstublieft|graag|prosze|"
    r"je (?:veux|souhaite|voudrais)|i (?:want|would like|wish) to|ich (?:mochte|will)(?: mich)?|quiero|пожалуйста|прошу)[ ,:]+)?"
)
_LIST = (
    r"(?: (?:me|mich|moi|us|uns|now|my (?:e-?mail|address)))?"
    r"(?: (?:from|of|off|to|vom|von|aus|de|du|des|da|dal|dalla|dai|van|voor|fra|fran|z|ze|от|с|из)\b ?(?:\S+@\S+|(?:\S+ ){0,2}"
    r"(?:\S{0,12}list\w*|mailings?|\S{0,20}newsletters?|e-?mails?|mails?|\S{0,12}verteilers?|nyhetsbrev\w*|nieuwsbrie\w+|boletin\w*|"
    r"infolettres?|lettres?|notificat\w+|updates?|messages?|correos?|\w*рассыл\w*|zasilani\w*|novinek)))?"
    r"(?: (?:please|thanks|thank you|danke|bitte|merci|gracias|grazie|obrigado|dank u))?"
)
_LEAVE = _plain(
    r"un-?subscri(?:be|bed|ption)|list-unsubscribe(?:=one-click)?|opt[ -]?out|take me off|sign me off|signoff|"
    r"(?:(?:newsletter|mich|mail) )?ab(?:meld(?:en|ung)|bestell(?:en|ung))|austragen|"
    r"(?:se |me )?désabonn(?:er|ez|ement|ez-moi)|(?:se |me )?désinscri(?:re|ption|vez-moi|vez)|"
    r"dar(?:se|me)? de baja|date de baja|(?:cancelar|anular) (?:la |mi |a |minha )?(?:suscripción|inscrição|assinatura)|"
    r"descadastr(?:ar|e|o)|remover (?:inscrição|cadastro)|cancell(?:ami|are|azione|a)(?: (?:l')?iscrizione)?|"
    r"disiscri(?:viti|zione|vere|vermi|vimi)|annulla(?:re)? (?:l')?iscrizione|"
    r"afmeld(?:en|ing)?|uitschrijven|schrijf me uit|verwijder mij|avregistrera(?: mig)?|avsluta prenumeration(?:en)?|avprenumerera|"
    r"avmeld(?:ing|e)?|meld meg av|frameld(?:ing)?|peruuta (?:uutiskirjeen )?tilaus|poista listalta|"
    r"wypisz(?: się| mnie)?|wypisuję się|rezygnuję|zrezygnuj|anuluj subskrypcję|"
    r"odhlásiť?(?: (?:odběr|odber|se|sa))?|zrušit odběr|zrušiť odber|leiratkoz(?:ás|om)|dezabon(?:are|ez|ează-mă)|"
    r"отписаться|отписка|отпишите(?: меня)?|отказаться|відписатися|відписка|отпиши ме|отписване|"
    r"abonelikten çık|aboneliği iptal et|listeden çık|odjav(?:a|i|i me|i se)|tellimuse tühistamine|"
    r"κατάργηση εγγραφής|διαγραφή|berhenti (?:ber)?langganan|hủy đăng ký|"
    r"(?:メール ?)?配信(?:停止|解除)(?:希望|依頼)?|購読(?:解除|停止)|登録解除|退订|退訂|取消订阅|取消訂閱|수신 ?거부|구독 ?(?:취소|해지)|"
    r"إلغاء الاشتراك|ביטול הרשמה|להסיר|הסר אותי|ยกเลิกการสมัคร|ยกเลิกการรับข่าวสาร"
)
# Whole sentences that ask for nothing else.
_MAILS = r"(?:e-?mails?|mails?|messages?|newsletters?|mailings?|spam|nachrichten|courriels?|correos?|mensajes?|mensagens|messaggi|berichten)"
_NO_MORE = _plain(
    rf"stop (?:sending|receiving|e-?mailing|mailing|messaging|spamming|contacting)(?: me| us)?"
    rf"(?: (?:any|all|these|this|your|more|such|further|with))*(?: {_MAILS})?|stop (?:all |these |this |your |the )?{_MAILS}|"
    rf"no more {_MAILS}|keine (?:weiteren )?{_MAILS} mehr(?: (?:senden|schicken|erhalten))?|geen {_MAILS} meer(?: sturen)?|"
    rf"plus (?:de |d'){_MAILS}|ne m'envoyez plus (?:rien|(?:de |d'|vos |ces ){_MAILS})|no más {_MAILS}|"
    rf"no me envíen? más {_MAILS}|não (?:quero receber|me enviem?) mais {_MAILS}|"
    rf"(?:non inviatemi|non mandatemi) più {_MAILS}|inga fler {_MAILS}|ikke flere {_MAILS}"
)
# These say it alone, where nothing else is said: over other words they say other things.
_SHORT = _plain(
    r"stopp?|stoppen|stoppa|stopper|remove|leave|cancel|quit|end|aufhören|arrêter|arrêtez|annuler|résilier|baja|parar|cancelar|anular|"
    r"basta|smettetela|fermare|annullare|cancella|stoppe|slutt|sluta|lopeta|peruuta|rezygnacja|rezygnuję|zrušit|zrušiť|ukončit|"
    r"lemondás|oprire|oprește|iptal|стоп|отмена|хватит|отписка|спри|διακοπή|σταματήστε|berhenti|dừng lại|"
    r"停止|解除|取消|中止|취소|중지|거부|إيقاف|توقف|הפסק|ยกเลิก"
)
_NUMBER = r"(?:[ :#-]+[\w./+=-]{0,80}\d[\w./+=-]{0,80}|:[\w./+=-]{1,80})?"
_REPLIES = _plain(
    r"re|aw|sv|vs|antw|antwort|odp|res|rif|r|ynt|yan|vá|atb|απ|ответ|на|回复|回覆|答复|答覆|返信|회신|رد|השב"
)
_REPLY = rf"(?:(?:{_REPLIES})(?:\[\d{{1,3}}\])? ?[:：] ?)?"
REPLY = re.compile(rf"(?:{_REPLIES})(?:\[\d{{1,3}}\])? ?[:：]")
"""How the subject of a reply begins."""
LEAVE = re.compile(
    rf"{_REPLY}{_PLEASE}(?:{_LEAVE}|{_NO_MORE}|remove me|remove my (?:e-?mail|address)(?: address)?){_LIST}{_NUMBER}[\s.!]*\Z"
)
LEAVE_ALONE = re.compile(rf"{_REPLY}(?:{_SHORT})[\s.!]*\Z")
# What people write around it, and what says nothing more.
_GREETINGS = _plain(
    r"hello|hi|hey|dear (?:sirs?|sir or madam|all|team)|good (?:morning|day|afternoon|evening)|hallo|guten (?:tag|morgen|abend)|moin|"
    r"sehr geehrte damen und herren|bonjour|bonsoir|madame, monsieur|hola|buen(?:os días|as tardes)|ciao|buon(?:giorno|asera)|"
    r"olá|bom dia|boa tarde|dag|goedendag|goedemorgen|hej|hei|god dag|dzień dobry|dobrý den|здравствуйте|добрый день|merhaba"
)
GREETING = re.compile(rf"(?:{_GREETINGS})[\s,.!:]+")
POLITE = re.compile(
    r"(?:please|thanks?|thank you|thx|bitte|danke|vielen dank|merci|s'il vous plait|gracias|por favor|grazie|per favore|"
    r"obrigad[oa]|dank u(?: wel)?|bedankt|alstublieft|tack|takk|tak|kiitos|prosze|dziekuje|dekuji|dekuju|спасибо|пожалуйста|tesekkurler)"
    r"[\s,.!]*\Z"
)
# What ends somebody's own words: the mark of a signature, and what telephones and mail programs add.
FOOTERS = re.compile(
    r"^(?:-- ?$|_{5,}|von mein(?:em|er) |发自我的|從我的|iphoneから送信|(?:내|나의) \w+에서 보냄|iphone'umdan gönderildi|"
    r"(?:sent|gesendet|envoyé|enviado|inviato|verzonden|skickat|sendt|wysłane|отправлено|get outlook|lähetetty|odesláno|odoslané|trimis|"
    r"надіслано|στάλθηκε) (?:from|with|via|using|von|vom|mit|aus|de|du|depuis|desde|a partir|da|dal|vanaf|met|från|fra|z|ze|за|с|из|з|από|"
    r"for|ios|iphonesta)\b)[^\n]*",
    re.IGNORECASE | re.MULTILINE,
)
# Where somebody's own words end: an attribution above quoted lines, the header of an original, a complimentary close.
END_OF_OWN = re.compile(
    r"^(?!>)[^\n]{1,200}[:：][ \t]{0,9}\n(?:[ \t]{0,9}\n)?[ \t]{0,9}>"
    r"|^\*{0,2}(?:from|von|de|da|van|från|fra|od|lähettäjä|от|від|kimden|发件人|寄件者|差出人|보낸 사람)[ \t]?[:：]\*{0,2}[ \t][^\n]*@"
    r"|^(?:(?:best|kind|warm)(?: regards| wishes)?|regards|sincerely|cheers|yours (?:sincerely|truly)"
    r"|(?:mit )?(?:freundlichen|besten|viele[nr]?|liebe) grü(?:ß|ss)en?|mfg|lg|vg|cordialement|bien à vous|salutations|saludos|atentamente"
    r"|un saludo|cordiali saluti|saluti|atenciosamente|met vriendelijke groeten?|groeten?|mvh|med vänliga? hälsning(?:ar)?"
    r"|med venlig hilsen|hilsen|ystävällisin terveisin|pozdrawiam|s pozdravem|с уважением|saygılarımla)[ \t]*[,.!]?[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
JOIN = re.compile(rf"{_REPLY}{_PLEASE}subscribe(?: me)?[\s.!]*\Z")
# What mail programs write into a request that they send for somebody: the whole text.
BY_PROGRAM = PatternSet(
    (
        r"^apple mail sent this e-?mail to unsubscribe from the message",
        r"^this (message|e-?mail) was (automatically )?(generated|sent) (automatically )?by (gmail|your|the|a) ?[^.]{0,40}\.?$",
    )
)


def is_answer(subject: str) -> bool:
    """Tell the subject of an automatic answer.  What begins with ``Re:`` is a person's."""
    words = folded(subject)
    first = words[:1]
    if words.startswith(_ANSWERS.get(first, ())) or _WITHIN.matching(words):
        return True
    return any(words.startswith(word) and _AFTER_ABSENCES.match(words, len(word)) for word in _ABSENCES.get(first, ()))
