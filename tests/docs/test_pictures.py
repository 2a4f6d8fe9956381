"""The pictures of the pages and of the terminal."""

from pathlib import Path

PROJECT = Path(__file__).parents[2]
PICTURES = PROJECT / "docs/pictures"
PAGES = ("README.md", "docs/web.md")
MOST_BYTES = 150_000


def test_every_picture_is_shown_and_small() -> None:
    """A page that shows all of them is loaded over a telephone, too."""
    pictures = sorted(PICTURES.iterdir())
    text = "".join((PROJECT / page).read_text("utf-8") for page in PAGES)
    assert len(pictures) >= 5
    assert [each.name for each in pictures if f"pictures/{each.name}" not in text] == []
    assert [each.name for each in pictures if each.stat().st_size > MOST_BYTES] == []
    begin = {".png": b"\x89PNG\r\n\x1a\n", ".svg": b"<svg "}
    assert [each.name for each in pictures if not each.read_bytes().startswith(begin[each.suffix])] == []
