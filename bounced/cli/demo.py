"""``bounced demo``: the whole thing on this machine, with nothing to install and nothing to clean up."""

import asyncio
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import click
from rich.text import Text

from bounced.cli.demo_daemon import daemon
from bounced.cli.demo_pages import pages, show_in_browser
from bounced.cli.output import console, print_table
from bounced.cli.process import fail, in_loop
from bounced.config import Config, ConfigError, build, load
from bounced.demo.filling import fill, is_empty
from bounced.demo.months import three_months
from bounced.demo.scenes import SAMPLES, SCENES, PlayedScene, newest, return_path, sample, send
from bounced.demo.setup import DOMAIN, HOST, DemoSetup, prepare
from bounced.edges.redis import RedisStore
from bounced.edges.redis.embedded import NoServer
from bounced.edges.redis.event_streams import EventStreams, Position, behind
from bounced.edges.sockets import CannotListen
from bounced.edges.watch import log
from bounced.opening import now, open_store

COLUMNS = ("address", "what was said", "category", "what followed", "mail it?")
LOOK_EVERY_S = 0.5
"""How often it looks for what came in."""
TITLE = "Six bounces of mail to mailbox.example, sent by SMTP"
LIST = "main"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for: ports, whether to end when all was shown, whether to open a browser."""

    port: int
    web_port: int
    once: bool
    browser: bool


@click.command()
@click.option("--port", default=2525, show_default=True, help="Port on 127.0.0.1 for SMTP; a free one if it is taken.")
@click.option("--web-port", default=9028, show_default=True, help="The same for the pages.")
@click.option("--no-browser", is_flag=True, help="Print the address of the pages, and open no browser.")
@click.option("--send", "message", type=click.Choice(SAMPLES), help="Send a bounce to the demonstration of --folder.")
@click.option("--once", is_flag=True, help="End when everything is shown, instead of running until Ctrl-C.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep configuration and data here.  [default: a temporary folder, removed at the end]",
)
def demo(port: int, web_port: int, folder: Path | None, message: str | None, *, once: bool, no_browser: bool) -> None:
    """Show the whole thing on this machine; nothing to install.

    Starts a private server, the daemon and the pages, with three months of an invented mailing list. Sends six truly
    different bounces by SMTP, shows what followed from each, and how a sender asks. Then it stays up: send your own.

    \b
    bounced demo
    bounced demo --once --folder ./demo
    bounced demo --folder ./demo --send full_mailbox
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    if message is not None:
        _send_sample(message, folder)
        return
    wanted = Wanted(port, web_port, once=once, browser=not (no_browser or once))
    log.configure(level="error", as_json=False, plain_addresses=True)
    try:
        if folder is not None:
            in_loop(lambda: show(prepare(folder, port, web_port), wanted))
        else:
            with tempfile.TemporaryDirectory(prefix="bounced-demo-") as temporary:
                in_loop(lambda: show(prepare(Path(temporary), port, web_port), wanted))
    except (CannotListen, NoServer) as error:
        fail(str(error))


async def show(setup: DemoSetup, wanted: Wanted) -> None:
    """Run the daemon and the pages, play the scenes, and stay up unless told otherwise."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    config = load(setup.config_file)
    async with open_store(config) as store:
        if await is_empty(store, store.keyspace(LIST)):
            await fill(store, store.keyspace(LIST), await three_months(now()), now())
    async with daemon(config, setup.config_file), open_store(config) as store, pages(config, setup) as link:
        for asked, got in ((wanted.port, setup.port), (wanted.web_port, setup.web_port)):
            if asked not in (0, got):
                _say(f"Port {asked} is taken: another one was chosen.")
        if not wanted.once:
            _say(f"SMTP on {HOST}:{setup.port}, bounce domain {DOMAIN}, data in {setup.data_dir}", "")
        played = await play(config, setup, store)
        print_table(COLUMNS, [each.cells() for each in played], title=TITLE)
        if wanted.once:
            _say("", "Without --once it stays up: ask it, and send your own bounces.")
            return
        _say("", *how_to_ask(setup))
        if link:
            _say(
                "", "The pages, with three months of an invented list (the link works once, within ten minutes):", link
            )
        streams = EventStreams(store, store.keyspace(LIST))
        shown = behind(await streams.end())
        _say("", "Up until Ctrl-C.  What comes in is told here:")
        if link and wanted.browser:
            await asyncio.to_thread(show_in_browser, link)
        await _tell(streams, shown, stopping)


async def _tell(streams: EventStreams, at: Position, stopping: asyncio.Event) -> None:
    """Print what comes in behind a position, until somebody stops it."""
    while not stopping.is_set():
        found, at = await streams.after(at)
        by_id = {event.fields.get("id", event.id): event for event in found}  # a report and its change are one line
        _say(*(_line(event.record) for event in by_id.values()))
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), LOOK_EVERY_S)


def _line(event: Mapping[str, str]) -> str:
    said = (event.get(name, "") for name in ("at", "type", "address", "category", "after", "reason", "diagnostic"))
    return "  ".join(filter(None, said))


def _send_sample(message: str, folder: Path | None) -> None:
    """Send one bounce to the demonstration that runs in a folder."""
    if folder is None:
        raise click.UsageError("--folder says which demonstration: it prints its folder when it starts")
    try:
        config = load(folder / "bounced.toml")
    except (ConfigError, OSError) as error:
        fail(str(error))
    scene, (listen, *_) = sample(message), config.smtp.listen
    path = return_path(scene, build.return_paths(LIST, config.lists[LIST]), now().date())
    try:
        _say(f"{scene.address}: {send(scene, path, HOST, getattr(listen, 'port', 0))}")
    except OSError as error:
        fail(f"no demonstration runs in {folder}: {error}")


async def play(config: Config, setup: DemoSetup, store: RedisStore) -> list[PlayedScene]:
    """Send the message of each scene and see what became of its address."""
    paths = build.return_paths(LIST, config.lists[LIST])
    played = []
    for scene in SCENES:
        path = return_path(scene, paths, now().date())
        reply = await asyncio.to_thread(send, scene, path, HOST, setup.port)
        played.append(PlayedScene(scene, reply, newest(await store.history(LIST, scene.address))))
    return played


def how_to_ask(setup: DemoSetup) -> tuple[str, ...]:
    """Return the lines that tell a sender how to ask, and a newcomer how to go on."""
    key = "'bounced:{main}:suppressed'"
    socket = f"unix://{setup.data_dir / 'server.sock'}"
    config = f"--config {setup.config_file}"
    first = SCENES[0].address
    program = "bounced" if shutil.which("bounced") else sys.argv[0]
    return (
        "Before it mails, a sender asks Redis (redis-cli, or any client in any language):",
        f"  SISMEMBER {key} {first}",
        f"  HGETALL   'bounced:{{main}}:address:{first}'",
        f"at {socket}",
        "",
        "In another terminal:",
        f"  {program} status {config}",
        f"  {program} lookup {first} {config}",
        f"  {program} release {first} {config}",
        f"  {program} return-path encode you@example.org {config}",
        *(f"  {program} demo --folder {setup.folder} --send {name}" for name in SAMPLES),
        "and send what you like to the return path that this prints, with any SMTP client.",
    )


def _say(*lines: str) -> None:
    for line in lines:
        console().print(Text(line))
