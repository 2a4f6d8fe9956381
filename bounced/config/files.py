"""What stands in the files that a configuration names: secrets, signing keys, the certificate for STARTTLS."""

import ssl
from datetime import UTC, datetime
from pathlib import Path

from bounced.core.exchange.hooks import SERVICES
from bounced.core.exchange.hooks.secrets import path_secret
from bounced.core.return_path.keyring import secret_of

_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, which Python gives no name


def read_secret(file: Path) -> bytes:
    """Return the octets of a file without the line ends after them, which editors add.  Raises OSError."""
    return file.read_bytes().rstrip(b"\r\n")


def read_key(file: Path) -> bytes:
    """Return the secret of a signing key.  Raises OSError, and ValueError for one that cannot be used."""
    return secret_of(file.read_bytes())


def read_hook_secret(service: str, file: Path) -> bytes:
    """Return the secret of a service.  Raises OSError, and ValueError for one that the service cannot have given."""
    return SERVICES[service].secret(read_secret(file))


def read_path_secret(file: Path) -> bytes:
    """Return a secret that stands in a path.  Raises OSError, ValueError."""
    return path_secret(read_secret(file))


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return a context for the server's side of STARTTLS.  Raises OSError, ssl.SSLError.

    Peers are MTAs that encrypt where they can: no client certificate is asked for, old ones get TLS 1.2.  They keep
    one ticket of a session, the last, so no more than one is made.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 1
    context.load_cert_chain(certificate, key, password="")  # a passphrase is an error, never a prompt
    return context


def certificate_until(certificate: Path, key: Path, *, needs_to_be_good: bool = False) -> datetime:
    """Return when a certificate ends, be it past.  Raises OSError, ssl.SSLError.

    One that ``needs_to_be_good`` now and is over or has not begun raises SSLCertVerificationError.

    Python reads no dates from a file, only from a peer: the certificate is shown to a client that trusts it alone.
    """
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = False
    trusting.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if not needs_to_be_good:
        trusting.verify_flags |= _NO_CHECK_TIME
    trusting.load_verify_locations(certificate)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting.wrap_bio(to_client, to_server)
    server = tls_context(certificate, key).wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    shown = client.getpeercert() or {}
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC)
