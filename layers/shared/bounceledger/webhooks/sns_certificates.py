"""The certificates with which SNS signs messages.

A message names its certificate by a URL. What authenticates the certificate is where it comes
from: the host of the SNS API in the topic's own region, over TLS, at the path where SNS keeps its
certificates. The file holds a leaf certificate and nothing else, so no chain is verified; its name,
dates and key are checked, as by the AWS SDK for Java 2 ("Verifying the signatures of Amazon SNS
messages"; `CertificateRetriever`).

`cryptography` and urllib3 are loaded by the first message.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from string import digits
from typing import TYPE_CHECKING

from bounceledger.errors import CertificateFetchError, VerificationError
from bounceledger.webhooks.schemes import BAD_SIGNATURE
from bounceledger.webhooks.sns_topics import Topic

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.x509 import Certificate
    from urllib3 import PoolManager

MAX_SIZE = 16_384
"""Bytes of a certificate's file; those of SNS have about 2,000."""
MAX_CERTIFICATES = 16
"""Certificates that an execution environment keeps; a region uses one or two at a time."""
CONNECT_TIMEOUT = 2.0
"""Seconds for a connection to SNS."""
READ_TIMEOUT = 3.0
"""Seconds that SNS may leave a connection silent."""
KEY_SIZES = range(2048, 4097)
"""Bits of an RSA key: a smaller one is weak, a larger one costs time."""

BAD_CERTIFICATE = "bad_certificate"
BAD_CERTIFICATE_URL = "bad_certificate_url"

_PATH = "/SimpleNotificationService-"
_EXTENSION = ".pem"
_HEX = frozenset(digits + "abcdef")
_HEX_LENGTHS = range(32, 65)
"""Digits of a certificate's name: 32 so far, with room for a longer digest."""

_BEGIN = b"-----BEGIN CERTIFICATE-----"
_END = b"-----END CERTIFICATE-----"

_RETRIED = frozenset({408, 425, 429})
"""Statuses below 500 that say nothing about the certificate."""


@dataclass(frozen=True, slots=True)
class SigningCertificate:
    """A certificate of SNS.

    Attributes:
        key: its public key.
        not_before: since when it is valid.
        not_after: until when it is valid.
    """

    key: "RSAPublicKey"
    not_before: datetime
    not_after: datetime

    def verify(self, signature: bytes, signed: bytes, *, version: str) -> None:
        """Check a signature: RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2).

        Args:
            signature: the signature.
            signed: what it must be of.
            version: ``1`` for SHA-1, ``2`` for SHA-256.

        Raises:
            VerificationError: the signature is not that of `signed` by this certificate's key.
        """
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA1, SHA256

        # SHA-1 is what SNS itself uses unless the topic says otherwise.
        algorithm = {"1": SHA1, "2": SHA256}[version]()
        try:
            self.key.verify(signature, signed, PKCS1v15(), algorithm)
        except InvalidSignature:
            raise VerificationError(BAD_SIGNATURE) from None


def fetch_certificate(url: str, *, manager: "PoolManager | None" = None) -> bytes:
    """The file at a URL. No redirect is followed, and the server's certificate is verified.

    Args:
        url: where SNS keeps the certificate.
        manager: urllib3's connections; by default with the certificate authorities that every
            other AWS call trusts, those of botocore.

    Raises:
        CertificateFetchError: the host could not be reached, or gave no usable answer.
        VerificationError: the host has no such file, or it is larger than `MAX_SIZE`.
    """
    import urllib3
    from botocore.httpsession import get_cert_path

    if manager is None:
        manager = urllib3.PoolManager(
            num_pools=1, cert_reqs="CERT_REQUIRED", ca_certs=get_cert_path(True)
        )
    with manager:
        try:
            response = manager.request(
                "GET",
                url,
                redirect=False,
                retries=False,
                timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT, read=READ_TIMEOUT),
                headers={"Accept-Encoding": "identity"},
                preload_content=False,
                decode_content=False,
                enforce_content_length=True,
            )
            content = b""
            with closing(response):
                # One read more than the file needs finds out whether it was cut off.
                while len(content) <= MAX_SIZE and (part := response.read(MAX_SIZE + 1)):
                    content += part
        except urllib3.exceptions.HTTPError as error:
            raise CertificateFetchError(
                f"the signing certificate was not fetched: {type(error).__name__}"
            ) from error
    if 400 <= response.status < 500 and response.status not in _RETRIED:
        raise VerificationError(BAD_CERTIFICATE)
    if response.status != 200:
        raise CertificateFetchError(f"the host of the signing certificate: {response.status}")
    if len(content) > MAX_SIZE:
        raise VerificationError(BAD_CERTIFICATE)
    return content


class Certificates:
    """The certificates of SNS, each fetched once per execution environment.

    Only a certificate that SNS may sign with is kept. A failed fetch is not: the next message
    tries again.

    Args:
        fetch: gets a file by its URL; raises as `fetch_certificate` does.
    """

    def __init__(self, *, fetch: Callable[[str], bytes] = fetch_certificate) -> None:
        self._fetch = fetch
        self._kept: dict[str, SigningCertificate] = {}

    def get(self, topic: Topic, url: str, *, now: datetime) -> SigningCertificate:
        """The certificate of a message.

        Args:
            topic: where the message comes from.
            url: where the message says that its certificate is.
            now: the present, aware.

        Raises:
            CertificateFetchError: as `fetch_certificate`.
            VerificationError: SNS does not keep its certificates for this topic at such a URL, or
                what is there is not a certificate of SNS that is valid now.
        """
        if not _is_certificate_url(url, topic.host):
            raise VerificationError(BAD_CERTIFICATE_URL)
        found = self._kept.get(url)
        if found is None:
            found = _read(self._fetch(url), topic.certificate_names)
            while len(self._kept) >= MAX_CERTIFICATES:
                del self._kept[next(iter(self._kept))]
            self._kept[url] = found
        if not found.not_before <= now <= found.not_after:
            raise VerificationError(BAD_CERTIFICATE)
        return found


def _is_certificate_url(url: str, host: str) -> bool:
    # Compared whole instead of parsed: no two readers of URLs can understand it differently.
    start = f"https://{host}{_PATH}"
    name = url[len(start) : -len(_EXTENSION)]
    return (
        url == f"{start}{name}{_EXTENSION}" and len(name) in _HEX_LENGTHS and _HEX.issuperset(name)
    )


def _read(content: bytes, names: frozenset[str]) -> SigningCertificate:
    """The one certificate of a file, if it may be one of SNS."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.x509 import DuplicateExtension, load_pem_x509_certificate

    file = content.strip()
    try:
        if not (
            file.startswith(_BEGIN)
            and file.endswith(_END)
            and file.count(b"-----BEGIN") == file.count(b"-----END") == 1
        ):
            raise ValueError("not one certificate")
        certificate = load_pem_x509_certificate(file)
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey) or key.key_size not in KEY_SIZES:
            raise ValueError("not a key that SNS signs with")
        if not _is_issued_to(certificate, names):
            raise ValueError("not the name of SNS")
        return SigningCertificate(
            key, certificate.not_valid_before_utc, certificate.not_valid_after_utc
        )
    except (ValueError, UnsupportedAlgorithm, DuplicateExtension):
        raise VerificationError(BAD_CERTIFICATE) from None


def _is_issued_to(certificate: "Certificate", names: frozenset[str]) -> bool:
    """Whether all that a certificate says of its holder is SNS.

    Certificate authorities may leave the common name out (CA/Browser Forum Baseline Requirements,
    7.1.4.3), older ones left out the alternative names.
    """
    from cryptography.x509 import DNSName, ExtensionNotFound, NameOID, SubjectAlternativeName

    common = [
        str(item.value) for item in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    ]
    try:
        extension = certificate.extensions.get_extension_for_class(SubjectAlternativeName)
        alternative = extension.value.get_values_for_type(DNSName)
    except ExtensionNotFound:
        alternative = []
    return (
        len(common) <= 1
        and bool(common or alternative)
        and names.issuperset(common)
        and (not alternative or not names.isdisjoint(alternative))
    )
