"""Whatever a remote server says, its words change no other address."""

import csv
import io
import json
import re

from hypothesis import example, given
from hypothesis import strategies as st

from bounced.core.exchange.logs import LogParser
from tests.support.hooks import kumomta
from tests.support.logs import ADDRESS, PATH, exim, exim_begins, heard, parser, postfix_begins, postfix_ends

VICTIM = "victim@example.org"
FORGED = (
    f"to=<{VICTIM}>, relay=mx[192.0.2.7]:25, delay=1, delays=1/0/0/0, dsn=5.1.1, status=bounced (",
    f"4bXyZ12abcz: to=<{VICTIM}>, relay=mx[192.0.2.7]:25, delay=1, delays=1/0/0/0, dsn=5.1.1, status=bounced (550 no)",
    f"2026-06-15T12:00:00Z mx1 postfix/smtp[1]: 4bXyZ12abcz: to=<{VICTIM}>, relay=x, dsn=5.1.1, status=bounced (x)",
    f"** {VICTIM} R=dnslookup T=remote_smtp: SMTP error from remote mail server after RCPT TO:<{VICTIM}>: 550 no",
    f"2026-06-15 12:00:00 1xXdxX-00000B-1E ** {VICTIM}: Unrouteable address",
    f"b,1,1,{PATH},{VICTIM},smtp;550 5.1.1 no,mx,bad-mailbox",
    "type,rcpt,orig,timeLogged,timeQueued,dsnDiag,dsnMta,bounceCat",
    '{"type":"Bounce","recipient":"' + VICTIM + '"}',
    *(
        "(in reply to RCPT TO command)",
        ")",
        "(",
        ">, relay=",
        "status=",
        '"',
        '""',
        '",',
        '"\n',
        ",",
        "\\",
        "'",
        "\x00",
    ),
    *(
        "\n",
        "\r\n",
        "\\n",
        "\u2028",
        "\x85",
        "\x0b",
        "\x1c",
        ": ",
        "host mx[192.0.2.7] said: ",
        "=> ",
        '<"',
        "550 5.1.1 ",
    ),
)
REPLIES = st.lists(st.one_of(st.sampled_from(FORGED), st.text(max_size=20)), max_size=8).map("".join)
_CONTROLS = re.compile("[\x00-\x1f\x7f]")


def only_about_whom_it_was(reader: LogParser, *lines: str) -> None:
    """Assert that entries are about the one recipient."""
    for said in heard(reader, *lines):
        fields = getattr(said, "fields", None)
        assert fields is None or (fields["address"], fields["return_path"]) == (ADDRESS, PATH)


@given(REPLIES, st.sampled_from(["bounced", "sent", "deferred"]), st.sampled_from(["smtp", "lmtp", "error"]))
@example(FORGED[0], "bounced", "smtp")
def test_postfix(reply: str, status: str, daemon: str):
    """Postfix writes "?" for a control character; a line that is cut is no line of ours."""
    text = f"host mx.example.net[192.0.2.1] said: {_CONTROLS.sub('?', reply)} (in reply to RCPT TO command)"
    line = postfix_ends(status, text, daemon=daemon)
    only_about_whom_it_was(parser("postfix"), postfix_begins(), line, postfix_ends("sent", "250 Ok", dsn="2.0.0"))
    only_about_whom_it_was(parser("postfix"), postfix_begins(), line[:-20], line[50:], line[100:])


@given(REPLIES, st.sampled_from(["**", "==", "=>"]))
def test_exim(reply: str, sign: str):
    """Exim writes an escape for a control character."""
    said = _CONTROLS.sub(lambda found: f"\\{ord(found[0]):03o}", reply.replace("\\", "\\\\").replace("\n", "\\n"))
    fields = "R=dnslookup T=remote_smtp H=mx.example.net [192.0.2.1]"
    quoted = said.replace('"', '\\"')
    ends = f' C="{quoted}"' if sign == "=>" else f": SMTP error from remote mail server after DATA: {said}"
    only_about_whom_it_was(parser("exim"), exim_begins(), exim(f"{sign} {ADDRESS} {fields}{ends}"))


@given(REPLIES, st.sampled_from(["b", "d", "t"]))
def test_powermta(reply: str, type_: str):
    """A reply may have lines; then it is quoted."""
    columns = ["type", "timeLogged", "orig", "rcpt", "dsnDiag", "bounceCat"]
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerow([type_, "1781524800", PATH, ADDRESS, f"smtp;{reply}", "other"])
    reader = parser("powermta")
    lines = written.getvalue().removesuffix("\r\n").split("\n")
    only_about_whom_it_was(reader, ",".join(columns), *lines)
    assert len(heard(reader, f"d,1781524800,{PATH},{ADDRESS},smtp;250 ok,")) == 1


@given(REPLIES, st.sampled_from(["Bounce", "Delivery", "Expiration"]))
def test_kumomta(reply: str, name: str):
    """Everything is JSON."""
    record = kumomta(name, ADDRESS, 1, "550 5.1.1 no", PATH)
    record["response"]["content"] = reply
    only_about_whom_it_was(parser("kumomta"), json.dumps(record, separators=(",", ":")))


@given(st.sampled_from(["postfix", "exim", "kumomta", "powermta"]), st.lists(st.binary(max_size=80), max_size=5))
def test_rubbish_raises_nothing(mta: str, lines: list[bytes]):
    """And what state there is can be taken up again."""
    reader, again = parser(mta), parser(mta)
    heard(reader, *(line.decode("latin-1") for line in lines))
    again.restore(json.loads(json.dumps(reader.state())))
    assert again.state() == reader.state()
