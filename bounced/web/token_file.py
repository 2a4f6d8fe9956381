"""The file of the API's tokens: read, and replaced as a whole."""

from pathlib import Path

from bounced.web.private_files import read_file, replace_text
from bounced.web.tokens import Tokens, TokensInvalid, read_tokens, written


def load_tokens(file: Path) -> Tokens:
    """Return the tokens of a file, none where there is no file.  Raises TokensInvalid."""
    return read_file(file, read_tokens, TokensInvalid)


def save_tokens(file: Path, tokens: Tokens) -> None:
    """Replace a file of tokens.  Raises OSError."""
    replace_text(file, written(tokens))
