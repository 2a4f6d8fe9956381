"""The certificate that STARTTLS offers: how long it is good for."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bounced.config.files import tls_context
from bounced.config.model import Smtp
from bounced.edges.judge.finding import Finding, error, ok, skipped, warning

SUBJECT = "certificate"
SOON_DAYS = 14
_EXPIRED, _NOT_YET = 10, 9  # X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_CERT_NOT_YET_VALID


def examine_certificate(smtp: Smtp, now: datetime) -> Iterator[Finding]:
    """Yield how the certificate is.  One that cannot be loaded is reported with the configuration."""
    if smtp.tls_certificate is None or smtp.tls_key is None:
        yield skipped(SUBJECT, "none: STARTTLS is not offered", "Set smtp.tls_certificate and smtp.tls_key.")
        return
    try:
        until = valid_until(smtp.tls_certificate, smtp.tls_key)
    except ssl.SSLCertVerificationError as refused:
        if refused.verify_code not in (_EXPIRED, _NOT_YET):
            yield skipped(SUBJECT, f"its dates could not be read: {refused.verify_message}")
            return
        yield error(SUBJECT, refused.verify_message, "Renew it, then: systemctl reload bounced")
        return
    except OSError:
        return
    days = (until - now).days
    if days < SOON_DAYS:
        yield warning(
            SUBJECT, f"expires in {days} days, on {until:%Y-%m-%d}", "Renew it, then: systemctl reload bounced"
        )
    else:
        yield ok(SUBJECT, f"good until {until:%Y-%m-%d}")


def valid_until(certificate: Path, key: Path) -> datetime:
    """Return when a certificate ends.  Raises OSError, ssl.SSLError; SSLCertVerificationError where it is not good now.

    Python reads no dates from a file, only from a peer: the certificate is shown to a client that trusts it alone.
    """
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = False
    trusting.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
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
