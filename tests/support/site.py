"""A machine that was installed by docs/install.md, and a mail server beside it that sends bounces and keeps a diary."""

import json
import re
import subprocess
import sys
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

from tests.support.machine import Machine
from tests.support.pages import blocks

GOAL_S = 600.0
"""From nothing to a bounce that is taken."""

SENDER = """\
import itertools, smtplib, sys, time
from contextlib import suppress
from datetime import UTC, datetime
from bounced.client import Keyring, ReturnPaths, SigningKey
from bounced.demo.scenes import Scene

key, diary, mark = sys.argv[1:]
paths = ReturnPaths("main", ("bounce.example.com",), Keyring(SigningKey.from_file("a", key)))

def attempt(recipient):
    path = paths.encode(recipient, issued=datetime.now(UTC).date())
    content = Scene("unknown_user", recipient).content(path)
    try:
        client = smtplib.SMTP("127.0.0.1", 25, "mail.example.net", timeout=60)
        commands = (client.ehlo, lambda: client.mail(""), lambda: client.rcpt(path), lambda: client.data(content))
        code = next((code for code, _ in (command() for command in commands) if code >= 400), 250)
        with suppress(smtplib.SMTPException):  # the reply counts, whatever is said to QUIT
            client.quit()
        return code
    except smtplib.SMTPResponseException as refused:
        return refused.smtp_code
    except OSError as error:
        return type(error).__name__

with open(diary, "a", buffering=1) as says:
    for number in itertools.count():
        recipient = f"{mark}{number}@box{number}.example"
        while (code := attempt(recipient)) != 250:
            says.write(f"{code} {recipient}\\n")
            time.sleep(0.2)  # until its queue runs again
        says.write(f"250 {recipient}\\n")
        time.sleep(0.02)  # two cores have to do something else too
"""


class Site:
    """A machine that was installed by the page, and what a mail server outside of it has heard from it."""

    def __init__(self, machine: Machine, folder: Path) -> None:
        self.machine = machine
        self.took_s = 0.0
        self.lost: set[str] = set()
        """What a test gave up on purpose."""
        self._diary = folder / "diary"
        self._diary.touch()

    def follow(self, page: str, heading: str, *which: int, **words: str) -> str:
        """Run the blocks of commands below a heading of a page, all or some, with other words for its own."""
        taken = blocks(page, heading)
        said = ""
        for block in [taken[each] for each in which] or taken:
            script = re.sub("|".join(words) or "$^", lambda match: words[match[0]], block)
            said += self.machine.run(script, timeout_s=GOAL_S)
        return said

    def replies(self) -> list[tuple[str, str]]:
        """Return every reply that the mail server had, or what kept it from having one, and about whom it told."""
        return [(said, recipient) for said, recipient in map(str.split, self._diary.read_text().splitlines())]

    def acknowledged(self) -> set[str]:
        """Return about whom a bounce was answered with 250."""
        return {recipient for said, recipient in self.replies() if said == "250"}

    def known(self) -> set[str]:
        """Return whom Redis knows."""
        return {json.loads(line)["address"] for line in self.machine.run("bounced export --json").splitlines()}

    def missing(self) -> set[str]:
        """Return about whom a bounce was acknowledged and lost."""
        acknowledged = self.acknowledged()
        return acknowledged - self.known() - self.lost

    def goes_on(self) -> None:
        """Wait until some more bounces are acknowledged."""
        enough = len(self.acknowledged()) + 10
        self.machine.until(lambda: len(self.acknowledged()) >= enough, "bounces are acknowledged")

    @contextmanager
    def sending(self, key: Path, mark: str) -> Iterator[None]:
        """Have a mail server outside send bounces, each until it is acknowledged."""
        words = [*self.machine.beside, sys.executable, "-c", SENDER, str(key), str(self._diary), mark]
        with subprocess.Popen(words) as sender:
            try:
                yield
            finally:
                assert sender.poll() is None, "the mail server ended"
                sender.kill()


def next_release(wheel: Path, version: str) -> None:
    """Write the wheel of a later version beside it: the same program, as nothing else is released yet."""
    first = version_of(wheel)
    with ZipFile(wheel) as given, ZipFile(wheel.with_name(wheel.name.replace(first, version)), "w") as made:
        for entry in given.infolist():
            content = given.read(entry)
            if entry.filename.endswith(".dist-info/METADATA"):
                content = content.replace(f"\nVersion: {first}\n".encode(), f"\nVersion: {version}\n".encode(), 1)
                metadata = content
            if entry.filename.endswith(".dist-info/RECORD"):
                digest = urlsafe_b64encode(sha256(metadata).digest()).rstrip(b"=").decode()
                content = content.replace(first.encode(), version.encode())
                content = re.sub(rb"/METADATA,.*", f"/METADATA,sha256={digest},{len(metadata)}".encode(), content)
            made.writestr(entry.filename.replace(f"bounced_mx-{first}.", f"bounced_mx-{version}."), content)


def version_of(wheel: Path) -> str:
    """Return the version that a wheel's name says."""
    return wheel.name.split("-")[1]
