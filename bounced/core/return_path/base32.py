"""Lower-case base32 without padding, for signed paths, tokens and the names of keys.  (RFC 4648 section 6)"""

from base64 import b32encode

ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
VALUE_OF = {character: value for value, character in enumerate(ALPHABET)}


def from_int(number: int, length: int) -> str:
    """Return a number of ``5 * length`` bits, most significant first."""
    return "".join(ALPHABET[number >> shift & 31] for shift in range(5 * (length - 1), -5, -5))


def to_int(text: str) -> int:
    """Return the number that ``from_int`` wrote."""
    number = 0
    for character in text:
        number = number << 5 | VALUE_OF[character]
    return number


def leading(octets: bytes, length: int) -> str:
    """Return the first ``5 * length`` bits of some octets."""
    whole_groups = octets[: (length + 7) // 8 * 5]
    return b32encode(whole_groups)[:length].decode("ascii").lower()
