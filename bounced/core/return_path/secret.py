"""The secret in a key's file, the same for all who read it: the daemon, the clients, the recipes of other languages.

A key that somebody reads with the newline behind it is another key: every return path made with it is refused, and
every bounce is lost.  So what editors, shells and environments add to a text does not count.  (docs/return-path.md)
"""

_UTF8_MARK = b"\xef\xbb\xbf"
_OTHER_MARKS = (b"\xff\xfe", b"\xfe\xff")
_BLANKS = b" \t\r\n"
_TEXT = bytes(range(0x20, 0x7F)) + b"\t\r\n"


def secret_of(octets: bytes) -> bytes:
    """Return the secret in what a key's file, or a variable of the environment, holds.

    Of ASCII text, and of any text with a byte order mark, neither the mark nor blanks and line ends around it count.
    Other octets are taken as they are but for line ends behind them.  Raises ValueError for what is no good key.
    """
    if octets.startswith(_OTHER_MARKS):
        raise ValueError("a secret is plain text or octets, got UTF-16")
    text = octets.removeprefix(_UTF8_MARK)
    is_text = text is not octets or not octets.translate(None, _TEXT)
    secret = text.strip(_BLANKS) if is_text else octets.rstrip(b"\r\n")
    if secret and not secret.strip(b"\0"):
        raise ValueError("a secret is not made of NUL octets alone, as a file is that was never written out")
    return secret
