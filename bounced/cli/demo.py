"""``bounced demo``: the whole thing on this machine, with nothing to install and nothing to clean up."""

import asyncio
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import click
from rich.text import Text

from bounced.cli.output import console, print_table
from bounced.cli.run import fail, in_loop
from bounced.config import Config, build, load
from bounced.demo.scenes import SCENES, PlayedScene, newest, return_path, send
from bounced.demo.setup import DOMAIN, HOST, DemoSetup, prepare
from bounced.edges.redis import RedisStore
from bounced.edges.redis.embedded import NoServer
from bounced.edges.sockets import CannotListen, bind
from bounced.edges.watch import log
from bounced.service import Worker, now, open_store

COLUMNS = ("address", "what was said", "category", "what followed", "mail it?")
TITLE = "Six bounces of mail to mailbox.example, sent by SMTP"
LIST = "main"


@click.command()
@click.option("--port", default=2525, show_default=True, help="Port on 127.0.0.1 for SMTP; a free one if it is taken.")
@click.option("--once", is_flag=True, help="End when everything was shown, instead of staying up until Ctrl-C.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep configuration and data here.  [default: a temporary folder, removed at the end]",
)
def demo(port: int, folder: Path | None, *, once: bool) -> None:
    """Show the whole thing on this machine; nothing to install.

    Starts a private server and the daemon, sends it six truly different bounces by SMTP, shows what followed from
    each, and how a sender asks.  Then it stays up: send your own.

    \b
    bounced demo
    bounced demo --once --folder ./demo
    """  # noqa: D301 - \b is click's mark for lines to be left as they are
    log.configure(level="warning", as_json=False, plain_addresses=True)
    try:
        if folder is not None:
            in_loop(lambda: show(prepare(folder, port), port, once=once))
        else:
            with tempfile.TemporaryDirectory(prefix="bounced-demo-") as temporary:
                in_loop(lambda: show(prepare(Path(temporary), port), port, once=once))
    except (CannotListen, NoServer) as error:
        fail(str(error))


async def show(setup: DemoSetup, wanted_port: int, *, once: bool) -> None:
    """Run the daemon, play the scenes, and stay up unless told otherwise."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    config = load(setup.config_file)
    async with Worker.running(config, bind(config)), open_store(config) as store:
        if wanted_port not in (0, setup.port):
            _say(f"Port {wanted_port} is taken: another one was chosen.")
        _say(f"SMTP on {HOST}:{setup.port}, bounce domain {DOMAIN}, data in {setup.data_dir}", "")
        played = await play(config, setup, store)
        print_table(COLUMNS, [each.cells() for each in played], title=TITLE)
        _say("", *how_to_ask(setup))
        if not once:
            _say("", "Up until Ctrl-C.")
            await stopping.wait()


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
        f"  {program} lookup {first} {config}",
        f"  {program} release {first} {config}",
        f"  {program} return-path encode you@example.org {config}",
        "and send what you like to the return path that this prints, with any SMTP client.",
    )


def _say(*lines: str) -> None:
    for line in lines:
        console().print(Text(line))
