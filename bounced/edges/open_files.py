"""How many files a process may have open: each connection is one."""

import contextlib
import resource


def allow_open_files() -> None:
    """Let this process, and those that it starts, open as many files as the system's hard limit allows.

    The soft limit is often 1024, for programs that use select(): systemd and container engines leave it so.  We do not.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):  # sysctl fs.nr_open was lowered since
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
