"""Families whose notices have the common layout: only name and mark are theirs."""

from bounced.core.reading.notices import generic
from bounced.core.reading.notices.family import Family

_MARKS = {
    "postfix": r"this is the (postfix|mail system|\w{1,30}mail) (program )?at host",
    "opensmtpd": r"this is the mailer-daemon, please do not reply to this e-?mail",
    "courier": r"running the courier mail server|this is a delivery status notification from",
    "dma": r"this is the dragonfly mail agent",
    "haraka": r"this is the haraka mailer program",
    "exchange": r"did not reach the following recipient|reach some or all of the intended recipients|msexch:|"
    r"internet mail service \(5\.|nachricht hat einige oder alle empfänger nicht erreicht",
    "domino": r"domino directory|lotus notes|name & address book|-- failure reasons|smtp/mime mta",
    "groupwise": r"sent was undeliverable to the following|groupwise",
    "imail": r"<?smtp32 v\d|invalid final delivery userid|user mailbox exceeds allowed size",
    "mailmarshal": r"the following recipients were affected|mailmarshal",
    "mimecast": r"an email that you attempted to send to the following address could not be delivered",
    "interscan": r"interscan|trend ?micro",
    "google": r"mailer-daemon@google(mail)?\.com",
    "smail": r"\|-{5,40} failed addresses follow",
    "kddi": r"postmaster@(ezweb|au|dion)\.|could not be delivered to: <|each of the following recipients was rejected",
    "m-filter": r"-{3,}server message|m-filter",
    "zoho": r"mailer-daemon@mail\.zoho|zoho mail",
    "james": r"error message below:\s",
    "communigate": r"(smtp|local) module\([^)\n]{1,50}\) reports",
    "smartermail": r"failed recipient: ",
    "mailenable": r"mailenable: message delivery",
    "xmail": r"xmail bounce: rcpt=",
    "intermail": r"this message was undeliverable due to the following reason",
    "hmailserver": r"hmailserver",
    "mdaemon": r"^mdaemon@|mdaemon",
    "mimesweeper": r"a message could not be delivered to:|mimesweeper|mailsweeper",
    "surfcontrol": r"surfcontrol",
    "mcafee": r"following addresses had delivery problems",
    "x400": r"diagnostic was (unable to transfer|unrecognised o/r name)|this report relates to your message",
    "vadesecure": r"delivery has failed to these recipients or distribution lists",
}

COMMON = tuple(Family(name, mark, generic.read) for name, mark in _MARKS.items())
