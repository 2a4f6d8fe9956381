"""What code and pages refer to is there: pages, their sections, traps, decisions, files, names and commands."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
BOUNCED = PROJECT / "bounced"
DOCS = PROJECT / "docs"
PAGES = sorted([*PROJECT.glob("*.md"), *DOCS.rglob("*.md")])
PRESENT = [page for page in PAGES if page.name != "CHANGELOG.md"]
"""The pages that say what is so now."""
FOLDERS = ("bounced", "tests", "docs", "config", "systemd", "benchmarks", "deb")
SUFFIXES = frozenset([".py", ".lua", ".toml", ".md", ".sh", ".service", ".socket", ".yml"])
SOURCES = sorted(
    file
    for folder in FOLDERS
    for file in (PROJECT / folder).rglob("*")
    if file.suffix in SUFFIXES and file != Path(__file__) and "corpus" not in file.parts
)

MAPS = (DOCS / "code.md", DOCS / "contract.md", DOCS / "flow.md", DOCS / "invariants.md", DOCS / "traps.md")
"""The pages for those who change the code."""

NUMBERS = r"(\d+(?:(?:, | and | to )\d+)*)"
SECTIONS = re.compile(rf"docs/contract\.md, sections? {NUMBERS}")
TRAPS = re.compile(rf"docs/traps\.md, {NUMBERS}")
NOWHERE = re.compile(r"\(contract[,:]|[(;] ?taxonomy\)|\btraps? \d")
"""Citations that do not say on which page to look."""
ADR = re.compile(r"\bADR (\d+)\b")
PAGE = re.compile(r"(?<![\w/])docs/[\w/-]+(?:\.\w+)+")
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`]+)`")
NAMED_IN = re.compile(r"((?:`\w+`(?:,\s+|\s+and\s+))*`\w+`)\s+in\s+`([\w./-]+)`")
MADE = re.compile(r"make ([a-z-]+)(?: [A-Z].*)?")
PATH_LIKE = re.compile(r"[\w.*-]+(?:/[\w.*-]+)*/?")


@cache
def text_of(file: Path) -> str:
    """Return what a file holds."""
    return file.read_text("utf-8")


def numbers(text: str) -> Iterator[int]:
    """Yield the numbers of a citation; ``1 to 3`` stands for three."""
    for part in re.split(", | and ", text):
        first, _, last = part.partition(" to ")
        yield from range(int(first), int(last or first) + 1)


def cited(pattern: re.Pattern[str]) -> set[int]:
    """Return the numbers that anything in the repository cites."""
    files = chain(SOURCES, PAGES)
    found = (match[1] for file in files for match in pattern.finditer(text_of(file)))
    return {number for text in found for number in numbers(text)}


def prose(page: Path) -> str:
    """Return the text of a page without its blocks of code."""
    return BLOCK.sub("", text_of(page))


def slug(heading: str) -> str:
    """Return the anchor that a heading has on a page, as GitHub and GitLab make it."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    """Return every place of a page that a link may lead to."""
    text = prose(page)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {slug(heading) for heading in headings} | set(re.findall(r'<a id="([^"]+)">', text))


def paths(page: Path) -> Iterator[str]:
    """Yield what a page sets as code and what is a path by its looks; commands are looked through word by word."""
    for span in SPAN.findall(prose(page)):
        for word in span.split():
            bare = word.rstrip(",;:").partition("::")[0]
            if PATH_LIKE.fullmatch(bare) and (bare.endswith((".py", ".lua")) or _begins_in_a_room(bare)):
                yield bare


def _begins_in_a_room(word: str) -> bool:
    first, slash, rest = word.partition("/")
    known = first in FOLDERS or (BOUNCED / first).is_dir() or (BOUNCED / "core" / first).is_dir()
    return bool(slash and rest) and known


def exists(path: str) -> bool:
    """Whether a path is there, from the project's folder or from a room of the code; a file's bare name: anywhere.

    ``core/policy.decide`` is a name that the module or package ``core/policy`` has.
    """
    if "/" not in path:
        return any(file.name == path for file in SOURCES) or any(PROJECT.glob(path))
    roots = (PROJECT, DOCS, BOUNCED, BOUNCED / "core", BOUNCED / "core/reading")
    if any(next(root.glob(path.rstrip("/")), None) or (root / f"{path}.py").exists() for root in roots):
        return True
    module, _, name = path.rpartition(".")
    return any(name in text_of(file) for root in roots for file in _files_of(root / module))


def _files_of(module: Path) -> Iterator[Path]:
    yield from (file for file in (module.with_name(f"{module.name}.py"), module / "__init__.py") if file.exists())


def found_file(path: str) -> Path | None:
    """Return the one file that a page means."""
    places = (PROJECT / path, BOUNCED / path, BOUNCED / "core" / path)
    return next((place for place in places if place.is_file()), None)


def test_citations_say_where_to_look() -> None:
    """A reader who has nothing but the repository finds what is cited: by the page's name and a number on it."""
    found = [
        f"{file.relative_to(PROJECT)}: {match[0]}"
        for file in (*SOURCES, *PAGES)
        for match in NOWHERE.finditer(text_of(file))
    ]
    assert found == []


def test_cited_sections_of_the_contract_are_there() -> None:
    """By their numbers, which stay."""
    sections = re.findall(r"^## (\d+)\. ", text_of(DOCS / "contract.md"), re.MULTILINE)
    assert cited(SECTIONS)
    assert cited(SECTIONS) <= set(map(int, sections))


def test_cited_traps_are_there() -> None:
    """By their numbers, which stay; each has an anchor for links."""
    page = text_of(DOCS / "traps.md")
    traps = set(map(int, re.findall(r'^<a id="(\d+)"></a>\*\*\1\.\*\* ', page, re.MULTILINE)))
    assert cited(TRAPS)
    assert cited(TRAPS) <= traps


def test_each_trap_says_where_it_is_closed() -> None:
    """In code or in a page; or that it is not."""
    page = text_of(DOCS / "traps.md")
    entries = re.split(r'^<a id="', page, flags=re.MULTILINE)[1:]
    assert [entry[:4] for entry in entries if not re.search(r"\*Closed\b[^.]*\bin\s+[`\[]|\*Not closed: ", entry)] == []


def test_cited_decisions_are_there() -> None:
    """And each decision is in the list of all."""
    made = {int(file.name[:4]): file.name for file in (DOCS / "adr").glob("[0-9]*.md")}
    cited_ = {int(number) for file in (*SOURCES, *PAGES) for number in ADR.findall(text_of(file))}
    assert cited_ <= set(made)
    overview = text_of(DOCS / "adr/README.md")
    assert [name for name in made.values() if f"({name})" not in overview] == []


def test_cited_pages_are_there() -> None:
    """Also those that code names in its docstrings and messages."""
    found = {
        f"{file.relative_to(PROJECT)}: {page}"
        for file in (*SOURCES, *PAGES)
        for page in PAGE.findall(text_of(file))
        if not (PROJECT / page).exists()
    }
    assert found == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_lead_to_a_place(page: Path) -> None:
    """The page exists, and so does the heading on it."""
    for target, anchor in LINK.findall(text_of(page)):
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), f"{target}#{anchor}"


@pytest.mark.parametrize("page", PRESENT, ids=lambda page: str(page.relative_to(PROJECT)))
def test_what_a_page_names_is_there(page: Path) -> None:
    """Files and folders, names in files, and what make can make."""
    assert [path for path in paths(page) if not exists(path)] == []
    text = prose(page)
    for names, path in NAMED_IN.findall(text):
        file = found_file(path)
        content = text_of(file) if file else ""
        assert [name for name in re.findall(r"`(\w+)`", names) if not re.search(rf"\b{name}\b", content)] == [], path
    targets = set(re.findall(r"^([a-z-]+):", text_of(PROJECT / "Makefile"), re.MULTILINE))
    made = filter(None, map(MADE.fullmatch, SPAN.findall(text)))
    assert {command[1] for command in made} <= targets


def test_every_package_and_lone_file_is_on_the_map() -> None:
    """A new engineer finds a line about each room, and about each file that stands alone beside them."""
    text = text_of(DOCS / "code.md")
    packages = [file.parent for file in BOUNCED.rglob("__init__.py") if file.parent != BOUNCED]
    alone = [file for folder in (BOUNCED, BOUNCED / "core", BOUNCED / "edges") for file in folder.glob("*.py")]
    names = [f"`{package.relative_to(BOUNCED)}/`" for package in packages]
    names += [f"`{file.relative_to(BOUNCED)}`" for file in alone if file.name != "__init__.py"]
    assert [name for name in names if name not in text] == []


def test_the_maps_name_something() -> None:
    """The tests above test something."""
    assert all(len(list(paths(page))) >= 5 for page in MAPS)
    assert NAMED_IN.search(text_of(DOCS / "code.md"))
