"""What doctor says of a certificate."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bounced.config.model import Smtp
from bounced.edges.judge.certificate import examine_certificate
from bounced.edges.judge.finding import Finding, Outcome

NOW = datetime.now(UTC)


def _finding(folder: Path, begins: datetime, ends: datetime) -> Finding:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mx.example.com")])
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody that this machine does not know")])
    builder = x509.CertificateBuilder(authority, name, key.public_key(), x509.random_serial_number(), begins, ends)
    certificate = builder.sign(key, hashes.SHA256())
    (folder / "chain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    encoding, format_ = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(key.private_bytes(encoding, format_, serialization.NoEncryption()))
    (finding,) = examine_certificate(Smtp(tls_certificate=folder / "chain.pem", tls_key=folder / "key.pem"), NOW)
    return finding


@pytest.mark.parametrize(
    ("begins", "ends", "outcome"),
    [
        (-10, 60, Outcome.OK),
        (-80, 5, Outcome.WARNING),
        (-90, -1, Outcome.ERROR),
        (1, 90, Outcome.ERROR),
    ],
)
def test_a_certificate_is_good_for_some_days(tmp_path: Path, begins: int, ends: int, outcome: Outcome) -> None:
    """Good, ending within two weeks, over, not begun; whoever signed it."""
    finding = _finding(tmp_path, NOW + timedelta(days=begins), NOW + timedelta(days=ends))
    assert finding.outcome is outcome
    assert bool(finding.advice) is (outcome is not Outcome.OK)


def test_the_day_of_its_end_is_said(tmp_path: Path) -> None:
    """The date stands in the finding."""
    ends = NOW + timedelta(days=60)
    assert f"{ends:%Y-%m-%d}" in _finding(tmp_path, NOW - timedelta(days=1), ends).text


def test_no_certificate_is_no_error() -> None:
    """STARTTLS is not offered: skipped, with how to have it."""
    (finding,) = examine_certificate(Smtp(), NOW)
    assert finding.outcome is Outcome.SKIPPED
