"""An answer goes out in one write, and none waits for what does not come."""

import asyncio

from bounced.web.one_write import OneWrite


class Written(asyncio.Transport):
    """A transport that keeps what is written to it, a piece for each write."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.pieces.append(bytes(data))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


async def test_the_head_goes_with_the_first_piece_of_the_body() -> None:
    """Each further piece goes by itself."""
    transport = Written()
    answer = OneWrite(transport, asyncio.get_running_loop())
    for piece in (b"head ", b"body", b" more"):
        answer.write(piece)
    await asyncio.sleep(0)
    assert transport.pieces == [b"head body", b" more"]


async def test_the_head_of_a_stream_that_is_silent_so_far_goes_at_once() -> None:
    """In the loop's next round, and once."""
    transport = Written()
    answer = OneWrite(transport, asyncio.get_running_loop())
    answer.write(b"head")
    await asyncio.sleep(0)
    assert transport.pieces == [b"head"]
    answer.write(b"body")
    assert transport.pieces == [b"head", b"body"]


async def test_a_head_goes_before_the_connection_is_closed() -> None:
    """An answer that breaks off behind its head ends as it would without us."""
    transport = Written()
    answer = OneWrite(transport, asyncio.get_running_loop())
    answer.write(b"head")
    answer.close()
    assert (transport.pieces, transport.closed, answer.is_closing()) == ([b"head"], True, True)


async def test_nothing_goes_to_a_connection_that_has_gone() -> None:
    """Its client left between head and body."""
    transport = Written()
    answer = OneWrite(transport, asyncio.get_running_loop())
    answer.write(b"head")
    transport.closed = True
    await asyncio.sleep(0)
    assert transport.pieces == []
