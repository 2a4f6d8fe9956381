"""The head of an answer and the first piece of its body in one write.

uvicorn writes them one after the other.  Each write is a system call that wakes the client, who can do nothing with a
head alone.
"""

import asyncio


class OneWrite:
    """What one answer is written to, in place of the connection's transport.

    A head waits for what is written next, and no longer than until the loop's next round: a stream may have nothing
    else to say yet.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head: bytes | None = None
        self._begun = False

    def write(self, data: bytes) -> None:
        """Write a head, which waits, or a piece of the body, which does not."""
        if self._begun:
            head, self._head = self._head, None
            self._transport.write(data if head is None else head + data)
        else:
            self._begun, self._head = True, data
            self._loop.call_soon(self._send_head)

    def close(self) -> None:
        """Close the connection when everything is written."""
        self._send_head()
        self._transport.close()

    def is_closing(self) -> bool:
        """Return whether the connection is closed, or about to be."""
        return self._transport.is_closing()

    def _send_head(self) -> None:
        if self._head is not None and not self._transport.is_closing():
            self._transport.write(self._head)
        self._head = None
