"""``bounced return-path new-key`` makes a secret that the daemon takes, and overwrites none."""

import stat
from base64 import b64decode
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bounced.cli.return_path import return_path
from bounced.config import load

CONFIG = """
[lists.main]
domains = ["bounce.example.com"]
keys = [{ id = "a", file = "keys/a" }]
"""


def new_key(*words: str | Path) -> Result:
    """Run the command as from a shell."""
    return CliRunner().invoke(return_path, ["new-key", *map(str, words)])


def test_the_configuration_takes_the_new_key(tmp_path: Path) -> None:
    """Its folder is made, too; nobody else can read either."""
    file, config = tmp_path / "keys/a", tmp_path / "bounced.toml"
    done = new_key(file)
    assert (done.exit_code, done.output) == (0, "")
    assert [stat.S_IMODE(each.stat().st_mode) for each in (file, file.parent)] == [0o600, 0o700]
    config.write_text(CONFIG)
    assert load(config).lists["main"].keys[0].file == file


def test_each_key_has_its_own_random_octets(tmp_path: Path) -> None:
    """256 bits, in text that can be copied."""
    for name in ("a", "b"):
        new_key(tmp_path / name)
    first, second = (b64decode((tmp_path / name).read_bytes()) for name in ("a", "b"))
    assert len(first) == len(second) == 32
    assert first != second


@pytest.mark.parametrize(("words", "code"), [((), 2), (("--if-missing",), 0)])
def test_a_key_that_is_there_stays(tmp_path: Path, words: tuple[str, ...], code: int) -> None:
    """Return paths that were sent are signed with it; nothing else is left in its folder."""
    file = tmp_path / "a"
    file.write_text("the first secret of this list\n")
    done = new_key(file, *words)
    assert done.exit_code == code
    assert file.read_text() == "the first secret of this list\n"
    assert [each.name for each in tmp_path.iterdir()] == ["a"]
    assert (f"{file}: there is a file already" in done.output) is (code == 2)


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    """A file where the folder should be."""
    (tmp_path / "keys").write_text("")
    done = new_key(tmp_path / "keys/a", "--if-missing")
    assert done.exit_code == 2
    assert "Traceback" not in done.output
    assert f"{tmp_path}/keys" in done.output
