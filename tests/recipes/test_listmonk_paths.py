"""The subscribers of listmonk get their return paths, in a real PostgreSQL.

The table has the columns that listmonk's documentation names: email, status, and attribs as JSONB.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bounced.core.return_path import Directory, Keyring, ReturnPaths, SigningKey
from bounced.core.terms import ReturnPath

from .conftest import TIMEOUT_S

RECIPE = Path(__file__).parents[2] / "docs/recipes/listmonk_paths.py"
SECRET = "an example key, long enough"
SUBSCRIBERS = """
CREATE TABLE subscribers (email text NOT NULL UNIQUE, attribs jsonb NOT NULL DEFAULT '{}', status text NOT NULL);
INSERT INTO subscribers VALUES
  ('alice@example.org', '{"city": "Bengaluru"}', 'enabled'),
  ('o''brien@example.org', '{}', 'enabled'),
  ('no address', '{"return_path": "of the last campaign"}', 'enabled'),
  ('gone@example.org', '{"return_path": "of the last campaign"}', 'blocklisted');
"""

Psql = Callable[..., str]


@pytest.fixture(scope="module")
def psql() -> Iterator[Psql]:
    """Return what runs statements in a database of its own, which listens on a socket alone."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not found or os.geteuid() != 0 or not shutil.which("runuser"):
        pytest.skip("PostgreSQL is not here, or we are not root, who starts it as postgres")
    folder = Path(tempfile.mkdtemp(prefix="bounced-postgres-"))
    shutil.chown(folder, "postgres", "postgres")

    def run(program: str, *arguments: str, stdin: str = "") -> str:
        command = ["runuser", "-u", "postgres", "--", str(found[-1] / program), *arguments]
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=TIMEOUT_S, check=False, cwd=folder
        )
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    data = str(folder / "data")
    settings = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
    try:
        run("initdb", "--auth=trust", "--no-sync", "-D", data)
        run("pg_ctl", "-D", data, "-o", settings, "-l", str(folder / "log"), "--wait", "start")
        try:
            yield lambda sql: run("psql", "-qAt", "-v", "ON_ERROR_STOP=1", "-h", str(folder), "postgres", stdin=sql)
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "--wait", "stop")
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def recipe(tmp_path: Path) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Return what the recipe makes of addresses."""
    (tmp_path / "main.key").write_text(SECRET)
    (tmp_path / "main.key").chmod(0o600)
    arguments = ["--key", str(tmp_path / "main.key"), "--key-id", "a", "--bounce-domain", "bounce.example.com"]
    command = [sys.executable, str(RECIPE), *arguments, "--tag", "nov"]

    def run(addresses: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, input=addresses, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)

    return run


def test_each_subscriber_gets_a_signed_return_path(psql: Psql, recipe) -> None:
    """Nothing else of a subscriber changes, and nobody keeps the path of the last campaign."""
    psql(SUBSCRIBERS)
    done = recipe(psql("SELECT email FROM subscribers WHERE status = 'enabled'"))
    assert (done.returncode, "'no address'" in done.stderr) == (1, True)
    psql(done.stdout)
    rows = psql("SELECT email, attribs->>'return_path', attribs->>'city' FROM subscribers ORDER BY email").splitlines()
    found = {email: (path, city) for email, path, city in (row.split("|") for row in rows)}
    assert found.keys() == {"alice@example.org", "o'brien@example.org", "no address", "gone@example.org"}
    assert found["no address"] == found["gone@example.org"] == ("", "")
    assert found["alice@example.org"][1] == "Bengaluru"
    paths = ReturnPaths("main", ("bounce.example.com",), Keyring(SigningKey("a", SECRET.encode())))
    for email in ("alice@example.org", "o'brien@example.org"):
        made_for = Directory((paths,)).decode(found[email][0], today=datetime.now(UTC).date())
        assert isinstance(made_for, ReturnPath)
        assert (made_for.recipient, made_for.tag, made_for.signed) == (email, "nov", True)
