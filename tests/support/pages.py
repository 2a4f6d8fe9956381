"""The commands on a page of the documentation, as its reader copies them."""

import re
from pathlib import Path
from textwrap import dedent

PAGES = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^(\ *)```(?:sh|console)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def blocks(page: str, heading: str) -> list[str]:
    """Return the blocks of commands below a heading such as ``## 5. Start``, up to the next heading of its level."""
    text = (PAGES / page).read_text("utf-8")
    _, found, below = text.partition(f"\n{heading}\n")
    assert found, f"{page} has no heading {heading}"
    level = len(heading) - len(heading.lstrip("#"))
    section = re.split(rf"^#{{2,{level}}}\ ", below, maxsplit=1, flags=re.MULTILINE)[0]
    taken = [re.sub(r"^\$ ", "", dedent(block[2]), flags=re.MULTILINE) for block in BLOCK.finditer(section)]
    assert taken, f"{page}, {heading}: no commands"
    return taken
