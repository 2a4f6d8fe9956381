"""``bounced follow``: the logs of one's own MTAs, in the foreground."""

import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import structlog

from bounced.cli.configured import config_option, configured_for_follow
from bounced.cli.ending import ExitCode
from bounced.cli.follow_dry_run import show
from bounced.cli.libraries import too_old
from bounced.cli.output import json_option
from bounced.cli.process import fail, in_loop, set_up_log, spare_the_collector
from bounced.cli.progress import Reached, measuring
from bounced.config import Config, ConfigError, load_for_follow, read_configuration
from bounced.config.follow_checks import settings_of
from bounced.core.exchange.logs import JOURNAL_UNITS, PARSERS
from bounced.core.meaning.rulefile import RulesInvalid
from bounced.edges.follow.checkpoint import InUse, Malformed
from bounced.edges.follow.contents import NoLibrary
from bounced.edges.follow.journal import JOURNAL
from bounced.edges.redis import Misconfigured
from bounced.edges.redis.embedded import NoServer
from bounced.edges.spare_memory import give_back
from bounced.edges.systemd import Notifier
from bounced.edges.watch.log import Event
from bounced.follow.follower import Conflict
from bounced.follow.serving import STANDARD_INPUT, Following
from bounced.opening import keyspaces, open_store
from bounced.service import pipeline

LOG = structlog.get_logger()

NOT_STARTED = (NoServer, Misconfigured, RulesInvalid, Malformed, NoLibrary, ValueError)
"""The operator has to mend something."""
NOT_NOW = (InUse, Conflict, OSError)
"""Another start may help: the unit starts again."""
NOT_RELOADED = (ConfigError, RulesInvalid, OSError, ValueError)


@click.command()
@click.argument("mta", type=click.Choice(sorted(PARSERS)), metavar="MTA")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
@click.option("--journal", is_flag=True, help="Follow the journal of this machine, in place of FILEs.")
@click.option("--once", is_flag=True, help="End where the logs end, in place of waiting for more.")
@click.option("--dry-run", is_flag=True, help="Print what would follow from the whole FILEs, and write nothing.")
@config_option
@json_option
def follow(
    mta: str,
    files: tuple[Path, ...],
    config_file: Path | None,
    *,
    journal: bool,
    once: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Follow the log of an MTA: postfix, exim, kumomta or powermta.  What it says goes into the intake.

    \b
    SIGTERM, SIGINT  note how far the logs were read, and stop
    SIGHUP           read the configuration and its files again

    FILE is a log as the MTA writes it now, a folder of log files, or - for standard input; without one, the files or
    the journal, as [follow.MTA] in the configuration says. Rotations are followed, and a new start goes on where the
    last one ended.

    \b
    bounced follow postfix /var/log/mail.log
    bounced follow postfix --journal
    bounced follow postfix --dry-run /var/log/mail.log.1
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    if old := too_old():
        fail(old)
    config = configured_for_follow(config_file, mta)
    settings = settings_of(config, mta)
    if journal and files:
        raise click.UsageError("--journal and FILE contradict each other")
    if journal and mta not in JOURNAL_UNITS:
        raise click.UsageError(f"--journal is for {' and '.join(sorted(JOURNAL_UNITS))}")
    if journal or (settings.journal and not files):
        paths = [JOURNAL]
    else:
        paths = [path if path == STANDARD_INPUT else path.absolute() for path in files or settings.files]
    if not paths:
        fail(f"which log? Name a FILE, or --journal, or follow.{mta}.files in the configuration")
    try:
        if dry_run:
            in_loop(lambda: show(config, mta, paths, as_json=as_json))
            return
        set_up_log(config)
        with measuring("lines", _octets(paths)) as reached:
            in_loop(lambda: _serve(config, config_file, mta, paths, reached, once=once))
    except NOT_STARTED as error:
        fail(str(error))
    except NOT_NOW as error:
        click.echo(f"bounced: {error}", err=True)
        sys.exit(ExitCode.NO)


async def _serve(
    config: Config, config_file: Path | None, mta: str, paths: Sequence[Path], reached: Reached, *, once: bool
) -> None:
    """Follow logs until SIGTERM or SIGINT, or their end."""
    loop, notifier, change = asyncio.get_running_loop(), Notifier(), asyncio.Event()
    wanted = {"stop": False}

    def stop() -> None:
        wanted["stop"] = True
        change.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    loop.add_signal_handler(signal.SIGHUP, change.set)
    lines = octets = 0

    def advance(more_lines: int, more_octets: int) -> None:
        nonlocal lines, octets
        lines, octets = lines + more_lines, octets + more_octets
        reached(octets, lines)

    async with open_store(config) as store:
        spare_the_collector()
        while True:
            following = Following(
                mta, settings_of(config, mta), pipeline(config, store), store, advance=advance, once=once
            )
            notifier.ready()
            await following.run(paths, change)
            if wanted["stop"] or not change.is_set():
                break
            change.clear()
            notifier.reloading()
            try:
                config = await asyncio.to_thread(lambda: load_for_follow(read_configuration(config_file), mta))
                store.use(keyspaces(config))
                give_back()
                LOG.info(Event.SERVICE_RELOADED)
            except NOT_RELOADED as error:
                LOG.error(Event.RELOAD_FAILED, errors=str(error).splitlines())  # noqa: TRY400 - for an operator
        notifier.stopping()
    LOG.info(Event.SERVICE_STOPPED)


def _octets(paths: Sequence[Path]) -> int | None:
    """Return how large all files are; None where nobody knows."""
    are_files = all(path.is_absolute() and path.is_file() for path in paths)
    return sum(path.stat().st_size for path in paths) if are_files else None
