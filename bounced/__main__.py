"""The command ``bounced``, also as ``python -m bounced``."""

import signal
import sys
from contextlib import suppress

USAGE = 2  # ExitCode.USAGE, which is still to be imported, as the next is
BY_CTRL_C = 130  # ExitCode.INTERRUPTED
RELOAD_AT_SIGHUP = frozenset({"run", "web", "deliver"})
"""Commands that let a SIGHUP come as soon as they know what to do at one; until then it waits and does not end them."""
DAEMONS = RELOAD_AT_SIGHUP | {"worker", "follow", "lookup-server"}
EXTRAS = {"web": "web", "deliver": "deliver", "hooks": "deliver"}
"""Commands that need more than the extra ``daemon``, and what brings it."""


def main() -> None:
    """Run the command line; Ctrl-C ends it quietly, also while it is still being imported."""
    if RELOAD_AT_SIGHUP.intersection(sys.argv[1:2]):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        if DAEMONS.intersection(sys.argv[1:2]):
            _spare_rich()
        _run()
    except KeyboardInterrupt:
        sys.exit(BY_CTRL_C)
    except ModuleNotFoundError as error:
        package = (error.name or "bounced").partition(".")[0]
        if package == "bounced" or package in sys.stdlib_module_names:
            raise
        extra = EXTRAS.get("".join(sys.argv[1:2]), "daemon")
        sys.stderr.write(
            f"bounced: {package} is not installed: it needs the extra `{extra}`, pip install 'bounced-mx[{extra}]'\n"
        )
        sys.exit(USAGE)


def _spare_rich() -> None:
    """Import structlog without rich, in which it would draw tracebacks; ours are plain.  That is 5 MB a process."""
    sys.modules["rich"] = None  # type: ignore[assignment]  # as if it were not installed
    with suppress(ImportError):  # whoever needs it says that it is missing
        import structlog  # noqa: F401, PLC0415 - for those that import it later
    del sys.modules["rich"]


def _run() -> None:
    from bounced.cli import ending  # noqa: PLC0415 - what takes long is imported where Ctrl-C is caught
    from bounced.cli.root import bounced  # noqa: PLC0415 - likewise

    ending.guard()
    try:
        bounced(prog_name="bounced")
    finally:
        ending.finish()


if __name__ == "__main__":
    main()
