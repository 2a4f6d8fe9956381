"""A real browser for the pages: Debian's Chromium, driven by Playwright."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from .programs import find

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page, Request

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
HARMLESS = ("Failed to load resource: the server responded with a status of ", "Response Status Error Code ")
"""How the console begins that tells of an answer of ours with an error; tests look at the answers themselves."""


class Watched:
    """One page of the browser, and what went wrong on it: errors of the console, requests to elsewhere."""

    def __init__(self, page: "Page", origin: str) -> None:
        self.page = page
        self.origin = origin
        self.wrong: list[str] = []
        page.on("console", lambda said: self._note(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self._note(str(error)))
        page.on("request", self._asked)

    async def open(self, path: str) -> None:
        """Go to a page of ours."""
        await self.page.goto(self.origin + path)

    async def hangs_over(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        wide: int = await self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        return max(0, wide)

    def _asked(self, request: "Request") -> None:
        if urlsplit(request.url).netloc != urlsplit(self.origin).netloc:
            self._note(f"asked elsewhere: {request.url}")

    def _note(self, text: str) -> None:
        if not text.startswith(HARMLESS):
            self.wrong.append(text)


@asynccontextmanager
async def browsing(folder: Path) -> AsyncIterator["Browser"]:
    """Give a browser whose files lie in a folder; the test is skipped where there is none."""
    api = pytest.importorskip("playwright.async_api", reason="playwright is not here")
    path = find("chromium", "chromium")
    if path is None:
        pytest.skip("chromium is not here")
    async with api.async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path, args=[*FLAGS], env={"HOME": str(folder), "PATH": "/usr/bin:/bin"}
        )
        try:
            yield browser
        finally:
            await browser.close()
