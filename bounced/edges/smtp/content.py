"""The content of a message as it comes in: the end found, dots unstuffed, the first part kept, the rest dropped."""

END = b"\r\n.\r\n"
LINE_END = b"\r\n"


class ContentHead:
    """Keeps the first octets and counts all: a message of 30 MB costs no more than its first part."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self.total = 0

    def add(self, octets: bytes) -> None:
        """Take the next octets of the content."""
        room = self._limit - self.total
        if room > 0:
            self._parts.append(octets[:room])
        self.total += len(octets)

    def release(self) -> bytes:
        """Return what was kept, and keep it no longer."""
        octets = b"".join(self._parts)
        self._parts.clear()
        return octets


class DotStuffed:
    """Takes what follows 354 in blocks of any size.  (RFC 5321 section 4.5.2)

    Only CRLF.CRLF ends the content, wherever blocks are cut; a bare CR or LF is data.  Any other reading lets
    one message be taken for two ("SMTP smuggling").
    """

    def __init__(self, head: ContentHead) -> None:
        self._head = head
        self._held = LINE_END  # content begins as if after a line end, so that a first line ".CRLF" ends it
        self._skip = len(LINE_END)

    def feed(self, block: bytes) -> bytes | None:
        """Take a block; return what follows the end of the content, or None as long as it has not ended."""
        octets = self._held + block
        end = octets.find(END)
        if end >= 0:
            self._take(octets[: end + len(LINE_END)])
            return octets[end + len(END) :]
        cut = len(octets) - _begun(octets)
        self._held = octets[cut:]
        self._take(octets[:cut])
        return None

    def _take(self, octets: bytes) -> None:
        """Keep stuffed octets, in which no line end with its dot is cut in two."""
        unstuffed = octets.replace(b"\r\n.", LINE_END)
        if self._skip and unstuffed:
            unstuffed, self._skip = unstuffed[self._skip :], 0
        self._head.add(unstuffed)


def _begun(octets: bytes) -> int:
    """Return how many of the last octets may be the first ones of ``END``, whose rest has not come yet."""
    return next((length for length in range(len(END) - 1, 0, -1) if octets.endswith(END[:length])), 0)
