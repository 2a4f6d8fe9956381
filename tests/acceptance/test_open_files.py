"""Neither daemon nor worker is held to the soft limit of open files that a shell, systemd or an engine leaves."""

import resource
from collections.abc import Callable
from functools import partial

from tests.support.daemon import Daemon

LOW = 256


def test_the_daemon_and_its_worker_may_open_as_many_files_as_the_hard_limit_allows(
    daemons: Callable[..., Daemon],
) -> None:
    """limits.connections_total is 10,000, and each connection is a file."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard > LOW
    daemon = daemons().start(preexec_fn=partial(resource.setrlimit, resource.RLIMIT_NOFILE, (LOW, hard)))
    (worker,) = [event["pid"] for event in daemon.events if event["event"] == "worker.started"]
    for pid in (daemon.pid, worker):
        assert resource.prlimit(pid, resource.RLIMIT_NOFILE) == (hard, hard)
