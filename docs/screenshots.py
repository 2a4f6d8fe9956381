"""Take the pictures of the pages: ``make screenshots``.  It needs the Chromium of tests/install-programs."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from PIL import Image

from bounced.config import load
from bounced.demo.filling import fill
from bounced.demo.months import three_months
from bounced.edges.memory_store import Holds
from bounced.edges.watch import log
from bounced.opening import open_store
from tests.support.browser import browsing
from tests.support.ports import free_port

if TYPE_CHECKING:
    from playwright.async_api import Page

PICTURES = Path(__file__).parent / "pictures"
MOST_BYTES = 150_000
WIDTH, HEIGHT = 1440, 900
COLOURS = 256
PASSWORD = "a password for pictures only"  # noqa: S105 - of a server that is gone at the end
LIST = "main"
ALSO_DARK = ("front", "overview")
HIGHER = {"overview": 1600}

LINES_THAT_FIT = """() => {
  const blocks = [...document.querySelectorAll("h1, h2, h3, p, li, dd, tr, svg, form, footer, header")];
  const boxes = blocks.map(block => block.getBoundingClientRect()).filter(box => box.height);
  const last = Math.max(...boxes.map(box => box.bottom)) + 16;
  if (last <= window.innerHeight) return Math.ceil(last);
  const cut = box => box.top < end && box.bottom > end;
  let end = window.innerHeight;
  while (boxes.some(cut)) end = Math.min(...boxes.filter(cut).map(box => box.top));
  return Math.floor(end);
}"""
"""How high a picture is that ends where the page ends, or else between two lines."""

CONFIGURATION = """
workers = 1
host_name = "mx.example.com"
[smtp]
listen = ["127.0.0.1:{smtp}"]
[redis]
url = "embedded"
data_dir = "{folder}/data"
[web.private]
listen = "127.0.0.1:{web}"
writes = true
users_file = "{folder}/users.toml"
login_folder = "{folder}/run"
[lists.main]
domains = ["bounce.example.com"]
keys = [{{ id = "a", file = "{folder}/a.key" }}]
"""


def main() -> None:
    """Fill a server, start what serves it, and take the pictures."""
    with tempfile.TemporaryDirectory(prefix="bounced-pictures-") as name:
        folder, web = Path(name), free_port()
        file = folder / "bounced.toml"
        (folder / "run").mkdir()
        (folder / "a.key").touch(0o600)
        (folder / "a.key").write_text("for pictures only, and long enough")
        file.write_text(CONFIGURATION.format(folder=folder, web=web, smtp=free_port()))
        holds = asyncio.run(filled(file))
        add = [sys.executable, "-m", "bounced", "web", "user", "add", "alice", "--config", str(file)]
        subprocess.run(add, input=PASSWORD, text=True, check=True, capture_output=True)  # noqa: S603 - our own program
        with running("run", file, folder / "data/status.sock"), running("web", file, None):
            asyncio.run(take(f"http://127.0.0.1:{web}", folder, shown(holds)))


async def filled(file: Path) -> Holds:
    """Fill a server as the demonstration does, and return what it holds."""
    log.configure(level="error", as_json=False, plain_addresses=True)
    now = datetime.now(UTC)
    holds = await three_months(now)
    async with open_store(load(file)) as store:
        await fill(store, store.keyspace(LIST), holds, now)
    return holds


def shown(holds: Holds) -> dict[str, str]:
    """Return each picture's name, and the page in it."""
    dead = [each for each in holds.events if _is_dead(each)]
    return {
        "front": "/?since=90d",
        "overview": "/?since=90d",
        "address": f"/address?{urlencode({'q': dead[-1]['address']})}",
        "recover": "/recover?since=2d&category=mailbox_unknown",
        "providers": "/providers?since=24h",
        "campaigns": f"/campaigns?{urlencode({'since': '7d', 'campaign': dead[-1]['campaign'], 'look': 'yes'})}",
    }


def _is_dead(event: Mapping[str, str]) -> bool:
    return event.get("category") == "mailbox_unknown" and event.get("after") == "suppressed"


@contextmanager
def running(command: str, file: Path, until: Path | None) -> Iterator[None]:
    """Run one of our programs, from when the file ``until`` is there."""
    program = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "bounced", command, "--config", str(file)], stdout=subprocess.DEVNULL
    )
    try:
        end = monotonic() + 30
        while until and not until.exists() and monotonic() < end:
            sleep(0.1)
        yield
    finally:
        os.kill(program.pid, signal.SIGTERM)
        program.wait(30)


async def take(origin: str, folder: Path, pages: Mapping[str, str]) -> None:
    """Take each picture, in the light theme, and in the dark one where both are wanted."""
    PICTURES.mkdir(exist_ok=True)
    async with browsing(folder) as browser:
        page = await browser.new_page()
        await sign_in(page, origin)
        for name, path in pages.items():
            await page.set_viewport_size({"width": WIDTH, "height": HIGHER.get(name, HEIGHT)})
            for theme in ("light", "dark") if name in ALSO_DARK else ("light",):
                await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
                await page.goto(origin + path)
                file = PICTURES / (f"{name}.png" if theme == "light" else f"{name}-{theme}.png")
                high = await page.evaluate(LINES_THAT_FIT)
                picture = smaller(await page.screenshot(clip={"x": 0, "y": 0, "width": WIDTH, "height": high}))
                file.write_bytes(picture)
                sys.stdout.write(f"{file.relative_to(PICTURES.parents[1])}: {len(picture):,} bytes\n")
                if len(picture) > MOST_BYTES:
                    sys.exit(f"{file.name} is too large: at most {MOST_BYTES:,} bytes")


def smaller(png: bytes) -> bytes:
    """Return a picture with few colours: text and bars need no more."""
    packed = BytesIO()
    Image.open(BytesIO(png)).convert("RGB").quantize(
        COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
    ).save(packed, "PNG", optimize=True)
    return packed.getvalue()


async def sign_in(page: "Page", origin: str) -> None:
    """Sign in as Alice, as soon as anybody answers."""
    for _ in range(100):
        try:
            await page.goto(f"{origin}/sign-in")
            break
        except Exception:  # noqa: BLE001 - whatever the browser says: it does not answer yet
            await asyncio.sleep(0.2)
    await page.fill("#name", "alice")
    await page.fill("#password", PASSWORD)
    await page.click("button")
    await page.wait_for_url(f"{origin}/**")


if __name__ == "__main__":
    main()
