"""The site that `make site` builds: it has every page, its links lead somewhere, and it asks no other host."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from tests.support.browser import Watched, browsing
from tests.support.served import served

PROJECT = Path(__file__).parents[2]
DOCS = PROJECT / "docs"
LOADING = {"script": "src", "link": "href", "img": "src", "source": "srcset", "iframe": "src", "use": "href"}
"""Elements by which a page makes a browser fetch something, and where they say what."""


class Elements(HTMLParser):
    """What a page loads, where its links lead, and the places that it has."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        named = {name: value or "" for name, value in attrs}
        self.places.add(named.get("id", ""))
        if target := named.get(LOADING.get(tag, "")):
            self.loads.append(target)
        if tag == "a" and (target := named.get("href")):
            self.links.append(target)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the site, built as `make site` does; a warning fails."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Elements]:
    """Return every page of the site by its name."""
    return {str(page.relative_to(site)): Elements(page) for page in site.rglob("*.html")}


def test_every_page_stands_in_the_navigation(pages: dict[str, Elements]) -> None:
    """Whoever opens the first page can get to all others.  A page that is missing needs a line in mkdocs.yml."""
    written = {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")}
    written |= {page.name for page in PROJECT.glob("*.md")} - {"README.md"}
    expected = {re.sub(r"\bREADME\.md$", "index.md", name).removesuffix(".md") + ".html" for name in written}
    assert expected <= set(pages)
    assert sorted(expected - set(pages["index.html"].links)) == []


def test_every_link_within_the_site_leads_to_a_place(site: Path, pages: dict[str, Elements]) -> None:
    """Also those that we made anew, and those of the navigation."""
    wrong = []
    for name, page in pages.items():
        if name == "404.html":  # it is shown below any address, and begins its links with /
            continue
        for link in [*page.links, *page.loads]:
            if urlsplit(link).scheme:
                continue
            target = urlsplit(urljoin(name, link))
            file, place = unquote(target.path) or name, unquote(target.fragment)
            file = "index.html" if file in (".", "./") else file
            if not (site / file).is_file() or (place and file in pages and place not in pages[file].places):
                wrong.append(f"{name}: {link}")
    assert wrong == []


def test_nothing_is_asked_of_another_host(site: Path, pages: dict[str, Elements]) -> None:
    """Whoever reads is not told to anybody: fonts, scripts and pictures come with the pages."""
    loads = {target for page in pages.values() for target in page.loads}
    assert any(target.endswith(".js") for target in loads)
    assert [target for target in loads if urlsplit(target).netloc] == []
    styles = "".join(file.read_text("utf-8") for file in site.rglob("*.css"))
    assert re.findall(r"""(?:@import\s*|url\()\s*["']?(?:https?:)?//[^)]*""", styles) == []


def test_links_to_what_is_not_on_the_site_are_text(pages: dict[str, Elements], site: Path) -> None:
    """A link to an example leads to the file; one to a folder of the source keeps its words and is no link."""
    assert "config/bounced.toml" in pages["index.html"].links
    assert (site / "config/bounced.toml").read_bytes() == (PROJECT / "config/bounced.toml").read_bytes()
    assert "](systemd)" in (PROJECT / "README.md").read_text()
    assert "copy the units from systemd/" in (site / "index.html").read_text()


async def test_in_a_browser_a_page_is_found_by_its_words(site: Path, tmp_path: Path) -> None:
    """The search runs in the browser; nothing else than the site is asked, and nothing goes wrong."""
    with served(site) as origin:
        async with browsing(tmp_path) as browser:
            watched = Watched(await browser.new_page(), origin)
            await watched.open("/index.html?q=greylisting")  # typed too early, a word is not heard
            found = watched.page.locator(".md-search-result__link").first
            await found.wait_for()
            place = await found.get_attribute("href")
            await watched.page.goto(urljoin(watched.page.url, place))
            assert "greylist" in (await watched.page.locator(".md-content").inner_text()).lower()
            assert watched.wrong == []
