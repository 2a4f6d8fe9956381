"""Certificates with which SNS signs: fetched, checked, and kept while they are good."""

import asyncio
import re
import ssl
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import AuthorityInformationAccessOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from bounced.core.exchange.hooks.topic import Topic
from bounced.web.hooks.fetching import Fetch, NotFetched, deferred
from bounced.web.hooks.proof import NotProven
from bounced.web.problems import not_available

MAX_KEPT = 16
MAX_AT_ONCE = 4
"""Certificates that are fetched at once: names of them can be invented."""
_ISSUER = re.compile(r"http://crt\.[a-z0-9]{1,16}\.amazontrust\.com/[a-z0-9]{1,16}\.cer")
"""Where Amazon keeps the certificates of its authorities.  What is signed needs no https."""
_HASHED = re.compile(r"[0-9a-f]{8}\.[0-9]+")
"""How OpenSSL names the files of a folder of authorities."""

_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)

Roots = Callable[[], Sequence[x509.Certificate]]


@dataclass(frozen=True, slots=True)
class _Kept:
    key: RSAPublicKey
    since: datetime
    until: datetime


class Certificates:
    """The keys of SNS by the URL of their certificates."""

    def __init__(self, fetch: Fetch, roots: Roots) -> None:
        self._fetch = fetch
        self._roots = roots
        self._kept: dict[str, _Kept] = {}
        self._coming: dict[str, asyncio.Task[_Kept]] = {}

    async def key(self, url: str, topic: Topic, now: datetime) -> RSAPublicKey:
        """Return the key of a certificate of a topic's region.

        Raises NotProven for a certificate that is none of SNS, and Problem with 503 where it cannot be had now.
        """
        kept = self._kept.get(url)
        if kept is None or not kept.since <= now <= kept.until:
            kept = await asyncio.shield(self._task(url, topic, now))
        return kept.key

    def _task(self, url: str, topic: Topic, now: datetime) -> asyncio.Task[_Kept]:
        """Return what fetches a certificate, once for all who wait for it and whoever of them leaves."""
        if url not in self._coming:
            if len(self._coming) >= MAX_AT_ONCE:
                raise not_available("Too many certificates are being fetched.", retry_after_s=1)
            task = self._coming[url] = asyncio.create_task(self._fetched(url, topic, now))
            task.add_done_callback(partial(self._end, url))
        return self._coming[url]

    def _end(self, url: str, task: asyncio.Task[_Kept]) -> None:
        del self._coming[url]
        if task.cancelled() or task.exception() is not None:
            return
        self._kept[url] = task.result()
        if len(self._kept) > MAX_KEPT:
            del self._kept[next(iter(self._kept))]

    async def _fetched(self, url: str, topic: Topic, now: datetime) -> _Kept:
        leaf, *further = _read(await self._get(url))
        roots = await asyncio.to_thread(self._roots)
        try:
            if not any(leaf.issuer == each.subject for each in (*further, *roots)):
                further.extend(await self._issuer(leaf))
            return _checked(leaf, further, roots, topic, now)
        except (VerificationError, UnsupportedAlgorithm, ValueError) as error:  # ValueError: what cannot be read of it
            raise deferred(url, NotFetched(f"no authority of this machine vouches for it: {error}")) from error

    async def _issuer(self, leaf: x509.Certificate) -> Sequence[x509.Certificate]:
        """Return the certificate of the authority that issued one, if Amazon has it: SNS gives its own alone."""
        for url in filter(_ISSUER.fullmatch, _issuers(leaf)):
            try:
                return [x509.load_der_x509_certificate(await self._fetch(url))]
            except NotFetched as error:
                raise deferred(url, error) from error
            except ValueError:
                break
        return []

    async def _get(self, url: str) -> bytes:
        try:
            return await self._fetch(url)
        except NotFetched as error:
            if error.for_good:
                raise NotProven("no_certificate") from error
            raise deferred(url, error) from error


def _read(octets: bytes) -> Sequence[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(octets)
    except ValueError:
        raise NotProven("bad_certificate") from None


def _issuers(leaf: x509.Certificate) -> Iterator[str]:
    """Give the URLs at which a certificate says that its issuer's stands.  (RFC 5280 section 4.2.2.1)"""
    try:
        told = leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, ValueError):
        return
    for each in told:
        if each.access_method == AuthorityInformationAccessOID.CA_ISSUERS:
            yield str(each.access_location.value)


def _checked(
    leaf: x509.Certificate,
    further: Sequence[x509.Certificate],
    roots: Sequence[x509.Certificate],
    topic: Topic,
    now: datetime,
) -> _Kept:
    """Return the key of a certificate that is issued to SNS by a trusted authority.

    Raises NotProven where it is another's.  Raises VerificationError where nobody vouches for it: it stands where only
    SNS can put it, so the authorities or the clock of this machine may be wrong.
    """
    name = next((each for each in _names(leaf) if each in topic.names), None)
    key = leaf.public_key()
    if name is None or not isinstance(key, RSAPublicKey):
        raise NotProven("bad_certificate")
    at = now.astimezone(UTC).replace(tzinfo=None)
    verifier = PolicyBuilder().store(Store(list(roots))).time(at).build_server_verifier(x509.DNSName(name))
    verifier.verify(leaf, list(further))
    return _Kept(key, leaf.not_valid_before_utc, leaf.not_valid_after_utc)


def _names(leaf: x509.Certificate) -> Sequence[str]:
    try:
        told = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return told.get_values_for_type(x509.DNSName)
    except (x509.ExtensionNotFound, ValueError):
        return ()


def system_roots() -> Sequence[x509.Certificate]:
    """Return the authorities that this system trusts, from where OpenSSL looks for them."""
    paths = ssl.get_default_verify_paths()
    files = [Path(paths.cafile)] if paths.cafile else []
    if paths.capath:
        files += [each for each in Path(paths.capath).iterdir() if _HASHED.fullmatch(each.name)]
    return list(dict.fromkeys(each for file in files for each in _authorities(file)))


def _authorities(file: Path) -> Iterator[x509.Certificate]:
    """Give the authorities in a file, each read alone: one that cannot be read vouches for nobody."""
    try:
        blocks = _BLOCK.findall(file.read_bytes())
    except OSError:
        return
    for block in blocks:
        try:
            with warnings.catch_warnings(action="ignore", category=CryptographyDeprecationWarning):
                yield x509.load_pem_x509_certificate(block)
        except ValueError:
            continue
