"""The certificate that STARTTLS offers: how long it is good for."""

import ssl
from collections.abc import Iterator
from datetime import datetime

from bounced.config.files import certificate_until
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
        until = certificate_until(smtp.tls_certificate, smtp.tls_key, needs_to_be_good=True)
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


def ends_at(smtp: Smtp) -> datetime | None:
    """Return when the certificate ends, be it past; None where there is none, or none that says when."""
    if smtp.tls_certificate is None or smtp.tls_key is None:
        return None
    try:
        return certificate_until(smtp.tls_certificate, smtp.tls_key)
    except OSError:  # ssl.SSLError is one too
        return None
