"""The servers that are measured beside each other, each started in a folder of its own and stopped again."""

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from processes import Running, free_port, process, redis_server, wait_for

from bounced.config import build, load

HERE = Path(__file__).parent
KEY = "a.key"
DOMAIN = "bounce.example.com"

BOUNCED = """
workers = 2
host_name = "mx.example.com"
[smtp]
listen = ["127.0.0.1:{port}"]
tls_certificate = "{certificate}"
tls_key = "{certificate}"
[redis]
url = "{url}"
durability = "fsync"
[lists.main]
domains = ["{domain}"]
[[lists.main.keys]]
id = "a"
file = "{key}"
"""


@contextmanager
def bounced(folder: Path, certificate: Path) -> Iterator[Running]:
    """Run the daemon: two workers, everything on, each commit on disk before it is acknowledged."""
    with redis_server(folder) as (url, redis_pid):
        port = free_port()
        (folder / KEY).touch(mode=0o600)
        (folder / KEY).write_text(secrets.token_urlsafe(32))
        config = folder / "bounced.toml"
        config.write_text(BOUNCED.format(port=port, certificate=certificate, url=url, domain=DOMAIN, key=KEY))
        with (folder / "log").open("wb") as log:
            command = [sys.executable, "-m", "bounced", "run", "--config", str(config)]
            with process(command, stderr=log) as pid:
                wait_for(port)
                yield Running("bounced", port, (pid, redis_pid))


@contextmanager
def naive(folder: Path, certificate: Path, processes: int = 1) -> Iterator[Running]:
    """Run the naive peer."""
    with redis_server(folder) as (url, redis_pid):
        port = free_port()
        words = ["--redis", url, "--port", str(port), "--processes", str(processes), "--certificate", str(certificate)]
        with (folder / "log").open("wb") as log:
            command = [sys.executable, str(HERE / "naive.py"), *words]
            with process(command, stdout=log, stderr=log) as pid:
                wait_for(port)
                yield Running("naive" if processes == 1 else f"naive, {processes} processes", port, (pid, redis_pid))


@contextmanager
def smtp_sink(folder: Path) -> Iterator[Running]:
    """Run Postfix's smtp-sink, which throws everything away: the limit of what the generator can show."""
    port = free_port()
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    with process(["smtp-sink", *user, f"127.0.0.1:{port}", "1024"], cwd=folder) as pid:
        wait_for(port)
        yield Running("smtp-sink", port, (pid,))


@contextmanager
def postfix(folder: Path) -> Iterator[Running]:
    """Run a Postfix of its own that queues on disk and then discards.  Needs root."""
    port = free_port()
    folder.parent.chmod(0o711)  # its processes run as another user
    folder.chmod(0o755)
    (folder / "spool").mkdir()
    (folder / "data").mkdir()
    shutil.chown(folder / "data", "postfix")
    (folder / "main.cf").write_text(POSTFIX_MAIN.format(folder=folder, domain=DOMAIN))
    (folder / "master.cf").write_text(POSTFIX_MASTER.format(port=port))
    subprocess.run(["postfix", "-c", str(folder), "start"], check=True, capture_output=True)
    try:
        wait_for(port)
        yield Running("postfix, discard:", port, (int((folder / "spool/pid/master.pid").read_text()),))
    finally:
        subprocess.run(["postfix", "-c", str(folder), "stop"], check=False, capture_output=True)


POSTFIX_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mydestination =
myhostname = mx.example.com
virtual_alias_domains =
virtual_mailbox_domains = {domain}
virtual_transport = discard:
maillog_file = {folder}/log
maillog_file_prefixes = /
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
default_process_limit = 200
"""

POSTFIX_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


def can_run_postfix() -> bool:
    """Return whether Postfix is installed and we may start one."""
    return shutil.which("postfix") is not None and os.geteuid() == 0


def return_paths(folder: Path, first: int, count: int) -> Path:
    """Return a file of so many return paths that a daemon in this folder takes, for recipients that are numbered."""
    config = load(folder / "bounced.toml")
    paths, today = build.return_paths("main", config.lists["main"]), datetime.now(UTC).date()
    file = folder / "paths.txt"
    lines = (paths.encode(f"user{n}@example{n % 97}.org", issued=today) for n in range(first, first + count))
    file.write_text("".join(f"{line}\n" for line in lines))
    return file


def self_signed(folder: Path) -> Path:
    """Return a file with a key and a certificate made for this run."""
    key, certificate, both = folder / "key.pem", folder / "certificate.pem", folder / "both.pem"
    made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=mx.example.com"]
    command = ["openssl", "req", "-x509", *made, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    both.touch(mode=0o600)
    both.write_text(key.read_text() + certificate.read_text())
    return both
