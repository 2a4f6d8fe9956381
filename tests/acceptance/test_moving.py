"""The steps by which docs/operate.md moves a daemon to another Redis keep everything, and are no news to it."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, Popen

from redis import Redis
from redis.exceptions import RedisError

from bounced.edges.redis.embedded.binary import find_server
from tests.support.daemon import WAIT_S, Daemon, unknown_user


@contextmanager
def server(folder: Path) -> Iterator[Redis]:
    """Run a server on loopback and give a connection with it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder.mkdir()
    command = [str(find_server()), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    process = Popen([*command, "--repl-diskless-sync-delay", "0"], stdout=DEVNULL)
    try:
        with Redis(port=port, decode_responses=True) as connection:
            until(connection.ping)
            yield connection
    finally:
        process.kill()
        process.wait()


def until(condition: Callable[[], object]) -> None:
    """Wait until something is so."""
    patience = time.monotonic() + WAIT_S
    while time.monotonic() < patience:
        try:
            if condition():
                return
        except RedisError:
            pass
        time.sleep(0.05)
    raise AssertionError("it never came to be")


def url(connection: Redis) -> str:
    """Return the URL of a server."""
    return f"redis://127.0.0.1:{connection.connection_pool.connection_kwargs['port']}"


def bounce(daemon: Daemon, recipient: str) -> int:
    """Send a bounce and return the code of the reply."""
    path = daemon.return_path(recipient)
    return daemon.send(path, unknown_user(recipient, path))[0]


def test_the_steps_keep_everything(daemons: Callable[..., Daemon], tmp_path: Path) -> None:
    """Stop, copy, compare, part, change, look, start: the address is still known, and the Redis is the same one."""
    with server(tmp_path / "old") as old, server(tmp_path / "new") as new:
        daemon = daemons(url=url(old)).start()
        assert bounce(daemon, "alice@example.org") == 250
        until(lambda: old.hget("bounced:{main}:identity", "id"))
        daemon.stop()

        new.replicaof("127.0.0.1", url(old).rpartition(":")[2])
        until(lambda: new.info("replication")["master_link_status"] == "up")
        until(lambda: both(old, new, lambda each: each.info("replication")["master_repl_offset"]))
        assert both(old, new, lambda each: each.scard("bounced:{main}:suppressed"))
        assert both(old, new, lambda each: each.xlen("bounced:{main}:events"))
        assert both(old, new, lambda each: each.hget("bounced:{main}:identity", "id"))
        new.replicaof("NO", "ONE")
        assert new.info("replication")["role"] == "master"

        daemon.config_file.write_text(daemon.config_file.read_text().replace(url(old), url(new)))
        assert daemon.command("check-config", "--quiet").returncode == 0
        assert "as this host knows it" in daemon.command("doctor", "--no-dns").stdout
        moved = daemons(url=url(new))
        moved.port = daemon.port
        moved.write_config()
        moved.start()
        assert bounce(moved, "bob@example.org") == 250
        assert new.smembers("bounced:{main}:suppressed") == {"alice@example.org", "bob@example.org"}
        assert not new.hexists("bounced:{main}:alarms", "redis")
        moved.stop()
        assert "store.replaced" not in [event["event"] for event in moved.events]


def both(old: Redis, new: Redis, ask: Callable[[Redis], object]) -> bool:
    """Whether two servers say the same."""
    return ask(old) == ask(new) and ask(new) is not None
