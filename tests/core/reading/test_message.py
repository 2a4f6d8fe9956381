"""The bounded view of a message: header fields, parts, text."""

import pytest

from bounced.core.reading.message import read
from bounced.core.reading.message.limits import MAX_DEPTH, MAX_PARTS, Work
from bounced.core.reading.message.text import from_html, to_text, unwrap_words


def test_a_folded_field_is_one_line() -> None:
    """Folding white space is unfolded, whatever it is made of.  (RFC 5322 section 2.2.3)"""
    header = read(b"Subject: one\r\n two\r\n\tthree\r\n\r\nbody").header
    assert header.get("subject") == "one two three"


def test_names_of_fields_are_compared_without_case_and_the_first_counts() -> None:
    """Two Subjects are one too many: the first is shown by every reader."""
    header = read(b"SUBJECT: first\nSubject: second\n\n").header
    assert header.get("subject") == "first"
    assert header.every("subject") == ["first", "second"]


def test_blanks_before_the_colon_belong_to_no_name() -> None:
    """Old mail may have them (RFC 5322 section 4.5.1); a longer name is another field, and so is no field at all."""
    header = read(b"Subject-Of: other\nSubject\nSubject \t: first\nSubject: second\n\n").header
    assert header.get("subject") == "first"
    assert "subject" in header
    assert "subj" not in header


def test_letters_that_grow_in_lower_case_move_no_value() -> None:
    """A capital I with a dot is two characters in lower case."""
    header = read("X-Name: İİİİ\nFROM: a@b.example\nSubject: İ\n\n".encode()).header
    assert (header.get("from"), header.get("subject")) == ("a@b.example", "İ")


def test_a_message_without_mime_is_one_part() -> None:
    """The body of plain old mail is text."""
    (part,) = read(b"From: a@b.example\n\nhello\n").parts
    assert (part.content_type, part.text) == ("text/plain", "hello\n")


def test_an_mbox_line_before_the_header_is_no_field() -> None:
    """Stored mail may begin with ``From ``."""
    message = read(b"From a@b.example Thu Apr  1 10:00:00 1999\nSubject: x\n\nbody")
    assert message.header.get("subject") == "x"


NESTED = b"""Content-Type: multipart/mixed; boundary="outer"

--outer
Content-Type: multipart/alternative; boundary="outer-inner"

--outer-inner
Content-Type: text/plain

plain
--outer-inner
Content-Type: text/html

<p>html</p>
--outer-inner--

--outer
Content-Type: message/rfc822

Subject: returned

text
--outer--
epilogue
"""


def test_leaves_of_nested_multiparts_come_in_order() -> None:
    """A boundary that begins like the outer one does not cut it."""
    parts = read(NESTED).parts
    assert [part.content_type for part in parts] == ["text/plain", "text/html", "message/rfc822"]
    assert parts[0].text.strip() == "plain"
    assert b"epilogue" not in parts[2].raw


def test_a_delimiter_that_is_the_end_of_a_cut_message_opens_no_part() -> None:
    """Two delimiters in a row have an empty part between them; behind the last there is nothing."""
    content = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\n--b \n\nthree\n--b"
    assert [part.text for part in read(content).parts] == ["one", "", "three"]


def test_a_boundary_on_a_line_that_was_not_folded_is_found() -> None:
    """Some MTAs break the Content-Type without indenting the next line."""
    content = NESTED.replace(b'alternative; boundary="outer-inner"', b'alternative;\nboundary="outer-inner"')
    assert len(read(content).parts) == 3


def test_a_wrong_boundary_is_guessed_from_the_first_delimiter() -> None:
    """A gateway that rewrites the header may forget the body."""
    content = NESTED.replace(b'boundary="outer"\n', b'boundary="lost"\n', 1)
    parts = read(content).parts
    assert parts[0].content_type == "text/plain"
    assert len(parts) == 3


def test_a_multipart_whose_content_type_was_lost_is_still_split() -> None:
    """The preamble says that it is MIME, and the delimiters say the rest."""
    body = b"This message is in MIME format.\n\n" + NESTED.partition(b"\n\n")[2]
    assert len(read(b"Subject: x\n\n" + body).parts) == 3


def test_nesting_ends_at_the_limit() -> None:
    """What is nested deeper is one part."""
    levels = MAX_DEPTH * 3
    content = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%03d"\n\n--b%03d\n' % (level, level) for level in range(levels)
    )
    (part,) = read(content).parts
    assert part.content_type == "multipart/mixed"


def test_parts_end_at_the_limit() -> None:
    """Ten thousand siblings are the first few."""
    content = b'Content-Type: multipart/mixed; boundary="b"\n\n' + b"--b\n\nx\n" * 10_000
    assert len(read(content).parts) == MAX_PARTS


@pytest.mark.parametrize(
    ("encoding", "raw"),
    [
        ("quoted-printable", b"gr=C3=BC=\n=C3=9Fe"),
        ("base64", b"Z3LDvMOfZQ=="),
        ("BASE64", b"Z3LD vMOf\nZQ"),
        ("8bit", "grüße".encode()),
        ("x-unknown", "grüße".encode()),
    ],
)
def test_transfer_encodings_are_undone(encoding: str, raw: bytes) -> None:
    """Also where white space or padding went astray."""
    content = b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: %b\n\n%b" % (encoding.encode(), raw)
    assert read(content).parts[0].text == "grüße"


@pytest.mark.parametrize(
    ("octets", "charset", "text"),
    [
        ("grüße".encode("latin-1"), "iso-8859-1", "grüße"),
        ("ящик".encode("koi8-r"), "koi8-r", "ящик"),
        ("宛先".encode("iso-2022-jp"), "", "宛先"),
        ("宛先".encode("iso-2022-jp"), "us-ascii", "宛先"),
        ("grüße".encode("latin-1"), "", "grüße"),
        (b"abc", "punycode", "abc"),
        (b"abc", "no-such-charset", "abc"),
    ],
)
def test_charsets_are_undone_and_what_is_none_is_not_asked(octets: bytes, charset: str, text: str) -> None:
    """A codec that is no charset is never run on what a peer sent."""
    assert to_text(octets, charset) == text


def test_encoded_words_are_undone() -> None:
    """Adjacent ones are joined without the space between them.  (RFC 2047 section 6.2)"""
    assert unwrap_words("a =?utf-8?B?w6Q=?= =?iso-8859-1?Q?_=FC?= z") == "a ä ü z"


def test_html_is_what_a_reader_would_see() -> None:
    """Styles are hidden, blocks are lines, references are characters."""
    markup = "<style>p { color: red }</style><p>User&nbsp;unknown:<br>a &lt;b@c.example&gt;</p>"
    assert from_html(markup, Work()).strip() == "User unknown:\na <b@c.example>"


def test_what_stands_in_two_cells_of_a_table_is_no_one_word() -> None:
    """A notice may name its recipient in a table; ``Recipientalice@example.org`` is nobody."""
    markup = "<tr><td>Recipient</td><td>alice@example.org</td></tr><tr><th>Why<td>550 User unknown</tr>"
    assert from_html(markup, Work()).strip() == "Recipient alice@example.org\n\nWhy 550 User unknown"
