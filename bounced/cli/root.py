"""The command ``bounced``: which commands there are, and what an error means for the exit code."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any

import click
from click.shell_completion import CompletionItem

from bounced.cli.ending import ExitCode
from bounced.core.contract.state_hash import UnreadableState
from bounced.ports import Misconfigured, NoServer, StoreUnavailable


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """Where a command lives (``module:attribute``) and what ``--help`` says of it, so that neither has to import it.

    A command without a summary is hidden: the daemon starts it itself.
    """

    target: str
    summary: str = ""


COMMANDS: Mapping[str, CommandEntry] = MappingProxyType(
    {
        "demo": CommandEntry("bounced.cli.demo:demo", "Show the whole thing on this machine; nothing to install."),
        "run": CommandEntry("bounced.cli.run:run", "Run the daemon in the foreground, as systemd does."),
        "worker": CommandEntry("bounced.cli.run:worker"),
        "lookup-server": CommandEntry(
            "bounced.cli.lookup_server:lookup_server",
            "Answer Postfix's socketmap and policy requests from the suppression lists.",
        ),
        "web": CommandEntry("bounced.cli.web:web", "Serve the API and the pages over HTTP, and say who may use them."),
        "deliver": CommandEntry("bounced.cli.deliver:deliver", "Send events to webhooks, as [[hooks]] says."),
        "follow": CommandEntry("bounced.cli.follow:follow", "Follow an MTA's log: what became of its messages."),
        "hooks": CommandEntry("bounced.cli.hooks:hooks", "Show the state of webhooks, test one, or let one go on."),
        "check-config": CommandEntry(
            "bounced.cli.check_config:check_config", "Print the effective configuration, or all that is wrong with it."
        ),
        "status": CommandEntry(
            "bounced.cli.status:status", "Say whether mail is taken in and committed, and if not, why."
        ),
        "doctor": CommandEntry(
            "bounced.cli.doctor:doctor", "Examine everything that the daemon needs, and say what to do."
        ),
        "explain": CommandEntry("bounced.cli.explain:explain", "Say what bounce messages, or bare SMTP replies, mean."),
        "ingest": CommandEntry(
            "bounced.cli.ingest:ingest_command",
            "Take in stored bounces: files, folders, Maildir, mbox, - for standard input.",
        ),
        "return-path": CommandEntry(
            "bounced.cli.return_path:return_path", "Make a return path, or read one that came back."
        ),
        "lookup": CommandEntry(
            "bounced.cli.lookup:lookup", "Tell what each list knows of ADDRESS and why, with its last events."
        ),
        "export": CommandEntry(
            "bounced.cli.exchange:export_command", "Write the suppression list as CSV or JSON lines."
        ),
        "import": CommandEntry("bounced.cli.exchange:import_command", "Read our own export, or a hosted service's."),
        "events": CommandEntry("bounced.cli.events:events", "Show what happened last, and with --follow what happens."),
        "stats": CommandEntry("bounced.cli.stats:stats", "Show what came in over the last hours."),
        "top": CommandEntry("bounced.cli.stats:top", "Show the domains and campaigns with the most bounces."),
        "alarms": CommandEntry(
            "bounced.cli.alarms:alarms", "Show the alarms that stand: about what, since when, and what to do."
        ),
        "blocks": CommandEntry(
            "bounced.cli.blocks:blocks", "Show who refused the sender, by hour and provider, in the servers' words."
        ),
        "campaigns": CommandEntry(
            "bounced.cli.campaigns:campaigns", "Say for each campaign whether to go on, to slow down or to pause."
        ),
        "complaints": CommandEntry(
            "bounced.cli.complaints:complaints", "Show who passes on complaints, and which of them name nobody."
        ),
        "simulate": CommandEntry(
            "bounced.cli.simulate:simulate", "Say what another policy would do, before you use it."
        ),
        "suppress": CommandEntry("bounced.cli.address:suppress", "Suppress addresses until an operator releases them."),
        "release": CommandEntry(
            "bounced.cli.address:release", "Remove addresses from the suppression list, whatever put them there."
        ),
        "recover": CommandEntry(
            "bounced.cli.recover:recover",
            "Release addresses that a provider, a rule or a campaign put on the list wrongly.",
        ),
        "reclassify": CommandEntry(
            "bounced.cli.reclassify:reclassify_command", "Show what today's rules make of kept evidence, and apply it."
        ),
        "unknown": CommandEntry(
            "bounced.cli.unknown:unknown_command",
            "Show what was not understood, in groups, and add the row that would understand it.",
        ),
        "accept-redis": CommandEntry(
            "bounced.cli.accept_redis:accept_redis",
            "Tell bounced that you replaced Redis on purpose.",
        ),
        "erase": CommandEntry("bounced.cli.erase:erase_command", "Remove an address from everything, for good."),
    }
)


class TooOld(click.ClickException):
    """A library is too old."""

    exit_code = ExitCode.USAGE


def _explained(error: Exception) -> Exception:
    """Return why a command cannot be imported: a library is too old, or else the error itself."""
    from bounced.cli.libraries import too_old  # noqa: PLC0415 - it takes long, and is needed when all is lost

    old = too_old()
    return TooOld(old) if old else error


class LazyGroup(click.Group):
    """A group that imports a command when it is called: ``--help`` and the small commands stay quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the commands in the order in which a newcomer meets them."""
        return [name for name, entry in COMMANDS.items() if entry.summary]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import one command."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.target.partition(":")
        try:
            command: click.Command = getattr(import_module(module), attribute)
        except Exception as error:
            raise _explained(error) from error
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands and options that begin so, of the commands their summaries; none is imported."""
        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        options = super(click.Group, self).shell_complete(ctx, incomplete)
        return [CompletionItem(name, help=COMMANDS[name].summary) for name in names] + options

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from their summaries."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].summary) for name in self.list_commands(ctx)])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a store that cannot be reached has its own exit code, and so has Ctrl-C."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:  # click would say "Aborted!" and exit with 1, which means no
            ctx.exit(ExitCode.INTERRUPTED)
        except (StoreUnavailable, UnreadableState, NoServer, Misconfigured) as error:
            from bounced.cli.failing import failed  # noqa: PLC0415 - it takes long, and is seldom needed

            ctx.exit(failed(ctx, error))


def _version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:  # noqa: FBT001 - click's signature
    """Print which bounced this is."""
    if asked and not ctx.resilient_parsing:
        from bounced.edges.version import running  # noqa: PLC0415 - few ask

        click.echo(f"bounced {running()}")
        ctx.exit()


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version and exit."
)
def bounced() -> None:
    """Take in bounces by SMTP, decide which addresses are dead, and keep them in Redis.

    \b
    Start here:
      bounced demo                      see the whole thing work, nothing to install
      bounced check-config              what is in force
      bounced explain bounce.eml        what a bounce means
      bounced lookup alice@example.org  why an address is suppressed

    Exit codes: 0 done, 1 the answer is no, 2 usage or configuration, 3 Redis cannot be reached,
    4 the output cannot be written, 5 Redis answers and refuses (it is full, a replica, or its user may not).
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    from bounced.edges.watch import log  # noqa: PLC0415 - structlog takes long to import, and --help needs none

    log.silence()
