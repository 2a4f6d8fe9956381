"""Paths and parameters: what is read, what is refused, and that nothing else can happen."""

from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bounced.edges.smtp.arguments import Mail, read_mail, read_rcpt
from bounced.edges.smtp.replies import Refused


@pytest.mark.parametrize(
    ("argument", "mail"),
    [
        ("FROM:<>", Mail("")),
        ("from: <a@b.example>", Mail("a@b.example")),
        ("FROM:<MAILER-DAEMON>", Mail("MAILER-DAEMON")),
        ("FROM:<MAILER-DAEMON@>", Mail("MAILER-DAEMON@")),
        ("FROM:<a b@c@d,example> SIZE=10", Mail("a b@c@d,example", size=10)),
        ('FROM:<"a>b"@c.example>', Mail('"a>b"@c.example')),
        ("FROM:<> SIZE=10", Mail("", size=10)),
        ("FROM:<> size=10 body=binarymime smtputf8", Mail("", 10, binary=True)),
        ("FROM:<й@b.example> SMTPUTF8", Mail("й@b.example")),
        ("FROM:<й@b.example>", Mail("й@b.example")),
        ("FROM:<jos\udce9@b.example>", Mail("jos\ufffd@b.example")),
        ("FROM:<> RET=FULL ENVID=x", Mail("")),
    ],
)
def test_mail_is_read(argument: str, mail: Mail) -> None:
    """Keywords come in any letter case."""
    assert read_mail(argument) == mail


@pytest.mark.parametrize(
    ("argument", "code"),
    [
        (None, "501 5.1.7"),
        ("<>", "501 5.1.7"),
        ("FROM:a@b.example", "501 5.1.7"),
        ("FROM:<a@b.example", "501 5.1.7"),
        ("FROM:<a@b.example>x", "501 5.1.7"),
        ("FROM:<> SIZE", "501 5.5.4"),
        ("FROM:<> SIZE=-1", "501 5.5.4"),
        ("FROM:<> SIZE=" + "9" * 21, "501 5.5.4"),
        ("FROM:<> SIZE=٣", "501 5.5.4"),
        ("FROM:<> SMTPUTF8=1", "501 5.5.4"),
        ("FROM:<> RET=HALF", "501 5.5.4"),
        ("FROM:<> ENVID=+xx", "501 5.5.4"),
        ("FROM:<> =", "501 5.5.4"),
        ("FROM:<> MT-PRIORITY=3", "555 5.5.4"),
    ],
)
def test_bad_mail_is_refused(argument: str | None, code: str) -> None:
    """With what is wrong with it."""
    with pytest.raises(Refused) as refused:
        read_mail(argument)
    assert refused.value.reply.startswith(code)


@pytest.mark.parametrize(
    ("argument", "forward_path"),
    [
        ("TO:<a@b.example>", "a@b.example"),
        ("to: <B-X=y=c.example@B.Example>", "B-X=y=c.example@B.Example"),
        ("TO:<postmaster>", "postmaster"),
        ("TO:<@x.example,@y.example:a@b.example>", "a@b.example"),
        ("TO:<prvs=1234abcdef=b-x@b.example>", "prvs=1234abcdef=b-x@b.example"),
        ("TO:<SRS0=HHH=TT=orig.example=b-x@fwd.example>", "SRS0=HHH=TT=orig.example=b-x@fwd.example"),
        ("TO:<a..b@c.example>", "a..b@c.example"),
        ('TO:<"a b\\"c"@d.example>', '"a b\\"c"@d.example'),
        ("TO:<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]"),
        ("TO:<й@b.example>", "й@b.example"),
        ("TO:<a@b.example> NOTIFY=NEVER", "a@b.example"),
        ("TO:<a@b.example> notify=success,delay orcpt=rfc822;x=y@z", "a@b.example"),
    ],
)
def test_rcpt_is_read(argument: str, forward_path: str) -> None:
    """The path comes as it stands; what it means is for the pipeline to say."""
    assert read_rcpt(argument) == forward_path


@pytest.mark.parametrize(
    ("argument", "code"),
    [
        (None, "501 5.1.3"),
        ("TO:<>", "501 5.1.3"),
        ("TO:<", "501 5.1.3"),
        ("TO:<a@[>", "501 5.1.3"),
        ("TO:<@b.example>", "501 5.1.3"),
        ("TO:a@b.example", "501 5.1.3"),
        ("TO:<a@b.example>>", "501 5.1.3"),
        ("TO:<a@b.example> NOTIFY=SOMETIMES", "501 5.5.4"),
        ("TO:<a@b.example> ORCPT=x", "501 5.5.4"),
        ("TO:<a@b.example> X=1", "555 5.5.4"),
        ("TO:<\udcff@b.example>", "501 5.1.3"),
    ],
)
def test_bad_rcpt_is_refused(argument: str | None, code: str) -> None:
    """With what is wrong with it."""
    with pytest.raises(Refused) as refused:
        read_rcpt(argument)
    assert refused.value.reply.startswith(code)


@given(
    text=st.text(alphabet='<>@"\\[]:;,. =+aFROMTO:\udcff\u0439', max_size=60),
    prefix=st.sampled_from(["", "FROM:<", "TO:<"]),
)
@example(text='"' + "\\" * 2000, prefix="TO:<")
@example(text="@" * 2000, prefix="FROM:<")
def test_nothing_but_refusals_comes_out_of_any_text(text: str, prefix: str) -> None:
    """Aiosmtpd's parser raises on ``RCPT TO:<``, ``a@[`` and such (docs/traps.md, 4)."""
    for read in (read_mail, read_rcpt):
        with suppress(Refused):
            read(prefix + text)
