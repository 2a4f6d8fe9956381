"""The arguments of commands, read strictly and cheaply.  (RFC 5321 sections 4.1.1 and 4.1.2)

Only the reverse-path is read leniently.  It proves nothing, and a peer that gives a broken one (``<MAILER-DAEMON@>``)
brings a bounce all the same.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bounced.edges.smtp import replies
from bounced.edges.smtp.replies import Refused

# RFC 5321 section 4.1.2, with UTF-8 beyond ASCII as RFC 6531 section 3.3 adds it:
#   Mailbox       = Local-part "@" ( Domain / address-literal )
#   Local-part    = Dot-string / Quoted-string
#   Dot-string    = Atom *("." Atom)
#   Quoted-string = DQUOTE *QcontentSMTP DQUOTE ; QcontentSMTP = qtextSMTP / quoted-pairSMTP
# Wider than the grammar: dots may stand anywhere in a local part, since recipients such as "a..b@" exist and their
# senders' return paths copy them.  Control characters cannot occur: the command line was checked for them.
_ATOMS = r'[^\s"(),:;<>@\[\\\]]+'
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_LOCAL = rf"(?:{_ATOMS}|{_QUOTED})"
_DOMAIN = r"(?:[\w.\-]+|\[[0-9A-Za-z.:\-]+\])"
# A-d-l ":", the source route, has to be accepted and ignored (RFC 5321 appendix C):
#   Path = "<" [ A-d-l ":" ] Mailbox ">" ; A-d-l = At-domain *( "," At-domain ) ; At-domain = "@" Domain
_ROUTE = r"(?:@[^:<>\s]+:)?"
# RFC 5321 sections 4.1.1.2 and 4.1.1.3:
#   mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF ; Reverse-path = Path / "<>"
#   rcpt = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path ) [SP Rcpt-parameters] CRLF
# Spaces behind the colon are let through: many senders put one there.
_REST = r"(?: (?P<parameters>.*))?"
_REVERSE = re.compile(rf"FROM: *<{_ROUTE}(?P<mailbox>{_LOCAL}@{_DOMAIN}|[^<>]*)>{_REST}", re.IGNORECASE)
_FORWARD = re.compile(rf"TO: *<{_ROUTE}(?P<mailbox>{_LOCAL}(?:@{_DOMAIN})?)>{_REST}", re.IGNORECASE)

# esmtp-param = esmtp-keyword ["=" esmtp-value] ; esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
# (RFC 5321 section 4.1.2)
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=(\S+))?")
# xtext = *( xchar / hexchar ) ; xchar = any of "!" to "~" but "+" and "=" ; hexchar = "+" 2(HEXDIG)
# (RFC 3461 section 4)  "=" is let through, since some senders do not escape it.
_XTEXT = re.compile(r"(?:[!-*,-~]|\+[0-9A-F]{2})+")
# size-value = 1*20DIGIT  (RFC 1870 section 4)
_SIZE = re.compile(r"[0-9]{1,20}")
# notify-esmtp-value = "NEVER" / 1#( "SUCCESS" / "FAILURE" / "DELAY" )  (RFC 3461 section 4.1)
_NOTIFY = re.compile(r"NEVER|(?:SUCCESS|FAILURE|DELAY)(?:,(?:SUCCESS|FAILURE|DELAY)){0,2}", re.IGNORECASE)
# original-recipient-address = addr-type ";" xtext  (RFC 3461 section 4.2); any value is let through, it is not used
_ORCPT = re.compile(r"[A-Za-z0-9-]+;\S+")
# bdat-cmd = "BDAT" SP chunk-size [ SP end-marker ] CR LF ; chunk-size = 1*DIGIT ; end-marker = "LAST"
# (RFC 3030 section 2)  More than one space is let through.
_BDAT = re.compile(r"(?P<size>[0-9]{1,12})(?: +(?P<last>LAST))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mail:
    """What MAIL said.  ``reverse_path`` is empty for the null path, ``size`` in octets or None."""

    reverse_path: str
    size: int | None = None
    binary: bool = False


def read_mail(argument: str | None) -> Mail:
    """Return what the argument of MAIL says.  Raises Refused."""
    match = _REVERSE.fullmatch(argument or "")
    if match is None:
        raise Refused(replies.BAD_REVERSE_PATH)
    return _with_parameters(_as_text(match["mailbox"]), match["parameters"])


def read_rcpt(argument: str | None) -> str:
    """Return the forward-path in the argument of RCPT.  Raises Refused.

    UTF-8 is taken where SMTPUTF8 was not declared as well: Exim and Haraka forget it, the bounce is the same, and a
    refusal would lose it.  NOTIFY and ORCPT (RFC 3461) are checked and then ignored: we never send a notification.
    """
    match = _FORWARD.fullmatch(argument or "")
    if match is None:
        raise Refused(replies.BAD_FORWARD_PATH)
    for keyword, value in _parameters(match["parameters"]).items():
        pattern = {"NOTIFY": _NOTIFY, "ORCPT": _ORCPT}.get(keyword)
        if pattern is None:
            raise Refused(replies.BAD_PARAMETER)
        _must_match(pattern, value)
    forward_path = match["mailbox"]
    if not _is_utf8(forward_path):
        raise Refused(replies.BAD_FORWARD_PATH)
    return forward_path


def read_bdat(argument: str | None) -> tuple[int, bool]:
    """Return the size of a chunk in octets and whether it is the last.

    Raises Refused with 421: where a chunk ends is unknown, so nothing after it may be taken for a command.
    """
    match = _BDAT.fullmatch(argument or "")
    if match is None:
        raise Refused(replies.BAD_CHUNK)
    return int(match["size"]), match["last"] is not None


def read_none(argument: str | None) -> None:
    """Refuse the argument of a command that takes none.  Raises Refused."""
    if argument:
        raise Refused(replies.BAD_ARGUMENT)


def _with_parameters(reverse_path: str, text: str | None) -> Mail:
    size, binary = None, False
    for keyword, value in _parameters(text).items():
        match keyword:
            case "SIZE":  # RFC 1870
                size = int(_must_match(_SIZE, value))
            case "BODY":  # RFC 6152, RFC 3030
                body = (value or "").upper()
                if body not in ("7BIT", "8BITMIME", "BINARYMIME"):
                    raise Refused(replies.BAD_ARGUMENT)
                binary = body == "BINARYMIME"
            case "SMTPUTF8" if value is None:  # RFC 6531
                pass
            case "RET" if value and value.upper() in ("FULL", "HDRS"):  # RFC 3461
                pass
            case "ENVID":
                _must_match(_XTEXT, value)
            case "SMTPUTF8" | "RET":
                raise Refused(replies.BAD_ARGUMENT)
            case _:
                raise Refused(replies.BAD_PARAMETER)
    return Mail(reverse_path, size, binary)


def _parameters(text: str | None) -> Mapping[str, str | None]:
    """Return the parameters by keyword in capitals.  Raises Refused for one that is malformed or comes twice."""
    found: dict[str, str | None] = {}
    for word in (text or "").split():
        match = _PARAMETER.fullmatch(word)
        if match is None or match[1].upper() in found:
            raise Refused(replies.BAD_ARGUMENT)
        found[match[1].upper()] = match[2]
    return found


def _must_match(pattern: re.Pattern[str], value: str | None) -> str:
    if value is None or pattern.fullmatch(value) is None:
        raise Refused(replies.BAD_ARGUMENT)
    return value


def _is_utf8(path: str) -> bool:
    """Whether all octets were UTF-8.  aiosmtpd hands over others as lone surrogates."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _as_text(path: str) -> str:
    """Return a reverse-path with what is not UTF-8 replaced: it proves nothing, so it is never refused for that."""
    return path if _is_utf8(path) else path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
