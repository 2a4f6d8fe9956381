"""Of whom a sentence says that they are unknown, invalid, gone or closed: the recipient, its domain, or somebody else.

A reply condemns an address only where the *head noun* of what it complains about is a word for a recipient.  English
puts the head noun last: before the words that say what is wrong (``the user MAILBOX does not exist``) or after them
(``unknown USER``); what follows ``of``, ``in`` or ``for`` only describes it.  So ``no such user`` is about the
recipient, ``user database not found`` is about a database, and ``sender's mailbox unknown`` is about the sender.  A
head noun that is in none of the lists here may be anything: ``invalid recipient count`` is about nobody known.
"""

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from bounced.core.meaning.complaint import AFTER, BEFORE, marked

REMEMBERED = 4096


class About(StrEnum):
    """Whom or what a sentence is about."""

    RECIPIENT = "recipient"
    DOMAIN = "domain"
    SENDER = "sender"
    MESSAGE = "message"
    OTHER = "other"
    UNKNOWN = "unknown"


class Claim(NamedTuple):
    """One thing that a sentence finds fault with.  ``subject`` are the words that name it."""

    about: About
    subject: str


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


RECIPIENTS = _words(
    "user mailbox mail-box box recipient recipients receiver"
    " rcpt account addressee alias username userid maildrop inbox"
    " subscriber customer member employee person individual address addresses localpart local-part forward-path"
    " emailaddress mailaddress e-mailaddress login uid user(s) recipient(s) @ one"
)
"""Users and mailboxes in the plural are none of them this one: ``your list contains unknown users``."""
_DOMAINS = _words("domain domains host hostname domainname computer ~ host(s)")
_MESSAGES = _words(
    "subject header headers cc bcc message messages content body text attachment link url charset encoding date"
    " message-id list-unsubscribe list-id field line data size set character characters key certificate signature"
    " record delivery"
)
_SENDERS = _words("sender senders originator from helo ehlo ptr return-path returnpath reply-to client")
_OF_THE_SENDER = _SENDERS | _words(
    "sender's senders' sending mail-from return reverse reverse-path envelope-from originator's originating your you"
    " our client's peer submitter author submitting authenticated caller bounce verp srs reply postmaster abuse"
    " correspondent writer origin originating auth authentication sasl"
)
_THINGS = _words(
    "server servers service services database databases table tables mailer agent backend script program relay"
    " gateway license directory map lookup configuration config file files folder path list group groups store storage"
    " system policy filter process daemon queue transport router entry object attribute class type number token"
    " session password permission permissions access limit quota group's command sequence port version protocol hop mx"
    " reputation source blocks route disk reviewer moderator delegate owner manager news error(s) range"
)
"""What is no mailbox, whatever word for one stands before it."""
_OF_OTHERS = _words(
    "forwarding forward alternate alternative journal archive another other first previous next second delegate backup"
    " redirect redirected subscription catchall catch-all default"
)
"""Whoever is named so is not the one whom the mail was for."""
_RELAYS = _words("smarthost smart-host next-hop hop store relay gateway backend upstream proxy")
"""Hosts on the way, or behind: none is the recipient's domain."""
_ADDRESSES, _OF_HOSTS = _words("address addresses"), _words("ip ipv4 ipv6 host server mx dns network")
_OF_NAMES = _words("mx dns exchanger exchangers nxdomain")
_FIELDS = _words("list-unsubscribe list-id body header headers message-id subject attachment signature url link")
_IN_MESSAGES = _words("cc bcc link url attachment certificate signature charset header key")
_ALTERNATIVES = _words("or")
_ENTRIES = _words("record records entry entries")
_MAIL = _words("mail e-mail email smtp internet network")
_FORM = _words("syntax format form name spelling names")
"""What is wrong with the form of a thing is wrong with the thing."""
_SAYS_NOTHING = _words("error errors reason reasons problem problems failure failures cause response status result")
"""Where these are unknown or bad, nothing is said of anybody."""
_CONJUNCTIONS = _words("because since but and although while whereas so")
_ENDS = _words(
    "of in on at for by with from to as please if when that which who whose where via after during against into within"
    " under here anymore named called requested specified given entered found see i they"
)
_MEANT = _words("specified given entered requested named")
"""Before a noun these only say which one is meant."""
_PRONOUNS = _words("you we")
_BOUNDARIES = _words(". ; : ! ? ( ) [ ] ,")
_ENDS_OF_CLAUSE = _BOUNDARIES | _CONJUNCTIONS
_ENDS_OF_NOUN = _ENDS_OF_CLAUSE | _ENDS
_HOLDS = _words(
    "contains contained containing has have having names named includes included including lists carries bears mentions"
    " mentioned"
)
"""What stands in a thing is the thing's own fault: ``the header contains an unknown user``."""
_BE = _words(
    "is are was were be been being has have had does did do can could cannot may might will would seems appears to"
    " currently already now also not n't permanently temporarily no longer an a the either probably possibly it this"
)
_ARTICLES = _words("a an the")
_DETERMINERS = _words("the a an this that such any or these those its their his her valid known existing")

_POSSESSIVE = re.compile(r"['\u2019]s$")


def is_word(name: str) -> bool:
    """Tell whether a user's name is a word that replies use for something else: ``service``, ``policy``, ``info``."""
    return name in _WORDS


@lru_cache(REMEMBERED)
def claims(sentence: str) -> tuple[Claim, ...]:
    """Return all that a sentence finds fault with, in its order; nothing where it is no English, or no complaint.

    Names stand neutral in it: ``@`` for an address and ``~`` for a host.
    """
    return tuple(_claims(marked(sentence)))


def is_of_relay(sentence: str) -> bool:
    """Tell whether a sentence finds fault with a host on the way: ``next-hop host not found``."""
    return any(not _RELAYS.isdisjoint(claim.subject.split()) for claim in claims(sentence))


def _claims(tokens: Sequence[str]) -> Iterator[Claim]:
    for place, token in enumerate(tokens):
        if not token.startswith("§"):
            continue
        behind = _behind(tokens, place) if token != AFTER else []
        describes = place and tokens[place - 1] in _ARTICLES and behind  # has AN UNKNOWN state: the state is unknown
        before = _before(tokens, place) if token != BEFORE and not describes else []
        told = [(_about(noun), noun) for noun in (behind, before) if noun and noun[-1] not in _SAYS_NOTHING]
        if told:
            about, noun = next((each for each in told if each[0] not in (About.OTHER, About.UNKNOWN)), told[0])
            if about is About.RECIPIENT and noun is before and _is_among_strangers(tokens, place):
                about = About.UNKNOWN
            yield Claim(_elsewhere(tokens, place) or about, " ".join(noun))


def _behind(tokens: Sequence[str], place: int) -> list[str]:
    """Return the noun that a complaint stands before, with its describing words."""
    noun: list[str] = []
    for token in tokens[place + 1 :]:
        if not noun and (token.startswith("§") or token in _ALTERNATIVES):
            continue  # unknown or illegal alias
        if token in _ENDS_OF_NOUN or token.startswith("§"):
            break
        if noun and token in _BE:
            break
        noun.append(token)
    return [token for token in noun if token not in _DETERMINERS]


def _before(tokens: Sequence[str], place: int) -> list[str]:
    """Return the noun that a complaint stands behind, with its describing words."""
    start = place
    while start and tokens[start - 1] not in _ENDS_OF_CLAUSE and not tokens[start - 1].startswith("§"):
        start -= 1
    noun = list(tokens[start:place])
    while noun and noun[-1] in _BE:
        noun.pop()
    ends = _ENDS | _PRONOUNS
    while noun and (noun[0] in _DETERMINERS or noun[0] in _MEANT):
        del noun[0]  # the specified user
    end = next((at for at, token in enumerate(noun) if at and token in ends), len(noun))
    if noun[:2] == ["one", "of"]:
        noun, end = noun[2:], next((at for at, token in enumerate(noun[2:]) if at and token in ends), len(noun) - 2)
    elif noun[end : end + 1] == ["of"] and not set(noun[:end]) - _FORM - _DETERMINERS:  # the name of a server
        noun, end = noun[end + 1 :], len(noun)
    found = [token for token in noun[:end] if token not in _DETERMINERS]
    if not found and start and tokens[start - 1] in _BOUNDARIES:
        return _address_before(tokens, start - 1)
    return found


def _address_before(tokens: Sequence[str], place: int) -> list[str]:
    """Return the address that stands alone before a colon: ``<alice@example.org>: unknown``."""
    while place >= 0 and tokens[place] in _BOUNDARIES:
        place -= 1
    return [tokens[place]] if place >= 0 and tokens[place] in ("@", "~") else []


def _elsewhere(tokens: Sequence[str], place: int) -> About | None:
    """Return whose fault it is whatever the noun: the thing's that holds it, or theirs of whom a clause speaks."""
    if tokens[place] == BEFORE and _addressed(tokens, place):
        return About.SENDER
    return _inside(tokens, place) or _where(tokens, place)


def _addressed(tokens: Sequence[str], place: int) -> bool:
    """Tell whether a clause speaks to the reader: ``you are not a known user``."""
    at = place - 1
    while at >= 0 and tokens[at] in _BE:
        at -= 1
    return at >= 0 and tokens[at] == "you"


def _is_among_strangers(tokens: Sequence[str], place: int) -> bool:
    """Tell whether a clause looks for somebody where it is no wonder that a recipient is not found."""
    phrase: list[str] = []
    for token in tokens[place + 1 :]:
        if token in _ENDS_OF_CLAUSE or token.startswith("§"):
            break
        phrase.append(token)
    if phrase[:2] == ["to", "our"]:
        del phrase[1]  # unknown TO OUR partners
    return len(phrase) > 1 and phrase[0] in _LOOKED_IN and _WHERE_USERS_ARE.isdisjoint(phrase[1:])


def _where(tokens: Sequence[str], place: int) -> About | None:
    """Return whose it is where a clause says in what the fault was found: ``bad address in the From header``."""
    for at in range(place + 1, len(tokens)):
        if tokens[at] in _BOUNDARIES:
            return None
        if tokens[at : at + 2] == ["on", "your"]:
            return About.SENDER
        if tokens[at] in _WITHIN:
            named = tokens[at + 1 : at + 5]
            if named[:1] == ["to"]:
                return About.MESSAGE  # the field of that name
            if named[:1] == ["your"]:
                return About.SENDER
            places = _PLACES if tokens[at] == "in" else _PLACES[:1]
            return next((about for about, nouns in places if nouns.intersection(named)), None)
    return None


def _inside(tokens: Sequence[str], place: int) -> About | None:
    """Return whose it is where a clause says what holds the fault: ``the header contains an unknown user``.

    So it is where the thing belongs to a field: ``the host of the Message-ID is unknown``.
    """
    held: set[str] = set()
    for at in range(place - 1, -1, -1):
        if tokens[at] in _ENDS_OF_CLAUSE:
            return None
        if tokens[at] in _FIELDS:
            return About.MESSAGE
        if held or tokens[at] in _HOLDS:
            held.add(tokens[at])
            if about := next((about for about, nouns in _PLACES if tokens[at] in nouns), None):
                return about
    return None


_LOOKED_IN = _words("in among to")
_WHERE_USERS_ARE = (
    RECIPIENTS
    | _DOMAINS
    | _words(
        "table tables map maps database databases directory directories list server servers system systems site node"
        " here organization organisation company backend ldap passwd file network service book domino records us me"
        " this our office users mailboxes accounts alias aliases local virtual relay active global zone realm context"
        " tree forest cluster tenant institution school university machine gateway store exchange post postoffice rcpt"
        " envelope"
    )
)
_WITHIN = _words("in at among")
_PLACES = ((About.SENDER, _SENDERS | _words("sending origin subscribers")), (About.MESSAGE, _MESSAGES))
_ROLES = _words("info support sales help contact office admin service team marketing hello web post billing spam test")
_WORDS = (
    RECIPIENTS | _DOMAINS | _MESSAGES | _OF_THE_SENDER | _THINGS | _ENTRIES | _MAIL | _FORM | _SAYS_NOTHING | _ROLES
)
_NOUNS = ((About.RECIPIENT, RECIPIENTS), (About.DOMAIN, _DOMAINS), *_PLACES)


def _about(noun: Sequence[str]) -> About:
    """Return whom a noun with its describing words names."""
    noun = [token if token in _OF_THE_SENDER else _POSSESSIVE.sub("", token) for token in noun]
    if noun[-1] in _ENTRIES and noun[-2:-1] and noun[-2] in RECIPIENTS:
        return About.DOMAIN if noun[-2] in _ADDRESSES else About.RECIPIENT  # a user that has no entry is none
    if noun[-1] in _ADDRESSES and noun[-2:-1] and noun[-2] in _OF_HOSTS:
        return About.DOMAIN
    if _is_thing(noun):
        return About.OTHER
    bare = [token for token in noun if token not in _FORM and token not in _MAIL]
    if not bare:
        return About.RECIPIENT if noun[-1] in _FORM else About.MESSAGE
    return _somebody(bare) or (
        About.DOMAIN
        if not _OF_NAMES.isdisjoint(noun)
        else next((about for about, nouns in _NOUNS if bare[-1] in nouns), About.UNKNOWN)
    )


def _is_thing(noun: Sequence[str]) -> bool:
    """Tell whether a noun names no mailbox and no domain of one: a database, a relay, what stands in a message."""
    if noun[-1] in _DOMAINS | _RELAYS and not _RELAYS.isdisjoint(noun):
        return True
    is_thing = noun[-1] in _THINGS or (noun[0] in _THINGS and noun[-1] not in _FORM)
    return (is_thing and _OF_NAMES.isdisjoint(noun)) or not _IN_MESSAGES.isdisjoint(noun[:-1])


def _somebody(noun: Sequence[str]) -> About | None:
    """Return who it is where a word says that it is the sender, or somebody to whom mail goes on."""
    if noun[-1] not in _MESSAGES and any(word in _OF_THE_SENDER for word in noun):
        return About.SENDER
    return None if _OF_OTHERS.isdisjoint(noun[:-1]) else About.OTHER
