"""rediss: the store over TLS, to a server whose certificate an authority vouches for."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from redis.exceptions import ConnectionError as RedisConnectionError

from bounced.core.contract.keys import Keyspace
from bounced.edges.redis import RedisStore, durability
from bounced.edges.redis.connect import Options, Standalone, connections
from bounced.ports import StoreUnavailable
from tests.support.host_names import Known

from .reports import ALICE, count, report


@dataclass(frozen=True)
class Tls:
    """A TLS front of the real server, which speaks none itself."""

    port: int
    authority: Path


@pytest.fixture
async def tls(redis_url: str, tmp_path: Path) -> AsyncIterator[Tls]:
    """Return a front for 127.0.0.1 that hands everything on to the real server."""
    authority = certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(authority)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection(redis_url.removeprefix("unix://"))
        there, back = _copy(reader, far_writer), _copy(far_reader, writer)
        await asyncio.gather(there, back)

    front = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    yield Tls(front.sockets[0].getsockname()[1], authority)
    front.close()
    await front.wait_closed()


async def test_a_commit_goes_over_tls(tls: Tls, keys: Keyspace) -> None:
    """With the authority that the URL names."""
    url = f"rediss://127.0.0.1:{tls.port}/0?ssl_ca_certs={tls.authority}"
    store = RedisStore(connections(url), {"main": keys}, durability("fsync", pytest.fail))
    await store.start()
    assert not (await store.commit(report(), ALICE, count())).duplicate
    assert (await store.load("main", ALICE)).version == 1
    await store.close()


async def test_a_certificate_is_for_the_name_of_the_url(tls: Tls) -> None:
    """TLS asks for the name, and not for the address that was looked up before."""
    for host in ("redis.example", "other.example"):
        found = connections(f"rediss://{host}:{tls.port}/0?ssl_ca_certs={tls.authority}")
        assert isinstance(found, Standalone)
        options = Options(found.options.kind, found.options.arguments, Known("127.0.0.1"))
        if host == "redis.example":
            await (await options.open()).disconnect(nowait=True)
        else:
            with pytest.raises(RedisConnectionError, match=f"not valid for '{host}'"):
                await options.open()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_nobody_unknown_is_told_anything(tls: Tls, keys: Keyspace, host: str) -> None:
    """Neither a certificate for another name, nor one whose authority nobody knows."""
    trusted = f"?ssl_ca_certs={tls.authority}" if host == "localhost" else ""
    store = RedisStore(
        connections(f"rediss://{host}:{tls.port}/0{trusted}"), {"main": keys}, durability("memory", pytest.fail)
    )
    await store.start()
    with pytest.raises(StoreUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
        await store.commit(report(), ALICE, count())
    await store.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while octets := await reader.read(65536):
            writer.write(octets)
            await writer.drain()
    writer.close()


def certificate(folder: Path) -> Path:
    """Return a file with a key and a certificate for 127.0.0.1 and redis.example that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "redis")])
    now = datetime.now(UTC)
    names = [x509.IPAddress(IPv4Address("127.0.0.1")), x509.DNSName("redis.example")]
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now - timedelta(days=1), now + timedelta(days=1)
    ).add_extension(x509.SubjectAlternativeName(names), critical=False)
    certificate = builder.sign(key, hashes.SHA256())
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path = folder / "redis.pem"
    path.write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()) + certificate.public_bytes(pem))
    return path
