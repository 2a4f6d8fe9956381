"""What mkdocs does for our site beside its own work: pages of the project's folder, and links that lead out of docs/.

The pages are written to be read where the source is.  Their links may name any file of the repository.  A link to a
page or a file that the site has leads there.  Of any other link the text stays.
"""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

PROJECT = Path(__file__).parents[1]
FROM_ABOVE = {page.name: page.name for page in sorted(PROJECT.glob("*.md"))} | {"README.md": "index.md"}
"""Pages that stand in the project's folder, and what they are called on the site."""
FILES = ("config/**/*", "tests/vectors/*.json")
"""Other files outside docs/ that are on the site, because pages hand them to the reader."""

CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?P<image>!?)\[(?P<text>(?:[^][]|\[[^]]*\])*)\]\((?P<target>[^)#\s]+)(?P<anchor>#[^)\s]+)?\)")
PICTURE = re.compile(r'(?P<attribute>\bsrc(?:set)?)="(?P<target>[^":]+)"')


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Name headings as the places do where the source is read; replace ``*`` in the navigation by all such pages."""
    config.mdx_configs.setdefault("toc", {})["slugify"] = lambda heading, _: slug(heading)
    docs = Path(config.docs_dir)
    for section in config.nav or []:
        if isinstance(section, dict):
            section.update({title: list(_expanded(entries, docs)) for title, entries in section.items()})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is not in docs/."""
    for source, name in FROM_ABOVE.items():
        files.append(File.generated(config, name, abs_src_path=str(PROJECT / source)))
    for file in sorted(file for pattern in FILES for file in PROJECT.glob(pattern) if file.is_file()):
        files.append(File.generated(config, str(file.relative_to(PROJECT)), abs_src_path=str(file)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001 - mkdocs names them
    """Return the text of a page with links that the site has."""
    name = page.file.src_uri
    parts = []
    end = 0
    for code in CODE.finditer(markdown):
        parts += [_relinked(markdown[end : code.start()], name, files), code[0]]
        end = code.end()
    return "".join([*parts, _relinked(markdown[end:], name, files)])


def slug(heading: str) -> str:
    """Return the anchor of a heading, as GitHub and GitLab make it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def _expanded(entries: list[Any], docs: Path) -> Iterator[Any]:
    for entry in entries:
        if isinstance(entry, str) and "*" in entry:
            found = (str(page.relative_to(docs)) for page in docs.glob(entry))
            yield from sorted(found, key=lambda name: (not name.endswith("README.md"), name))
        else:
            yield entry


def _relinked(text: str, page: str, files: Files) -> str:
    def link(found: re.Match[str]) -> str:
        if ":" in found["target"]:
            return found[0]
        place = _place(found["target"], page, files)
        return f"{found['image']}[{found['text']}]({place}{found['anchor'] or ''})" if place else found["text"]

    def picture(found: re.Match[str]) -> str:
        return f'{found["attribute"]}="{_place(found["target"], page, files)}"'

    return PICTURE.sub(picture, LINK.sub(link, text))


def _place(target: str, page: str, files: Files) -> str:
    """Return where a link of a page leads on the site, as seen from the page; nothing where that is not on the site."""
    above = {name: source for source, name in FROM_ABOVE.items()}
    source = above.get(page, f"docs/{page}")
    meant = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    name = FROM_ABOVE.get(meant, meant.removeprefix("docs/"))
    found = next((each for each in (name, f"{name}/README.md") if files.get_file_from_path(each)), None)
    return posixpath.relpath(found, posixpath.dirname(page) or ".") if found else ""
