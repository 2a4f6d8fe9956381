"""The README: its configuration is valid, its program signs and asks, and its six bounces are those of `make run`."""

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bounced.client import Client, Keyring, ReturnPaths, SigningKey
from bounced.core.terms import ReturnPath

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
KEY = "/etc/bounced/keys/a"
COPY = "/etc/myapp/bounced.key"
URL = "redis://127.0.0.1:6379/0"


def blocks(language: str) -> str:
    """Return all blocks of code in a language, in their order."""
    found = re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert found
    return "\n".join(found)


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table below a heading."""
    below = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in below.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """Return the file of a key."""
    file = tmp_path / "a"
    file.write_text("example secret, exactly 32 bytes")
    file.chmod(0o600)
    return file


def test_its_configuration_is_valid(tmp_path: Path, key: Path) -> None:
    """`bounced check-config` finds nothing wrong with it."""
    file = tmp_path / "bounced.toml"
    file.write_text(blocks("toml").replace(KEY, str(key)))
    command = [sys.executable, "-m", "bounced", "check-config", "--config", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_its_program_signs_a_return_path_and_asks(key: Path, redis_url: str) -> None:
    """As it stands, but for the place of the key and of Redis; what it hands to the mail system leads back to Alice."""
    handed_over: list[tuple[str, str, str]] = []

    class Mail:
        def sendmail(self, sender: str, recipient: str, message: str) -> None:
            handed_over.append((sender, recipient, message))

    program = blocks("python").replace(COPY, str(key)).replace(URL, redis_url)
    names = {"smtp": Mail(), "message": "Hello"}
    exec(compile(program, "README.md", "exec"), names)  # noqa: S102 - our own page
    ((sender, recipient, message),) = handed_over
    paths = ReturnPaths("main", ("bounce.example.com",), Keyring(SigningKey.from_file("a", key)))
    assert (recipient, message) == ("alice@example.org", "Hello")
    local_part, _, domain = sender.partition("@")
    decoded = paths.decode_local_part(local_part, today=datetime.now(UTC).date())
    assert isinstance(decoded, ReturnPath)
    assert (decoded.recipient, domain) == ("alice@example.org", "bounce.example.com")
    assert isinstance(names["client"], Client)
    names["client"].close()


def test_its_six_bounces_are_those_of_the_demonstration() -> None:
    """Names, categories, what followed, and whether to mail the address."""
    command = [sys.executable, "-m", "bounced", "demo", "--once", "--port", "0", "--web-port", "0"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    printed = [line.split("\t") for line in shown.splitlines() if line.count("\t") == 4]
    told = rows("The six bounces of `make run`")
    assert len(told) == 6
    for (name, said, *end), (shown_name, shown_said, category, followed, mail_it) in zip(
        told, printed[1:], strict=True
    ):
        assert [name, *end] == [shown_name, category, re.sub(r" \(.*", "", followed).replace("->", "→"), mail_it]
        assert all(part in shown_said for part in said.removeprefix("a ").removesuffix(" (RFC 5965)").split(" … "))
