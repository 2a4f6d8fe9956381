"""Whether words beside a code leave the reason to the code, or are about something else."""

import re
from functools import lru_cache

from bounced.core.meaning.complaint import marked
from bounced.core.meaning.subject import RECIPIENTS

REMEMBERED = 4096
MIN_WORD = 3
_MERE_FAILURE = frozenset(
    [
        "bounce",
        "bounced",
        "fail",
        "failed",
        "failure",
        "permanent",
        "permanently",
        "hard",
        "error",
        "undelivered",
        "delivery",
        "deliver",
        "returned",
        "sorry",
        "mail",
        "message",
        "smtp",
        "esmtp",
        "gsmtp",
        "code",
        "status",
        "reply",
        "for",
        "the",
        "and",
        "was",
        "not",
        "could",
        "has",
        "been",
        "with",
        "from",
    ]
)
"""What says that mail was not delivered, and nothing of the reason."""
_ABROAD = re.compile(
    r"unbekannt|existier|inconnu|inexist|exist[ea]|desconoc|desconhec|sconosciut|necunoscut|nepozn|neznam|ne postoji"
    r"|ne obstaja|ismeretlen|nem letez|\btidak\b|ton tai|okand|ukjent|ukendt|tuntematon|onbekend|nieznan|nie istnieje"
    r"|nie ma takie|bestaat niet|finns inte|findes ikke|finnes ikke|bulunamad|adress[ea]\b|benutzer|empfaeng"
    r"|utili[sz]at|usuari|korisnik|felhaszn|pengguna|postfach|destinat|bruker|skrzynk|uzytkown|odbiorc|schrank|uzivatel|prijemc"
    r"|cuenta|buzon|casella|utente|indirizzo|caixa postal|gebruiker|ontvanger|postbus|mottag|mottak|modtag|vastaanott"
    r"|kullanici",
    re.IGNORECASE,
)
"""Another language without its accents."""


@lru_cache(REMEMBERED)
def may_be_of_recipient(words: str) -> bool:
    """Tell whether words leave it open that they are about a recipient: they complain, name one, or only say: no.

    What is not in ASCII letters is another language, of which nobody knows here what it says.
    """
    tokens = marked(words)
    plain = {token for token in tokens if len(token) >= MIN_WORD and token.isalpha()} - _MERE_FAILURE
    says_so = any(token.startswith("\u00a7") for token in tokens) or not RECIPIENTS.isdisjoint(tokens)
    return not plain or says_so or not words.isascii() or bool(_ABROAD.search(words))
