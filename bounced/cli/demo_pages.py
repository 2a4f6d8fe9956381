"""The pages of the demonstration: served in its own process, reached by a link that signs in once."""

import os
import sys
import webbrowser
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from bounced.config import Config
from bounced.demo.setup import HOST, DemoSetup
from bounced.edges.redis import RedisStore
from bounced.edges.sockets import open_socket
from bounced.opening import now, open_store
from bounced.service import pipeline

PERSON = "demo"


@asynccontextmanager
async def pages(config: Config, setup: DemoSetup) -> AsyncIterator[str]:
    """Serve the pages and give the link to them; an empty one where what they need is not installed."""
    try:
        from bounced.web.people.links import new_link  # noqa: PLC0415 - an extra may be missing
        from bounced.web.serving import Makers, Serving  # noqa: PLC0415 - the same
    except ImportError:
        yield ""
        return
    listen = config.web.private.listen
    assert listen is not None
    async with Serving.running(config, {"private": [open_socket(listen)]}, Makers(_opened, pipeline)):
        yield f"http://{HOST}:{setup.web_port}/login/{new_link(setup.login_folder, PERSON, now())}"


def show_in_browser(url: str) -> None:
    """Open the pages where there is a screen: a browser of the terminal would take it away."""
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or sys.platform == "darwin":
        webbrowser.open(url)


def _opened(config: Config, to_write: bool) -> AbstractAsyncContextManager[RedisStore]:  # noqa: FBT001 - see Makers
    return open_store(config, to_write=to_write)
