"""The certificate, as STARTTLS uses it."""

import ssl
from pathlib import Path


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return a context for the server's side of STARTTLS.  Raises OSError, ssl.SSLError.

    Peers are MTAs that encrypt where they can: no client certificate is asked for, old ones get TLS 1.2.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key, password="")  # a passphrase is an error, never a prompt
    return context
