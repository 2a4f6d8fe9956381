"""What speaks against a reason in its own words: a guess, a state that passes, a loop; and advice, which is none."""

import re
from enum import StrEnum
from functools import lru_cache

from bounced.core.reading.patterns import PatternSet

REMEMBERED = 4096

_POLITE = (
    r"please|kindly|bitte|veuillez|merci de|por favor|per favore|alstublieft|gelieve|prosz[ęe]|prosimy|prosím"
    r"|пожалуйста|請|请|vennligst|venligst|vänligen|ole hyvä|lütfen"
)
_IMPERATIVE = r"make sure|ensure|(?:double-)?check|verify|try|contact|see|visit|confirm|correct"
_ADVICE = re.compile(
    rf"\b(?:{_POLITE})\b[^,;:()]*"
    rf"|(?:^|[,;:.!(]\s{{0,3}}|\band )(?:{_IMPERATIVE})\b(?! (?:failed|error))[^,;:()]*",
    re.IGNORECASE,
)
CAUSES = re.compile(
    r"\b(?:possible|common|usual|likely) (?:reasons?|causes?)\b|\breasons such as\b"
    r"|\bone of (?:the following|these reasons)\b"
    r"|\b(?:reasons?|causes?) (?:for this )?(?:may|can|could|might) be\b",
    re.IGNORECASE,
)
"""What announces a list of causes, whose sentences are guesses all of them."""
_MAY_BE = (
    r"\b(may|might)( also| simply)?( not)? (be|have|exist|no longer|contain)\b|\bcould( also)? (be|have)\b",
    r"\b(possibly|perhaps|probably|maybe|potentially|presumably|apparently|likely)\b",
    r"\b(it|this|that) (seems|appears)\b|\b(seems?|appears?) to\b",
    r"\bone of the following|\b(possible|common|usual|likely) (reasons?|causes?)",
    r"\breasons? (for this )?(can|could) be\b|\breasons such as\b|\bone of (these|several) reasons\b",
    r"\bunable to determine\b|\bif (the|this|that|an?) (user|mailbox|recipient|address|account)\b",
    r"\b(m[öo]glicherweise|vielleicht|eventuell|vermutlich|wom[öo]glich|unter umst[äa]nden|könnte|dürfte)\b",
    r"peut[- ]?[êe]tre|\b(probablement|pourrait|il se peut)\b",
    r"\b(quiz[áa]s?|tal vez|posiblemente|puede que|podr[íi]a)\b",
    r"\b(forse|potrebbe|probabilmente)\b|\b(talvez|possivelmente|provavelmente|poderia|pode (ser|estar|n[ãa]o))\b",
    r"\b(misschien|mogelijk|wellicht)\b",
    r"\b(by[ćc] mo[żz]e|prawdopodobnie|mo[żz]e nie|mo[žz]n[áa]|pravd[ěe]podobn[ěe])\b",
    r"\b(kanske|m[öo]jligen|troligen|m[åa]ske|muligvis|kanskje|muligens|ehk[äa]|mahdollisesti)\b",
    r"\b(tal[áa]n|esetleg|lehet, hogy|belki|olabilir|poate|probabil)\b|возможно|может быть|вероятно|похоже",
    r"ίσως|ενδέχεται|πιθαν|μπορεί [^ ]+ (μην|είναι)|можливо|ймовірно|може би|\b(mo[žz]no|je mo[žz]n[ée])\b",
    r"可能|也许|或许|かもしれ|可能性|수 있|것 같",
)
_MILDER = r"\b(full|quota|storage|blocked|busy|unavailable|spam|policy|permission|restrict\w*|unable|refus\w*)\b"
_EITHER = (rf"\beither\b.*{_MILDER}", rf"{_MILDER}.*\beither\b")
"""An ``either`` between two hard reasons leaves no doubt: at least one of them has to be milder."""
_PASSES = (
    r"\btemporar\w*|\b(try|retry|come back) (again|later)\b|\bgr[ae]y-?list\w*",
    r"\b(for now|at the moment|at this time|right now)\b",
    r"\bcan ?not be verified\b|\b(unable to|could not) verify\b|\bunverified address\b|\bin progress\b",
    r"\bmaintenance\b|\bcached?\b|\btry later\b|\b(yet|until)\b|\b(re)?try( again)? in (\d|an?\b|one\b)",
    r"\bvor[üu]bergehend|\btemporair|\bmomentan|\btemporal|átmeneti|ideiglenes|jelenleg|προσωριν|προς το παρόν",
    r"тимчасов|наразі|временно|в момента|\bdo[čc]asn|tijdelijk|tillfällig|midlertidig|ge[çc]ici",
    r"privremen|začasn|trenutno|în prezent|일시적|暂时|暫時|一時的",
)
_LOOPS = (
    r"\b(sql|relation|column)\b|\binternal error\b|\bfatal:",
    r"\bloop(s|ing|back|ed)?\b",
)
_TOO_MANY = (
    r"\btoo many\b|\bmore\b[^.;]{0,40}\bthan\b|\b(limit|quota|number|rate)\b[^.;]{0,40}\b(exceed\w*|reached)\b",
)


_CLIENT = (
    r"\b(customer|user)\b.*(\bip\b|\bconnection\b|\brelay service\b)|\bip\b.*\bcustomer\b",
    r"\bcustomer:? ~|~:? [^.;]*\b(customer|user of our relay)\b|\bcustomer for ip\b",
)
_RESTRICTED = (
    r"\b(closed|disabled|inactive|locked)\b[^.;]{0,20} (for|to) (external|outside|non-?members?|anonymous)\b",
    r"\b(closed|disabled|inactive|locked)\b[^.;]{0,20} (for|to) (other|mail|messages|senders)\b",
    r"\bblocked (the |your |this )?(address|sender|you|mail|messages?)\b|\bfrom outside\b|\bexternal senders?\b",
)


class Against(StrEnum):
    """What words say that speaks against a reason."""

    GUESS = "guess"
    """They only suppose something, or name causes of which one is harmless."""
    PASSES = "passes"
    """They are about a state that passes."""
    LOOP = "loop"
    """A message goes round, or a server tells of its own insides: it is no mailbox that is unknown then."""
    TOO_MANY = "too many"
    """They count what a sender did, not whether somebody is there."""
    CLIENT = "client"
    """They are about a customer whose server connected."""
    RESTRICTED = "restricted"
    """They hold for some senders only."""


_PATTERNS = (
    *((Against.GUESS, pattern) for pattern in (*_MAY_BE, *_EITHER)),
    *((Against.PASSES, pattern) for pattern in _PASSES),
    *((Against.LOOP, pattern) for pattern in _LOOPS),
    *((Against.TOO_MANY, pattern) for pattern in _TOO_MANY),
    *((Against.CLIENT, pattern) for pattern in _CLIENT),
    *((Against.RESTRICTED, pattern) for pattern in _RESTRICTED),
)
_SIGNS = PatternSet(pattern for _, pattern in _PATTERNS)


# Where somebody is unknown is no thing that is unknown: "auf diesem Server", "sur ce serveur".
_PLACES = re.compile(
    r"\b(?:auf|an|bei|im|in|sur|dans|chez|en|no|na|nos|neste|nesse|nel|sul|su|op|på|w|z|ve|til|на|в|\u0443) "
    r"(?:\w+ ){0,2}?"
    r"\w*(?:server|serveur|servidor|serwer|сервер|system|systém|syst[eè]me|sistema|систем)\w*"
    r"|\b(?:pe|ezen a|a) (?:\w+ ){0,2}?(?:server\w*|(?:szerver|kiszolgáló)(?:en|n))\b|στον (?:\w+ ){0,2}?διακομιστή"
    r"|[在于於]?(?:本|此|该|這|这|我们的)?(?:服务器|伺服器|系统)(?:上|中|里)"
    r"|[于於](?:本|此|该|這|这)(?:服务器|伺服器|系统)|(?:この|当)?(?:サーバー?|システム)(?:上|内)?(?:に|で)|서버(?:에|에서)|\bsunucu\w*d[ae]\b",
    re.IGNORECASE,
)
_THINGS = PatternSet(
    (
        r"\w{4,}server\b|serveur|servidor|serwer|palvelin|sunucu|сервер|服务器|伺服器|サーバ|서버",
        r"datenbank|\w{4,}database|base de donn|base de datos|banco de dados|\bbaz[aąęy]\b|databáz|veritaban|tietokan",
        r"база |базы |数据库|資料庫|データベース|데이터베이스",
        r"passwort|kennwort|wachtwoord|mot de passe|contrase[ñn]|\bsenha|\bhasł|\bheslo|şifre|salasana|парол|密码|密碼",
        r"パスワード|비밀번호|anmeld|angemeldet|aanmeld|connexion|authentifi|autenti|uwierzyt|zalogowan|přihl|kirjautu",
        r"аутентифик|авторизац|登录|登入|认证|認證|認証|ログイン|로그인|인증",
        r"anzahl|aantal|\bantal|nombre de|n[uú]mero de|numero di|liczba|počet|sayısı|число|количеств|数量|개수",
        r"gruppe\b|groep\b|groupe\b|\bgrupo|\bgruppo|\bgrup[ay]\b|групп|用户组|グループ|그룹",
        r"richtlinie|beleid|politique|pol[íi]tica|zasad[ay]|политик|策略|ポリシー|정책",
        r"oturum|zertifikat|certificat\b|certificad|certificato|certyfikat|сертификат|证书|憑證|証明書|schlüssel|kopfzeile",
        r"en-t[êe]te|encabezado|cabeçalho",
        r"\bserver(ul|en|et|u|ot)\b|\bserver (korisn|primat|uporab|u[zž]iv|pou[zž])|(rs|ns) server\b",
        r"\blist[aáeyuă]\b|seznam|zoznam|spis(ek|ak)\b|списък|список|списк|λίστα|skupin|ryhm",
        r"kapcsolat|munkamenet|spojen[íi]|sezen[íi]|rela[cč]|conexiun|sesiun|σύνοδο|връзка|сесия|\bvez[ae]\b|sesij|сеанс",
        r"kiszolgáló|szerver|adatbázis|jelsz[óa]|bejelentkez|hitelesít|tanúsítvány|\bkulcs|fejléc|csoport|házirend|irányelv",
        r"baza de date|bazei de date|\bparol|autentific|\bchei[ae]|\bantet|grupul|certificatul|διακομιστ|εξυπηρετητ",
        r"βάση(ς)? δεδομένων|κωδικό|σύνδεση|ταυτοπο|πιστοποι|κλειδί|κεφαλίδα|ομάδα|πολιτική",
        r"poslu[žz]itelj|stre[žz]nik|baz[ae] (podatak|podatkov)|lozink|gesl[oa]|certifikat|\bklju[čc]|zaglavlj",
        r"баз[аиу] даних|автентиф|сертифікат|сървър|база(та)? данни|удостовер|(^|[ \"'(])(груп[аиу]|групата|ключ)",
        r"intestazione|nagłów|заголов|标头|ヘッダ|헤더|(\b|[^a-z])ip([- ]|\b|地址|アドレス)",
    )
)
"""What is no mailbox, in the languages of rows that name the recipient by themselves; English has ``subject``."""


def is_of_thing(words: str) -> bool:
    """Tell whether words of any language name a thing, such as a database of users, other than as a place."""
    return bool(_THINGS.matching(_PLACES.sub(" ", words)))


def without_advice(words: str) -> str:
    """Return words without the clauses that tell people what to do: those say of nobody that they do not exist."""
    return _ADVICE.sub(" ", words)


@lru_cache(REMEMBERED)
def against(words: str) -> Against | None:
    """Return the first thing in words that speaks against a reason."""
    found = _SIGNS.matching(words)
    return _PATTERNS[found[0]][0] if found else None
