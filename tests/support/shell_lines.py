"""What pages tell a reader to type: their blocks for a shell, line by line, and the commands in these."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).parents[2]
PAGES = sorted({*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")} - {PROJECT / "CHANGELOG.md"})
"""Those that say what is so now."""
BLOCK = re.compile(r"^ *```(?P<language>\w*)\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL)
HERE_DOCUMENT = re.compile(r"(<<-?\s*'?(\w+)'?[^\n]*\n).*?^\s*\2$", re.MULTILINE | re.DOTALL)
BEGIN = re.compile(r"(?:bounced|make|redis-cli|curl|install|python3?) ")
"""How a block without a language begins that is for a shell."""
KEYWORDS = frozenset(["do", "until", "then", "else", "!", "sudo", "{"])
CLAUSES = frozenset(["for", "if", "while", "done", "fi", "case", "esac", "}"])
OPERATORS = frozenset("();<>|&")


class Block(NamedTuple):
    """A block for a shell; of a ``console`` block only what is typed."""

    page: Path
    heading: str
    language: str
    text: str

    @property
    def name(self) -> str:
        """Where it stands: the page and its first line."""
        return f"{self.page.relative_to(PROJECT)}: {self.text.splitlines()[0].strip()}"


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of a page that are for a shell."""
    whole = page.read_text("utf-8")
    for found in BLOCK.finditer(whole):
        language, text = found["language"], found["text"]
        heading = ["", *re.findall(r"^##+ (.*)$", whole[: found.start()], re.MULTILINE)][-1]
        if language == "console":
            typed = [line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ ")]
            if typed:
                yield Block(page, heading, language, "\n".join(typed))
        elif language == "sh" or (not language and BEGIN.match(text)):
            yield Block(page, heading, "sh", text)


def commands(script: str) -> Iterator[list[str]]:
    """Yield the words of each simple command of a script, without assignments, redirections and here documents."""
    for line in HERE_DOCUMENT.sub(r"\1", script).replace("\\\n", " ").splitlines():
        plain = re.sub(rf"(['\"])[{re.escape(''.join(OPERATORS))}]+\1", "quoted", line)  # shlex forgets that it was
        lexer = shlex.shlex(plain, posix=True, punctuation_chars="".join(OPERATORS))
        lexer.whitespace_split = True
        words: list[str] = []
        tokens = iter(list(lexer))
        for token in tokens:
            if not token or not set(token) <= OPERATORS:
                words.append(token)
            elif set(token) & set("<>"):
                next(tokens, None)
            else:
                yield from _command(words)
                words = []
        yield from _command(words)


def _command(words: list[str]) -> Iterator[list[str]]:
    while words and (words[0] in KEYWORDS or re.match(r"\w+=", words[0])):
        words = words[3:] if words[:2] == ["sudo", "-u"] else words[1:]
    if words and words[0] not in CLAUSES:
        yield words
