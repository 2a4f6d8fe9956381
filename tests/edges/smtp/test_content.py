"""Content as it comes in, whatever it holds and however it is cut."""

import itertools
import re

from hypothesis import given
from hypothesis import strategies as st

from bounced.edges.smtp.content import ContentHead, DotStuffed

# The octets that matter, and one that does not.
CONTENT = st.lists(st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"x"]), max_size=40).map(b"".join)
CUTS = st.lists(st.integers(0, 200), max_size=12)


def stuffed(content: bytes) -> bytes:
    """Return content as a client sends it: dots doubled at the beginning of lines, the end added."""
    return re.sub(rb"(\A|\r\n)\.", rb"\1..", content) + (b"" if content.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def fed(wire: bytes, cuts: list[int], limit: int = 10**6) -> tuple[bytes | None, ContentHead]:
    """Return what is left after the end, None without an end, and what was kept."""
    kept = ContentHead(limit)
    content = DotStuffed(kept)
    edges = sorted({0, len(wire), *(cut for cut in cuts if cut < len(wire))})
    for begin, end in itertools.pairwise(edges):
        rest = content.feed(wire[begin:end])
        if rest is not None:
            return rest + wire[end:], kept
    return None, kept


@given(content=CONTENT, cuts=CUTS, behind=CONTENT)
def test_content_comes_back_and_what_follows_it_too(content: bytes, cuts: list[int], behind: bytes) -> None:
    """Stuffing and unstuffing are each other's inverse, wherever blocks are cut."""
    if not content.endswith(b"\r\n"):
        content += b"\r\n"
    rest, kept = fed(stuffed(content) + behind, cuts)
    assert rest == behind
    assert kept.release() == content
    assert kept.total == len(content)


@given(wire=CONTENT, cuts=CUTS)
def test_only_a_dot_between_line_ends_is_an_end(wire: bytes, cuts: list[int]) -> None:
    """No other sequence ends a message: nothing can be smuggled in (goals, reliability)."""
    rest, _ = fed(wire, cuts)
    end = (b"\r\n" + wire).find(b"\r\n.\r\n")
    assert rest == (None if end < 0 else wire[end + 3 :])


@given(content=CONTENT, cuts=CUTS, limit=st.integers(0, 60))
def test_the_first_octets_are_kept_and_all_are_counted(content: bytes, cuts: list[int], limit: int) -> None:
    """Memory is bounded by what is kept."""
    _, everything = fed(stuffed(content), cuts)
    _, kept = fed(stuffed(content), cuts, limit)
    assert kept.total == everything.total
    assert kept.release() == everything.release()[:limit]


def test_empty_content_is_content() -> None:
    """A message of no lines at all is a message."""
    rest, kept = fed(b".\r\nQUIT\r\n", [])
    assert (rest, kept.release()) == (b"QUIT\r\n", b"")
