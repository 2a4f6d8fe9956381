"""What stands in the files that a configuration names: secrets, signing keys, the certificate for STARTTLS."""

import ssl
from pathlib import Path

from bounced.core.return_path.keyring import secret_of


def read_secret(file: Path) -> bytes:
    """Return the octets of a file without the line ends after them, which editors add.  Raises OSError."""
    return file.read_bytes().rstrip(b"\r\n")


def read_key(file: Path) -> bytes:
    """Return the secret of a signing key.  Raises OSError, and ValueError for one that cannot be used."""
    return secret_of(file.read_bytes())


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return a context for the server's side of STARTTLS.  Raises OSError, ssl.SSLError.

    Peers are MTAs that encrypt where they can: no client certificate is asked for, old ones get TLS 1.2.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key, password="")  # a passphrase is an error, never a prompt
    return context
