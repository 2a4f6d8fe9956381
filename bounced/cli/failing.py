"""What a command says, and its exit code, where Redis did not do what it should."""

import asyncio

import click

from bounced.cli.configured import in_use, place_in_use
from bounced.cli.ending import ExitCode
from bounced.config import Config
from bounced.core.contract.state_hash import UnreadableState
from bounced.edges.redis.trouble import Fault, trouble
from bounced.ports import Misconfigured, NoServer, WrongType

CODES = {
    Fault.CONFIGURATION: ExitCode.USAGE,
    Fault.AWAY: ExitCode.UNREACHABLE,
    Fault.SERVER: ExitCode.REFUSED,
}


def failed(ctx: click.Context, error: Exception) -> ExitCode:
    """Say what is wrong and what to do about it; return the exit code."""
    code, wrong, remedy = _explained(error, in_use(ctx), place_in_use(ctx))
    click.echo(f"bounced: {wrong}", err=True)
    if remedy:
        click.echo(remedy, err=True)
    return code


def _explained(error: Exception, config: Config | None, place: str) -> tuple[ExitCode, str, str]:
    match error:
        case NoServer():
            return ExitCode.UNREACHABLE, str(error), ""
        case WrongType():
            return (
                ExitCode.UNREACHABLE,
                str(error),
                "Look at it with `redis-cli TYPE KEY`, and rename or delete it.",
            )
        case UnreadableState():
            return (
                ExitCode.UNREACHABLE,
                f"what Redis holds of an address is no state: {error}",
                "Nothing was changed for it.  `bounced erase ADDRESS` takes it out.",
            )
        case Misconfigured():
            return ExitCode.USAGE, f"{place}: {error}", ""
    url = config.redis.url if config and not config.redis.embedded else None
    if known := asyncio.run(trouble(error, url)):
        return CODES[known.fault], known.wrong, known.remedy
    return (
        ExitCode.UNREACHABLE,
        f"Redis cannot be reached: {error}",
        "Is the server running, and redis.url right?  `bounced doctor` looks at everything.",
    )
