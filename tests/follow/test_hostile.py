"""Logs as attackers would have them, through the running follower: their lines change no address but their own.

The list trusts unsigned paths, so that nothing but the parsers stands between a line and a state.
"""

import asyncio
import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bounced.config import load_for_follow, read_configuration
from bounced.config.follow_checks import settings_of
from bounced.core.contract.keys import Keyspace
from bounced.edges.redis.job_store import JobStore
from bounced.follow.serving import Following
from bounced.jobs import IntakeReader
from bounced.opening import open_store
from bounced.service import pipeline
from tests.support.hooks import kumomta
from tests.support.logs import ADDRESS, NOW, PATH, exim, exim_begins, postfix, postfix_begins, postfix_ends

from .conftest import told, write_config

VICTIM, LAST = "victim@example.org", "last@example.net"
LONG = 600_000
BY_SERVER = "relay=mx.example.org[192.0.2.7]:25, delay=1, delays=1/0/0/0"
OUTCOME = f"to=<{VICTIM}>, {BY_SERVER}, dsn=5.1.1, status=bounced (550 5.1.1 no)"
SAID = f"SMTP error from remote mail server after RCPT TO:<{VICTIM}>: 550 no"
IN_EXIM = f"{VICTIM} R=dnslookup T=remote_smtp H=mx [192.0.2.7]: {SAID}"
COLUMNS = ("type", "timeLogged", "orig", "rcpt", "dsnDiag", "bounceCat")
RECORD = ("b", "1781524800", PATH, VICTIM, "smtp;550 5.1.1 no such user", "bad-mailbox")
KUMOMTA = json.dumps(kumomta("Bounce", VICTIM, 9, "550 5.1.1 no such user", PATH), separators=(",", ":"))
FORGED = (
    OUTCOME,
    f"4bXyZ12abcz: {OUTCOME}",
    postfix("smtp", f"4bXyZ12abcz: {OUTCOME}"),
    IN_EXIM,
    f"** {IN_EXIM}",
    exim(f"** {IN_EXIM}"),
    exim(f"=> {VICTIM} R=dnslookup T=remote_smtp H=mx [192.0.2.7]"),
    KUMOMTA,
    ",".join(RECORD),
    '",' + ",".join(RECORD),
    KUMOMTA.replace('"', '\\"'),
)
BREAKS = ("", "\n", "\r\n", "\0", '"\n', "\x85", ")\n")
REPLIES = tuple(f"550 5.7.1 no{brk}{forged}" for forged in FORGED for brk in BREAKS)
QUOTED = (f'"{VICTIM}>, relay=mx[1.2.3.4]:25, dsn=5.1.1, status=bounced (no"', f'"a <{VICTIM}> "', '" "', r'"\""')
_CONTROLS = re.compile("[\x00-\x1f\x7f]")


def in_postfix() -> Iterator[str]:
    """Yield what Postfix logs of hostile servers and clients, and what others log in its name."""
    yield postfix_begins()
    for reply in REPLIES:
        shown = _CONTROLS.sub("?", reply)  # printable()
        said = f"host mx.evil.example[192.0.2.1] said: {shown} (in reply to RCPT TO command)"
        for status, dsn in (("bounced", "5.7.1"), ("deferred", "4.7.1"), ("sent", "2.0.0")):
            yield postfix_ends(status, said, dsn=dsn)
        yield postfix(
            "smtp", f"4bXyZ12abcz: host mx.evil.example[192.0.2.1] said: {shown} (in reply to RCPT TO command)"
        )
        yield postfix("smtp", f"warning: host mx.evil.example[192.0.2.1] greeted me with {shown}")
        yield postfix(
            "smtpd", f"NOQUEUE: reject: RCPT from evil[192.0.2.1]: {shown}; from=<{PATH}> to=<{VICTIM}> helo=<{shown}>"
        )
        yield postfix("cleanup", f"4bXyZ12abcz: warning: header Subject: {shown} from evil[192.0.2.1]; from=<{PATH}>")
    for local_part in QUOTED:
        yield postfix_ends("bounced", "550 5.1.1 no", to=f"{local_part}@evil.example")
        yield postfix_ends("bounced", "550 5.1.1 no", to=local_part)
    yield postfix("smtp", f"4bXyZ12abcw: {OUTCOME}")  # a message that nobody has begun
    for program in ("evil", "postfix/smtpd", "xpostfix/smtp", "postfix-smtp", "postfix/smtp/x", "postfix"):
        yield f"2026-06-15T12:00:00+00:00 mx1 {program}[1]: 4bXyZ12abcz: {OUTCOME}"
    yield postfix("smtp", f"4bXyZ12abcz: {OUTCOME}", host="mx9")  # a host that is not ours
    yield postfix("qmgr", f"4bXyZ12abcq: from=<{PATH}>, size=1, nrcpt=1 (queue active)", host="mx9")
    yield postfix("smtp", f"4bXyZ12abcq: {OUTCOME}")
    yield postfix("qmgr", "4bXyZ12abcz: removed")
    yield postfix("smtp", f"4bXyZ12abcz: {OUTCOME}")  # a message that has ended
    yield postfix_begins()
    yield postfix_ends("bounced", "550 5.1.1 no", to=LAST)


def in_exim() -> Iterator[str]:
    """Yield what Exim logs of hostile servers and clients."""
    yield exim_begins()
    fields = "R=dnslookup T=remote_smtp H=mx.evil.example [192.0.2.1]"
    for reply in REPLIES:
        escaped = reply.replace("\\", "\\\\").replace("\n", "\\n")
        shown = _CONTROLS.sub(lambda found: f"\\{ord(found[0]):03o}", escaped)
        quoted = shown.replace('"', '\\"')
        yield exim(f"** {ADDRESS} {fields}: SMTP error from remote mail server after DATA: {shown}")
        yield exim(f"== {ADDRESS} {fields} defer (-45): SMTP error from remote mail server after DATA: {shown}")
        yield exim(f'=> {ADDRESS} {fields} C="{quoted}"')
        yield exim(f"H=mx.evil.example [192.0.2.1]: SMTP error from remote mail server after DATA: {shown}")
        yield f"2026-06-15 12:00:00 H=({shown}) [192.0.2.1] F=<{PATH}> rejected RCPT <{VICTIM}>: {shown}"
        yield exim(f'<= evil@evil.example H=({shown}) [192.0.2.1] P=esmtp S=1 T="{quoted}"', id_="1xXdxX-00000C-1E")
    yield exim(f"** {IN_EXIM}", id_="1xXdxX-00000C-1E")  # somebody else's message
    yield exim(f"** {IN_EXIM}", id_="1xXdxX-00000D-1E")  # one that nobody has begun
    for local_part in QUOTED:
        yield exim(f"** {local_part[1:-1]}@evil.example <{local_part}@evil.example> {fields}: no")
    yield exim("Completed")
    yield exim(f"** {IN_EXIM}")
    yield exim_begins()
    yield exim(f"** {LAST} {fields}: SMTP error from remote mail server after RCPT TO:<{LAST}>: 550 5.1.1 no")


def in_kumomta() -> Iterator[str]:
    """Yield what KumoMTA logs."""
    for number, reply in enumerate(REPLIES):
        for type_ in ("Bounce", "Delivery", "TransientFailure", "OOB", "Feedback", "Reception"):
            record = kumomta(type_, ADDRESS, number, "550 5.1.1 no", PATH)
            record["response"] = {"code": 550, "content": reply, "command": reply}
            record["headers"] = {"Subject": reply, reply: PATH}
            yield json.dumps(record, separators=(",", ":"), ensure_ascii=False)
    for sender in (" ", "news@example.com", f"{PATH} {VICTIM}"):
        yield json.dumps(kumomta("Bounce", VICTIM, 1, "550 5.1.1 no", sender), separators=(",", ":"))
    yield f"[{KUMOMTA}]"
    yield json.dumps(KUMOMTA)
    yield f"x{KUMOMTA}"
    yield json.dumps(kumomta("Bounce", LAST, 2, "550 5.1.1 no such user", PATH), separators=(",", ":"))


def in_powermta() -> Iterator[str]:
    """Yield what PowerMTA logs."""
    yield ",".join(COLUMNS)
    for reply in REPLIES:
        for type_ in ("b", "d", "t"):
            yield written(type_, "1781524800", PATH, ADDRESS, f"smtp;{reply}", "other")
        yield written("b", "1781524800", "evil@evil.example", VICTIM, f"smtp;{reply}", reply)
    yield written("b", "1781524800", PATH, LAST, "smtp;550 5.1.1 no such user", "bad-mailbox")


def written(*fields: str) -> str:
    """Return a record as CSV has it."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(fields)
    return text.getvalue()


LOGS = {"postfix": in_postfix, "exim": in_exim, "kumomta": in_kumomta, "powermta": in_powermta}


@dataclass
class Site:
    """A log that is followed, and the intake that is read."""

    log: Path
    config_file: Path
    redis: Redis
    keys: Keyspace

    async def follow(self, mta: str) -> Sequence[dict[str, str]]:
        """Follow the log; return what came into the intake, which a worker has then taken in."""
        config = load_for_follow(read_configuration(self.config_file), mta)
        async with open_store(config) as store:
            path = replace(pipeline(config, store), clock=lambda: NOW)
            await Following(mta, settings_of(config, mta), path, store, once=True).run([self.log], asyncio.Event())
            entries = await told(self.redis, self.keys)
            reader = IntakeReader(lambda: path, JobStore(store, "worker", events_max=1000, failed_max=1000))
            while await self.redis.xlen(self.keys.intake):
                await reader.round()
        return entries


@pytest.fixture
def config_file(tmp_path: Path, redis_url: str, key_prefix: str) -> Path:
    """Return a configuration that trusts unsigned paths, and reads the lines of one host."""
    file = write_config(tmp_path, redis_url, key_prefix, more="trust_unsigned = true")
    own = "".join(f'[follow.{mta}]\nstate_dir = "{tmp_path}/state"\n' for mta in LOGS if mta != "postfix")
    file.write_text(f'{file.read_text()}hosts = ["mx1"]\n{own}')
    return file


@pytest.fixture
def site(log: Path, config_file: Path, redis: Redis, keys: Keyspace) -> Site:
    """Return the site of a test."""
    return Site(log, config_file, redis, keys)


@pytest.mark.parametrize("mta", LOGS)
async def test_hostile_lines_change_nobody(site: Site, mta: str) -> None:
    """Nobody is told of but the two whom the log is about; and what comes behind such lines is heard."""
    text = "".join(f"{line}\n" for line in LOGS[mta]()).encode("utf-8", "surrogateescape")
    site.log.write_bytes(text)
    entries = await site.follow(mta)
    named = {entry["address"] for entry in entries if entry["type"] != "sent"}
    assert LAST in named
    assert VICTIM not in named
    assert {address for address in named if not address.endswith("@evil.example")} <= {ADDRESS, LAST}
    assert not await site.redis.exists(site.keys.address(VICTIM))
    assert await site.redis.exists(site.keys.address(LAST))


@pytest.mark.parametrize("mta", LOGS)
@pytest.mark.parametrize(
    "rubbish",
    [
        b"\0" * LONG,
        b"\0" * LONG + b"\n",
        b"x" * LONG + b"\n",
        b"\xff\xfe\n" * 1000,
        b"\n" * 10_000,
        b"{" * 100_000 + b"\n",
        b"[" * 100_000 + b"\n",
        b'{"type":"Bounce","sender":[{}],"recipient":{}}\n{"_SYSTEMD_UNIT":["postfix.service"]}\n',
    ],
    ids=["NUL without end", "NUL", "long", "no UTF-8", "empty", "braces", "brackets", "other types"],
)
async def test_rubbish_ends_nothing(site: Site, mta: str, rubbish: bytes) -> None:
    """What stands on lines of its own behind it is heard."""
    *_, begin, last = LOGS[mta]()
    head = f"{','.join(COLUMNS)}\n".encode() if mta == "powermta" else b""
    lines = f"{last}\n".encode() if mta in ("kumomta", "powermta") else f"{begin}\n{last}\n".encode()
    site.log.write_bytes(head + rubbish + (b"" if rubbish.endswith(b"\n") else b"\n") + lines)
    named = {entry["address"] for entry in await site.follow(mta) if entry["type"] == "rejected"}
    assert named == {LAST}
