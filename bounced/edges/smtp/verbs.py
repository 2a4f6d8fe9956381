"""Which commands and extensions are offered, and what is said to the others."""

from functools import cache

from bounced.edges.smtp import replies
from bounced.edges.smtp.settings import SessionSettings, Speech

_VERBS = frozenset({"MAIL", "RCPT", "DATA", "BDAT", "RSET", "NOOP", "QUIT", "VRFY", "HELP"})
_GREETINGS = {Speech.SMTP: frozenset({"HELO", "EHLO"}), Speech.LMTP: frozenset({"LHLO"})}
_NOT_OFFERED = frozenset({"AUTH", "ATRN", "BURL", "ETRN", "EXPN", "SAML", "SEND", "SOML", "STARTTLS", "TURN"})
_HTTP = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})


def refusal_of(verb: str, settings: SessionSettings) -> str | None:
    """Return what is said to a verb that is not offered at a listener, None for one that is."""
    if verb in _VERBS or verb in _GREETINGS[settings.speech] or (verb == "STARTTLS" and settings.tls_context):
        return None
    if verb in _NOT_OFFERED:
        return replies.NOT_OFFERED
    return replies.NOT_HTTP if verb in _HTTP else replies.UNKNOWN_COMMAND


def greeting(settings: SessionSettings, *, over_tls: bool) -> str:
    """Return the reply to EHLO: unlike aiosmtpd's without AUTH, and with PIPELINING and CHUNKING.

    (docs/traps.md, 9 and 10)
    """
    offers_tls = settings.tls_context is not None and not over_tls
    return _greeting(settings.hostname, settings.max_message_bytes, offers_tls)


@cache
def _greeting(hostname: str, max_message_bytes: int, offers_tls: bool) -> str:  # noqa: FBT001 - a key of the cache
    lines = [
        hostname,
        "PIPELINING",
        f"SIZE {max_message_bytes}",
        *(["STARTTLS"] if offers_tls else []),
        "8BITMIME",
        "SMTPUTF8",
        "ENHANCEDSTATUSCODES",
        "CHUNKING",
    ]
    return "".join(f"250-{line}\r\n" for line in lines) + "250 BINARYMIME"
