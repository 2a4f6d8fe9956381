"""The pictures of the pages."""

from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
MOST_BYTES = 150_000


def test_every_picture_is_shown_and_small() -> None:
    """A page that shows all of them is loaded over a telephone, too."""
    pictures = sorted((DOCS / "pictures").iterdir())
    text = (DOCS / "web.md").read_text("utf-8")
    assert len(pictures) >= 5
    assert [each.name for each in pictures if f"pictures/{each.name}" not in text] == []
    assert [each.name for each in pictures if each.stat().st_size > MOST_BYTES] == []
    assert {each.read_bytes()[:8] for each in pictures} == {b"\x89PNG\r\n\x1a\n"}
