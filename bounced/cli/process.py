"""What a program does with its own process: its log, its loop, its memory, and how it ends."""

import asyncio
import gc
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import click

from bounced.cli.ending import ExitCode
from bounced.config import Config, build
from bounced.edges.spare_memory import give_back
from bounced.edges.watch import log

T = TypeVar("T")


def set_up_log(config: Config) -> None:
    """Log as the configuration says."""
    as_json = config.log.format == "json" or (config.log.format == "auto" and not sys.stderr.isatty())
    log.HASHES.use(build.log_secrets(config))
    log.configure(level=config.log.level, as_json=as_json, plain_addresses=config.log.addresses == "plain")


def in_loop(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine in uvloop where that is installed, else in asyncio's own loop; return its result."""
    try:
        import uvloop  # noqa: PLC0415 - an extra
    except ImportError:
        run = asyncio.run
    else:
        run = uvloop.run
    try:
        return run(main())
    finally:
        log.flush()


def fail(message: str) -> None:
    """End with a message for the operator."""
    click.echo(f"bounced: {message}", err=True)
    sys.exit(ExitCode.USAGE)


def spare_the_collector() -> None:
    """Exclude what lives as long as the process (modules, rules) from garbage collection, and collect less often.

    Objects made for a message or a row are freed by reference counting; few of them are in cycles.
    """
    gc.collect()
    give_back()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
