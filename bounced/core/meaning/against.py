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
_AGAIN_LATER = re.compile(
    rf"[^\w]*(?:(?:{_POLITE}) )?(?:re-?try|try|come back)(?: again)? "
    r"(?:later|shortly|soon|in (?:\d|an?\b|some\b|one\b))",
    re.IGNORECASE,
)
"""Advice to send the same mail to the same address once more: who gives it has not said that nobody is there."""
CAUSES = re.compile(
    r"\b(?:possible|common|usual|likely|frequent|typical|probable|potential) (?:reasons?|causes?)\b|\breasons such as\b"
    r"|\bone of (?:the following|these reasons)\b"
    r"|\b(?:reasons?|causes?) (?:for this )?(?:may|can|could|might) be\b"
    r"|\b(?:häufig|möglich|wahrscheinlich)\w* (?:ursache|grund|gründe)|\bmogelijke oorza|\bmożliw\w+ przyczyn"
    r"|\b(?:causes?|raisons?) (?:possible|probable|fréquente)|\b(?:causas?|motivos?) (?:posible|probable|frecuente)"
    r"|\bposib\w+ (?:causa|motivo)|\bpossíve(?:l|is) (?:causa|motivo)|\b(?:causa|cause|motiv[oi]) (?:possib|probab)"
    r"|(?:возможн|вероятн|част)\w* причин|常见原因|主な原因|考えられる原因",
    re.IGNORECASE,
)
"""What announces a list of causes, whose sentences are guesses all of them."""
A_CAUSE = "one of the following:"
"""What stands for such an announcement, in whatever language it was."""
_SOMEBODY = r"(user|mailbox|recipient|address|account|addressee|alias)"
_SOMEBODY_ABROAD = (
    r"(\w*benutzer|\w*nutzer|\w*empf[äa]nger|\w*postfach|\w*adres|konto|utilisateur|destinat|compte|bo[îi]te|usuario"
    r"|usu[áa]rio|buz[óo]n|cuenta|conta|direcci|endere|utente|casella|indirizz|u[żz]ytkown|skrzynk|odbiorc|gebruiker"
    r"|ontvanger|u[žz]ivatel|schr[áa]nk|bruker|bruger|kullan|пользоват|ящик|адрес|получат|用户|收件|邮箱|地址|郵箱)"
)
_WHICH_ROMANCE = (
    r"(l['aeo]?|el|les|los|las|il|lo|[aeio]s?|ce|cet(te)?|est[aeo]|ess[ae]|quest[ao]|une?|uno|uma?|votre|s[ue]u?|sua)"
)
_WHICH_DUTCH = r"(de|het|deze|dit|een|uw)"
"""What stands behind ``if``; alone ``se`` is reflexive (``no se encontró usuario``) and ``als`` means as."""
_MAY_BE = (
    r"\b(may|might)( also| simply)?( not)? (be|have|exist|no longer|contain)\b|\bcould( also)? (be|have)\b",
    r"\b(possibly|perhaps|probably|maybe|potentially|presumably|apparently|likely)\b",
    r"\b(it|this|that) (seems|appears)\b|\b(seems?|appears?) to\b",
    r"\bone of the following|\b(possible|common|usual|likely|frequent|typical|probable|potential) (reasons?|causes?)",
    r"\breasons? (for this )?(can|could) be\b|\breasons such as\b|\bone of (these|several) reasons\b",
    r"\bwould have\b|\bprovided (that )?the\b|\bassuming\b",
    r"\bunable to determine\b|\b(usually|often|typically|generally|normally|mostly|sometimes|commonly|frequently)\b",
    rf"\b(if|in case|should|unless|whether)( or not)?( an?| the| this| that| any| some| your)?( \w+)? {_SOMEBODY}\b",
    rf"\bwhen(ever)? (an?|any)( \w+)? {_SOMEBODY}\b",
    r"\b(unknown|exists?|found|invalid|closed|deleted|disabled)\s?\?",
    rf"\b(wenn|falls|sofern|caso|je[śs]li|je[żz]eli|indien|pokud|hvis|e[ğg]er)\b[^.,;:]{{0,12}}{_SOMEBODY_ABROAD}",
    rf"\b(s[ie] {_WHICH_ROMANCE}|als {_WHICH_DUTCH})\b[^.,;:]{{0,12}}{_SOMEBODY_ABROAD}",
    rf"если[^.,;:]{{0,12}}{_SOMEBODY_ABROAD}|(如果|假如|若).{{0,4}}{_SOMEBODY_ABROAD}|ない場合|않는 경우",
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
_OR_MILDER = r"(full|quota|over-?quota|storage|spam|policy|permission|busy"
_FULL_ABROAD = r"(pe[łl]n|przepe|voll\b|pleine?\b|vol\b|pien[ao]\b|pln[áý]|dolu\b)"
_EITHER = (
    rf"\beither\b.*{_MILDER}",
    rf"{_MILDER}.*\beither\b",
    rf"\bor\b[^.;]{{0,40}}\b{_OR_MILDER}|permitted|allowed|authori[sz]ed|wish|want|denied|refused|accepting)\b",
    rf"\b{_OR_MILDER}|access denied)\b[^.;]{{0,40}}\bor\b",
    rf"\b(lub|albo|oder|ou|of|oppure|nebo|veya)\b[^.;]{{0,30}}\b{_FULL_ABROAD}",
)
"""An ``or`` between two hard reasons leaves no doubt: at least one of them has to be milder."""
_NEVER = r"(\b(not|never|nobody|no one|neither|nor)|n\Wt)"
_DENIED = (
    rf"{_NEVER}( really| simply| just)?( an?| the)? (unknown|invalid|disabled|closed|nonexistent|deleted)\b",
    rf"{_NEVER}( \w+)? (mean|say|says|said|tell|told|disclose|reveal|imply|claim)\b",
    r"\b(not|no) (an? )?(matter|question|case) of\b|\bis not that\b|\binstead of\b|\brather than\b",
    r"\bnicht (unbekannt|ung[üu]ltig|gesperrt)|\bpas (inconnu|invalide)|\bno es (desconocid|inv[áa]lid)",
    r"\bnon [èe] (sconosciut|inesistent)|\bn[ãa]o [ée] (desconhecid|inv[áa]lid)|не (является )?неизвест",
    r"\bbedeutet nicht|\bne signifie pas|\bn[oã]o? significa|\bnon significa|не означает|不意味|不表示",
)
_CLOSED_ABROAD = (
    r"(gel[öo]scht|geschlossen|gesperrt|deaktiviert|ferm[ée]|supprim|desactiv|cancelad|eliminad|chius|usuni|удал)"
)
_PASSES = (
    r"\btemporar\w*|\b(try|retry|come back) (again|later)\b|\bgr[ae]y-?list\w*",
    r"\b(for now|at the moment|at this (time|hour)|right now)\b|\b(pour le moment|pour l\Winstant|en ce moment)\b",
    r"\b(is|are) (moving|migrating|restarting)\b|\b(server|service|system|backend|directory) (is |are )?down\b",
    r"\bcan ?not be verified\b|\b(unable to|could not) verify\b|\bunverified address\b|\bin progress\b",
    r"\b(is|was|been|be) (now )?(re-?activated|re-?opened|re-?enabled|restored|reinstated|unlocked|released)\b",
    r"\b(open|active|available|valid|working|reachable) again\b|\b(retry|try again|try) (shortly|soon)\b",
    r"\bbeing (repaired|checked|moved|migrated|restored|processed|rebuilt|upgraded|verified|created)\b",
    r"\bduring (the |a )?(maintenance|migration|move|upgrade|backup|night|holidays?)\b|\bfor the (holidays?|weekend)\b",
    rf"(\b(wird|sera|ser[áà]|verr[àa]|zostanie)|будет)[^.,;:]{{0,40}}{_CLOSED_ABROAD}",
    r"\bmeanwhile\b|\bpaused?\b|\bpending\b|\bnot ready\b|\bdegraded\b",
    r"\bfail-?over\b|\bstale (?:\w+ )?(?:handle|cache|data|copy|lock|map|replica|index)\b",
    r"\brebuild\w*|\brepair\w*|\bover (the )?limit\b",
    r"\bunder (repair|review)\b|\b(suspended|locked|disabled|closed|blocked) while\b|\btime-?out\b|\btimed out\b",
    r"\b(disk|storage|mail) space\b|\bspace (is )?(left|used|available)\b|\bno (more )?(room|space)\b",
    r"\bstorage (is|limit|allowance|capacity|quota|used|full|exhausted)\b|\ballowance\b|\ballotment\b",
    r"\bout of (the )?office\b|\bon (vacation|leave|holiday)\b|\bon (the |our )?(backup|secondary) (node|mx|server)\b",
    r"\bmaintenance\b|\bcached?\b|\btry later\b|\b(yet|until)\b|\b(re)?try( again)? in (\d|an?\b|one\b)",
    r"\bvor[üu]bergehend|\btemporair|\bmomentan|\btemporal|átmeneti|ideiglenes|jelenleg|προσωριν|προς το παρόν",
    r"тимчасов|наразі|временно|в момента|\bdo[čc]asn|tijdelijk|tillfällig|midlertidig|ge[çc]ici",
    r"privremen|začasn|trenutno|în prezent|일시적|暂时|暫時|一時的",
)
_INSIDES = (
    r"(ldap|map|table|database|directory|scanner|milter|policy|agent|daemon|process|service|node|cluster|i/o|disk"
    r"|resource|queue|storage|resolver|outage|fault)"
)
_LOOPS = (
    rf"\b{_INSIDES}s?( lookup)?( is| was| are)? (fail(ed|s|ure)?|errors?|down|unreachable|crash\w*|reject|shortage)\b",
    rf"\b(due to|caused by)\b[^.;]{{0,20}}\b{_INSIDES}\b|\bdeferred\b|\bexited\b|\bbe scanned\b",
    rf"\bbecause (of )?((an?|the|our|its) )?(\w+ )?{_INSIDES}\b",
    r"\bdnssec\b|\blame delegation\b|\bzone expired\b",
    r"\b(sql|relation|column)\b|\binternal error\b|\bfatal:",
    r"\bloop(s|ing|back|ed)?\b",
    r"(\bnot|n't) mounted\b|\boff-?line\b|\bno such (file|directory|process)\b",
    r"\bforward file\b|\.forward\b|\blookup returned\b",
    r"\b(auto-?forward\w*|redirect\w*|journal\w*|copy to) ?([^.;:]{0,30} failed)?: ",
    r"\b(anti-?virus|scanner|engine|(quota|policy) service): |(^|[^r]-|[^-\w])daemon: ",
)
_TOO_MANY = (
    r"\btoo many\b|\bmore\b[^.;]{0,40}\bthan\b|\b(limit|quota|number|rate)\b[^.;]{0,40}\b(exceed\w*|reached)\b",
)


_NOTHING_AGAINST = re.compile(
    r"\b(?:for |in |over |since )?(?:more|longer) than (?:an? |the )?(?:last )?(?:\w+ )?(?:day|week|month|year)s?\b"
    r"|(?:\bnot|n't|\bno need to) (?:going to )?(?:be )?(?:re-?)?(?:try|tried|trying|send|sent|sending)"
    r"(?: it| this| the message)? (?:again|later)\b",
    re.IGNORECASE,
)
"""How long a mailbox lay idle counts nothing that a sender did; who is not to try again meets no state that passes."""


_CLIENT = (
    r"\b(user ?name|user ?id|user|login|account) ?(and|or|/) ?(the )?pass ?(word|phrase)\b|\bcredentials\b",
    r"\bwrong password\b",
    r"\byour (ip|server|host|network)( address)? (is|was|has|have)\b|\bihr server\b|\bihre ip\b",
    r"\bauth=|\b(of )?yours\b|\byour mx\b|\bbounce to you\b|\b(remote|client|connecting) (ip|host has)\b",
    r"\b(customer|user)\b.*(\bip\b|\bconnection\b|\brelay service\b)|\bip\b.*\bcustomer\b",
    r"\bcustomer:? ~|~:? [^.;]*\b(customer|user of our relay)\b|\bcustomer for ip\b",
)
_SOME = (
    r"(external|outside|non-?members?|anonymous|unauthenticated|senders|you|your (domain|tenant)|strangers|spammers)\b"
)
_RESTRICTED = (
    r"\b(closed|disabled|inactive|locked)\b[^.;]{0,20} (for|to) (external|outside|non-?members?|anonymous)\b",
    r"\b(closed|disabled|inactive|locked)\b[^.;]{0,20} (for|to) (other|mail|messages|senders)\b",
    rf"\b(unknown|exists?|found|valid|known|such \w+|disabled) (for|to|by)( the| any| all)? {_SOME}",
    r"\boutside( of)? (the|our) |\bfor (this sender|your (domain|address|company|mails?))\b",
    r"\bonly (registered|known|listed|authori[sz]ed|internal) \w+|\bonly (members|subscribers)\b",
    r"\b(for|to|from|by|f[üu]r|von|pour|para|per|dla|voor)( \w+)? (extern(al|e|en|os|as|es|i)|estern[ie])\b|外部|внешн",
    r"\b(for|to|from|over|via|through) (this|that|your) (client|connection|ip|network|link|gateway)\b|\bover ipv[46]\b",
    r"\bfor (newsletters|bulk|mailings|advertis\w+)\b",
    r"\bnot (on|in|part of) (the |an? |our |its |his |their )?(allow|white|accept|safe)[- ]?list",
    r"\bblocked (the |your |this )?(address|sender|you|mail|messages?)\b|\bfrom outside\b|\bexternal senders?\b",
)


class Against(StrEnum):
    """What words say that speaks against a reason."""

    GUESS = "guess"
    """They only suppose something, or name causes of which one is harmless."""
    DENIED = "denied"
    """They say that it is not so."""
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
    *((Against.DENIED, pattern) for pattern in _DENIED),
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
    return _ADVICE.sub(lambda found: found[0] if _AGAIN_LATER.match(found[0]) else " ", words)


@lru_cache(REMEMBERED)
def against(words: str) -> Against | None:
    """Return the first thing in words that speaks against a reason."""
    found = _SIGNS.matching(_NOTHING_AGAINST.sub(" ", words))
    return _PATTERNS[found[0]][0] if found else None
