"""A sender that holds its key wrongly, as many programs do."""

from hmac import digest

from bounced.core.return_path import SigningKey


class Misread(SigningKey):
    """A key as a program holds it that read the file with the newline behind the secret."""

    def hmac(self, message: bytes) -> bytes:
        """Return HMAC-SHA256 under the secret and the newline."""
        return digest(self.secret + b"\n", message, "sha256")
