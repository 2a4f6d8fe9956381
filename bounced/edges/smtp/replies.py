"""Every reply that the door can give, with enhanced status codes.  (RFC 5321 section 4.2, RFC 3463)"""

from types import MappingProxyType
from typing import Final


class Refused(Exception):  # noqa: N818 - a refusal is an answer, not an error
    """A command that gets a negative reply and changes nothing."""

    def __init__(self, reply: str) -> None:
        super().__init__(reply)
        self.reply = reply


OK: Final = "250 2.0.0 OK"
SENDER_OK: Final = "250 2.1.0 OK"
RECIPIENT_OK: Final = "250 2.1.5 OK"
START_CONTENT: Final = "354 End data with <CR><LF>.<CR><LF>"
START_TLS: Final = "220 2.0.0 Ready to start TLS"
GOODBYE: Final = "221 2.0.0 Bye"
HELP: Final = "214 2.0.0 See RFC 5321"
NOT_VERIFIED: Final = "252 2.5.2 Cannot verify; send a message to find out"

SHUTTING_DOWN: Final = "421 4.3.2 Shutting down, come again"
TOO_MANY_CONNECTIONS: Final = "421 4.7.0 Too many connections, come again"
TOO_MANY_COMMANDS: Final = "421 4.7.0 Too many commands in one session, come again"
TOO_MANY_IDLE_COMMANDS: Final = "421 4.7.0 Too many commands without a message, come again"
TOO_MANY_ERRORS: Final = "421 4.7.0 Too many errors"
TOO_SLOW: Final = "421 4.7.0 Too slow, come again"
TALKED_EARLY: Final = "421 4.7.0 Wait for the greeting"
NOT_HTTP: Final = "421 4.7.0 This is not a web server"
LINE_WITHOUT_END: Final = "421 4.7.0 Command line far too long"
BAD_CHUNK: Final = "421 4.5.4 Syntax error in BDAT; no way to tell where the chunk ends"
NOT_ADMITTED: Final = "421 4.7.0 Not admitted here"

TRY_AGAIN: Final = "451 4.3.0 Cannot say that this is stored, come again"
ONE_RECIPIENT: Final = "452 4.5.3 One recipient a message"
TLS_NOT_NOW: Final = "454 4.7.0 Too many TLS handshakes at once, come again"

UNKNOWN_COMMAND: Final = "500 5.5.1 Command not recognized"
BAD_LINE: Final = "500 5.5.2 Commands are ASCII verbs that end with <CR><LF>, without other control characters"
LINE_TOO_LONG: Final = "500 5.5.2 Command line too long"
BAD_ARGUMENT: Final = "501 5.5.4 Syntax error in the argument"
BAD_REVERSE_PATH: Final = "501 5.1.7 Syntax error in the reverse path"
BAD_FORWARD_PATH: Final = "501 5.1.3 Syntax error in the forward path"
NOT_OFFERED: Final = "502 5.5.1 Not offered here"
GREET_FIRST: Final = "503 5.5.1 Say hello first"
MAIL_FIRST: Final = "503 5.5.1 MAIL comes first"
RECIPIENT_FIRST: Final = "503 5.5.1 RCPT comes first"
IN_TRANSACTION: Final = "503 5.5.1 A transaction is open"
BDAT_STARTED: Final = "503 5.5.1 BDAT has started"
BDAT_NEEDED: Final = "503 5.5.1 BINARYMIME needs BDAT"
TLS_ALREADY: Final = "503 5.5.1 TLS is on already"
NO_SUCH_PATH: Final = "550 5.1.1 No such return path"
FOREIGN_PATH: Final = "550 5.7.1 Not our domain; no relaying"
TOO_BIG: Final = "552 5.3.4 Message too big"
FAR_TOO_BIG: Final = "552 5.3.4 Message far too big, not read to its end"
BAD_PARAMETER: Final = "555 5.5.4 Parameter not recognized"


_NOT_LET_IN: Final = MappingProxyType(
    {
        "not_a_proxy": NOT_ADMITTED,
        "bad_proxy_header": NOT_ADMITTED,
        "talked_early": TALKED_EARLY,
        "shutting_down": SHUTTING_DOWN,
    }
)


def not_let_in(reason: str) -> str:
    """Return what a peer hears that is sent away before the greeting."""
    return _NOT_LET_IN.get(reason, TOO_MANY_CONNECTIONS)


def ends_session(reply: str) -> bool:
    """Whether a reply is the last one of its session."""
    return reply.startswith(("421", "221")) or reply == FAR_TOO_BIG
