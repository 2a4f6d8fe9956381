"""A stand-in for Amazon on loopback: an authority, the certificate with which SNS signs, and the hosts that have it."""

import asyncio
import json
import ssl
import tempfile
from base64 import b64encode
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpcore
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
TOPIC = "arn:aws:sns:eu-west-1:123456789012:bounces"
HOST = "sns.eu-west-1.amazonaws.com"
CERTIFICATE = f"https://{HOST}/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
ISSUER = "http://crt.r2m01.amazontrust.com/r2m01.cer"
TOKEN = "2336412f37fb687f5d51e6e241d09c805a5a57b30d712f794cc5f6a988666d92"
SUBSCRIBE = f"https://{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token={TOKEN}"

_FOR_EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
Private = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@cache
def signing_key() -> rsa.RSAPrivateKey:
    """Return the key with which SNS signs."""
    return rsa.generate_private_key(65537, 2048)


@dataclass(frozen=True, slots=True)
class Authority:
    """Somebody who issues certificates."""

    name: str
    key: Private = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    issuer: "Authority | None" = None

    @property
    def certificate(self) -> x509.Certificate:
        """Return its own."""
        return (self.issuer or self).issue(self.name, self.key, is_authority=True)

    def issue(
        self,
        name: str,
        key: Private,
        hosts: Iterable[str] = (),
        *,
        is_authority: bool = False,
        told_issuer: str = "",
        valid: tuple[datetime, datetime] = _FOR_EVER,
    ) -> x509.Certificate:
        """Return a certificate of somebody."""
        told, own = key.public_key(), self.key.public_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(_named(name))
            .issuer_name(_named(self.name))
            .public_key(told)
            .serial_number(1000 + len(name))
            .not_valid_before(valid[0])
            .not_valid_after(valid[1])
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(told), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(own), critical=False)
            .add_extension(_usage(is_authority=is_authority), critical=True)
        )
        if hosts:
            names = x509.SubjectAlternativeName([x509.DNSName(each) for each in hosts])
            builder = builder.add_extension(names, critical=False)
        if told_issuer:
            at = x509.UniformResourceIdentifier(told_issuer)
            told_at = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, at)
            builder = builder.add_extension(x509.AuthorityInformationAccess([told_at]), critical=False)
        return builder.sign(self.key, SHA256())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    others = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only"), False
    )
    return x509.KeyUsage(
        digital_signature=True, key_cert_sign=is_authority, crl_sign=is_authority, decipher_only=False, **others
    )


class Amazon:
    """The hosts of Amazon as one server: ``documents`` by URL, ``fetched`` has what was asked for."""

    def __init__(self) -> None:
        self.root = Authority("Amazon Root CA")
        self.middle = Authority("Amazon RSA 2048 M01", issuer=self.root)
        self.documents: dict[str, bytes | int] = {
            CERTIFICATE: pem(self.signing(["sns.amazonaws.com"])),
            ISSUER: self.middle.certificate.public_bytes(Encoding.DER),
            SUBSCRIBE: b"<ConfirmSubscriptionResponse/>",
        }
        self.fetched: list[str] = []
        self.go_on = asyncio.Event()
        self.go_on.set()
        self._asked = asyncio.Condition()
        self.ports: dict[int, int] = {}
        self.hosts = [HOST, "sns.cn-north-1.amazonaws.com.cn"]

    async def asked(self, times: int) -> None:
        """Wait until so much was asked for."""
        async with self._asked:
            await self._asked.wait_for(lambda: len(self.fetched) >= times)

    def signing(self, hosts: Iterable[str], **more: Any) -> x509.Certificate:
        """Return a certificate for the key with which SNS signs."""
        return self.middle.issue("SNS", signing_key(), hosts, **{"told_issuer": ISSUER, **more})

    @property
    def tls(self) -> ssl.SSLContext:
        """What trusts this Amazon's authority only."""
        return ssl.create_default_context(cadata=pem(self.root.certificate).decode())

    @property
    def network(self) -> httpcore.AsyncNetworkBackend:
        """What reaches the server by the names of its hosts."""
        return _Loopback(self.ports)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Amazon"]:
        """Serve https and http."""
        secure = await asyncio.start_server(self._https, "127.0.0.1", 0, ssl=self._server_tls())
        plain = await asyncio.start_server(self._http, "127.0.0.1", 0)
        async with secure, plain:
            self.ports = {443: secure.sockets[0].getsockname()[1], 80: plain.sockets[0].getsockname()[1]}
            yield self

    def _server_tls(self) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        chain = pem(self.middle.issue("hosts", key, self.hosts)) + pem(self.middle.certificate)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "chain.pem"
            file.write_bytes(private + chain)
            context.load_cert_chain(file)
        return context

    async def _https(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._answer("https", reader, writer)

    async def _http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._answer("http", reader, writer)

    async def _answer(self, scheme: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            line, *fields = head.split("\r\n")
            host = next(each[5:].strip() for each in fields if each.lower().startswith("host:"))
            url = f"{scheme}://{host}{line.split(' ')[1]}"
            async with self._asked:
                self.fetched.append(url)
                self._asked.notify_all()
            await self.go_on.wait()
            found = self.documents.get(url, 404)
            status, body = (found, b"") if isinstance(found, int) else (200, found)
            where = f"Location: {CERTIFICATE}\r\n" if status in (301, 302) else ""
            writer.write(f"HTTP/1.1 {status} X\r\n{where}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@dataclass
class _Loopback(httpcore.AsyncNetworkBackend):
    ports: dict[int, int]

    async def connect_tcp(self, host: str, port: int, *args: Any, **more: Any) -> httpcore.AsyncNetworkStream:
        return await httpcore.AnyIOBackend().connect_tcp("127.0.0.1", self.ports[port], *args, **more)


def pem(certificate: x509.Certificate) -> bytes:
    """Return a certificate as a file has it."""
    return certificate.public_bytes(Encoding.PEM)


def posted(
    text: str, *, version: str = "2", at: datetime = NOW, key: rsa.RSAPrivateKey | None = None, **more: Any
) -> bytes:
    """Return a notification of SNS as it is posted; ``more`` are other fields of it, None leaves one out."""
    fields = {"Type": "Notification", "Message": text, **more}
    return _signed(fields, ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"), version, at, key)


def about_subscription(kind: str = "SubscriptionConfirmation", *, at: datetime = NOW, **more: Any) -> bytes:
    """Return what SNS posts when a subscription begins, or has ended."""
    fields = {
        "Type": kind,
        "Message": "You have chosen to subscribe ...",
        "SubscribeURL": SUBSCRIBE,
        "Token": TOKEN,
        **more,
    }
    names = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
    return _signed(fields, names, "1", at, None)


def _signed(
    given: dict[str, Any], names: tuple[str, ...], version: str, at: datetime, key: rsa.RSAPrivateKey | None
) -> bytes:
    stamp = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    base = {
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Timestamp": stamp,
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE,
        "UnsubscribeURL": f"https://{HOST}/?Action=Unsubscribe",
    }
    fields = {name: value for name, value in {**base, **given}.items() if value is not None}
    signed = "".join(f"{name}\n{fields[name]}\n" for name in names if name in fields).encode("utf-8", "surrogatepass")
    hash_ = SHA1() if version == "1" else SHA256()  # noqa: S303 - the first version of SNS
    signature = (key or signing_key()).sign(signed, PKCS1v15(), hash_)
    return json.dumps({"Signature": b64encode(signature).decode(), **fields}).encode()


def days(number: float) -> timedelta:
    """Return so many days."""
    return timedelta(days=number)
